"""One image file → pixels: every format, every kind of damage."""

import contextlib
import io
import struct
import zlib

import numpy as np
import PIL.features
import pytest
from PIL import Image, ImageOps

from cnnlab.datasets.reading.images import (
    BadImage,
    OtherSize,
    bombs_are_errors,
    decode,
    decoder,
    fitting,
    size_of,
)

RNG = np.random.default_rng(0)


def encoded(image, format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def decoded(source, *, size=(6, 8), channels=3, resize="exact"):
    return decode(source, size=size, channels=channels, resize=resize).pixels


@pytest.fixture
def picture():
    return Image.fromarray(RNG.integers(256, size=(6, 8, 3), dtype=np.uint8))


@pytest.mark.parametrize("format", ["PNG", "BMP", "WEBP", "GIF", "JPEG", "TIFF", "PPM"])
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


@pytest.mark.parametrize("size", [(2000, 30), (30, 2000)])
def test_pad_keeps_a_line_of_a_very_long_image(size):
    padded = decode(encoded(Image.new("L", size, 200)), size=(28, 28), channels=1, resize="pad").pixels[
        ..., 0
    ]
    line = padded if size[0] > size[1] else padded.T
    assert sorted(line.max(axis=1).tolist()) == [0] * 27 + [200]
    assert line.max(axis=0).tolist() == [200] * 28


def test_exact_refuses_another_size(picture):
    with pytest.raises(OtherSize, match=r"^8×6$"):
        decoded(encoded(picture), size=(8, 6))


def test_transparent_parts_are_white():
    image = Image.new("RGBA", (8, 6), (255, 0, 0, 0))
    image.putpixel((0, 0), (0, 0, 255, 255))
    pixels = decoded(encoded(image))
    assert pixels[0, 0].tolist() == [0, 0, 255]
    assert pixels[1:].min() == 255


LOSSLESS = {
    "JPEG": {"quality": 100, "subsampling": 0},  # but for rounding
    "PNG": {},
    "TIFF": {},
    "WEBP": {"lossless": True},
}

STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}
"""How a camera stores a picture, by the orientation that EXIF then has (EXIF 2.32, table 8)."""


def with_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("format", LOSSLESS)
def test_photographs_are_turned_upright(tmp_path, format, orientation):
    upright = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    path = tmp_path / "photo"
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    stored.save(path, format, exif=with_orientation(orientation), **LOSSLESS[format])
    assert size_of(path) == (6, 8)
    np.testing.assert_allclose(decoded(path).astype(int), upright, atol=1 if format == "JPEG" else 0)


@pytest.mark.parametrize("orientation", [0, 9, 1 << 15])
def test_an_orientation_without_a_meaning_is_none(tmp_path, picture, orientation):
    path = tmp_path / "photo.png"
    picture.save(path, exif=with_orientation(orientation))
    assert size_of(path) == (6, 8)
    np.testing.assert_array_equal(decoded(path), np.asarray(picture))


def photograph(height, width):
    """Noise that is coarser than a pixel, in colours."""
    coarse = Image.fromarray(RNG.integers(256, size=(height // 3 + 1, width // 3 + 1, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


def as_png(jpeg):
    """What the whole JPEG shows, in a format that has no reduced sizes, upright."""
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(jpeg)))
    return encoded(upright.convert("RGB"), compress_level=1)


JPEGS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "on its side": {"exif": with_orientation(6)},
    "full colours": {"subsampling": 0},
}


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("side", [32, 63, 64, 65, 128, 257])
def test_a_jpeg_gives_the_pixels_of_the_same_picture_as_png(side, kind):
    """Beside and at 1/2, 1/4 and 1/8, which JPEG decoders offer as reduced sizes."""
    jpeg = encoded(photograph(side, side + side // 3), "JPEG", **JPEGS[kind])
    for resize in ("crop", "pad", "stretch"):
        for channels in (1, 3):
            found = decode(jpeg, size=(32, 32), channels=channels, resize=resize)
            expected = decode(as_png(jpeg), size=(32, 32), channels=channels, resize=resize)
            np.testing.assert_array_equal(found.pixels, expected.pixels)
            assert found.notes == expected.notes


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_jpeg_without_colours_or_for_print_does_so_too(mode):
    jpeg = encoded(photograph(256, 256).convert(mode), "JPEG")
    found = decode(jpeg, size=(32, 32), channels=3, resize="crop").pixels
    np.testing.assert_array_equal(
        found, decode(as_png(jpeg), size=(32, 32), channels=3, resize="crop").pixels
    )


@pytest.mark.parametrize("factor", [2, 4, 8, 16])
def test_exact_refuses_a_jpeg_that_its_decoder_could_reduce_to_the_size(factor):
    jpeg = encoded(photograph(32 * factor, 32 * factor), "JPEG")
    with pytest.raises(OtherSize, match=f"^{32 * factor}×{32 * factor}$"):
        decoded(jpeg, size=(32, 32))


def on_white(colors, opacity):
    return np.rint(colors * (opacity / 255) + 255 * (1 - opacity / 255))


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_half_transparent_parts_are_mixed_with_white(picture, format):
    opacity = RNG.integers(256, size=(6, 8, 1), dtype=np.uint8)
    image = Image.fromarray(np.concatenate([np.asarray(picture), opacity], axis=-1))
    source = encoded(image, format, **({"lossless": True, "exact": True} if format == "WEBP" else {}))
    expected = on_white(np.asarray(picture, dtype=float), opacity.astype(float))
    np.testing.assert_allclose(decoded(source).astype(int), expected, atol=1)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_png_is_read_in_grey_and_in_colour(picture, mode, channels):
    source = encoded(picture.convert(mode))
    shown = Image.open(io.BytesIO(source)).convert("RGB" if channels == 3 else "L")
    np.testing.assert_array_equal(
        decoded(source, channels=channels), np.asarray(shown).reshape(6, 8, channels)
    )


def test_a_colour_that_stands_for_nothing_is_white(picture):
    """As PNG's tRNS has it for images without opacity, and GIF for its palette."""
    grey = Image.fromarray(np.array([[10, 20], [20, 30]], np.uint8))
    source = encoded(grey, transparency=20)
    assert decoded(source, size=(2, 2), channels=1)[..., 0].tolist() == [[10, 255], [255, 30]]
    gif = encoded(grey.convert("P"), "GIF", transparency=20)
    assert decoded(gif, size=(2, 2), channels=1)[..., 0].tolist() == [[10, 255], [255, 30]]


def test_the_decoder_is_named_with_its_libraries(monkeypatch):
    usual = decoder()
    assert f"Pillow {PIL.__version__}" in usual
    assert f"libjpeg_turbo {PIL.features.version('libjpeg_turbo')}" in usual
    monkeypatch.setattr("cnnlab.datasets.reading.images.DECODER", 99)
    assert decoder() != usual


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_picture_counts(format):
    first, second = (Image.new("RGB", (8, 6), color) for color in ("red", "blue"))
    source = encoded(first, format, save_all=True, append_images=[second], duration=100)
    assert Image.open(io.BytesIO(source)).n_frames == 2
    np.testing.assert_allclose(decoded(source)[0, 0], [255, 0, 0], atol=3)


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
        pytest.param(b"no image at all", "no PNG, JPEG, BMP, GIF, WebP, TIFF or PPM image", id="text"),
        pytest.param(truncated_jpeg(), "a damaged file (image file is truncated", id="truncated"),
        pytest.param(png_of_size(20_000, 5_000), "100,000,000 pixels; the limit is 89,478,485", id="bomb"),
        pytest.param(png_of_size(60_000, 60_000), "3,600,000,000 pixels; the limit is", id="large bomb"),
        pytest.param(
            encoded(Image.fromarray(np.full((6, 8), 40_000, dtype=np.uint16))),
            "16 bits per channel; save it with 8",
            id="16 bits grey",
        ),
        pytest.param(
            encoded(Image.new("L", (8, 6)), "ICO"),
            "no PNG, JPEG, BMP, GIF, WebP, TIFF or PPM image",
            id="ICO",
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
        ((12, 6), "crop", "cropped and resized from 8×6 to 6×12 (width × height)"),
        ((12, 6), "pad", "resized and padded from 8×6 to 6×12 (width × height)"),
        ((12, 6), "stretch", "stretched from 8×6 to 6×12 (width × height)"),
        ((3, 4), "crop", "resized from 8×6 to 4×3 (width × height)"),
        ((3, 4), "pad", "resized from 8×6 to 4×3 (width × height)"),
    ],
)
def test_what_is_done_to_an_image_of_another_size(picture, size, resize, said):
    assert fitting(picture, size, resize) == said
