"""A finished run → its network as a page computes it: layers, wiring, weights as text."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cnnlab.analyses.receptive_fields import image_axes_along, map_axes, receptive_boxes
from cnnlab.datasets.permuting import pixel_order
from cnnlab.errors import UserError
from cnnlab.foreign_text import one_line
from cnnlab.layers.graph import IMAGE
from cnnlab.live_page.kernels import kernel_of, lacking
from cnnlab.prediction import dataset_of

if TYPE_CHECKING:
    from cnnlab.accounting.architecture import Architecture
    from cnnlab.config.experiment import ExperimentConfig
    from cnnlab.config.sections import RuntimeConfig
    from cnnlab.datasets.content import PixelScale
    from cnnlab.language.fields import Shape
    from cnnlab.live_page.trained import TrainedModel
    from cnnlab.run_folders.records import Record

Precision = Literal["float32", "float16"]
LayerWeights = list[np.ndarray]
"""Of one layer, in Keras's order."""

MOST_WEIGHTS = 75_000_000
"""Of a network in a page: as text, they take 400 MB, and browsers have no text of more than some 500."""

LARGEST_DIFFERENCE = 5e-5
"""Of a probability, that weights of 16 bits may make: half of what a page may differ from Keras."""


@dataclass(frozen=True, eq=False)
class LiveNetwork:
    """A network as a page holds it; see `as_dict`.

    weights: by position of the layer. probabilities: Keras's, of the images that weights of 16 bits were
    tried with.
    """

    record: Record
    scale: PixelScale
    model: TrainedModel
    weights: Sequence[LayerWeights]
    precision: Precision
    probabilities: np.ndarray

    def as_dict(self) -> dict[str, Any]:
        """The network ready for JSON; what each entry means is said where network.js reads it."""
        config, dataset = self.record.config, dataset_of(self.record)
        height, width, channels = dataset.image_shape
        permutation = dataset.permute_pixels
        order = None if permutation is None else pixel_order(permutation, height, width).tolist()
        return {
            "title": config.name if config.fold is None else f"{config.name}, fold {config.fold}",
            "experiment": config.name,
            "folder": f"{self.record.path.parent.name}/{self.record.path.name}",
            "seed": config.seed,
            "digest": config.digest,
            "test_accuracy": self.record.result.test_accuracy,
            "classes": [one_line(name) for name in dataset.class_names],
            "input": {
                "shape": [height, width, channels],
                "channels_first": dataset.data_format == "channels_first",
                "factor": np.ravel(self.scale.factor).tolist(),
                "offset": np.ravel(self.scale.offset).tolist(),
                "order": order,
            },
            "logits": config.gives_logits,
            "nodes": list(nodes_of(config, is_permuted=permutation is not None)),
            **encoded(self.weights, self.precision),
        }


def encoded(weights: Sequence[LayerWeights], precision: Precision) -> dict[str, str]:
    """All weights one after the other, as base64 of little-endian numbers, and of how many bits they are."""
    flat = [np.ravel(array) for layer in weights for array in layer] or [np.empty(0)]
    numbers = np.concatenate(flat).astype("<f2" if precision == "float16" else "<f4")
    return {"precision": precision, "weights": base64.b64encode(numbers.tobytes()).decode()}


def text_bytes(numbers: int, precision: Precision) -> int:
    """How long the text of so many weights is: base64 has four signs for three bytes."""
    return -(-numbers * (2 if precision == "float16" else 4) // 3) * 4


def check_supported(config: ExperimentConfig, run: str) -> None:
    """Refuse a network that a page cannot compute.

    Raises:
        UserError: some of its layers have no kernel, and the message names them; or it is too large.
    """
    if problems := list(lacking(config.nodes)):
        raise UserError("\n".join(f"{run}: {problem}" for problem in problems))
    if (numbers := config.architecture.total_params) > MOST_WEIGHTS:
        raise UserError(
            f"{run}: the network has {numbers:,} weights; a page that opens in browsers holds "
            f"{MOST_WEIGHTS:,}"
        )


def network_of(record: Record, scale: PixelScale, images: np.ndarray, runtime: RuntimeConfig) -> LiveNetwork:
    """The network of a finished run.

    Args:
        images: (N, H, W, C) uint8, as they are before anything is done for the network: with these it is
            tried out whether weights of 16 bits give the same probabilities.
        runtime: of the backend that reads the model.

    Raises:
        UserError: the model's file is missing or broken, or its weights are not finite.
    """
    from cnnlab.live_page.trained import TrainedModel

    model = TrainedModel(record, scale, runtime)
    weights = model.weights
    if not all(np.isfinite(array).all() for layer in weights for array in layer):
        raise UserError(f"{record.path}: its weights are not finite numbers; the training has diverged")
    probabilities = model.probabilities(images)
    precision = precision_of(model, images, probabilities)
    return LiveNetwork(record, scale, model, weights, precision, probabilities)


def precision_of(model: TrainedModel, images: np.ndarray, probabilities: np.ndarray) -> Precision:
    """How precise the weights of a model have to be in a page.

    Args:
        model: its weights are rounded afterwards.
        images: (N, H, W, C) uint8.
        probabilities: the model's, of these images. Where none of them changes by more than 0.00005, weights
            of 16 bits are enough.
    """
    with np.errstate(over="ignore"):  # what is too large is looked for below
        halves = [[array.astype(np.float16) for array in layer] for layer in model.weights]
    if not all(np.isfinite(array).all() for layer in halves for array in layer):
        return "float32"
    model.set_weights([[array.astype(np.float32) for array in layer] for layer in halves])
    difference = np.max(np.abs(model.probabilities(images) - probabilities))
    return "float16" if difference <= LARGEST_DIFFERENCE else "float32"


def nodes_of(config: ExperimentConfig, *, is_permuted: bool) -> list[dict[str, Any]]:
    """The layers, with where their weights stand among all of the network's."""
    architecture = config.architecture
    shapes: dict[int, Shape] = {IMAGE: config.input_shape}
    places: dict[int, dict[str, Any]] = {}
    nodes, at = [], 0
    for position, step in enumerate(architecture.steps):
        node, layer = step.node, step.node.layer
        feeds = tuple(shapes[each] for each in node.inputs)
        shapes[position] = step.output_shape
        kernel = kernel_of(layer)
        assert kernel is not None, f"{node.name} was to be refused"
        weights = layer.weights_of(feeds)
        if node.shares is None:
            places[position] = {}
            for weight in weights:
                places[position][weight.name] = {"shape": list(weight.shape), "at": at}
                at += weight.size
        is_image = 3 in {len(step.output_shape), *map(len, feeds)}
        nodes.append(
            {
                "name": node.name,
                "type": layer.type(),
                "kernel": kernel.name,
                "inputs": list(node.inputs),
                "shape": list(step.output_shape),
                "channels_first": is_image and map_axes(architecture, node.name) == (1, 2),
                "settings": kernel.settings(layer, feeds),
                "weights": places[position if node.shares is None else node.shares],
                "params": 0
                if node.shares is not None
                else sum(each.size for each in layer.weights_of(feeds)),
                "field": None if is_permuted else _field(architecture, node.name),
            }
        )
    return nodes


def _field(architecture: Architecture, layer: str) -> dict[str, Any] | None:
    """Which rows and columns of the image each row and column of a layer's maps can see.

    Each as [first, first no more seen]; None where it is all of the image, or not known.
    """
    step = next(each for each in architecture.steps if each.node.name == layer)
    if len(step.output_shape) != 3 or image_axes_along(architecture, layer) != (0, 1):
        return None
    rows, columns = (step.output_shape[axis] for axis in map_axes(architecture, layer))
    down = np.stack([np.arange(rows), np.zeros(rows, int)], axis=-1)
    across = np.stack([np.zeros(columns, int), np.arange(columns)], axis=-1)
    return {
        "rows": receptive_boxes(architecture, layer, down)[:, [0, 2]].tolist(),
        "columns": receptive_boxes(architecture, layer, across)[:, [1, 3]].tolist(),
    }
