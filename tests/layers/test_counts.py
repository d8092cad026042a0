"""Multiplications and connections against counting them one by one."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnlab.layers import LAYERS


def padding_before(size: int, extent: int, stride: int, padding: str) -> int:
    """How many zeros stand before an axis, as TensorFlow documents padding="same"."""
    if padding == "valid":
        return 0
    return max((-(-size // stride) - 1) * stride + extent - size, 0) // 2


def count_convolution(image: np.ndarray, layer) -> tuple[int, int]:
    """Run a convolution as nested loops: multiplications done, and places that the kernel lands on."""
    height, width, channels = image.shape
    (rows, columns), (down, right), (tall, wide) = layer.kernel_size, layer.strides, layer.dilation_rate
    extent = ((rows - 1) * tall + 1, (columns - 1) * wide + 1)
    top = padding_before(height, extent[0], down, layer.padding)
    left = padding_before(width, extent[1], right, layer.padding)
    if layer.padding == "same":
        starts = [range(-top, -top + -(-height // down) * down, down)]
        starts += [range(-left, -left + -(-width // right) * right, right)]
    else:
        starts = [range(0, height - extent[0] + 1, down), range(0, width - extent[1] + 1, right)]
    multiplications = places = 0
    for _place in itertools.product(*starts):
        places += 1
        for each in range(layer.filters):
            group = each // (layer.filters // layer.groups)
            of_group = range(group * channels // layer.groups, (group + 1) * channels // layer.groups)
            for _weight in itertools.product(range(rows), range(columns), of_group):
                multiplications += 1
    return multiplications, places


@settings(max_examples=60)
@given(
    height=st.integers(3, 7),
    width=st.integers(3, 7),
    kernel_size=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 2)),
    groups=st.integers(1, 2),
    padding=st.sampled_from(["valid", "same"]),
    use_bias=st.booleans(),
)
def test_conv2d(height, width, kernel_size, strides, groups, padding, use_bias):
    layer = LAYERS["Conv2D"].model_validate(
        {"filters": 2 * groups, "kernel_size": kernel_size, "strides": strides, "padding": padding}
        | {"groups": groups, "use_bias": use_bias}
    )
    shape = (height, width, groups)
    multiplications, places = count_convolution(np.zeros(shape), layer)
    outputs = places * layer.filters
    assert layer.macs(shape) == multiplications
    assert layer.neurons(shape) == outputs
    assert layer.locally_connected_params(shape) == multiplications + use_bias * outputs
    # Dense: a weight for every pair of an input and an output, and a bias for every output.
    assert layer.dense_equivalent_params(shape) == np.zeros((*shape, outputs)).size + use_bias * outputs


@settings(max_examples=40)
@given(
    height=st.integers(3, 6),
    width=st.integers(3, 6),
    channels=st.integers(1, 3),
    depth_multiplier=st.integers(1, 2),
    kernel_size=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    strides=st.integers(1, 2),
    use_bias=st.booleans(),
)
def test_depthwise_and_separable(height, width, channels, depth_multiplier, kernel_size, strides, use_bias):
    """A depthwise convolution has a group for each channel; a separable one adds a 1×1 convolution."""
    shape = (height, width, channels)
    fields = {"kernel_size": kernel_size, "strides": strides, "use_bias": use_bias}
    between = channels * depth_multiplier
    grouped = LAYERS["Conv2D"].model_validate(fields | {"filters": between, "groups": channels})
    depthwise = LAYERS["DepthwiseConv2D"].model_validate(fields | {"depth_multiplier": depth_multiplier})
    for count in ("macs", "neurons", "locally_connected_params", "dense_equivalent_params"):
        assert getattr(depthwise, count)(shape) == getattr(grouped, count)(shape)
    separable = LAYERS["SeparableConv2D"].model_validate(
        fields | {"filters": 4, "depth_multiplier": depth_multiplier}
    )
    full = LAYERS["Conv2D"].model_validate(fields | {"filters": 4})
    pointwise = LAYERS["Conv2D"].model_validate({"filters": 4, "kernel_size": 1})
    multiplications, _ = count_convolution(np.zeros(shape), grouped)
    multiplications += count_convolution(np.zeros(grouped.output_shape(shape)), pointwise)[0]
    assert separable.macs(shape) == multiplications
    for count in ("neurons", "locally_connected_params", "dense_equivalent_params"):
        assert getattr(separable, count)(shape) == getattr(full, count)(shape)


@settings(max_examples=40)
@given(
    height=st.integers(1, 5),
    width=st.integers(1, 5),
    kernel_size=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    strides=st.integers(1, 3),
)
def test_transposed(height, width, kernel_size, strides):
    """Each input number is multiplied with every kernel, and what it gives is laid down on the output."""
    layer = LAYERS["Conv2DTranspose"].model_validate(
        {"filters": 3, "kernel_size": kernel_size, "strides": strides}
    )
    shape = (height, width, 2)
    laid = np.zeros(layer.output_shape(shape), int)
    for row, column, _channel in np.ndindex(*shape):
        top, left = row * strides, column * strides
        laid[top : top + kernel_size[0], left : left + kernel_size[1]] += 1
    assert layer.macs(shape) == laid.sum()


@pytest.mark.parametrize("use_bias", [True, False])
def test_dense(use_bias):
    layer = LAYERS["Dense"].model_validate({"units": 7, "use_bias": use_bias})
    multiplications = sum(1 for _ in itertools.product(range(5), range(7)))
    assert layer.macs((5,)) == multiplications == 35
    assert layer.neurons((5,)) == 7
    assert layer.dense_equivalent_params((5,)) == 35 + 7 * use_bias
    assert layer.locally_connected_params((5,)) is None


@pytest.mark.parametrize(
    ("fields", "shape", "macs"),
    [
        pytest.param({"filters": 1, "kernel_size": 5}, (32, 32, 3), 75 * 784, id="75 at each of 784 places"),
        pytest.param({"filters": 2, "kernel_size": 5}, (32, 32, 3), 2 * 75 * 784, id="two filters"),
        pytest.param({"filters": 25, "kernel_size": 3}, (28, 28, 1), 152_100, id="the lecture's first layer"),
        pytest.param(
            {"filters": 8, "kernel_size": 3, "dilation_rate": 2}, (9, 9, 1), 25 * 8 * 9, id="dilated"
        ),
    ],
)
def test_worked_examples(fields, shape, macs):
    assert LAYERS["Conv2D"].model_validate(fields).macs(shape) == macs
