"""A file that each reader takes, and how it is called: what mutations start from."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from tests.corpus.generate import idx_bytes, npz, picture, png_bytes

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
    "other-images": (".gif", lambda: [picture(each) for each in ("GIF", "BMP", "WEBP")]),
}


@cache
def valid(kind: str) -> tuple[bytes, ...]:
    """The files of a kind, made once."""
    return tuple(VALID[kind][1]())
