"""An exported file, run by the runtime that it is meant for: uint8 images in, probabilities out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cnnlab.conversion.facts import FACTS_FILE, KEY
from cnnlab.conversion.formats import FormatName
from cnnlab.errors import UserError, first_sentence

AT_ONCE = 256
"""Images that go through a network together."""

Answer = Callable[[np.ndarray], np.ndarray]
"""(N, H, W, C) uint8 → (N, classes) float32"""


def main(folder: str) -> None:
    """Run the file of the request in a folder over its images; writes exported.npy, or error.json."""
    from cnnlab.conversion.converting import Request

    request = Request.read(Path(folder))
    try:
        answer, _ = opened(request.folder / request.file, request.format)
        np.save(request.folder / "exported.npy", answers(answer, np.load(request.folder / "images.npy")))
    except UserError as error:
        content = {"message": str(error), "exit_code": 1}
        (request.folder / "error.json").write_text(json.dumps(content), encoding="utf-8")


def answers(answer: Answer, images: np.ndarray) -> np.ndarray:
    """What a file answers for images, batch by batch: (N, classes) float32."""
    parts = [answer(images[start : start + AT_ONCE]) for start in range(0, len(images), AT_ONCE)]
    return np.concatenate(parts).astype(np.float32)


def opened(path: Path, format_name: FormatName) -> tuple[Answer, str | bytes | None]:
    """A function that answers, and the metadata of cnnlab's in the file, where it has any.

    Raises:
        UserError: the runtime cannot read the file.
    """
    try:
        return _OPENERS[format_name](path)
    except Exception as error:  # noqa: BLE001  # runtimes raise what they like
        raise UserError(f"{path}: cannot be read by its runtime: {first_sentence(error)}") from None


def _open_onnx(path: Path) -> tuple[Answer, str | bytes | None]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is raised as well
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    facts = session.get_modelmeta().custom_metadata_map.get(KEY)
    return lambda images: np.asarray(session.run(None, {given.name: images})[0]), facts


def _open_litert(path: Path) -> tuple[Answer, str | bytes | None]:
    from ai_edge_litert.interpreter import Interpreter

    from cnnlab.native_log import stderr_aside

    with stderr_aside():  # it says which delegate it takes; what is wrong is raised as well
        interpreter = Interpreter(str(path))
    (given,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()

    def answer(images: np.ndarray) -> np.ndarray:
        interpreter.resize_tensor_input(given["index"], images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], images)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(result["index"]))

    return answer, _litert_facts(path)


def _litert_facts(path: Path) -> bytes | None:
    """The metadata under cnnlab's key."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(path.read_bytes(), 0)
    for number in range(model.MetadataLength()):
        entry = model.Metadata(number)
        if entry.Name() == KEY.encode():
            return bytes(model.Buffers(entry.Buffer()).DataAsNumpy())
    return None


def _open_saved_model(path: Path) -> tuple[Answer, str | bytes | None]:
    import tensorflow as tf

    model = tf.saved_model.load(str(path))
    facts = (path / "assets.extra" / FACTS_FILE).read_text(encoding="utf-8")
    return lambda images: model.serve(images).numpy(), facts


def _open_keras(path: Path) -> tuple[Answer, str | bytes | None]:
    import zipfile

    import keras

    model = keras.saving.load_model(path)
    with zipfile.ZipFile(path) as archive:
        facts = archive.read(FACTS_FILE)
    return lambda images: np.asarray(keras.ops.convert_to_numpy(model(images))), facts


_OPENERS: dict[FormatName, Callable[[Path], tuple[Answer, Any]]] = {
    "onnx": _open_onnx,
    "litert": _open_litert,
    "saved-model": _open_saved_model,
    "keras": _open_keras,
}
