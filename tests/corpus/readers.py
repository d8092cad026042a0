"""cnnlab's readers by what they read: each takes a file, and raises nothing but `CnnlabError`."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cnnlab.datasets import DATASETS
from cnnlab.datasets.content import Content
from cnnlab.errors import CnnlabError

GOLDEN = Path(__file__).parents[1] / "run_folders" / "golden" / "0.1.0" / "golden_cnn-dddb23f1" / "seed-0"
"""A run from before the digests: its files are read as they are."""

SHAPE = (4, 4)
MOST_ITEMS = 20


def read_config(path: Path) -> None:
    """A config: YAML, or a model of Keras's in it."""
    from cnnlab.config.experiment import load_config

    load_config(str(path))


def read_setting(path: Path) -> None:
    """The text of `--set`, changing a config that is right."""
    from cnnlab.config.experiment import load_config

    load_config("cnn", [path.read_text(encoding="utf-8", errors="surrogateescape")])


def read_condition(path: Path) -> None:
    """The text of `--where`, on no runs."""
    from cnnlab.run_folders.listing.scanning import KEYS
    from cnnlab.run_folders.listing.where import parse_condition

    parse_condition(path.read_text(encoding="utf-8", errors="surrogateescape"), KEYS)


def read_idx_file(path: Path) -> None:
    """Images in MNIST's format, plain or gzip."""
    from cnnlab.datasets.reading.idx import read_idx

    read_idx(path, item_shape=SHAPE, at_most=MOST_ITEMS)


def read_npz_set(path: Path) -> None:
    """The user's own arrays."""
    from cnnlab.datasets.catalog import dataset_at
    from cnnlab.datasets.data_paths import DataPaths

    dataset = dataset_at(str(path))
    assert dataset is not None  # told by the name's ending
    dataset.read(DataPaths(None, Path("nowhere"), Path("nowhere")))


def read_archive(path: Path) -> None:
    """An archive of CIFAR-10."""
    from cnnlab.datasets.reading.cifar10_files import decode

    decode(path, DATASETS["cifar10"].model_validate({"name": "cifar10"}))


def read_pickle(path: Path) -> None:
    """A batch of CIFAR-10 as a pickle, and all arrays in it."""
    from cnnlab.datasets.reading.plain_pickle import ArrayRecord, PlainPickleError, load_plain
    from cnnlab.errors import UserError

    try:
        content = load_plain(path.read_bytes())
        for each in content.values() if isinstance(content, dict) else [content]:
            if isinstance(each, ArrayRecord):
                each.numpy()
    except PlainPickleError as error:
        raise UserError(f"{path}: expected a pickled CIFAR-10 batch, found {error}") from None


def read_image(path: Path) -> None:
    """A picture, as `cnnlab explain --picture` and, with other words, `cnnlab predict` read it."""
    from cnnlab.explanations.picture_files import read_picture

    read_picture(path)


def read_array(path: Path) -> None:
    """An image of any numbers, as `cnnlab explain kernels --picture` reads it."""
    from cnnlab.explanations.array_images import read_array_image

    read_array_image(path)


def read_own_kernels(path: Path) -> None:
    """Kernels in YAML, for an image of 4×4."""
    from cnnlab.explanations.kernel_files import check_fit, read_kernels

    check_fit(read_kernels(path), SHAPE, "the image")


def read_model(path: Path) -> None:
    """A .keras file, as `cnnlab explain` reads it."""
    from cnnlab.analyses.network import load_model

    load_model(path)


READERS: dict[str, Callable[[Path], None]] = {
    "yaml": read_config,
    "layers": read_config,
    "keras-config": read_config,
    "set": read_setting,
    "where": read_condition,
    "idx": read_idx_file,
    "idx-gzip": read_idx_file,
    "npz-archive": read_npz_set,
    "npz-header": read_npz_set,
    "npz-set": read_npz_set,
    "cifar-archive": read_archive,
    "pickle-program": read_pickle,
    "pickle-data": read_pickle,
    "png": read_image,
    "jpeg": read_image,
    "other-images": read_image,
    "array-image": read_array,
    "kernels": read_own_kernels,
    "keras-archive": read_model,
    "keras-names": read_model,
}
"""By the folder below tests/corpus/ that has broken ones."""


class WithinFolder:
    """Reads a folder of cnnlab's own in which one file is another one: what is said is said of that one."""

    def __init__(self, name: str, whole: Path, read: Callable[[Path], None]) -> None:
        self.name, self.whole, self.read = name, whole, read

    def __call__(self, path: Path) -> None:
        from cnnlab.errors import UserError

        with tempfile.TemporaryDirectory() as place:
            folder = Path(place, self.whole.parent.name, self.whole.name)
            shutil.copytree(self.whole, folder)
            shutil.copyfile(path, folder / self.name)
            try:
                self.read(folder)
            except CnnlabError as error:
                raise UserError(str(error).replace(str(folder), str(path))) from None


def read_run(folder: Path) -> None:
    """A finished run, as `runs list` and then `compare` read it."""
    from cnnlab.run_folders.listing.scanning import scan
    from cnnlab.run_folders.records import read_record

    scan(folder.parents[1])
    record = read_record(folder)
    assert record.predictions is not None


def read_checkpoint(path: Path) -> None:
    """A checkpoint of any run, of this version or the first."""
    from cnnlab.errors import UserError
    from cnnlab.run_folders import checkpoints

    history = [{"epoch": 1}] * 20
    try:
        checkpoints.read(path, None, history=lambda: history)
    except checkpoints.DamagedCheckpoint as damage:
        raise UserError(f"{path} {damage}") from None


def cached_folder(folder: Path) -> Content:
    """Two images in the cache of decoded ones, four pixels each."""
    from cnnlab.datasets.reading.decoded_cache import Decoded, Part, cached

    def decode(file: BinaryIO) -> Decoded:
        file.write(bytes(range(8)))
        return Decoded(np.array([0, 1]), [])

    part = Part(["a/0.png", "a/1.png"], ["0.png", "1.png"], decode)
    return cached(folder, origin="it", image_shape=(2, 2, 1), parts={"train": part, "test": part})


def read_cached_folder(path: Path) -> None:
    """A file of the cache of decoded images, called as the given one: a damaged one is made again."""
    from cnnlab.errors import UserError

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "cached")
        first = cached_folder(folder).provenance
        shutil.copyfile(path, folder / path.name)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert cached_folder(folder).provenance == first
        for each in caught:
            raise UserError(str(each.message).replace(str(folder), str(path)))


ALL_READERS = READERS | {
    **{
        f"run-{name}": WithinFolder(name, GOLDEN, read_run)
        for name in ("run.json", "result.json", "environment.json", "history.csv", "config.yaml")
    },
    "run-predictions.npz": WithinFolder("predictions.npz", GOLDEN, read_run),
    "checkpoint": read_checkpoint,
    "cached-facts": read_cached_folder,
    "cached-labels": read_cached_folder,
}
"""With those whose files are cnnlab's own, which are only mutated."""
