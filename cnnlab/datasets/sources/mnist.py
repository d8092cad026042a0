"""MNIST and Fashion-MNIST: 60,000 + 10,000 grey images of 28×28, ten classes each, in the same formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from cnnlab.datasets.base import DatasetConfig, DownloadProgress, ImageKind
from cnnlab.datasets.data_paths import DataPaths, RemoteFile
from cnnlab.datasets.reading.mnist_layout import IDX_FILES, MnistLayout
from cnnlab.language.fields import Shape

if TYPE_CHECKING:
    from cnnlab.datasets.content import Content

KERAS_BUCKET = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"


class MnistLike(DatasetConfig):
    """What the two sets have in common."""

    image_shape: ClassVar[Shape] = (28, 28, 1)
    train_count: ClassVar[int] = 60_000
    test_count: ClassVar[int] = 10_000
    image_kind: ClassVar[ImageKind] = "figure"

    layout: ClassVar[MnistLayout]

    def locate(self, data_paths: DataPaths) -> Path | None:
        from cnnlab.datasets.reading.mnist_files import find

        found = find(self.layout, data_paths)
        return found if found is None or isinstance(found, Path) else next(iter(found.values())).parent

    def matches_checksums(self, data_paths: DataPaths) -> bool:
        from cnnlab.datasets.reading.mnist_files import matches_checksums

        return matches_checksums(self.layout, data_paths)

    def read(self, data_paths: DataPaths, *, progress: DownloadProgress | None = None) -> Content:
        from cnnlab.datasets.reading.mnist_files import read_mnist_like

        others = {other.title: other.layout.official_digest for other in (Mnist, FashionMnist)}
        del others[self.title]
        return read_mnist_like(self, self.layout, data_paths, others=others, progress=progress)


# The checksum is the one that Keras states for its file.
MNIST_NPZ = RemoteFile(
    f"{KERAS_BUCKET}/mnist.npz", "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
)


class Mnist(MnistLike):
    """MNIST, whose digits are centered by their mass."""

    about: ClassVar[str] = (
        "Handwritten digits (LeCun, Cortes & Burges), as four IDX files or as Keras's mnist.npz."
    )

    name: Literal["mnist"] = "mnist"

    title: ClassVar[str] = "MNIST"
    image_kind: ClassVar[ImageKind] = "digit"
    all_classes: ClassVar[tuple[str, ...]] = tuple("0123456789")
    remote_files: ClassVar[tuple[RemoteFile, ...]] = (MNIST_NPZ,)
    layout: ClassVar[MnistLayout] = MnistLayout(
        folders=("mnist", "mnist/raw", "MNIST", "MNIST/raw"),
        npz_names=("mnist.npz",),
        official_digest="0ca25098011d851a9c1e34617f769a224ad1d0376acfbdabfc4476287a2eaa85",
        idx_checksums=dict(
            zip(
                IDX_FILES,
                (
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ),
                strict=True,
            )
        ),
        npz_checksum=MNIST_NPZ.checksum,
    )


class FashionMnist(MnistLike):
    """Fashion-MNIST, in the formats of MNIST."""

    about: ClassVar[str] = (
        "Images of clothes (Xiao, Rasul & Vollgraf 2017, arXiv 1708.07747), as four IDX files."
    )

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
    # The checksums are those that the authors publish.
    remote_files: ClassVar[tuple[RemoteFile, ...]] = tuple(
        RemoteFile(f"{KERAS_BUCKET}/{name}.gz", md5, "md5")
        for name, md5 in zip(
            IDX_FILES,
            (
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "25c81989df183df01b3e8a0aad5dffbe",
                "bef4ecab320f06d8554ea6380940ec79",
                "bb300cfdad3c16e7a12a480ee83cd310",
            ),
            strict=True,
        )
    )
    layout: ClassVar[MnistLayout] = MnistLayout(
        folders=(
            "fashion_mnist",
            "fashion-mnist",
            "fashion_mnist/raw",
            "FashionMNIST",
            "FashionMNIST/raw",
        ),
        npz_names=("fashion_mnist.npz", "fashion-mnist.npz"),
        official_digest="c85e7078a78cd512aa3ff3581a2abe3c4fe692df179dc143eb92d447183fc2cc",
        idx_checksums=dict(
            zip(
                IDX_FILES,
                (
                    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                ),
                strict=True,
            )
        ),
        npz_checksum=None,
    )
