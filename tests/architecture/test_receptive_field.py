"""The receptive field against an oracle: light one pixel after the other and see which outputs answer."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from cnnlab.accounting.architecture import describe
from cnnlab.layers import LAYERS
from cnnlab.layers.base import Layer
from cnnlab.layers.graph import expand
from cnnlab.layers.window import Window


def slide_over(images: np.ndarray, window: Window) -> np.ndarray:
    """The largest value in each window: (N, H, W) → (N, H', W'); a kernel of ones would do as well."""
    for axis in (0, 1):
        extent, stride = window.extent[axis], window.stride[axis]
        size = images.shape[1 + axis]
        if window.padding == "same":
            total = max((-(-size // stride) - 1) * stride + extent - size, 0)
            margins = [(0, 0), (0, 0), (0, 0)]
            margins[1 + axis] = (total // 2, total - total // 2)
            images = np.pad(images, margins)
        windows = sliding_window_view(images, extent, axis=1 + axis)
        places = [slice(None)] * 3
        places[1 + axis] = slice(None, None, stride)
        images = windows[*places, :: window.dilation[axis]].max(axis=-1)
    return images


def seen(layers: list[Layer], size: int) -> tuple[int, int]:
    """Height and width of the largest patch of a size×size image that any output depends on."""
    pixels = np.eye(size * size, dtype=np.int8).reshape(-1, size, size)  # one image per pixel
    for layer in layers:
        pixels = slide_over(pixels, layer.window)
    maps = pixels.reshape(size, size, -1).astype(bool)  # (row, column, output)
    spans = []
    for rows in (maps.any(axis=1), maps.any(axis=0)):  # (row, output), (column, output)
        first, last = rows.argmax(axis=0), size - 1 - rows[::-1].argmax(axis=0)
        spans.append(int((last - first + 1).max()))
    return spans[0], spans[1]


WINDOWS = st.fixed_dictionaries(
    {
        "kernel_size": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "strides": st.tuples(st.integers(1, 2), st.integers(1, 2)),
        "dilation_rate": st.tuples(st.integers(1, 2), st.integers(1, 2)),
        "padding": st.sampled_from(["valid", "same"]),
        "pool": st.booleans(),
    }
)


def layer_of(fields: dict) -> Layer:
    if fields["pool"]:
        return LAYERS["MaxPooling2D"].model_validate(
            {"pool_size": fields["kernel_size"], "strides": fields["strides"], "padding": fields["padding"]}
        )
    if max(fields["strides"]) > 1:
        fields = fields | {"dilation_rate": 1}
    return LAYERS["Conv2D"].model_validate({"filters": 1} | {k: fields[k] for k in fields if k != "pool"})


@settings(max_examples=40)
@given(stack=st.lists(WINDOWS, min_size=1, max_size=3))
def test_random_stacks(stack):
    layers = [layer_of(fields) for fields in stack]
    size = 36  # no border in sight of the outputs in the middle
    described = describe(expand(layers), (size, size, 1)).rows[-1].receptive_field
    assume(max(described) <= size // 2)
    assert described == seen(layers, size)


@pytest.mark.parametrize(
    ("layers", "field"),
    [
        pytest.param([{"Conv2D": {"filters": 1, "kernel_size": 3}}] * 2, (5, 5), id="two 3×3 are a 5×5"),
        pytest.param([{"Conv2D": {"filters": 1, "kernel_size": 3}}] * 3, (7, 7), id="three are a 7×7"),
        pytest.param([{"Conv2D": {"filters": 1, "kernel_size": [1, 7]}}], (1, 7), id="flat"),
        pytest.param([{"Conv2D": {"filters": 1, "kernel_size": 9, "padding": "same"}}] * 2, (12, 12),
                     id="no larger than the image"),
        pytest.param(["Flatten"], (1, 1), id="moved by Flatten"),
        pytest.param(["Flatten", {"Dense": {"units": 2}}], (12, 12), id="everything from Dense on"),
        pytest.param([{"Dropout": {"rate": 0.5}}], (1, 1), id="a layer without a window"),
    ],
)  # fmt: skip
def test_worked_examples(layers, field):
    from cnnlab.layers.serialization import read_layer

    assert (
        describe(expand([read_layer(each) for each in layers]), (12, 12, 1)).rows[-1].receptive_field == field
    )


@pytest.mark.parametrize(
    ("layers", "field", "jump"),
    [
        # Two outputs stand where one pixel was: three in a row come from two pixels.
        pytest.param(["UpSampling2D", {"Conv2D": {"filters": 1, "kernel_size": 3}}], 2, 0.5, id="upsampled"),
        pytest.param([{"UpSampling2D": {"size": 3, "interpolation": "bilinear"}}], 2, 1 / 3, id="bilinear"),
        pytest.param(["MaxPooling2D", "UpSampling2D"], 2, 1, id="down and up"),
        # Neighbours from two windows of two pixels.
        pytest.param(["MaxPooling2D", "UpSampling2D", {"MaxPooling2D": {"strides": 1}}], 4, 1,
                     id="down, up and along"),
        # A kernel of 2, two apart, does not overlap; a kernel of 3 does at every other output.
        pytest.param([{"Conv2DTranspose": {"filters": 1, "kernel_size": 2, "strides": 2}}], 1, 0.5,
                     id="apart"),
        pytest.param([{"Conv2DTranspose": {"filters": 1, "kernel_size": 3, "strides": 2}}], 2, 0.5,
                     id="overlapping"),
        pytest.param([{"Conv2DTranspose": {"filters": 1, "kernel_size": 3}}], 3, 1, id="as a convolution"),
        pytest.param(["ZeroPadding2D", {"Cropping2D": {"cropping": 1}}], 1, 1, id="padded and cropped"),
        # Outside training 12×12 become 6×6, or 8×8: a pixel is read between two.
        pytest.param([{"RandomCrop": {"height": 6, "width": 6}}], 2, 2, id="cropped and shrunk"),
        pytest.param([{"RandomCrop": {"height": 8, "width": 8}},
                      {"Conv2D": {"filters": 1, "kernel_size": 3}}], 5, 1.5, id="shrunk by a fraction"),
        pytest.param([{"Permute": {"dims": [2, 1, 3]}}, {"Conv2D": {"filters": 1, "kernel_size": 3}}], 3, 1,
                     id="turned"),
    ],
)  # fmt: skip
def test_resizing(layers, field, jump):
    from cnnlab.layers.serialization import read_layer

    architecture = describe(expand([read_layer(each) for each in layers]), (12, 12, 1))
    assert architecture.rows[-1].receptive_field == (field, field)
    assert architecture.rows[-1].input_stride == (jump, jump)


@pytest.mark.parametrize("size", [(12, 12), (12, 20), (9, 7)])
@pytest.mark.parametrize("piece", [(6, 6), (5, 7), (4, 6), (9, 7), (1, 3)])
def test_a_resized_piece_is_not_seen_as_smaller_than_it_is(size, piece):
    """The summary's field, no smaller than that of the largest piece from the middle, resized bilinearly."""
    crop = LAYERS["RandomCrop"].model_validate({"height": piece[0], "width": piece[1]})
    conv = LAYERS["Conv2D"].model_validate({"filters": 1, "kernel_size": [1, 3]})
    scale = min(size[0] / piece[0], size[1] / piece[1])
    spans = []
    for wanted, outputs in zip((1, 3), piece, strict=True):
        middles = (np.arange(outputs) + 0.5) * scale - 0.5
        first, last = np.floor(np.round(middles, 9)), np.ceil(np.round(middles, 9))
        spans.append(max(last[wanted - 1 :] - first[: outputs - wanted + 1]) + 1)
    (*_, row) = describe(expand([crop, conv]), (*size, 1)).rows
    assert row.receptive_field[0] >= min(spans[0], size[0])
    assert row.receptive_field[1] >= min(spans[1], size[1])


def test_a_turned_image_keeps_its_height_and_width():
    layers = [
        LAYERS["Permute"].model_validate({"dims": [2, 1, 3]}),
        LAYERS["Conv2D"].model_validate({"filters": 1, "kernel_size": [1, 5]}),
    ]
    assert describe(expand(layers), (12, 10, 1)).rows[-1].receptive_field == (5, 1)


def test_a_mixed_format_is_followed_axis_by_axis():
    """A channels_last layer after a channels_first one takes columns for channels, and spans them all."""
    layers = [
        LAYERS["Conv2D"].model_validate({"filters": 4, "kernel_size": 3, "data_format": "channels_first"}),
        LAYERS["Conv2D"].model_validate({"filters": 4, "kernel_size": 3}),
    ]
    fields = [row.receptive_field for row in describe(expand(layers), (1, 12, 12)).rows]
    assert fields == [(3, 3), (5, 12)]


def test_a_channels_first_image_that_is_only_flattened_is_seen_pixel_by_pixel() -> None:
    from cnnlab.config.experiment import load_config

    config = load_config("dnn", ["dataset.data_format=channels_first"])
    fields = [row.receptive_field for row in config.architecture.rows]
    flattened = [row.type for row in config.architecture.rows].index("Dense")
    assert set(fields[:flattened]) == {(1, 1)}
    assert set(fields[flattened:]) == {(28, 28)}
