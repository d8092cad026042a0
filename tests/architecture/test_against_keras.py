"""Whole networks: names, shapes and parameters of every layer equal those of the Keras model."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnlab.config.experiment import ExperimentConfig, load_config, shipped_configs
from cnnlab.errors import ShapeError

SHIPPED = sorted(path.stem for path in shipped_configs().glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_configs(name, keras_model, keras_rows):
    config = load_config(name)
    architecture, model = config.architecture, keras_model(config)
    assert keras_rows(model, architecture) == [
        (row.name, row.output_shape, row.params) for row in architecture.rows
    ]
    assert architecture.total_params == model.count_params()
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert architecture.trainable_params == trainable


PAIRS = st.integers(1, 3)
PADDINGS = st.sampled_from(["valid", "same"])
IMAGE_LAYERS = st.one_of(
    st.builds(
        lambda **fields: {"Conv2D": fields},
        filters=st.integers(1, 4).map(lambda half: 2 * half),
        kernel_size=PAIRS,
        strides=st.integers(1, 2),
        padding=PADDINGS,
        groups=st.integers(1, 2),
        use_bias=st.booleans(),
        activation=st.sampled_from([None, "relu"]),
    ),
    st.builds(lambda **fields: {"MaxPooling2D": fields}, pool_size=PAIRS, padding=PADDINGS),
    st.builds(
        lambda **fields: {"AveragePooling2D": fields}, pool_size=PAIRS, strides=PAIRS, padding=PADDINGS
    ),
    st.sampled_from(
        ["BatchNormalization", {"Activation": {"activation": "tanh"}}, {"Dropout": {"rate": 0.5}}]
    ),
)
ROW_LAYERS = st.one_of(
    st.builds(lambda units: {"Dense": {"units": units}}, st.integers(1, 9)),
    st.sampled_from(
        ["BatchNormalization", {"Activation": {"activation": "softmax"}}, {"Dropout": {"rate": 0.1}}]
    ),
)


STACKS = st.tuples(
    st.tuples(st.integers(4, 20), st.integers(4, 20), st.sampled_from([1, 2, 3, 4])),
    st.lists(IMAGE_LAYERS, min_size=1, max_size=6),
    st.lists(ROW_LAYERS, max_size=3),
)


@settings(max_examples=100)
@given(stack=STACKS)
def test_random_stacks(stack, keras_model, keras_rows):
    compare(stack, keras_model, keras_rows)


@pytest.mark.slow
@settings(max_examples=1000)
@given(stack=STACKS)
def test_a_thousand_random_stacks(stack, keras_model, keras_rows):
    compare(stack, keras_model, keras_rows)


def compare(stack, keras_model, keras_rows):
    """Names, shapes and parameters of a random stack, ours against Keras's."""
    image_shape, on_images, on_rows = stack
    layers = [*on_images, "Flatten", *on_rows]
    while True:  # what does not fit is left out, so that most stacks can be built
        config = ExperimentConfig.model_validate(
            {"name": "stack", "model": {"input_shape": image_shape, "layers": layers}}
        )
        try:
            architecture = config.architecture
            break
        except ShapeError as error:
            layers = [each for index, each in enumerate(layers) if index != error.node.where[-1]]
    assert keras_rows(keras_model(config), architecture) == [
        (row.name, row.output_shape, row.params) for row in architecture.rows
    ]
