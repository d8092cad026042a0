"""CIFAR-10 (Krizhevsky 2009): 50,000 + 10,000 colour photographs of 32×32, ten classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from cnnlab.datasets.base import DatasetConfig, DownloadProgress
from cnnlab.datasets.data_paths import DataPaths, RemoteFile
from cnnlab.language.fields import Shape

if TYPE_CHECKING:
    from cnnlab.datasets.content import Content


class Cifar10(DatasetConfig):
    """CIFAR-10, the layouts of its Python and binary versions."""

    about: ClassVar[str] = "CIFAR-10 in its Python or binary layout, as a folder or as the published archive."

    name: Literal["cifar10"] = "cifar10"

    title: ClassVar[str] = "CIFAR-10"
    image_shape: ClassVar[Shape] = (32, 32, 3)
    all_classes: ClassVar[tuple[str, ...]] = (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    )
    train_count: ClassVar[int] = 50_000
    test_count: ClassVar[int] = 10_000

    # The checksum is the one that Keras states for its download.
    remote_files: ClassVar[tuple[RemoteFile, ...]] = (
        RemoteFile(
            "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        ),
    )

    def locate(self, data_paths: DataPaths) -> Path | None:
        from cnnlab.datasets.reading.cifar10_files import find

        return find(data_paths)

    def matches_checksums(self, data_paths: DataPaths) -> bool:
        from cnnlab.datasets.reading.cifar10_files import matches_checksums

        return matches_checksums(data_paths)

    def read(self, data_paths: DataPaths, *, progress: DownloadProgress | None = None) -> Content:
        from cnnlab.datasets.reading.cifar10_files import read_cifar10

        return read_cifar10(self, data_paths, progress=progress)
