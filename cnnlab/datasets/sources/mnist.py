"""MNIST and Fashion-MNIST: 60,000 + 10,000 grey images of 28×28, ten classes each, in the same formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from cnnlab.datasets.base import DatasetConfig, ImageKind, Progress
from cnnlab.datasets.data_paths import DataPaths, RemoteFile
from cnnlab.language.fields import Shape

if TYPE_CHECKING:
    from cnnlab.datasets.content import Content

KERAS_BUCKET = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"


class MnistLike(DatasetConfig):
    """What the two sets have in common. The digest is that of `content.digest` over the official content."""

    image_shape: ClassVar[Shape] = (28, 28, 1)
    train_count: ClassVar[int] = 60_000
    test_count: ClassVar[int] = 10_000
    image_kind: ClassVar[ImageKind] = "figure"

    official_digest: ClassVar[str]
    remote_files: ClassVar[tuple[RemoteFile, ...]]
    folders: ClassVar[tuple[str, ...]]
    """Below a place that is searched: where the four IDX files may lie, such as torchvision's MNIST/raw."""

    npz_names: ClassVar[tuple[str, ...]]

    def locate(self, data_paths: DataPaths) -> Path | None:
        from cnnlab.datasets.reading.mnist_files import find

        found = find(self, data_paths)
        return found if found is None or isinstance(found, Path) else next(iter(found.values())).parent

    def read(self, data_paths: DataPaths, *, progress: Progress | None = None) -> Content:
        from cnnlab.datasets.reading.mnist_files import read_mnist_like

        return read_mnist_like(self, data_paths, progress=progress)


class Mnist(MnistLike):
    """Handwritten digits (LeCun, Cortes & Burges), as four IDX files or as Keras's mnist.npz."""

    name: Literal["mnist"] = "mnist"

    title: ClassVar[str] = "MNIST"
    image_kind: ClassVar[ImageKind] = "digit"
    all_classes: ClassVar[tuple[str, ...]] = tuple("0123456789")
    official_digest: ClassVar[str] = "0ca25098011d851a9c1e34617f769a224ad1d0376acfbdabfc4476287a2eaa85"
    folders: ClassVar[tuple[str, ...]] = ("mnist", "mnist/raw", "MNIST", "MNIST/raw")
    npz_names: ClassVar[tuple[str, ...]] = ("mnist.npz",)
    # The checksum is the one that Keras states for its file.
    remote_files: ClassVar[tuple[RemoteFile, ...]] = (
        RemoteFile(
            f"{KERAS_BUCKET}/mnist.npz", "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
        ),
    )


class FashionMnist(MnistLike):
    """Pictures of clothes (Xiao, Rasul & Vollgraf 2017, arXiv 1708.07747), as four IDX files."""

    name: Literal["fashion_mnist"] = "fashion_mnist"

    title: ClassVar[str] = "Fashion-MNIST"
    all_classes: ClassVar[tuple[str, ...]] = (
        "t-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    )
    official_digest: ClassVar[str] = "c85e7078a78cd512aa3ff3581a2abe3c4fe692df179dc143eb92d447183fc2cc"
    folders: ClassVar[tuple[str, ...]] = (
        "fashion_mnist",
        "fashion-mnist",
        "fashion_mnist/raw",
        "FashionMNIST",
        "FashionMNIST/raw",
    )
    npz_names: ClassVar[tuple[str, ...]] = ("fashion_mnist.npz", "fashion-mnist.npz")
    # The checksums are those that the authors publish.
    remote_files: ClassVar[tuple[RemoteFile, ...]] = tuple(
        RemoteFile(f"{KERAS_BUCKET}/{name}.gz", md5, "md5")
        for name, md5 in (
            ("train-images-idx3-ubyte", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            ("train-labels-idx1-ubyte", "25c81989df183df01b3e8a0aad5dffbe"),
            ("t10k-images-idx3-ubyte", "bef4ecab320f06d8554ea6380940ec79"),
            ("t10k-labels-idx1-ubyte", "bb300cfdad3c16e7a12a480ee83cd310"),
        )
    )
