import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cnnlab.analyses.deconvnet import project_back
from cnnlab.analyses.examples import strongest_examples
from cnnlab.analyses.network import logits_of, maps_of, predict
from cnnlab.errors import UserError
from cnnlab.gradients import differentiated


def test_the_strongest_images_and_their_places(any_network, images_for):
    images = images_for(any_network, 20)
    found = strongest_examples(any_network, images, layer="conv2d_1", count=5)
    maps = predict(maps_of(any_network, "conv2d_1"), images)  # (20, 6, 6, 4)
    assert found.indices.shape == (4, 5)
    for unit in range(4):
        peaks = maps[..., unit].max(axis=(1, 2))
        assert_allclose(found.values[unit], np.sort(peaks)[::-1][:5])
        for index, value, (row, column) in zip(
            found.indices[unit], found.values[unit], found.positions[unit], strict=True
        ):
            assert maps[index, row, column, unit] == value


@pytest.mark.parametrize("kind", ["plain", "logits"])
def test_neurons_have_no_place(small_network, images_for, kind):
    """Classes go by the score before the softmax, which tells two probabilities of 1 apart."""
    model = small_network(kind)
    images = images_for(model, 6)
    found = strongest_examples(model, images, layer="dense_1", count=9)
    scores = predict(logits_of(model), images)[:, 1]
    assert_array_equal(found.indices[1], np.argsort(-scores))
    assert_allclose(found.values[1], np.sort(scores)[::-1], rtol=1e-5)
    assert not found.positions.any()


def test_an_image_that_leaves_a_unit_silent_is_no_example():
    image = keras.Input((2, 2, 1))
    answers = keras.layers.Conv2D(3, 1, activation="relu", name="relus")(image)
    model = keras.Model(image, answers)
    model.set_weights([np.array([1.0, -1.0, 0.0]).reshape(1, 1, 1, 3), np.array([-0.5, 0.1, 0.0])])
    images = np.zeros((4, 2, 2, 1), np.float32)
    images[2, 1, 0] = 1
    images[3] = 0.2
    found = strongest_examples(model, images, layer="relus", count=3)
    assert found.indices.tolist() == [[2, -1, -1], [0, 1, 2], [-1, -1, -1]]
    assert_allclose(found.values, [[0.5, 0, 0], [0.1, 0.1, 0.1], [0, 0, 0]])
    assert found.positions[0].tolist() == [[1, 0], [0, 0], [0, 0]]


@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_of_a_linear_network_it_is_the_transpose(rng, rule):
    """Without ReLUs nothing is held back: the activation times the row of the matrix behind it."""
    image = keras.Input((7, 7, 2))
    layers = [
        keras.layers.Conv2D(3, 3, name="a"),
        keras.layers.AveragePooling2D(2),
        keras.layers.Conv2D(4, 2, name="b"),
    ]
    x = image
    for layer in layers:
        x = layer(x)
    model = keras.Model(image, x)
    basis = np.eye(7 * 7 * 2, dtype=np.float32).reshape(-1, 7, 7, 2)
    offset = predict(model, np.zeros((1, 7, 7, 2), np.float32))
    matrix = (predict(model, basis) - offset).reshape(98, -1)  # (pixels, outputs)

    images = rng.random((3, 7, 7, 2)).astype(np.float32)
    positions, units = np.array([[0, 0], [0, 0], [0, 0]]), np.array([3, 0, 1])
    found = project_back(model, images, layer="b", units=units, positions=positions, rule=rule)
    activation = predict(model, images)[range(3), 0, 0, units]
    wanted = activation[:, None] * matrix.T[units]
    assert_allclose(found.reshape(3, -1), wanted, rtol=1e-3, atol=1e-5)


SPELLINGS = {
    "argument": None,
    "Activation": lambda: keras.layers.Activation("relu"),
    "ReLU": lambda: keras.layers.ReLU(),
    "operation": lambda: keras.ops.relu,
    "ReLU up to 6": lambda: keras.layers.ReLU(max_value=6.0),
    "relu6": lambda: keras.layers.Activation("relu6"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_rules_of_the_relu(rng, rule, spelling):
    """Two dense layers by hand: what comes back through the ReLU is what the rule lets pass."""
    first, second = rng.normal(size=(6, 8)).astype(np.float32), rng.normal(size=(8, 2)).astype(np.float32)
    image = keras.Input((6,))
    own = SPELLINGS[spelling] is None
    hidden = keras.layers.Dense(8, activation="relu" if own else None, use_bias=False, name="hidden")
    x = hidden(image) if own else SPELLINGS[spelling]()(hidden(image))
    top = keras.layers.Dense(2, use_bias=False, name="top", activation="softmax")  # is left out
    model = keras.Model(image, top(x))
    hidden.set_weights([first])
    top.set_weights([second])
    images = 3 * rng.normal(size=(4, 6)).astype(np.float32)
    units = np.array([0, 1, 1, 0])
    found = project_back(model, images, layer="top", units=units, positions=np.zeros((4, 2), int), rule=rule)

    before, ceiling = images @ first, 6 if "6" in spelling else np.inf
    assert before.max() > 6
    activation = (np.clip(before, 0, ceiling) @ second)[range(4), units]
    assert (activation < 0).any()
    assert (activation > 0).any()
    back = np.maximum(activation[:, None] * second.T[units], 0)  # the signal is the activation, not 1
    if rule == "guided":
        back = back * ((before > 0) & (before < ceiling))
    assert_allclose(found, back @ first.T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        (lambda: keras.layers.Activation("tanh", name="bend"), "tanh"),
        (lambda: keras.layers.LeakyReLU(name="bend"), "leakyrelu"),
        (
            lambda: keras.layers.ReLU(negative_slope=0.1, name="bend"),
            "relu with a negative slope or threshold",
        ),
    ],
    ids=["tanh", "leaky", "slope"],
)
def test_other_activations_are_refused(small_network, activation, name):
    """What lies behind the layer does not matter."""
    image = keras.Input((6, 6, 1))
    x = keras.layers.Conv2D(2, 3, name="before")(image)
    model = keras.Model(image, keras.layers.Conv2D(2, 3, name="behind")(activation()(x)))
    call = {"units": np.array([0]), "positions": np.zeros((1, 2), int)}
    images = np.ones((1, 6, 6, 1), np.float32)
    assert project_back(model, images, layer="before", **call).any()
    with pytest.raises(UserError) as error:
        project_back(model, images, layer="behind", **call)
    assert str(error.value).startswith(f"bend computes {name}: how a deconvnet")


def test_the_network_itself_stays_as_it_was(any_network, images_for):
    images = images_for(any_network, 4)
    before = predict(any_network, images)
    units, positions = np.array([0, 1, 2, 3]), np.array([[0, 0], [1, 2], [2, 1], [0, 2]])
    found = project_back(
        any_network, images, layer="residual_1/conv2d_1", units=units, positions=positions, rule="guided"
    )
    assert found.shape == images.shape
    assert np.isfinite(found).all()
    assert_array_equal(predict(any_network, images), before)
    maps = maps_of(any_network, "residual_1/conv2d_1")
    _, plain = differentiated(lambda x: keras.ops.sum(maps(x), axis=(1, 2, 3)))(images)
    assert plain.any()  # a plain gradient goes through the plain ReLUs as before
