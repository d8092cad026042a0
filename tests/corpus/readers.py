"""cnnlab's readers by what they read: each takes a file, and raises nothing but `CnnlabError`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cnnlab.datasets import DATASETS

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
    "keras-archive": read_model,
}
"""By the folder below tests/corpus/ that has broken ones."""
