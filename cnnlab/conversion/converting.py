"""In a process of its own, on TensorFlow: a run's network with its preprocessing → a file.

What passes between the processes stands in a folder: see `Request`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnnlab.config.sections import RuntimeConfig
from cnnlab.conversion.facts import FACTS_FILE, KEY
from cnnlab.conversion.formats import FormatName
from cnnlab.errors import CnnlabError, UserError, first_sentence

AT_ONCE = 256
"""Images that go through a network together."""


@dataclass(frozen=True)
class Request:
    """What is to be converted, as request.json has it.

    folder: holds images.npy, (N, H, W, C) uint8, for the answers; calibration.npy, the same for 8 bits;
    scale.npz, factor and offset; order.npy where pixels change places; facts.json. Written to it are
    answers.npy, (N, classes) float32, Keras's own, and the exported file.
    """

    folder: Path
    run: Path
    format: FormatName
    file: str
    quantize: str | None

    def write(self) -> None:
        data = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}
        (self.folder / "request.json").write_text(json.dumps(data), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Request:
        data = json.loads((folder / "request.json").read_text(encoding="utf-8"))
        return cls(folder, Path(data["run"]), data["format"], data["file"], data["quantize"])


def main(folder: str) -> None:
    """Carry out the request in a folder; what goes wrong is left there as error.json."""
    request = Request.read(Path(folder))
    try:
        _convert(request)
    except CnnlabError as error:
        content = {"message": str(error), "exit_code": error.exit_code}
        (request.folder / "error.json").write_text(json.dumps(content), encoding="utf-8")


def _convert(request: Request) -> None:
    model = _network(request)
    images = np.load(request.folder / "images.npy")
    parts = [np.asarray(model(images[at : at + AT_ONCE])) for at in range(0, len(images), AT_ONCE)]
    np.save(request.folder / "answers.npy", np.concatenate(parts))
    write(model, request.folder / request.file, request)


def write(model: Any, target: Path, request: Request) -> None:
    """Write a network that takes raw pixels.

    Raises:
        UserError: it cannot be converted; the message names the first layer without a counterpart.
    """
    try:
        _WRITERS[request.format](model, target, request)
    except CnnlabError:
        raise
    except Exception as error:  # converters raise what they like
        if culprit := _culprit(model, request):  # what converters say of it is of no use
            problem = f"{culprit} has no counterpart there; use another format"
        else:
            problem = f"the network cannot be converted ({first_sentence(error)})"
        raise UserError(f"--to {request.format}: {problem}") from error


def _network(request: Request) -> Any:
    """The network from raw pixels to probabilities, in float32."""
    import keras

    from cnnlab.prediction import dataset_of, trained_model
    from cnnlab.run_folders.records import read_record

    record = read_record(request.run)
    config, dataset = record.config, dataset_of(record)
    runtime = RuntimeConfig(backend="tensorflow", device="cpu")  # what converters take networks from
    model = trained_model(record, runtime, in_float32=True)
    images = keras.Input(dataset.image_shape, dtype="uint8", name="images")
    pixels = keras.ops.cast(images, "float32")
    order = request.folder / "order.npy"
    if order.exists():
        height, width, channels = dataset.image_shape
        rows = keras.ops.reshape(pixels, (-1, height * width, channels))
        pixels = keras.ops.reshape(
            keras.ops.take(rows, np.load(order), axis=1), (-1, height, width, channels)
        )
    if dataset.data_format == "channels_first":
        pixels = keras.ops.transpose(pixels, (0, 3, 1, 2))
    with np.load(request.folder / "scale.npz") as scale:
        pixels = pixels / 255.0 * scale["factor"] + scale["offset"]
    outputs = model(pixels, training=False)
    if config.gives_logits:
        outputs = keras.ops.softmax(outputs, axis=-1)
    return keras.Model(images, outputs, name=config.name)


def _calibration(request: Request) -> Iterator[np.ndarray]:
    """Training images one by one, as a batch of one each."""
    images = np.load(request.folder / "calibration.npy")
    for image in images:
        yield image[np.newaxis]


def _facts(request: Request) -> str:
    return (request.folder / "facts.json").read_text(encoding="utf-8")


def _export(model: Any, target: Path, kind: FormatName, quantized: Request | None = None) -> None:
    """Let Keras write a network.

    Args:
        quantized: has the images for the ranges of 8-bit numbers, of LiteRT; None: float32.
    """
    options: dict[str, Any] = {}
    if kind == "litert":
        import tensorflow as tf

        # Keras would also take operations of TensorFlow's own, which LiteRT alone cannot compute.
        options["target_spec"] = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
        if quantized is not None:
            options["optimizations"] = [tf.lite.Optimize.DEFAULT]
            options["representative_dataset"] = lambda: ([image] for image in _calibration(quantized))
    model.export(str(target), format=kind, verbose=False, **options)


def _write_onnx(model: Any, target: Path, request: Request) -> None:
    import onnx

    _export(model, target, "onnx")
    if request.quantize:
        from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

        class Images(CalibrationDataReader):
            def __init__(self) -> None:
                self._images = _calibration(request)

            def get_next(self) -> dict[str, np.ndarray] | None:
                image = next(self._images, None)
                return None if image is None else {"images": image}

        plain = target.with_name(f"plain-{target.name}")
        target.rename(plain)
        quantize_static(
            plain, target, Images(), per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
    content = onnx.load(target)
    content.metadata_props.add(key=KEY, value=_facts(request))
    content.graph.doc_string = "written by cnnlab export"
    onnx.checker.check_model(content)
    onnx.save(content, target)


def _write_litert(model: Any, target: Path, request: Request) -> None:
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    _export(model, target, "litert", request if request.quantize else None)
    content = flatbuffer_utils.read_model(str(target))
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(_facts(request).encode(), dtype=np.uint8)
    content.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = KEY.encode(), len(content.buffers) - 1
    content.metadata = [*(content.metadata or []), entry]
    flatbuffer_utils.write_model(content, str(target))


def _write_saved_model(model: Any, target: Path, request: Request) -> None:
    model.export(str(target), format="tf_saved_model", verbose=False)
    extra = target / "assets.extra"
    extra.mkdir()
    (extra / FACTS_FILE).write_text(_facts(request), encoding="utf-8")


def _write_keras(model: Any, target: Path, request: Request) -> None:
    import zipfile

    for layer in model._flatten_layers():
        if not type(layer).__module__.startswith("keras."):
            raise UserError(
                f"--to keras: {layer.name} is a {type(layer).__name__}, which only cnnlab has, and the file "
                "could not be opened without it; use another format"
            )
    model.save(target)
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr(FACTS_FILE, _facts(request))


_WRITERS: dict[FormatName, Callable[[Any, Path, Request], None]] = {
    "onnx": _write_onnx,
    "litert": _write_litert,
    "saved-model": _write_saved_model,
    "keras": _write_keras,
}


def _culprit(model: Any, request: Request) -> str | None:
    """The first layer that cannot be converted alone, by its name and class; None where each can."""
    import keras

    if request.format not in ("onnx", "litert"):
        return None
    ending = Path(request.file).suffix
    for number, layer in enumerate(model._flatten_layers(include_self=False)):
        inputs = getattr(layer, "input", None)
        if isinstance(layer, keras.Model | keras.layers.InputLayer) or inputs is None:
            continue
        given = inputs if isinstance(inputs, list) else [inputs]
        fresh = [keras.Input(each.shape[1:], dtype=each.dtype) for each in given]
        alone = keras.Model(fresh, layer(fresh if isinstance(inputs, list) else fresh[0]))
        alone([np.zeros((1, *each.shape[1:]), each.dtype) for each in given])  # Keras exports no other
        try:
            _export(alone, request.folder / f"layer-{number}{ending}", request.format)
        except Exception:  # noqa: BLE001
            return f"layer {layer.name} ({type(layer).__name__})"
    return None
