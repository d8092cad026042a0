"""An L1 penalty prices bright pixels, whatever numbers black and white are for the network."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from cnnlab.analyses.maximization import Ascent, Maximized, brightness, half_price, maximize


def kernel_network(kernels):
    """One convolution as large as the image: its one output is the image times the kernel."""
    size, _, channels, filters = kernels.shape
    image = keras.Input((size, size, channels))
    layer = keras.layers.Conv2D(filters, size, name="conv2d_1", use_bias=False)
    model = keras.Model(image, layer(image))
    layer.set_weights([kernels])
    return model


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)])
def test_what_does_not_pay_is_black(rng, low, high):
    """Of k · x − λ |x − black| with black ≤ x ≤ white the best is white where k > λ, else black."""
    kernels = rng.normal(size=(5, 5, 1, 2)).astype(np.float32)
    kernels[np.abs(kernels - 0.7) < 0.05] = 0
    ascent = Ascent(
        steps=200, step_size=0.1 * (high - low), l1=0.7, low=low, high=high,
        black=np.full((1, 1, 1), low, np.float32),
    )  # fmt: skip
    found = maximize(kernel_network(kernels), np.arange(2), layer="conv2d_1", ascent=ascent, rng=rng)
    wanted = (kernels.transpose(3, 0, 1, 2) > 0.7).astype(float)
    assert_allclose((found.images - low) / (high - low), wanted, atol=0.01)


def test_the_price_is_of_what_the_penalty_counts(rng):
    """At half the price of each image's value; λ is per unit of pixel, so twice the contrast halves it."""
    images = rng.random((3, 4, 4, 2)).astype(np.float32)
    values = np.array([3.0, 4.0, 5.0], np.float32)
    price = half_price(Maximized(images, values), black=0.0)
    assert_allclose(price * images.sum() / 3, 4 / 2, rtol=0.05)  # two digits
    stretched = Maximized(2 * images - 1, values)
    black = np.full((1, 1, 2), -1, np.float32)
    assert_allclose(half_price(stretched, black=black), price / 2, rtol=0.05)
    assert_allclose(brightness(stretched.images, black), 2 * images.sum(axis=(1, 2, 3)), rtol=1e-5)


def test_black_images_have_no_price():
    assert half_price(Maximized(np.zeros((2, 3, 3, 1)), np.ones(2)), black=0.0) == 0
