"""A picture that is dropped on the page becomes the pixels that `cnnlab predict` makes of it."""

import io

import numpy as np
import PIL
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cnnlab.datasets.catalog import dataset_named
from cnnlab.datasets.reading.images import BadImage, decode
from cnnlab.datasets.reading.preprocessing import prepare
from tests.chromium import QUIET

pytestmark = QUIET

PREPARE = """
const [width, height, rgba, data] = arguments;
const { pixels, notes } = prepare(Uint8ClampedArray.from(rgba), width, height, data);
return [Array.from(pixels), notes];
"""

SIZES = st.tuples(st.integers(1, 70), st.integers(1, 70))


def picture(rng, width, height, kind):
    """Of noise, or of a thick stroke on an even ground."""
    if kind == "noise":
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels = np.full((height, width, 3), rng.integers(0, 256), dtype=np.uint8)
    top, left = rng.integers(0, height), rng.integers(0, width)
    pixels[top : top + max(1, height // 2), left : left + max(1, width // 3)] = rng.integers(0, 256, 3)
    return pixels


def as_browsers_have_it(pixels):
    """RGBA, row by row."""
    opaque = np.full((*pixels.shape[:2], 1), 255, dtype=np.uint8)
    return np.concatenate([pixels, opaque], axis=-1).ravel().tolist()


def png(pixels, mode=None):
    file = io.BytesIO()
    Image.fromarray(pixels, mode).save(file, "PNG")
    return file.getvalue()


def assert_same_pixels(ours, theirs):
    """Pillow before 13 always resizes across first, so that roundings differ."""
    rounding = 0 if int(PIL.__version__.split(".")[0]) >= 13 else 3
    np.testing.assert_allclose(ours, theirs.ravel().astype(int), rtol=0, atol=rounding)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "shapes", "cifar10"])
@settings(max_examples=40)
@given(size=SIZES, kind=st.sampled_from(["noise", "stroke"]), seed=st.integers(0, 1000))
def test_a_picture_becomes_the_same_pixels(engine, name, size, kind, seed):
    config = dataset_named(name)
    pixels = picture(np.random.default_rng(seed), *size, kind)
    height, width, channels = config.image_shape
    data = {
        "kind": config.image_kind,
        "size": [height, width],
        "channels": channels,
        "resize": config.resize_mode,
    }
    ours, notes = engine(PREPARE, *size, as_browsers_have_it(pixels), data)
    theirs = prepare(png(pixels), config)
    assert_same_pixels(ours, theirs.pixels)
    assert tuple(notes) == theirs.notes


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
@settings(max_examples=40)
@given(size=SIZES, target=SIZES, channels=st.sampled_from([1, 3]), seed=st.integers(0, 1000))
def test_every_way_to_resize(engine, resize, size, target, channels, seed):
    pixels = picture(np.random.default_rng(seed), *size, "noise")
    data = {"kind": "photograph", "size": list(target), "channels": channels, "resize": resize}
    ours, notes = engine(PREPARE, *size, as_browsers_have_it(pixels), data)
    theirs = decode(png(pixels), size=target, channels=channels, resize=resize)
    assert_same_pixels(ours, theirs.pixels)
    assert tuple(notes) == theirs.notes


def test_transparent_parts_are_white(engine):
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (12, 9, 4), dtype=np.uint8)
    data = {"kind": "photograph", "size": [12, 9], "channels": 3, "resize": "crop"}
    ours, _ = engine(PREPARE, 9, 12, pixels.ravel().tolist(), data)
    theirs = decode(png(pixels), size=(12, 9), channels=3, resize="crop")
    assert ours == theirs.pixels.ravel().tolist()


def test_a_picture_of_another_size_is_refused_where_sizes_are_exact(engine):
    data = {"kind": "photograph", "size": [8, 9], "channels": 3, "resize": "exact"}
    said = engine(
        "try { prepare(new Uint8ClampedArray(480), 12, 10, arguments[0]); }"
        "catch (error) { return error.message; }",
        data,
    )
    assert said == "expected a picture of 9×8 (width × height), found 12×10"
    with pytest.raises(BadImage):
        decode(png(np.zeros((10, 12, 3), np.uint8)), size=(8, 9), channels=3, resize="exact")
