import keras
import numpy as np
import pytest

SIZE = 8
CLASSES = 3


@pytest.fixture(autouse=True)
def started(backend):
    """Every test here runs on the session's backend, which is deterministic."""


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def linear_model():
    """Dense on a flattened image: score k is the sum of image · weights[..., k]."""

    def build(weights, *, softmax=True):
        *shape, classes = weights.shape
        image = keras.Input(tuple(shape))
        scores = keras.layers.Dense(classes, activation="softmax" if softmax else None)
        model = keras.Model(image, scores(keras.layers.Flatten()(image)))
        scores.set_weights([weights.reshape(-1, classes), np.zeros(classes)])
        return model

    return build


@pytest.fixture
def small_network():
    """A network with two convolutions, in every shape that the techniques must cope with."""

    def build(kind="plain", *, activation="relu"):
        keras.utils.set_random_seed(3)
        first = kind == "channels_first"
        data_format = "channels_first" if first else "channels_last"
        policy = kind if kind.startswith("mixed") else "float32"
        common = {"data_format": data_format, "dtype": policy}
        image = keras.Input((2, SIZE, SIZE) if first else (SIZE, SIZE, 2), name="image")
        conv = keras.layers.Conv2D(4, 3, activation=activation, name="conv2d_1", **common)
        x = conv(image)
        x = keras.layers.MaxPooling2D(2, name="max_pooling2d_1", **common)(x)
        branch = keras.layers.Conv2D(
            4, 3, padding="same", activation=activation, name="residual_1>conv2d_1", **common
        )(x)
        x = keras.layers.Add(name="add_1")([x, branch]) if kind == "branches" else branch
        x = keras.layers.Flatten(name="flatten_1", **common)(x)
        if kind == "separate softmax":
            x = keras.layers.Dense(CLASSES, name="dense_1")(x)
            x = keras.layers.Activation("softmax", name="activation_1")(x)
        elif kind == "logits":
            x = keras.layers.Dense(CLASSES, name="dense_1")(x)
        else:
            x = keras.layers.Dense(CLASSES, activation="softmax", name="dense_1", dtype="float32")(x)
        model = keras.Model(image, x, name=kind.replace(" ", "_"))
        generator = np.random.default_rng(5)
        model.set_weights(
            [generator.normal(0, 0.4, each.shape).astype(np.float32) for each in model.get_weights()]
        )
        return model

    return build


KINDS = [
    "plain", "channels_first", "branches", "separate softmax", "logits", "mixed_float16",
]  # fmt: skip


@pytest.fixture(params=KINDS)
def any_network(request, small_network):
    return small_network(request.param)


@pytest.fixture
def images_for(rng):
    def make(model, count=4):
        return rng.random((count, *model.input.shape[1:])).astype(np.float32)

    return make
