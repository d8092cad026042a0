"""Models that plain Keras made: layers of every spelling, models inside models, layers called twice."""

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

from cnnlab.analyses.embedding import last_hidden_layer
from cnnlab.analyses.features import features
from cnnlab.analyses.filters import kernels_of
from cnnlab.analyses.flattening import flattened
from cnnlab.analyses.grad_cam import grad_cam
from cnnlab.analyses.maximization import Ascent, maximize
from cnnlab.analyses.network import (
    inner_layers,
    last_convolution,
    load_model,
    logits_of,
    maps_of,
    predict,
    probabilities_of,
    summary_name,
)
from cnnlab.analyses.saliency import saliency
from cnnlab.errors import UserError
from cnnlab.gradients import differentiated

IMAGE = (12, 12, 3)


def relu_layers():
    """Scaling inside, ReLU as a layer of either kind, scores at the end."""
    return keras.Sequential(
        [
            layers.Input(IMAGE), layers.Rescaling(2.0, offset=-1.0), layers.Conv2D(4, 3), layers.ReLU(),
            layers.MaxPooling2D(), layers.Conv2D(5, 3), layers.Activation("relu"),
            layers.GlobalAveragePooling2D(), layers.Dense(3),
        ],
        name="ends_in_scores",
    )  # fmt: skip


def nested():
    """A model in a model in a model, and a Sequential as head."""
    inner = keras.Sequential(
        [layers.Input(IMAGE), layers.Conv2D(4, 3, activation="relu", name="conv")], name="inner"
    )
    image = keras.Input(IMAGE)
    middle = keras.Model(image, layers.MaxPooling2D(name="pool")(inner(image)), name="middle")
    answer = [layers.Flatten(name="flat"), layers.Dense(3, activation="softmax", name="answer")]
    head = keras.Sequential(answer, name="head")
    return keras.Sequential([layers.Input(IMAGE), middle, layers.Conv2D(5, 3, name="conv"), head])


def shared():
    """One convolution called twice; a softmax and ReLUs that are operations, not layers."""
    convolution = layers.Conv2D(3, 3, padding="same", name="conv")
    image = keras.Input(IMAGE)
    once = keras.ops.relu(convolution(image))
    twice = keras.ops.relu(convolution(once)) + once
    return keras.Model(image, keras.ops.softmax(layers.Dense(3)(layers.Flatten()(twice))))


def separable():
    """Convolutions that are no Conv2D."""
    return keras.Sequential(
        [
            layers.Input(IMAGE), layers.SeparableConv2D(4, 3), layers.BatchNormalization(), layers.ReLU(6.0),
            layers.DepthwiseConv2D(3, depth_multiplier=2), layers.Flatten(), layers.Dense(3),
            layers.Softmax(),
        ]
    )  # fmt: skip


def mobilenet():
    return keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3), classes=3, alpha=0.35)


MODELS = {each.__name__: each for each in (relu_layers, nested, shared, separable, mobilenet)}


@pytest.fixture(scope="module", params=MODELS)
def foreign(request, tmp_path_factory, backend):
    """The model as Keras has it, as the techniques see it after it was saved, and images."""
    keras.utils.set_random_seed(11)
    model = MODELS[request.param]()
    generator = np.random.default_rng(5)
    if request.param != "mobilenet":  # whose answers would grow from layer to layer
        model.set_weights([each + generator.uniform(0, 0.1, each.shape) for each in model.get_weights()])
    path = tmp_path_factory.mktemp("foreign") / f"{request.param}.keras"
    model.save(path)
    return model, load_model(path), generator.random((3, *model.input_shape[1:])).astype(np.float32)


def test_the_flat_network_is_the_same_function(foreign):
    model, flat, images = foreign
    answers, probabilities = predict(model, images), predict(probabilities_of(flat), images)
    assert not [layer for layer in flat.layers if isinstance(layer, keras.Model)]
    assert_allclose(predict(flat, images), answers, atol=1e-6)
    powers = np.exp(predict(logits_of(flat), images))
    assert_allclose(probabilities, powers / powers.sum(axis=1, keepdims=True), rtol=1e-4)
    ends_in_scores = model.name == "ends_in_scores"
    assert_allclose(np.log(powers) if ends_in_scores else probabilities, answers, rtol=1e-4, atol=1e-6)


def test_gradients_are_those_of_the_model_as_it_is(foreign):
    """Keras's own gradient of the log probability of a class, plus what the softmax takes away."""
    model, flat, images = foreign
    classes = np.array([0, 1, 2])
    ends_in_scores = model.name == "ends_in_scores"

    def log_odds(x, unit):  # of the class against the first one: the same before and after the softmax
        answers = model(x, training=False)
        answers = answers if ends_in_scores else keras.ops.log(answers)
        return keras.ops.take_along_axis(answers, unit[:, None], axis=1)[:, 0] - answers[:, 0]

    _, wanted = differentiated(log_odds)(images, classes.astype(np.int32))
    scores = logits_of(flat)
    _, found = differentiated(
        lambda x, unit: keras.ops.take_along_axis(scores(x), unit[:, None], axis=1)[:, 0] - scores(x)[:, 0]
    )(images, classes.astype(np.int32))
    assert_allclose(found, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())
    assert wanted[1:].any()


def test_every_technique_finds_its_layers(foreign):
    _, flat, images = foreign
    layer = summary_name(last_convolution(flat))
    assert saliency(flat, images, np.array([0, 1, 2])).shape == images.shape[:3]
    cams = grad_cam(flat, images, np.array([0, 1, 2]), layer=layer)
    assert cams.shape[1:] == maps_of(flat, layer).output.shape[1:3]
    found = maximize(flat, np.arange(2), layer=layer, ascent=Ascent(steps=3), rng=np.random.default_rng(0))
    assert np.isfinite(found.values).all()
    assert features(flat, images)[0][-1].layer == summary_name(inner_layers(flat)[-1])
    assert maps_of(flat, last_hidden_layer(flat)).output.shape[0] is None


def test_names_of_layers_within_models_and_of_second_calls():
    within, twice = (
        [summary_name(each) for each in inner_layers(flattened(make()))] for make in (nested, shared)
    )
    assert within == ["middle/inner/conv", "middle/pool", "conv", "head/flat", "head/answer"]
    assert twice[:2] == ["conv", "conv_call2"]


def test_kernels_of_convolutions_that_are_no_conv2d(rng):
    """Depthwise: each map is one kernel on one channel. Transposed: kernel and channels change places."""
    image = keras.Input((5, 5, 2))
    depthwise = layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False, name="depthwise")
    transposed = layers.Conv2DTranspose(3, 2, use_bias=False, name="transposed")
    model = keras.Model(image, transposed(depthwise(image)))
    pulse = np.zeros((2, 5, 5, 2), np.float32)
    pulse[0, 2, 2, 0] = pulse[1, 2, 2, 1] = 1
    kernels, answers = kernels_of(model, "depthwise"), predict(maps_of(model, "depthwise"), pulse)
    assert kernels.shape == (4, 3, 3, 1)
    for unit in range(4):  # a pulse draws the kernel, turned by half a turn
        assert_allclose(answers[unit // 2, ::-1, ::-1, unit], kernels[unit, ..., 0], atol=1e-6)
    assert_array_equal(kernels_of(model, "transposed"), transposed.get_weights()[0].transpose(2, 0, 1, 3))


def sigmoid():
    return keras.Sequential(
        [layers.Input(IMAGE), layers.Flatten(), layers.Dense(3, activation="sigmoid")], name="m"
    )


def one_output():
    return keras.Sequential([layers.Input(IMAGE), layers.Flatten(), layers.Dense(1)], name="m")


def rows_not_images():
    return keras.Sequential([layers.Input((5,)), layers.Dense(3)], name="m")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (sigmoid, "ends in sigmoid; expected softmax, or scores without an activation"),
        (
            one_output,
            "expected a functional or sequential network with one image as input and one score for each of "
            "two or more classes",
        ),
        (
            rows_not_images,
            "expected a functional or sequential network with one image as input and one score for each of "
            "two or more classes",
        ),
    ],
    ids=["sigmoid", "one output", "rows"],
)
def test_what_cannot_be_explained(tmp_path, make, message):
    path = tmp_path / "model.keras"
    make().save(path)
    with pytest.raises(UserError) as error:
        load_model(path)
    assert str(error.value) == f"{path}: {message}"


def test_code_inside_a_file_is_not_run(tmp_path):
    path = tmp_path / "model.keras"
    keras.Sequential(
        [layers.Input(IMAGE), layers.Lambda(lambda x: 2 * x), layers.Flatten(), layers.Dense(3)]
    ).save(path)
    with pytest.raises(UserError, match="not a model that Keras can read"):
        load_model(path)
