import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cnnlab.analyses.maximization import Ascent, maximize
from cnnlab.analyses.network import logits_of, maps_of, predict, probabilities_of

UNBOUNDED = {"low": None, "high": None}


def kernel_network(kernels, data_format="channels_last"):
    """One convolution as large as the image: its one output is the image times the kernel."""
    size, _, channels, filters = kernels.shape
    shape = (size, size, channels) if data_format == "channels_last" else (channels, size, size)
    image = keras.Input(shape)
    layer = keras.layers.Conv2D(filters, size, name="conv2d_1", use_bias=False, data_format=data_format)
    model = keras.Model(image, layer(image))
    layer.set_weights([kernels])
    return model


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_known_kernel_s_best_image_is_its_pattern(rng, data_format):
    """argmax of k · x − λ x² is k / 2λ, for each of the filters of the batch."""
    kernels = rng.normal(size=(5, 5, 2, 3)).astype(np.float32)
    model = kernel_network(kernels, data_format)
    ascent = Ascent(steps=150, step_size=0.2, l2=0.5, **UNBOUNDED)
    found = maximize(model, np.arange(3), layer="conv2d_1", ascent=ascent, rng=rng)
    images = found.images if data_format == "channels_last" else found.images.transpose(0, 2, 3, 1)
    wanted = kernels.transpose(3, 0, 1, 2)
    assert_allclose(images, wanted, atol=0.02)
    assert_allclose(found.values, np.square(wanted).sum(axis=(1, 2, 3)), rtol=0.02)


def test_l1_leaves_only_what_pays(rng):
    """Of k · x − λ |x| with 0 ≤ x ≤ 1 the best is 1 where k > λ, else 0."""
    kernels = rng.normal(size=(5, 5, 1, 2)).astype(np.float32)
    kernels[np.abs(kernels - 0.7) < 0.05] = 0
    ascent = Ascent(steps=120, l1=0.7)
    found = maximize(kernel_network(kernels), np.arange(2), layer="conv2d_1", ascent=ascent, rng=rng)
    wanted = (kernels.transpose(3, 0, 1, 2) > 0.7).astype(float)
    # Each step is the whole picture's length, so a pixel that has arrived at 0 stays within one last step.
    assert_allclose(found.images, wanted, atol=0.01)


def test_total_variation_makes_it_flat(rng):
    kernels = rng.normal(0.5, 1, size=(6, 6, 1, 1)).astype(np.float32)
    rough, smooth = (
        maximize(
            kernel_network(kernels), np.array([0]), layer="conv2d_1",
            ascent=Ascent(steps=80, total_variation=weight), rng=np.random.default_rng(0),
        ).images[0]
        for weight in (0.0, 5.0)
    )  # fmt: skip
    assert np.abs(np.diff(smooth, axis=0)).sum() < 0.1 * np.abs(np.diff(rough, axis=0)).sum()


@pytest.mark.parametrize(
    ("target", "layer"),
    [("activation", "conv2d_1"), ("activation", "dense_1"), ("score", None), ("probability", None)],
)
def test_it_climbs_and_reports_what_it_reached(any_network, target, layer, rng):
    model = any_network
    units = np.array([2, 0])
    ascent = Ascent(steps=15, step_size=0.1, starts=2, jitter=1)
    found = maximize(model, units, target=target, layer=layer, ascent=ascent, rng=rng)
    if target == "probability":
        network = probabilities_of(model)
    else:  # dense_1 are the classes: at 100% no probability climbs
        network = maps_of(model, layer) if layer == "conv2d_1" else logits_of(model)
    random = rng.random((50, *model.input.shape[1:])).astype(np.float32)

    def value(images):
        answers = predict(network, images)
        return answers.sum(axis=(1, 2)) if answers.ndim == 4 else answers

    assert_allclose(found.values, value(found.images)[range(2), units], rtol=1e-2)
    assert (found.values > value(random).max(axis=0)[units] - 1e-3).all()
    assert found.images.min() >= 0
    assert found.images.max() <= 1


def test_of_several_starts_the_best_is_kept():
    """Two hills, |x| and twice as high on one side: some starts go to the lower one."""
    image = keras.Input((1, 1, 1))
    model = keras.Model(
        image, keras.layers.Conv2D(1, 1, name="conv2d_1")(keras.ops.where(image > 0, 2 * image, -image))
    )
    model.get_layer("conv2d_1").set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    values = {
        starts: [
            maximize(
                model, np.array([0]), layer="conv2d_1", rng=np.random.default_rng(seed),
                ascent=Ascent(steps=40, starts=starts, low=-1.0, high=1.0),
            ).values[0]
            for seed in range(6)
        ]
        for starts in (1, 8)
    }  # fmt: skip
    assert_allclose(values[8], 2, atol=1e-5)
    assert min(values[1]) < 1.5


def test_the_same_seed_gives_the_same_images(small_network):
    one, two = (
        maximize(
            small_network(), np.arange(4), layer="conv2d_1", rng=np.random.default_rng(3),
            ascent=Ascent(steps=5, jitter=2),
        )
        for _ in range(2)
    )  # fmt: skip
    assert_array_equal(one.images, two.images)
