"""One image file → pixels: every format, every kind of damage."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from cnnlab.datasets.reading.images import (
    BadImage,
    OtherSize,
    bombs_are_errors,
    decode,
    fitting,
    size_of,
)

RNG = np.random.default_rng(0)


def encoded(image, format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def decoded(source, *, size=(6, 8), channels=3, resize="exact"):
    return decode(source, size=size, channels=channels, resize=resize)


@pytest.fixture
def picture():
    return Image.fromarray(RNG.integers(256, size=(6, 8, 3), dtype=np.uint8))


@pytest.mark.parametrize("format", ["PNG", "BMP", "WEBP", "GIF", "JPEG"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_format_gives_its_pixels(picture, format, channels):
    options = {"WEBP": {"lossless": True}}.get(format, {})
    flat = Image.new("RGB", (8, 6), (200, 100, 50)) if format in ("GIF", "JPEG") else picture
    pixels = decoded(encoded(flat, format, **options), channels=channels)
    expected = np.asarray(flat.convert("RGB" if channels == 3 else "L")).reshape(6, 8, channels)
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels.astype(int), expected, atol=2 if format == "JPEG" else 0)


def test_grey_is_the_weighted_sum_of_the_colours(picture):
    grey = decoded(encoded(picture), channels=1)[..., 0]
    np.testing.assert_allclose(grey, np.asarray(picture) @ [0.299, 0.587, 0.114], atol=1)


def test_crop_fills_pad_fits_and_stretch_distorts():
    image = np.zeros((10, 20, 3), dtype=np.uint8)
    image[:, 5:15] = 255  # white in the middle, black at both ends
    source = encoded(Image.fromarray(image))
    assert decoded(source, size=(10, 10), resize="crop").min() == 255
    padded = decoded(source, size=(20, 20), resize="pad")
    assert padded[:5].max() == padded[15:].max() == 0
    np.testing.assert_array_equal(padded[5:15], image)
    stretched = decoded(source, size=(10, 10), resize="stretch")[0, :, 0]
    assert stretched[0] == stretched[-1] == 0
    assert stretched[5] == 255


def test_exact_refuses_another_size(picture):
    with pytest.raises(OtherSize, match=r"^6×8$"):
        decoded(encoded(picture), size=(8, 6))


def test_transparent_parts_are_white():
    image = Image.new("RGBA", (8, 6), (255, 0, 0, 0))
    image.putpixel((0, 0), (0, 0, 255, 255))
    pixels = decoded(encoded(image))
    assert pixels[0, 0].tolist() == [0, 0, 255]
    assert pixels[1:].min() == 255


def test_photographs_are_turned_upright(tmp_path):
    image = Image.new("RGB", (8, 6))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90°
    path = tmp_path / "photo.jpg"
    image.save(path, exif=exif)
    assert size_of(path) == (8, 6)
    assert decoded(path, size=(8, 6)).shape == (8, 6, 3)


def test_of_an_animation_the_first_picture_counts():
    first, second = (Image.new("RGB", (8, 6), color) for color in ("red", "blue"))
    source = encoded(first, "GIF", save_all=True, append_images=[second])
    assert decoded(source)[0, 0].tolist() == [255, 0, 0]


def png_of_size(width, height):
    """A PNG whose head declares a size that its data does not have."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


def truncated_jpeg():
    noise = Image.fromarray(RNG.integers(256, size=(64, 64, 3), dtype=np.uint8))
    return encoded(noise, "JPEG")[:2000]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param(b"", "an empty file", id="zero bytes"),
        pytest.param(b"no image at all", "no PNG, JPEG, BMP, GIF or WebP image", id="text"),
        pytest.param(truncated_jpeg(), "a damaged file (image file is truncated", id="truncated"),
        pytest.param(png_of_size(20_000, 5_000), "100,000,000 pixels; the limit is 89,478,485", id="bomb"),
        pytest.param(png_of_size(60_000, 60_000), "3,600,000,000 pixels; the limit is", id="large bomb"),
        pytest.param(
            encoded(Image.fromarray(np.full((6, 8), 40_000, dtype=np.uint16))),
            "16 bits per channel; save it with 8",
            id="16 bits grey",
        ),
        pytest.param(
            encoded(Image.new("L", (8, 6)), "TIFF"), "no PNG, JPEG, BMP, GIF or WebP image", id="TIFF"
        ),
    ],
)
def test_what_is_wrong_is_said(source, found):
    with pytest.raises(BadImage) as caught, bombs_are_errors():
        decoded(source)
    assert str(caught.value).startswith(found)


def test_16_bit_colour_is_told_from_8_bits():
    rows = b"".join(b"\0" + bytes(8 * 3 * 2) for _ in range(6))
    head = struct.pack(">IIBBBBB", 8, 6, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    with pytest.raises(BadImage, match="16 bits"):
        decoded(png)


def test_a_link_to_itself_and_a_missing_file_are_named(tmp_path):
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    for path, found in [(loop, "Too many levels of symbolic links"), (tmp_path / "no.png", "No such file")]:
        with pytest.raises(BadImage, match=found):
            decoded(path)


def test_bytes_cut_or_changed_anywhere_never_crash(picture):
    whole = encoded(picture, "JPEG")
    for cut in range(0, len(whole), 37):
        changed = bytearray(whole)
        changed[cut] ^= 0xFF
        for source in (whole[:cut], bytes(changed)):
            with bombs_are_errors(), contextlib.suppress(BadImage):
                decode(source, size=(6, 8), channels=3, resize="stretch")


@pytest.mark.parametrize(
    ("size", "resize", "said"),
    [
        ((12, 6), "crop", "cropped and resized from 6×8 to 12×6"),
        ((12, 6), "pad", "resized and padded from 6×8 to 12×6"),
        ((12, 6), "stretch", "stretched from 6×8 to 12×6"),
        ((3, 4), "crop", "resized from 6×8 to 3×4"),
        ((3, 4), "pad", "resized from 6×8 to 3×4"),
    ],
)
def test_what_is_done_to_an_image_of_another_size(picture, size, resize, said):
    assert fitting(picture, size, resize) == said
