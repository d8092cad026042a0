"""Datasets as one machine sends them to another, which keeps them as files for its runs."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.errors import CnnlabError

if TYPE_CHECKING:
    from cnnlab.datasets.base import DatasetConfig
    from cnnlab.datasets.content import Dataset


def shipped_name(config: DatasetConfig) -> str:
    """The name of the file that holds the images of this section."""
    return f"{hashlib.sha256(config.model_dump_json().encode()).hexdigest()}.pickle"


def write_shipped(path: Path, data: Dataset) -> None:
    """Write a dataset for processes of this version of cnnlab, which made it.

    Raises:
        OSError: the disk is full, or cannot be written.
    """
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            pickle.dump(data, file, protocol=pickle.HIGHEST_PROTOCOL)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_shipped(folder: Path, config: DatasetConfig) -> Dataset:
    """The images of a section, from a folder that only this user's own processes write to.

    Raises:
        CnnlabError: they are not there, or cannot be read.
    """
    path = folder / shipped_name(config)
    try:
        with path.open("rb") as file:
            data: Dataset = pickle.load(file)
    except OSError as error:
        raise CnnlabError(f"{path}: cannot be read: {error.strerror or error}") from None
    return data
