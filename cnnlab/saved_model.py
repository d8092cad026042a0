"""A .keras file, looked at before Keras reads it: its parts, what it names, how much memory it will take."""

from __future__ import annotations

import io
import json
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from cnnlab.backend import own_randomness
from cnnlab.errors import UserError, first_sentence
from cnnlab.files import open_regular
from cnnlab.language.source import MAX_DEPTH, MAX_NODES

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MOST_MEMBERS = 1_000
LARGEST_CONFIG = 1 << 24
"""Bytes; VGG's has 30 thousand."""

_MOST_VALUES = 100 * MAX_NODES
UNREADABLE = (
    ArithmeticError, AssertionError, AttributeError, EOFError, ImportError, LookupError, MemoryError,
    NameError, OSError, RuntimeError, TypeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What Keras, HDF5 and zipfile raise for a file that is damaged, or something else."""


class _Unusable(Exception):
    """What is wrong with the file, in a sentence."""


@contextmanager
def readable_model(path: Path, problem: str, *, weights_only: bool = False) -> Iterator[None]:
    """Check a .keras file; inside, whatever Keras has against it becomes a `UserError`.

    Args:
        problem: the message, with {} where the reason belongs.
        weights_only: nothing but the weights will be read.

    Raises:
        UserError: the file is damaged, names a class that neither Keras nor cnnlab nor a plug-in has, or
            describes more weights than it holds.
    """
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            size = file.seek(0, io.SEEK_END)
            _check_members(archive, size)
            weights = archive.read(WEIGHTS)
            _check_weights(weights)
            if not weights_only:
                _check_architecture(archive, len(weights))
        yield
    except _refusals() as error:
        reason = error.strerror if isinstance(error, OSError) else None
        if isinstance(error, LookupError):  # says nothing but the key that is missing
            reason = f"damaged settings or weights, {error} is missing"
        raise UserError(f"{path}: {problem.format(reason or first_sentence(error))}") from None


def _refusals() -> tuple[type[Exception], ...]:
    """All of them; TensorFlow's own are children of Exception only."""
    tensorflow = sys.modules.get("tensorflow")
    return (_Unusable, *UNREADABLE, *((tensorflow.errors.OpError,) if tensorflow is not None else ()))


def _check_members(archive: zipfile.ZipFile, size: int) -> None:
    """Keras stores its files as they are: an archive cannot be more than it says."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise _Unusable(f"expected at most {MOST_MEMBERS:,} files in it, found {len(members):,}")
    names = {each.filename for each in members}
    if len(names) < len(members):
        raise _Unusable("expected each file in it once, found one of them twice")
    for name in (CONFIG, WEIGHTS):
        if name not in names:
            raise _Unusable(f"expected {name} in it, found none")
    unzipped = sum(each.file_size for each in members)
    if unzipped > size:
        raise _Unusable(f"expected at most {size:,} bytes in it, as in the file itself, found {unzipped:,}")


def _check_architecture(archive: zipfile.ZipFile, weights_bytes: int) -> None:
    size = archive.getinfo(CONFIG).file_size
    if size > LARGEST_CONFIG:
        raise _Unusable(f"expected at most {LARGEST_CONFIG:,} bytes in {CONFIG}, found {size:,}")
    try:
        config = json.loads(archive.read(CONFIG))
    except RecursionError:
        raise _Unusable(f"nested too deeply in {CONFIG}") from None
    if not isinstance(config, dict):
        raise _Unusable(f"expected a model's settings in {CONFIG}, found something else")
    _check_names(config)
    with own_randomness(), keras.StatelessScope(initialize_variables=False):
        params = keras.saving.deserialize_keras_object(config).count_params()
    if params > weights_bytes:
        raise _Unusable(
            f"{CONFIG} describes {params:,} parameters, and {WEIGHTS} has {weights_bytes:,} bytes"
        )


def _check_names(config: dict[str, Any]) -> None:
    """Only classes of Keras's own and those that are registered with it; nothing else is imported."""
    count = 0
    waiting: list[tuple[Any, int]] = [(config, 0)]
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if count > _MOST_VALUES:
            raise _Unusable(f"more than {_MOST_VALUES:,} values in {CONFIG}")
        if depth > 3 * MAX_DEPTH:
            raise _Unusable(f"nested more than {3 * MAX_DEPTH} levels deep in {CONFIG}")
        if isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]
        elif isinstance(value, dict):
            waiting += [(each, depth + 1) for each in value.values()]
            module = value.get("module")
            if "class_name" in value and module is not None and not _is_known(module, value):
                raise _Unusable(
                    f"names {module}.{value['class_name']}, which is neither Keras's nor cnnlab's"
                )


def _is_known(module: Any, value: dict[str, Any]) -> bool:
    if not isinstance(module, str):
        return False
    registered = value.get("registered_name")
    if isinstance(registered, str) and keras.saving.get_registered_object(registered) is not None:
        return True
    return module == "builtins" or module.partition(".")[0] == "keras"


def _check_weights(content: bytes) -> None:
    """Every array is in the file as it is: HDF5 could claim any size, or unzip to it."""
    import h5py

    needed = 0

    def count(name: str, each: Any) -> None:
        nonlocal needed
        if isinstance(each, h5py.Dataset):
            needed += each.nbytes
            if needed > len(content):
                raise _Unusable(f"expected {needed:,} bytes of weights in {WEIGHTS}, found {len(content):,}")

    with h5py.File(io.BytesIO(content), "r") as weights:
        weights.visititems(count)
