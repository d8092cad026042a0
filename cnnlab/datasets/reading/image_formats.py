"""Which files are images, told by their names or first bytes, and which of those can be read here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

from cnnlab.files import open_regular


@dataclass(frozen=True)
class ImageFormat:
    """A format that Pillow reads, possibly with a package of its own."""

    name: str
    """As Pillow calls it."""

    endings: tuple[str, ...]
    module: str | None = None
    """What must be there to read it."""

    package: str | None = None
    """What is installed to read it; None where a newer Pillow does."""

    @property
    def is_readable(self) -> bool:
        return self.module is None or find_spec(self.module) is not None


FORMATS = (
    ImageFormat("PNG", (".png",)),
    ImageFormat("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif")),
    ImageFormat("BMP", (".bmp",)),
    ImageFormat("GIF", (".gif",)),
    ImageFormat("WEBP", (".webp",)),
    ImageFormat("TIFF", (".tif", ".tiff")),
    ImageFormat("PPM", (".ppm", ".pgm", ".pbm", ".pnm")),
    ImageFormat("AVIF", (".avif",), module="PIL._avif"),
    ImageFormat("HEIF", (".heic", ".heif", ".hif"), module="pillow_heif", package="pillow-heif"),
)

COMMON = "PNG, JPEG, BMP, GIF, WebP, TIFF or PPM"
"""What is read everywhere."""

_FOREIGN = frozenset(
    (".jp2", ".j2k", ".jxl", ".psd", ".xcf", ".svg", ".eps", ".ai", ".ico", ".tga", ".pcx", ".exr", ".hdr",
     ".dcm", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".raw")
)  # fmt: skip
"""Endings of images that are not read."""

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".rar", ".7z", ".gz")

_NO_IMAGES = frozenset(
    (".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".md", ".html", ".htm", ".yaml", ".yml", ".log",
     ".py", ".ipynb", ".ini", ".pdf", ".npy", ".npz")
)  # fmt: skip
"""Endings of files that often lie beside images; others are opened to see what they are."""

_FIRST_BYTES = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|II\*\0|MM\0\*|RIFF....WEBP|BM....\0{2}|P[1-6]\s"
    rb"|....ftyp(?:avif|avis|heic|heix|mif1)",
    re.DOTALL,
)
"""What the files of `FORMATS` begin with."""


@cache
def readable_formats() -> tuple[str, ...]:
    """The names that Pillow has for what can be read here."""
    return tuple(each.name for each in FORMATS if each.is_readable)


@cache
def readable_endings() -> tuple[str, ...]:
    """In lower case, with their dots."""
    return tuple(ending for each in FORMATS if each.is_readable for ending in each.endings)


@cache
def register_plug_ins() -> None:
    """Let Pillow read what needs a package of its own, where that is installed."""
    if "HEIF" in readable_formats():
        from pillow_heif import register_heif_opener

        register_heif_opener()


def is_image(name: str, path: str) -> bool:
    """Whether a file can be read as an image; one of an unknown ending, or none, by its first bytes."""
    ending = _ending(name)
    if ending in readable_endings():
        return True
    if ending in _NO_IMAGES or why_unread(name) is not None:
        return False
    try:
        with open_regular(path) as file:
            start = file.read(12)
    except OSError:
        return False
    return bool(_FIRST_BYTES.match(start))


def why_unread(name: str) -> str | None:
    """Why the images in a file of this name are not read; None where it holds none."""
    ending = _ending(name)
    for each in FORMATS:
        if ending in each.endings and not each.is_readable:
            way = (
                f"the package {each.package} (pip install {each.package})" if each.package else "Pillow 11.3"
            )
            return f"{ending} needs {way}"
    if ending in _FOREIGN:
        return f"{ending} is not read; save as PNG or JPEG"
    return "an archive; unpack it" if is_archive(name) else None


def is_archive(name: str) -> bool:
    """Whether a name ends as that of a packed folder does."""
    return name.lower().endswith(_ARCHIVES)


def _ending(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""
