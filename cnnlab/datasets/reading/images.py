"""From the bytes of one image to uint8 pixels. What is wrong with a file becomes a `BadImage`.

Training, `predict` and `explain --picture` all come here, so that they see the same pixels of the same file.
"""

from __future__ import annotations

import contextlib
import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cnnlab.datasets.reading.image_formats import COMMON, readable_formats, register_plug_ins, why_unread
from cnnlab.errors import first_sentence
from cnnlab.files import open_regular

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

DECODER = 2
"""Counts up when the same bytes give other pixels: what was decoded before is then decoded again."""

MOST_PIXELS = 89_478_485
"""A quarter of a gigabyte in colour, which Pillow too takes for the limit: more is a decompression bomb."""


LONGEST_SIDE = 65_535
"""Of a JPEG, by its format. A longer image takes memory for each of its rows, be they ever so short."""

LARGEST_FILE = 1 << 28
"""Bytes."""

_UPRIGHT = {
    2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90",
}  # fmt: skip
"""What brings a photograph upright, by its EXIF orientation."""

LYING = 5
"""From this orientation on, height and width are exchanged."""

_DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, RuntimeError,
    SyntaxError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow raises for damaged files, beside errors of the operating system's kind."""


class BadImage(Exception):
    """An image cannot be used; says why, in words that follow "found"."""


class OtherSize(BadImage):
    """It is not of the size that all images must have."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """pixels: (height, width, channels) uint8. notes: what was done to the image, in words."""

    pixels: np.ndarray
    notes: tuple[str, ...]


def decoder() -> str:
    """What turns bytes into pixels: cnnlab's rules, and the libraries with their versions."""
    from PIL import __version__, features

    libraries = [
        f"{name} {features.version(name)}" for name in ("jpg", "libjpeg_turbo", "webp", "libtiff", "avif")
    ]
    return "; ".join([f"decoder {DECODER}", f"Pillow {__version__}", *libraries])


def contents(path: Path) -> bytes:
    """The bytes of an image file.

    Raises:
        BadImage: it cannot be read, is no regular file, or is too large.
    """
    try:
        with open_regular(path) as file:
            return _of_bearable_size(file).read(LARGEST_FILE)
    except OSError as error:
        raise BadImage(error.strerror or str(error)) from None


def size_of(path: Path) -> tuple[int, int]:
    """Height and width of an image as it is looked at, read from the head of its file.

    Raises:
        BadImage: the file is no image.
    """
    with _opened(path) as image:
        width, height = image.size
        return (width, height) if _orientation(image) >= LYING else (height, width)


def decode(source: Path | bytes, *, size: tuple[int, int], channels: int, resize: str) -> Prepared:
    """Read an image and bring it to a size: "crop", "pad" (with black), "stretch", or "exact".

    Returns:
        (height, width, channels) uint8; one channel is 0.299 R + 0.587 G + 0.114 B.

    Raises:
        BadImage: the file is damaged, empty, too large, of 16 bits, or no image.
        OtherSize: with "exact", it is not of the size.
    """
    import numpy as np  # not above: a config that takes the size from the first image needs none

    image = load(source, channels=channels)
    pixels = np.asarray(fitted(image, size, resize), dtype=np.uint8).reshape(*size, channels)
    is_as_it_was = image.size == (size[1], size[0])
    return Prepared(pixels, () if is_as_it_was else (fitting(image, size, resize),))


def load(source: Path | bytes, *, channels: int) -> Image:
    """Read an image as it is looked at, in its own size, in grey (1 channel) or colour (3).

    Of an animation the first picture counts; transparent parts are white; photographs are turned upright. A
    JPEG is decoded in full: its reduced sizes are quicker, but make its pixels depend on the size asked for.

    Raises:
        BadImage: the file is damaged, empty, too large, of 16 bits, or no image.
    """
    from PIL.Image import Transpose

    mode = "RGB" if channels == 3 else "L"
    with _opened(source) as image:
        image.load()
        turn = _UPRIGHT.get(_orientation(image))
        opaque = _without_transparency(image if turn is None else image.transpose(Transpose[turn]))
        return opaque if opaque.mode == mode else opaque.convert(mode)


def fitted(image: Image, size: tuple[int, int], resize: str) -> Image:
    """Bring an image to (height, width).

    Raises:
        OtherSize: with "exact", it is not of the size.
    """
    from PIL import ImageOps
    from PIL.Image import Resampling

    target = (size[1], size[0])
    if image.size == target:
        return image
    if resize == "exact":
        raise OtherSize(f"{image.width}×{image.height}")
    if resize == "crop":
        return ImageOps.fit(image, target, Resampling.BILINEAR)
    if resize == "pad":
        return ImageOps.pad(_of_one_pixel(image, target), target, Resampling.BILINEAR)
    return image.resize(target, Resampling.BILINEAR)


def _of_one_pixel(image: Image, target: tuple[int, int]) -> Image:
    """An image so long that its short side would round to nothing keeps one pixel: it would be all black."""
    from PIL.Image import Resampling

    if round(image.height / image.width * target[0]) == 0:
        return image.resize((target[0], 1), Resampling.BILINEAR)
    if round(image.width / image.height * target[1]) == 0:
        return image.resize((1, target[1]), Resampling.BILINEAR)
    return image


def fitting(image: Image, size: tuple[int, int], resize: str) -> str:
    """What `fitted` does to an image of another size, in words."""
    same_proportions = image.height * size[1] == image.width * size[0]
    how = {"crop": "cropped and resized", "pad": "resized and padded", "stretch": "stretched"}[resize]
    return resized("resized" if same_proportions else how, image, size)


def resized(how: str, image: Image, size: tuple[int, int]) -> str:
    """cropped and resized from 1600×700 to 28×28 (width × height), as image viewers have it.

    Args:
        size: (height, width), as arrays have it.
    """
    return f"{how} from {image.width}×{image.height} to {size[1]}×{size[0]} (width × height)"


@contextlib.contextmanager
def _opened(source: Path | bytes) -> Iterator[Image]:
    """An open image of known, bearable size; inside, whatever goes wrong with it becomes a `BadImage`."""
    from PIL import Image, UnidentifiedImageError

    register_plug_ins()
    try:
        with (
            open_regular(source) if isinstance(source, Path) else io.BytesIO(source) as file,
            Image.open(_of_bearable_size(file), formats=readable_formats()) as image,
        ):
            if image.width * image.height > MOST_PIXELS:
                raise _bomb(f"({image.height * image.width} pixels)")
            if max(image.size) > LONGEST_SIDE:
                raise BadImage(
                    f"{image.height:,}×{image.width:,} pixels; the limit for a side is {LONGEST_SIDE:,}"
                )
            if image.mode in ("I", "F") or ";16" in image.mode or ";16" in _raw_mode(image):
                raise BadImage("16 bits per channel; save it with 8")
            yield image
    except UnidentifiedImageError:
        raise BadImage(_unidentified(source)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _bomb(str(error)) from None
    except OSError as error:
        raise BadImage(error.strerror or f"a damaged file ({error})") from None
    except _DAMAGE as error:
        raise BadImage(f"a damaged file ({first_sentence(error)})") from None


def _of_bearable_size(file: BinaryIO) -> BinaryIO:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size > LARGEST_FILE:
        raise BadImage(f"a file of {size:,} bytes; the limit is {LARGEST_FILE:,}")
    return file


@contextlib.contextmanager
def bombs_are_errors() -> Iterator[None]:
    """Pillow only warns of the smaller bombs; the filter holds for the threads that are started inside."""
    from PIL.Image import DecompressionBombWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as odd EXIF data: what cannot be read raises anyway
        warnings.simplefilter("error", DecompressionBombWarning)
        yield


def _bomb(said: str) -> BadImage:
    """Pillow says (100000000 pixels) among other things."""
    pixels = re.search(r"\((\d+) pixels\)", said)
    number = f"{int(pixels[1]):,}" if pixels else "too many"
    return BadImage(f"{number} pixels; the limit is {MOST_PIXELS:,}")


def _raw_mode(image: Image) -> str:
    """How the file stores its pixels: of 16-bit colours Pillow would silently drop the lower half."""
    tile = getattr(image, "tile", [])
    return str(tile[0][3]) if tile else ""


def _unidentified(source: Path | bytes) -> str:
    if isinstance(source, Path) and (reason := why_unread(source.name)):
        return f"a file that is not read: {reason}"
    empty = source.stat().st_size == 0 if isinstance(source, Path) else not source
    return "an empty file" if empty else f"no {COMMON} image"


def _orientation(image: Image) -> int:
    """What EXIF or XMP says, from 1 to 8; 1 also where they say nothing, or what has no meaning."""
    if image.format == "TIFF":
        return 1  # Pillow turns these itself
    found = image.getexif().get(0x0112)
    return int(found) if found in _UPRIGHT else 1


def _without_transparency(image: Image) -> Image:
    from PIL import Image as Images

    if not image.has_transparency_data:
        return image
    transparent = image.convert("RGBA")
    return Images.alpha_composite(Images.new("RGBA", image.size, "white"), transparent)
