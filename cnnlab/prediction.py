"""A trained network's predictions for images from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cnnlab.backend import own_randomness, start_backend
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.sections import RuntimeConfig
from cnnlab.datasets import DataPaths, DatasetConfig, load_dataset
from cnnlab.datasets.content import PixelScale
from cnnlab.datasets.permuting import permuted
from cnnlab.datasets.reading.folder_layout import images_below
from cnnlab.datasets.reading.image_formats import COMMON
from cnnlab.datasets.reading.images import BadImage, Prepared, bombs_are_errors
from cnnlab.datasets.reading.preprocessing import prepare
from cnnlab.datasets.splits import pixel_scale
from cnnlab.errors import UserError
from cnnlab.files import absence, name_problem
from cnnlab.run_folders.records import Record

if TYPE_CHECKING:
    import keras

AT_ONCE = 256
"""Images that go through the network together."""


@dataclass(frozen=True, eq=False)
class ImagePrediction:
    """What a network says about one image.

    probabilities: (num_classes,) float32, in the order of `classes`.
    """

    image: str
    classes: tuple[str, ...]
    probabilities: np.ndarray
    notes: tuple[str, ...]

    @property
    def best(self) -> tuple[str, float]:
        return self.ranked(1)[0]

    def ranked(self, count: int) -> list[tuple[str, float]]:
        """The most likely classes first, with their probabilities."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.classes[index], float(self.probabilities[index])) for index in order]

    def as_dict(self) -> dict[str, Any]:
        """One element of `cnnlab predict --json`."""
        name, probability = self.best
        return {
            "image": self.image,
            "class": name,
            "probability": probability,
            "probabilities": dict(zip(self.classes, self.probabilities.tolist(), strict=True)),
            "notes": list(self.notes),
        }


def prepare_all(
    sources: Sequence[tuple[str, Path | bytes]], dataset: DatasetConfig
) -> tuple[list[tuple[str, Prepared]], list[str]]:
    """Every image as the dataset would have it, and what is wrong with those that cannot be used.

    Each has its name, which several may share.
    """
    prepared, failures = [], []
    with bombs_are_errors():
        for name, source in sources:
            try:
                prepared.append((name, prepare(source, dataset)))
            except BadImage as error:
                failures.append(f"{name}: expected an image, found {error}")
    return prepared, failures


def sources_at(image: str) -> list[tuple[str, Path | bytes]]:
    """The image files behind a path, with their names: an image, or a folder with all folders inside it.

    Raises:
        UserError: there is no such path, or no image in the folder.
    """
    path = Path(image)
    if problem := name_problem(path):
        raise UserError(f"{image}: expected a path, found {problem}")
    if path.is_dir():
        found = list(images_below(path))
        if not found:
            raise UserError(f"{path}: expected images ({COMMON}), found none")
        return [(each, Path(each)) for each in found]
    if not path.is_file():
        hint = "\n   use - to read an image from standard input" if path.is_fifo() else ""
        raise UserError(f"{path}: {absence(path)}{hint}")
    return [(image, path)]


class TrainedNetwork(Protocol):
    """A network that has been trained, wherever it is."""

    @property
    def config(self) -> ExperimentConfig: ...

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """(N, height, width, channels) uint8, as its dataset has them → (N, num_classes) float32."""


@dataclass(frozen=True)
class NetworkOfRun:
    """The network of a finished run, in Keras; see `probabilities`."""

    record: Record
    data_paths: DataPaths
    runtime: RuntimeConfig

    @property
    def config(self) -> ExperimentConfig:
        return self.record.config

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        return probabilities(self.record, images, self.data_paths, self.runtime)


def dataset_of(record: Record) -> DatasetConfig:
    """The dataset that a run was trained on."""
    if record.config.dataset is None:
        raise UserError(f"{record.path}: this run has no dataset")
    return record.config.dataset


def probabilities(
    record: Record, images: np.ndarray, data_paths: DataPaths, runtime: RuntimeConfig
) -> np.ndarray:
    """Run images through a finished run's network.

    Args:
        images: (N, height, width, channels) uint8, as the run's dataset has them; permuted here where its
            network was trained on permuted pixels.
        data_paths: where the training data is looked for, if the run's pixels were standardised by it.

    Returns:
        (N, num_classes) float32, rows sum to 1.

    Raises:
        UserError: the model's file is missing or broken, or the training data has changed.
    """
    dataset = dataset_of(record)
    scale = _pixel_scale(record, dataset, data_paths)
    return model_probabilities(trained_model(record, runtime), record, images, scale)


def model_probabilities(
    model: keras.Model, record: Record, images: np.ndarray, scale: PixelScale
) -> np.ndarray:
    """Run images through the network of a run, whose weights may be others by now: see `probabilities`."""
    import keras

    dataset = dataset_of(record)
    images = permuted(images, dataset)
    if dataset.data_format == "channels_first":
        images = images.transpose(0, 3, 1, 2)
    parts = []
    for start in range(0, len(images), AT_ONCE):
        outputs = model(scale.apply(images[start : start + AT_ONCE]), training=False)
        if record.config.gives_logits:
            outputs = keras.ops.softmax(outputs, axis=-1)
        parts.append(np.asarray(keras.ops.convert_to_numpy(outputs), dtype=np.float32))
    return np.concatenate(parts)


def trained_model(record: Record, runtime: RuntimeConfig, *, in_float32: bool = False) -> keras.Model:
    """The network of a finished run: built from its config, with the weights in its model.keras.

    Nothing but numbers is taken from that file.

    Args:
        in_float32: whatever precision it was trained in.

    Raises:
        UserError: the file is missing or broken.
    """
    start_backend(runtime)
    from cnnlab.model import build_model
    from cnnlab.saved_model import readable_model

    config, path = record.config, record.path / "model.keras"
    if in_float32:
        computed = config.runtime.model_copy(update={"precision": "float32"})
        config = config.model_copy(update={"runtime": computed})
    with own_randomness():
        model = build_model(config)
    with readable_model(path, "cannot be read ({}); train this run again with --fresh", weights_only=True):
        model.load_weights(path)
    return model


def image_predictions(
    classes: tuple[str, ...],
    names: Sequence[str],
    probabilities: np.ndarray,
    notes: Sequence[tuple[str, ...]],
) -> list[ImagePrediction]:
    """One prediction for each image."""
    rows = zip(names, probabilities, notes, strict=True)
    return [ImagePrediction(name, classes, row, said) for name, row, said in rows]


def _pixel_scale(record: Record, dataset: DatasetConfig, data_paths: DataPaths) -> PixelScale:
    """How the run's network got its pixels; with `standardize` the training images decide."""
    if not dataset.standardize:
        return pixel_scale(np.empty((0, *dataset.image_shape), dtype=np.uint8), dataset)
    data = load_dataset(dataset, data_paths)
    if data.provenance.digest != record.dataset.digest:
        raise UserError(
            f"{record.path}: its pixels were standardized with the training images, which have changed "
            "since; "
            "train it again with --fresh"
        )
    return data.pixels
