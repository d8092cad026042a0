"""Tiny sets made by hand in every layout, and the real ones where this machine has them."""

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cnnlab.datasets import DataPaths

REPOSITORY = Path(__file__).parents[2]

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture
def real_data(tmp_path: Path) -> Callable[[str], DataPaths]:
    """DataPaths with a folder of real files of a set, and empty caches; without one the test is skipped."""
    given = os.environ.get("CNNLAB_DATA_DIR")
    folders = [Path(given)] if given else [REPOSITORY.parent / "shared" / "datasets"]

    def holding(name: str) -> DataPaths:
        for folder in folders:
            if any((folder / name).glob("*")):
                return DataPaths(folder, tmp_path / "cache", tmp_path / "keras")
        pytest.skip(f"no real data: no folder {name} in {folders[0]} (CNNLAB_DATA_DIR)")

    return holding


@pytest.fixture
def data_paths(tmp_path: Path) -> DataPaths:
    """A data folder of the user, and two empty caches."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    return DataPaths(data_dir=data_dir, cache=tmp_path / "cache", keras_cache=tmp_path / "keras")


@pytest.fixture
def tiny() -> Arrays:
    """Twenty training and ten test images of 28×28 with labels: x_train, y_train, x_test, y_test."""
    rng = np.random.default_rng(1)
    return (
        rng.integers(256, size=(20, 28, 28), dtype=np.uint8),
        np.arange(20, dtype=np.uint8) % 10,
        rng.integers(256, size=(10, 28, 28), dtype=np.uint8),
        np.arange(10, dtype=np.uint8),
    )


@pytest.fixture
def idx() -> Callable[[np.ndarray], bytes]:
    """The IDX file of an array, written from the format's description."""

    def encode(array: np.ndarray) -> bytes:
        header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
        return header + array.tobytes()

    return encode


@pytest.fixture
def write_idx(idx: Callable[[np.ndarray], bytes]) -> Callable[..., None]:
    """Writes the four IDX files of a set into a folder."""

    def write(folder: Path, arrays: Arrays, *, zipped: bool = False, dot: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
        for name, array in zip(names, arrays, strict=True):
            name = name.replace("-idx", ".idx") if dot else name
            data = idx(array)
            if zipped:
                (folder / f"{name}-ubyte.gz").write_bytes(gzip.compress(data, compresslevel=1))
            else:
                (folder / f"{name}-ubyte").write_bytes(data)

    return write


@pytest.fixture
def write_images() -> Callable[..., None]:
    """Writes flat colour images into a folder: FOLDER/CLASS/0.png, …; each of its own colour."""

    def write(
        folder: Path, counts: dict[str, int], *, size: tuple[int, int] = (6, 8), ending: str = "png"
    ) -> None:
        from PIL import Image

        for label, (name, count) in enumerate(counts.items()):
            (folder / name).mkdir(parents=True, exist_ok=True)
            for index in range(count):
                color = (40 * label + 10, index % 256, 10 * (index // 256) + len(folder.name))
                Image.new("RGB", (size[1], size[0]), color).save(folder / name / f"{index:03}.{ending}")

    return write
