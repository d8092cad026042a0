import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from cnnlab.analyses.grad_cam import grad_cam
from cnnlab.analyses.integrated_gradients import integrated_gradients
from cnnlab.analyses.network import find_layer, image_channel_axis, logits_of, predict, scores_behind
from cnnlab.analyses.saliency import gradient_times_input, saliency, score_gradients, smooth_gradient
from cnnlab.gradients import evaluated

METHODS = {
    "gradient": saliency,
    "smooth": lambda *args: smooth_gradient(*args, samples=4, rng=np.random.default_rng(1)),
    "times input": gradient_times_input,
    "integrated": lambda *args: integrated_gradients(*args, baseline=np.float32(0), steps=8),
    "grad-cam": lambda *args: grad_cam(*args, layer="residual_1/conv2d_1"),
}


@pytest.mark.parametrize("softmax", [True, False])
def test_saliency_of_a_linear_model_is_its_weights(rng, linear_model, softmax):
    weights = rng.normal(size=(4, 4, 1, 3))
    model = linear_model(weights, softmax=softmax)
    images = rng.normal(size=(2, 4, 4, 1)).astype(np.float32)
    maps = saliency(model, images, np.array([2, 0]))
    assert_allclose(maps, np.abs(weights[..., 0, [2, 0]]).transpose(2, 0, 1), rtol=1e-6)


def test_saliency_takes_the_largest_channel(rng, linear_model):
    weights = rng.normal(size=(4, 4, 3, 2))
    images = rng.normal(size=(1, 4, 4, 3)).astype(np.float32)
    maps = saliency(linear_model(weights), images, np.array([1]))
    assert_allclose(maps[0], np.abs(weights[..., 1]).max(axis=-1), rtol=1e-6)


def test_gradients_are_finite_differences(any_network, images_for):
    """Of a smooth network each pixel's gradient is what a small step of it does to the score."""
    model = any_network
    if model.name.startswith("mixed"):
        pytest.skip("a small step is below half precision")
    images = images_for(model, 1)
    gradient = score_gradients(model, images, np.array([1]))[0]
    step = 1e-2
    pixels = np.eye(images.size, dtype=np.float32).reshape(-1, *images.shape[1:])
    forward, backward = (predict(logits_of(model), images + sign * step * pixels)[:, 1] for sign in (1, -1))
    differences = ((forward - backward) / (2 * step)).reshape(gradient.shape)
    # A kink of a ReLU or a pooling within a step spoils some pixels, not most.
    assert np.median(np.abs(differences - gradient)) < 1e-3 < np.median(np.abs(gradient))


def test_channels_first_gives_the_same_maps(small_network, rng):
    """Flatten moves the channels last, as Keras does, so the same weights are the same network."""
    last, first = small_network("plain"), small_network("channels_first")
    first.set_weights(last.get_weights())
    images = rng.random((3, 8, 8, 2)).astype(np.float32)
    classes = np.array([0, 1, 2])
    assert_allclose(
        saliency(first, images.transpose(0, 3, 1, 2), classes), saliency(last, images, classes), atol=1e-5
    )
    assert_allclose(
        grad_cam(first, images.transpose(0, 3, 1, 2), classes, layer="conv2d_1"),
        grad_cam(last, images, classes, layer="conv2d_1"),
        atol=1e-5,
    )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("method", METHODS)
def test_mixed_precision_is_close(small_network, images_for, method, policy):
    model, exact = small_network(policy), small_network("plain")
    exact.set_weights(model.get_weights())
    images, classes = images_for(exact), np.array([0, 1, 2, 0])
    found, wanted = (METHODS[method](each, images, classes) for each in (model, exact))
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.98


def test_smooth_gradient_is_the_mean_over_noisy_copies(small_network, images_for):
    model, images, classes = small_network(), None, np.array([2, 0, 1, 1])
    images = images_for(model)
    found = smooth_gradient(model, images, classes, samples=5, noise=0.2, rng=np.random.default_rng(4))
    rng = np.random.default_rng(4)
    copies = []
    for _ in range(5):
        noise = rng.standard_normal(images.shape, dtype=np.float32)
        spread = np.array([image.max() - image.min() for image in images]).reshape(-1, 1, 1, 1)
        copies.append(score_gradients(model, (images + 0.2 * spread * noise).astype(np.float32), classes))
    assert_allclose(found, np.abs(np.mean(copies, axis=0)).max(axis=-1), rtol=1e-4, atol=1e-6)


def test_smooth_gradient_against_numpy(rng):
    """Of two dense layers with a ReLU between the gradient is W₁ · (open · w₂); the rest is a mean."""
    first, second = (rng.normal(size=shape).astype(np.float32) for shape in ((48, 20), (20, 3)))
    image = keras.Input((4, 4, 3))
    dense = keras.layers.Dense(20, activation="relu", use_bias=False)
    top = keras.layers.Dense(3, activation="softmax", use_bias=False)
    model = keras.Model(image, top(dense(keras.layers.Flatten()(image))))
    dense.set_weights([first])
    top.set_weights([second])
    images, classes = rng.random((5, 4, 4, 3)).astype(np.float32), np.array([0, 1, 2, 0, 1])
    found = smooth_gradient(model, images, classes, samples=6, noise=0.3, rng=np.random.default_rng(8))

    noise, total = np.random.default_rng(8), np.zeros((5, 48))
    spread = 0.3 * (images.max(axis=(1, 2, 3)) - images.min(axis=(1, 2, 3)))
    for _ in range(6):
        noisy = images + spread[:, None, None, None] * noise.standard_normal(images.shape, dtype=np.float32)
        is_open = noisy.reshape(5, 48) @ first > 0
        total += (is_open * second.T[classes]) @ first.T
    assert_allclose(found, np.abs(total / 6).reshape(5, 4, 4, 3).max(axis=-1), rtol=1e-4, atol=1e-5)


def test_gradient_times_input_of_a_linear_model_is_the_score(rng, linear_model):
    weights = rng.normal(size=(4, 4, 2, 3))
    images = rng.normal(size=(3, 4, 4, 2)).astype(np.float32)
    classes = np.array([0, 2, 1])
    parts = gradient_times_input(linear_model(weights), images, classes)
    assert_allclose(parts, images * np.moveaxis(weights, -1, 0)[classes], rtol=1e-5)


def test_integrated_gradients_add_up(any_network, images_for):
    """Completeness: the attributions of an image are all of what it adds to the score."""
    model = any_network
    images, classes = images_for(model), np.array([0, 1, 2, 1])
    baseline = np.full(images.shape[1:], 0.3, np.float32)
    parts = integrated_gradients(model, images, classes, baseline=baseline, steps=300)
    scores = predict(logits_of(model), np.concatenate([images, baseline[None]]))
    difference = scores[np.arange(4), classes] - scores[4, classes]
    # The kinks of ReLU and pooling leave an error of the order of one step.
    mixed = model.name.startswith("mixed")
    assert_allclose(parts.sum(axis=(1, 2, 3)), difference, atol=0.05 if mixed else 0.01)
    assert np.abs(difference).max() > 0.2


def test_grad_cam_against_numpy(small_network, rng):
    """A network whose gradient at the maps is known by hand: mean over places, then a Dense layer."""
    image = keras.Input((6, 6, 2))
    convolution = keras.layers.Conv2D(5, 3, activation="relu", name="conv2d_1")
    dense = keras.layers.Dense(3, activation="softmax")
    model = keras.Model(image, dense(keras.layers.GlobalAveragePooling2D()(convolution(image))))
    images, classes = rng.random((3, 6, 6, 2)).astype(np.float32), np.array([1, 1, 0])
    found = grad_cam(model, images, classes, layer="conv2d_1")

    kernel, bias = convolution.get_weights()
    maps = np.zeros((3, 4, 4, 5))
    for y in range(4):
        for x in range(4):
            maps[:, y, x] = np.einsum("nhwc,hwcf->nf", images[:, y : y + 3, x : x + 3], kernel) + bias
    maps = np.maximum(maps, 0)
    weights = dense.get_weights()[0][:, classes].T / 16  # the gradient of the mean of 4 × 4 places
    wanted = np.maximum(np.einsum("nyxf,nf->nyx", maps, weights), 0)
    assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    assert found.max() > 0


def test_grad_cam_with_branches_sees_both_ways(small_network, images_for):
    """The maps that are added have the same gradient on both ways into the sum."""
    model = small_network("branches")
    images, classes = images_for(model), np.array([0, 1, 2, 0])
    cams = grad_cam(model, images, classes, layer="residual_1/conv2d_1")
    layer = find_layer(model, "residual_1/conv2d_1")
    part = scores_behind(model, "residual_1/conv2d_1")
    (maps,) = evaluated(lambda x: (keras.Model(model.input, layer.output)(x),))(images)
    behind = evaluated(lambda x, maps: (part([x, maps]),))
    base = behind(images, maps)[0][np.arange(4), classes]
    gradient = np.zeros((4, 4))
    for channel in range(4):  # the scores are linear in the maps here: one finite step is exact
        stepped = maps.copy()
        stepped[..., channel] += 1
        gradient[:, channel] = behind(images, stepped)[0][np.arange(4), classes] - base
    weights = gradient / maps[0, ..., 0].size
    assert_allclose(cams, np.maximum(np.einsum("nyxf,nf->nyx", maps, weights), 0), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_maps_change_with_the_weights(small_network, images_for, method):
    """Adebayo et al. 2018: a map that stays when the weights are drawn anew says nothing of the network."""
    model = small_network()
    images, classes = images_for(model), np.array([0, 1, 2, 0])
    trained = METHODS[method](model, images, classes)
    rng = np.random.default_rng(99)
    for layer in reversed([each for each in model.layers if each.weights]):  # from the output down
        layer.set_weights([rng.normal(0, 0.4, each.shape) for each in layer.get_weights()])
        drawn = METHODS[method](model, images, classes)
        for one, other in zip(trained, drawn, strict=True):
            if one.any() and other.any():
                assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.9
    assert image_channel_axis(model) == 3
