"""Each layer's arithmetic is Keras's own, for random fields and input shapes."""

import inspect
from typing import Annotated, Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from cnnlab.errors import ShapeError
from cnnlab.layers import LAYERS
from cnnlab.layers.base import Layer
from cnnlab.layers.graph import Block

SIMPLE = [kind for kind, layer in LAYERS.items() if not issubclass(layer, Block)]

KERAS_REFUSES = (TypeError, ValueError, IndexError)

STRICTER = {
    "Grayscale": "three channels are red, green and blue; Keras has no such layer",
    "LayerNormalization": "Keras takes the batch axis, whose size it does not know",
    "LocallyConnected2D": "Keras 3 has no such layer",
    "RandomCrop": "a piece larger than the image is a resized image in Keras",
    "Softmax": "Keras finds out when the layer runs that there is no such axis",
}
"""Layers that refuse on purpose what Keras would build, and why."""


def keras_weights(layer: Any) -> list[tuple[str, tuple[int, ...], bool]]:
    return [(weight.name, tuple(weight.shape), weight.trainable) for weight in layer.weights]


def as_read(layer: type[Layer], name: str, value: Any) -> Any:
    """A field's value as the layer keeps it: ((1, 1), (1, 1)) where Keras says (1, 1)."""
    adapter = TypeAdapter(
        Annotated[layer.model_fields[name].annotation, None, *layer.model_fields[name].metadata]
    )
    return adapter.validate_python(value)


def test_every_layer_has_examples(examples):
    assert set(examples) == set(SIMPLE)


@pytest.mark.parametrize("kind", SIMPLE)
@settings(max_examples=50)
@given(data=st.data())
def test_shapes_and_weights_are_those_that_keras_builds(kind, examples, backend, data):
    import keras

    fields, shape = data.draw(examples[kind])
    try:
        ours = LAYERS[kind].model_validate(fields)
    except ValidationError:
        event("refused fields")
        if kind in STRICTER:
            return
        with pytest.raises(KERAS_REFUSES):
            getattr(keras.layers, kind)(**fields)
        return
    layer = ours.build("layer")
    try:
        output_shape = ours.output_shape(shape)
    except ShapeError:
        event("refused shape")
        if kind not in STRICTER:
            with pytest.raises(KERAS_REFUSES):
                layer(keras.Input(shape))
        return
    output = layer(keras.Input(shape))
    assert output_shape == tuple(output.shape[1:])
    weights = ours.weights(shape)
    assert [tuple(weight) for weight in weights] == keras_weights(layer)
    assert sum(weight.size for weight in weights) == layer.count_params()


OWN_DEFAULTS = {("RandomErasing", "value_range")}
"""Keras takes images of [0, 255] for granted there; here they are in [0, 1]."""


@pytest.mark.parametrize("kind", SIMPLE)
def test_defaults_are_keras_defaults(kind, backend):
    import keras

    theirs = getattr(keras.layers, kind, None)
    if theirs is None:
        pytest.skip("not Keras's")
    parameters = inspect.signature(theirs.__init__).parameters
    for name, field in LAYERS[kind].model_fields.items():
        if name == "name" or (kind, name) in OWN_DEFAULTS:
            continue
        assert name in parameters, name
        default = parameters[name].default
        if name == "data_format":  # None there: what keras.json says, channels_last unless it was changed
            assert (default, field.default) == (None, "channels_last")
        elif default is inspect.Parameter.empty:
            # AveragePooling2D alone has no pool_size of its own in Keras; here it has MaxPooling2D's.
            assert field.is_required() or (kind, name) == ("AveragePooling2D", "pool_size")
        else:
            default = default.lower() if isinstance(default, str) else default  # PReLU's "Zeros"
            assert field.default in (default, as_read(LAYERS[kind], name, default)), name


@pytest.mark.parametrize("kind", SIMPLE)
@settings(max_examples=20)
@given(data=st.data())
def test_a_layer_is_read_back_from_what_it_is_written_as(kind, examples, data):
    from cnnlab.layers.serialization import read_layer, write_layer

    fields, _ = data.draw(examples[kind])
    try:
        layer = LAYERS[kind].model_validate(fields)
    except ValidationError:
        return
    assert read_layer(write_layer(layer)) == layer
    assert isinstance(layer, Layer)
