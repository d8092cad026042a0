"""The worked examples against SciPy, NumPy's transforms, closed forms and counting by hand."""

import itertools
import math

import numpy as np
import pytest
import scipy.signal
from numpy.testing import assert_allclose, assert_array_equal

from cnnlab.config.experiment import load_config
from cnnlab.datasets.drawn.bird import bird
from cnnlab.layers.convolution import Conv2D
from cnnlab.layers.window import Window
from cnnlab.scratch.worked_examples.arithmetic import grouped, slide, transposed
from cnnlab.scratch.worked_examples.matrices import as_columns, connections, tied_step
from cnnlab.scratch.worked_examples.pooling import pooled
from cnnlab.scratch.worked_examples.signals import (
    convolved,
    subsampled,
    through_spectra,
    two_dice,
)
from cnnlab.scratch.worked_examples.windows import (
    DIAGONAL,
    IMAGE,
    correlated,
    count_work,
    flipping,
    impulse,
    one_output,
    output_size,
    seen_pixels,
)

RNG = np.random.default_rng(0)
WINDOWS = {
    "plain": Window((3, 3)),
    "strides": Window((3, 2), (2, 3)),
    "same": Window((3, 3), padding="same"),
    "same and strides": Window((4, 3), (3, 2), "same"),
    "dilation": Window((3, 2), dilation=(2, 3)),
    "same and dilation": Window((2, 3), padding="same", dilation=(3, 2)),
}


def covered(size, window):
    """By output, the pixels that it sees, and how much padding there is: counted, not computed."""
    extent = [(side - 1) * step + 1 for side, step in zip(window.size, window.dilation, strict=True)]
    missing = [0, 0]
    if window.padding == "same":
        missing = [
            max((math.ceil(length / stride) - 1) * stride + side - length, 0)
            for length, stride, side in zip(size, window.stride, extent, strict=True)
        ]
    ends = [length + more - side + 1 for length, more, side in zip(size, missing, extent, strict=True)]
    found = {}
    for i, y in enumerate(range(0, ends[0], window.stride[0])):
        for j, x in enumerate(range(0, ends[1], window.stride[1])):
            rows = [y - missing[0] // 2 + u * window.dilation[0] for u in range(window.size[0])]
            columns = [x - missing[1] // 2 + v * window.dilation[1] for v in range(window.size[1])]
            found[i, j] = [
                (row, column)
                for row, column in itertools.product(rows, columns)
                if 0 <= row < size[0] and 0 <= column < size[1]
            ]
    return found, missing


def test_the_filter_gives_3_where_the_diagonal_is():
    output = correlated(IMAGE, DIAGONAL)
    assert_array_equal(output, scipy.signal.correlate2d(IMAGE, DIAGONAL, mode="valid"))
    assert output.shape == (4, 4)
    assert output[0, 0] == output[3, 0] == output.max() == 3
    assert seen_pixels((6, 6), Window((3, 3)), (0, 0)).tolist() == [1, 2, 3, 7, 8, 9, 13, 14, 15]
    assert seen_pixels((6, 6), Window((3, 3)), (0, 1)).tolist() == [2, 3, 4, 8, 9, 10, 14, 15, 16]


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_windows_see_what_counting_finds(window):
    size = (9, 8)
    found, missing = covered(size, window)
    slid = slide(size, window)
    rows, columns = (max(each) + 1 for each in zip(*found, strict=True))
    assert slid.output == output_size(size, window) == (rows, columns)
    counts = np.zeros(size, int)
    for place, pixels in found.items():
        assert slid.sees[place] == len(pixels)
        numbers = sorted(row * size[1] + column + 1 for row, column in pixels)
        assert seen_pixels(size, window, place).tolist() == numbers
        for pixel in pixels:
            counts[pixel] += 1
    assert_array_equal(slid.seen, counts)
    for axis in range(2):
        n, k, d, s, p = (
            size[axis],
            window.size[axis],
            window.dilation[axis],
            window.stride[axis],
            missing[axis],
        )
        assert slid.formula(axis) == f"⌊({n} + {p} − {d}·({k} − 1) − 1) / {s}⌋ + 1 = {slid.output[axis]}"
        assert (n + p - d * (k - 1) - 1) // s + 1 == slid.output[axis]


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_an_output_taken_apart_is_that_of_the_map(window):
    image, kernel = RNG.normal(size=(9, 8, 2)), RNG.normal(size=(*window.size, 2))
    output = correlated(image, kernel, window)
    for place in ((0, 0), (output.shape[0] - 1, output.shape[1] - 1)):
        found = one_output(image, kernel, window, place, bias=0.5)
        assert_allclose(found.total, output[place] + 0.5)
        assert_allclose(found.products.sum() + found.bias, found.total)
        assert_array_equal(found.products, found.patch * kernel)
        inside = tuple(max(each, 0) for each in found.corner)
        if inside == found.corner:
            assert_array_equal(found.patch[0, 0], image[inside])


def test_convolution_flips_and_correlation_does_not():
    image, kernel = RNG.integers(-4, 5, (7, 6)).astype(float), RNG.integers(-4, 5, (3, 2)).astype(float)
    found = flipping(image, kernel)
    assert_array_equal(found.correlation, scipy.signal.correlate2d(image, kernel, mode="valid"))
    assert_array_equal(found.convolution, scipy.signal.convolve2d(image, kernel, mode="valid"))
    numbers = np.arange(1.0, 10.0).reshape(3, 3)
    bright = flipping(impulse(5), numbers)
    assert_array_equal(bright.convolution, numbers)
    assert_array_equal(bright.correlation, np.rot90(numbers, 2))


def test_a_transposed_convolution_adds_up_what_its_inputs_write():
    for size, kernel, stride in ((3, 3, 2), (4, 2, 3), (2, 5, 1)):
        found = transposed(size, kernel, stride)
        spread = np.zeros(((size - 1) * stride + 1,) * 2)
        spread[::stride, ::stride] = 1
        assert_array_equal(found.written, scipy.signal.convolve2d(spread, np.ones((kernel, kernel))))
        assert found.formula == f"({size} − 1)·{stride} + {kernel} = {found.output[0]}"


def test_groups_have_nothing_to_do_with_each_other():
    one, two = grouped(4, 6, 1, 3), grouped(4, 6, 2, 3)
    assert one.connected.all()
    assert_array_equal(two.connected, np.kron(np.eye(2), np.ones((2, 3))) > 0)
    assert (one.weights, two.weights) == (4 * 6 * 9, 4 * 6 * 9 // 2)


def test_75_multiplications_at_784_positions():
    work = count_work((32, 32), 3, Window((5, 5)), 2)
    assert (work.per_output, work.positions, work.output) == (75, 784, (28, 28))
    assert work.multiplications == 2 * 75 * 784


def test_the_multiplications_of_the_lectures_network_are_those_of_the_summary():
    config = load_config("cnn")
    convolutions = [node.layer for node in config.nodes if isinstance(node.layer, Conv2D)]
    for layer, shape, macs in zip(
        convolutions, ((28, 28, 1), (13, 13, 25)), (152_100, 1_361_250), strict=True
    ):
        work = count_work(shape[:2], shape[2], layer.window, layer.filters)
        assert work.multiplications == layer.macs(shape) == macs


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_rows_times_kernel_is_the_map(window):
    image, kernel = RNG.normal(size=(9, 8, 2)), RNG.normal(size=(*window.size, 2))
    found = as_columns(image, kernel, window)
    assert_allclose(found.product.reshape(found.output), correlated(image, kernel, window), atol=1e-12)
    pixels, _ = covered((9, 8), window)
    for row, place in zip(found.rows, pixels, strict=True):
        expected = sorted([*(each for pixel in pixels[place] for each in image[pixel]),
                           *[0.0] * (row.size - 2 * len(pixels[place]))])  # fmt: skip
        assert_array_equal(np.sort(row), expected)


def test_a_dense_layer_with_tied_weights_takes_the_step_of_the_convolution():
    image, kernel = RNG.normal(size=(5, 4)), RNG.normal(size=(3, 2))

    def loss(weights):
        return 0.5 * (scipy.signal.correlate2d(image, weights, mode="valid") ** 2).sum()

    step = tied_step(image, kernel, learning_rate=0.1)
    slopes = np.zeros(kernel.shape)
    for place in np.ndindex(*kernel.shape):
        change = np.zeros(kernel.shape)
        change[place] = 1e-5
        slopes[place] = (loss(kernel + change) - loss(kernel - change)) / 2e-5
    assert_allclose(step.summed, slopes, rtol=1e-8)
    assert_allclose(step.kernel_gradient, slopes, rtol=1e-8)
    assert_allclose(step.kernel, kernel - 0.1 * slopes, rtol=1e-8)
    assert step.largest_difference < 1e-15
    after = scipy.signal.correlate2d(image, step.kernel, mode="valid")
    assert_allclose(step.dense_output, after)
    assert_allclose(step.output, after)


def test_connections_are_a_toeplitz_matrix_of_the_kernels_numbers():
    names = connections((4, 4), (3, 3))
    assert names[0].tolist() == [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0]
    assert names[3].tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9]
    assert (names > 0).sum() == 4 * 9


def test_max_pooling_sends_the_gradient_to_the_first_maximum_and_average_pooling_a_quarter_to_each():
    inputs = np.array([[3.0, -1, 2, 2], [0, 1, 2, 0], [-5, -4, 0, 0], [-3, -2, 0, 0]])
    window = Window((2, 2), (2, 2))
    largest, average = pooled(inputs, "max", window), pooled(inputs, "average", window)
    assert largest.output.tolist() == [[3, 2], [-2, 0]]
    assert largest.to_inputs.tolist() == [[1, 0, 2, 0], [0, 0, 0, 0], [0, 0, 4, 0], [0, 3, 0, 0]]
    assert average.output.tolist() == [[0.75, 1.5], [-3.5, 0]]
    assert_array_equal(average.to_inputs, np.kron([[1, 2], [3, 4]], np.full((2, 2), 0.25)))


def test_two_dice_are_a_convolution():
    found = two_dice()
    counts = np.bincount([a + b for a, b in itertools.product(range(1, 7), repeat=2)])[2:]
    assert_allclose(found.total, counts / 36)
    assert_allclose(found.total, np.convolve(found.one, found.one))
    assert_array_equal(np.bincount(found.sums.reshape(-1))[2:], counts)


def test_a_convolution_is_a_product_of_spectra():
    image, kernel = RNG.normal(size=(12, 9)), RNG.normal(size=(4, 3))
    found = through_spectra(image, kernel)
    assert_allclose(found.direct, scipy.signal.convolve2d(image, kernel), atol=1e-12)
    assert_allclose(convolved(image, kernel), found.inverse, atol=1e-12)
    assert_allclose(found.product, np.fft.fft2(found.direct), atol=1e-10)
    assert found.largest_difference == np.abs(found.inverse - found.direct).max() < 1e-13


def test_every_second_row_and_column_is_left_out():
    image = bird(64)
    assert 0 <= image.min() < 0.2 < 0.9 < image.max() <= 1  # something dark on something bright
    images = subsampled(image)
    assert {step: each.shape for step, each in images.items()} == {1: (64, 64), 2: (32, 32), 4: (16, 16)}
    assert_array_equal(images[4], images[2][::2, ::2])
    assert images[2][5, 7] == image[10, 14]
