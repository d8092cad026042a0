"""Convolution three ways, against scipy and against each other."""

import importlib.util

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cnnlab.errors import ShapeError
from cnnlab.layers.base import slide
from cnnlab.layers.window import Window
from cnnlab.scratch import convolution
from cnnlab.scratch.layer import Mode
from tests.scratch.oracles import assert_backward_is_slope, assert_close, by_keras, case

OTHERS = ["loops", *(["numba"] if importlib.util.find_spec("numba") else [])]

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
WINDOWS = st.builds(Window, PAIRS, PAIRS, st.sampled_from(["valid", "same"]), PAIRS)


def test_correlation_is_that_of_scipy():
    from scipy import signal

    rng = np.random.default_rng(0)
    images, kernel = rng.normal(size=(2, 7, 6, 3)), rng.normal(size=(3, 2, 3, 4))
    found = convolution.correlate(images, kernel)
    for image, maps in zip(images, found, strict=True):
        for index in range(4):
            expected = signal.correlate(image, kernel[..., index], mode="valid")[..., 0]
            np.testing.assert_allclose(maps[..., index], expected)


def test_the_way_back_to_the_images_is_a_convolution():
    from scipy import signal

    rng = np.random.default_rng(0)
    gradient, kernel = rng.normal(size=(1, 5, 4, 1)), rng.normal(size=(3, 2, 1, 1))
    found = convolution.to_images(gradient, kernel, (7, 5))
    expected = signal.convolve(gradient[0, ..., 0], kernel[..., 0, 0], mode="full")
    np.testing.assert_allclose(found[0, ..., 0], expected)


@pytest.mark.parametrize("how", OTHERS)
@settings(max_examples=20)
@given(
    window=WINDOWS,
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    groups=st.sampled_from([1, 1, 2]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_each_implementation_computes_what_im2col_computes(how, window, size, groups, dtype, seed):
    try:
        positions = slide(size, window)
    except ShapeError:
        assume(False)
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(2, *size, 2)).astype(dtype)
    kernel = rng.normal(size=(*window.size, 2 // groups, 4)).astype(dtype)
    gradient = rng.normal(size=(2, *positions, 4)).astype(dtype)
    for function, arguments in (
        (convolution.correlate, (images, kernel)),
        (convolution.to_images, (gradient, kernel, size)),
        (convolution.to_kernel, (images, gradient)),
    ):
        found, expected = (function(*arguments, window, groups=groups, how=each) for each in (how, "im2col"))
        assert found.dtype == expected.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 if dtype == "float32" else 1e-12)


def test_a_few_images_at_a_time_are_as_good_as_all_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    images, kernel = rng.normal(size=(5, 6, 6, 2)), rng.normal(size=(3, 3, 2, 4))
    gradient = rng.normal(size=(5, 4, 4, 4))
    results = []
    for numbers in (1, 1000, 2**20):
        monkeypatch.setattr("cnnlab.scratch.portions.NUMBERS_AT_ONCE", numbers)
        maps = convolution.correlate(images, kernel)
        to_images = convolution.to_images(gradient, kernel, (6, 6))
        results.append((maps, to_images, convolution.to_kernel(images, gradient, Window((3, 3)))))
    for one, several, all_at_once in zip(*results, strict=True):
        np.testing.assert_allclose(one, all_at_once)
        np.testing.assert_allclose(several, all_at_once)


CASES = [
    ("Conv2D", {"filters": 4, "kernel_size": [3, 2], "strides": [2, 1], "padding": "same", "groups": 2}),
    ("Conv2D", {"filters": 3, "kernel_size": 2, "dilation_rate": [2, 3], "data_format": "channels_first"}),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "dilation_rate": 2, "padding": "same", "activation": "elu"}),
    ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2, "strides": 2, "padding": "same"}),
    ("DepthwiseConv2D", {"kernel_size": 2, "dilation_rate": 2, "data_format": "channels_first"}),
    ("SeparableConv2D", {"filters": 3, "kernel_size": [2, 3], "strides": 2, "depth_multiplier": 2}),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": [2, 3], "strides": [3, 1]}),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "strides": 3, "output_padding": [1, 2]}),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "dilation_rate": 2}),
    ("LocallyConnected2D", {"filters": 3, "kernel_size": [2, 3], "strides": [2, 1], "activation": "tanh"}),
    ("LocallyConnected2D", {"filters": 2, "kernel_size": 2, "dilation_rate": 2, "use_bias": False}),
]


@pytest.mark.parametrize("how", ["im2col", *OTHERS])
@pytest.mark.parametrize(("kind", "fields"), CASES, ids=[f"{kind}-{i}" for i, (kind, _) in enumerate(CASES)])
def test_every_kind_of_convolution_whoever_computes_it(kind, fields, how, backend):
    tried = case(kind, fields, (6, 7, 4))
    passed = tried.passed(convolution=how)
    found = passed.backward(tried.gradient, True)
    output, (to_images,), to_weights, _ = by_keras(tried)
    assert_close(passed.output, output)
    assert_close(found.inputs[0], to_images)
    for name, expected in to_weights.items():
        assert_close(found.weights[name], expected, name)
    assert_backward_is_slope(tried, lambda: Mode(convolution=how))
