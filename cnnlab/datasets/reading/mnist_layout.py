"""Where the files of a set in MNIST's formats lie, and how the official ones are recognised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@dataclass(frozen=True)
class MnistLayout:
    """File names and checksums of one set; SHA-256 throughout, as lower-case hex."""

    folders: tuple[str, ...]
    """Below a place that is searched: where the four IDX files may lie, such as torchvision's MNIST/raw."""

    npz_names: tuple[str, ...]
    official_digest: str
    """`content.digest` of the official content."""

    idx_checksums: Mapping[str, str]
    """Of the four IDX files, unzipped, by the names in `IDX_FILES`."""

    npz_checksum: str | None
    """Of the published .npz file; None where none is published."""
