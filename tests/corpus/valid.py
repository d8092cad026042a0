"""A file that each reader takes, and how it is called: what mutations start from."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from tests.corpus.generate import array, idx_bytes, npz, picture, png_bytes
from tests.corpus.readers import GOLDEN, cached_folder

CONFIGS = Path(__file__).parents[2] / "configs"

KERAS = b"""\
{dataset: colors, model: {keras: {class_name: Functional, config: {
  layers: [{class_name: InputLayer, config: {name: i, shape: [28, 28, 3]}},
    {class_name: Flatten, config: {name: f}, inbound_nodes: [[i]]},
    {class_name: Dense, config: {name: d, units: 6, activation: softmax}, inbound_nodes: [[f]]}],
  input_layers: [i], output_layers: [d]}}}}
"""


NOT_OF_CNNLAB = b"""\
{dataset: colors, model: {keras: {class_name: Sequential, config: {layers: [
  {class_name: GaussianDropout, config: {rate: 0.5}}, {class_name: Flatten, config: {}},
  {class_name: Dense, config: {units: 6, activation: softmax}}]}}}}
"""


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        content = pickle.dumps({"data": np.zeros((2, 3), np.uint8), "labels": [0, 1]}, 2)
        info = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _batch(protocol: int) -> bytes:
    return pickle.dumps({"data": np.arange(6, dtype=np.uint8).reshape(2, 3), "labels": [0, 1]}, protocol)


def _models() -> list[bytes]:
    """As `cnnlab explain` is given them, compiled ones too."""
    import keras

    keras.utils.set_random_seed(0)
    contents = []
    for optimizer in (None, "adam", keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 10))):
        layers = [keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
        model = keras.Sequential([keras.Input((4, 4, 1)), *layers])
        if optimizer is not None:
            model.compile(optimizer, "sparse_categorical_crossentropy")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "it.keras")
            model.save(path)
            contents.append(path.read_bytes())
    return contents


def _checkpoints() -> list[bytes]:
    """Of 0.1.0, and of this version."""
    from cnnlab.run_folders.checkpoints import Owner, SavedEpoch, as_arrays
    from cnnlab.run_folders.records import HISTORY_COLUMNS

    [old] = (GOLDEN.parents[2] / "0.1.0-interrupted").glob("*/seed-0/checkpoint.npz")
    row = dict.fromkeys(HISTORY_COLUMNS, 0.5) | {"epoch": 1}
    saved = SavedEpoch({"weight": np.zeros((2, 3), np.float32)}, [row])
    buffer = io.BytesIO()
    np.savez(buffer, **as_arrays(saved, Owner("experiment", 0, "data")))
    return [old.read_bytes(), buffer.getvalue()]


def _cached(name: str) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        cached_folder(Path(folder, "it"))
        return [Path(folder, "it", name).read_bytes()]


def _recorded(name: str) -> tuple[str, Callable[[], list[bytes]]]:
    return Path(name).suffix, lambda: [(GOLDEN / name).read_bytes()]


VALID: dict[str, tuple[str, Callable[[], list[bytes]]]] = {
    "yaml": (".yaml", lambda: [(CONFIGS / "cnn.yaml").read_bytes()]),
    "layers": (".yaml", lambda: [(CONFIGS / "colors_dnn.yaml").read_bytes()]),
    "keras-config": (".yaml", lambda: [KERAS, NOT_OF_CNNLAB]),
    "set": (
        ".txt",
        lambda: [b"training.epochs=3", b"model.layers[0].filters=[1, 2]", b"name: {a: &b [1], c: *b}"],
    ),
    "where": (".txt", lambda: [b"not (seed = 1 or test_accuracy > 98%) and training.epochs = [3, 'x']"]),
    "idx": ("", lambda: [idx_bytes()]),
    "idx-gzip": ("", lambda: [gzip.compress(idx_bytes(), mtime=0)]),
    "npz-archive": (".npz", lambda: [npz()]),
    "npz-set": (".npz", lambda: [npz(zipfile.ZIP_DEFLATED)]),
    "cifar-archive": (".tar.gz", lambda: [_archive(), gzip.compress(_archive(), mtime=0)]),
    "pickle-data": ("", lambda: [_batch(protocol) for protocol in range(6)]),
    "png": (".png", lambda: [png_bytes(), picture("PNG")]),
    "jpeg": (".jpg", lambda: [picture("JPEG")]),
    "array-image": (".npy", lambda: [array((4, 4), "'<f4'", bytes(64)), array((4, 4, 3), content=bytes(48))]),
    "kernels": (".yaml", lambda: [b"corner: [[1, 1], [1, -3]]\nwide: [[1, 0.5, -1e-1]]\n"]),
    "keras-archive": (".keras", _models),
    **{
        f"run-{name}": _recorded(name)
        for name in ("run.json", "result.json", "environment.json", "history.csv", "config.yaml")
    },
    "run-predictions.npz": _recorded("predictions.npz"),
    "checkpoint": (".npz", _checkpoints),
    "cached-facts": ("facts.json", lambda: _cached("facts.json")),
    "cached-labels": ("train_labels.npy", lambda: _cached("train_labels.npy")),
    "other-images": (".gif", lambda: [picture(each) for each in ("GIF", "BMP", "WEBP", "TIFF", "PPM")]),
}


def file_name(kind: str) -> str:
    """Its ending tells readers what it is; of the cache's files, the whole name."""
    ending = VALID[kind][0]
    return ending if kind.startswith("cached-") else f"file{ending}"


@cache
def valid(kind: str) -> tuple[bytes, ...]:
    """The files of a kind, made once."""
    return tuple(VALID[kind][1]())
