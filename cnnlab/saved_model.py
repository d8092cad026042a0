"""A .keras file, looked at before Keras reads it: its parts, what it names, how much memory it will take."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from cnnlab.backend import framework_errors, own_randomness
from cnnlab.errors import UserError, first_sentence
from cnnlab.files import open_regular
from cnnlab.language.source import MAX_DEPTH, MAX_NODES

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MOST_MEMBERS = 1_000
LARGEST_CONFIG = 1 << 24
"""Bytes; VGG's has 30 thousand."""

_MOST_VALUES = 100 * MAX_NODES
_VALUES = ("__tensor__", "__numpy__", "__keras_tensor__", "__bytes__", "__ellipsis__", "__slice__")
"""What Keras calls the values in a config that JSON has no form for; it makes them itself."""

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
    refusals: tuple[type[Exception], ...] = (_Unusable, *UNREADABLE, *framework_errors())
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            size = file.seek(0, io.SEEK_END)
            _check_members(archive, size)
            weights = archive.read(WEIGHTS)
            _check_weights(weights)
            if not weights_only:
                _check_architecture(archive, len(weights))
        yield
    except refusals as error:
        reason = error.strerror if isinstance(error, OSError) else None
        if isinstance(error, LookupError):  # says nothing but the key that is missing
            reason = f"damaged settings or weights, {error} is missing"
        if isinstance(error, _Unusable):
            reason = str(error)
        # Keras wraps what a layer says into the whole config, once for each model around it.
        said = reason or first_sentence(error, after="Exception encountered: ")
        raise UserError(f"{path}: {problem.format(said)}") from None


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
    _check_names(config | {"compile_config": None})
    # An optimizer would read the values of variables, which the model does not have here.
    with own_randomness(), keras.StatelessScope(initialize_variables=False):
        model = keras.saving.deserialize_keras_object(_uncompiled(config))
        if not isinstance(model, keras.Model):
            raise _Unusable(f"expected a model's settings in {CONFIG}, found something else")
        params = model.count_params()
    if params > weights_bytes:
        raise _Unusable(
            f"{CONFIG} describes {params:,} parameters, and {WEIGHTS} has {weights_bytes:,} bytes"
        )


def _uncompiled(value: Any) -> Any:
    """The settings of a model, and of those in it, without how they are trained."""
    if isinstance(value, list):
        return [_uncompiled(each) for each in value]
    if isinstance(value, dict):
        return {key: _uncompiled(each) for key, each in value.items() if key != "compile_config"}
    return value


def _check_names(config: dict[str, Any]) -> None:
    """Only classes of Keras's own and those that are registered with it; nothing else is imported."""
    count = 0
    waiting: list[tuple[Any, int, str]] = [(config, 0, "")]
    while waiting:
        value, depth, layer = waiting.pop()
        count += 1
        if count > _MOST_VALUES:
            raise _Unusable(f"more than {_MOST_VALUES:,} values in {CONFIG}")
        if depth > 3 * MAX_DEPTH:
            raise _Unusable(f"nested more than {3 * MAX_DEPTH} levels deep in {CONFIG}")
        if isinstance(value, list):
            waiting += [(each, depth + 1, layer) for each in value]
        elif isinstance(value, dict):
            settings = value.get("config")
            if isinstance(settings, dict) and isinstance(settings.get("name"), str) and "module" in value:
                layer = settings["name"]
            _check_class(value, f"layer {layer!r:.60}: " if layer else "")
            waiting += [(each, depth + 1, layer) for each in value.values()]


def _check_class(value: dict[str, Any], place: str) -> None:
    """What a layer, or a part of one, is an instance of, if this describes one."""
    if "class_name" not in value:
        return
    name, module = value["class_name"], value.get("module")
    if not isinstance(name, str):
        raise _Unusable(f"{place}expected the name of a class, found {name!r:.60}")
    if name in ("Lambda", "__lambda__"):
        raise _Unusable(f"{place}{name.strip('_').capitalize()} holds Python code, which is not run")
    # Without a module it is Keras's own by its name.
    if "module" in value and name not in _VALUES and not _is_known(module, value):
        called = name if module is None else f"{module}.{name}"
        raise _Unusable(f"{place}{called!r:.60} is neither Keras's nor cnnlab's")


def _is_known(module: Any, value: dict[str, Any]) -> bool:
    if not isinstance(module, str):
        return False
    # Keras looks functions up by their own name, whatever they say that they are registered as.
    registered = value.get("config" if value["class_name"] == "function" else "registered_name")
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
