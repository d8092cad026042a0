"""A finished run → its network as a page computes it: layers, wiring, weights as text."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cnnlab.analyses.receptive_fields import image_axes_along, map_axes, receptive_boxes
from cnnlab.datasets.permuting import pixel_order
from cnnlab.errors import UserError
from cnnlab.foreign_text import one_line
from cnnlab.layers.base import Layer, SpatialLayer
from cnnlab.layers.graph import IMAGE, GraphNode
from cnnlab.live_page.kernels import MERGES, kernel_of, lacking
from cnnlab.prediction import dataset_of, model_probabilities, trained_model

if TYPE_CHECKING:
    import keras

    from cnnlab.accounting.architecture import Architecture
    from cnnlab.config.experiment import ExperimentConfig
    from cnnlab.config.sections import RuntimeConfig
    from cnnlab.datasets.content import PixelScale
    from cnnlab.language.fields import Shape
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

    model: in Keras, to try other weights. weights: by position of the layer. probabilities: Keras's, of the
    images that weights of 16 bits were tried with.
    """

    record: Record
    scale: PixelScale
    model: keras.Model
    weights: Sequence[LayerWeights]
    precision: Precision
    probabilities: np.ndarray

    def as_dict(self) -> dict[str, Any]:
        """The network ready for JSON: what `LiveNetwork` in network.js takes.

        `input`: how pixels are prepared; `order`: which pixel of the picture each pixel is. `nodes`: see
        `nodes_of`. `weights`: see `encoded`.
        """
        config, dataset = self.record.config, dataset_of(self.record)
        height, width, channels = dataset.image_shape
        permutation = dataset.permute_pixels
        order = None if permutation is None else pixel_order(permutation, height, width).tolist()
        return {
            "seed": config.seed,
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


def check_supported(config: ExperimentConfig, run: str) -> None:
    """Refuse a network that a page cannot compute.

    Raises:
        UserError: some of its layers have no kernel, and the message names them; or it is too large.
    """
    if problems := [*lacking(config.nodes), *_unequal(config)]:
        raise UserError("\n".join(f"{run}: {problem}" for problem in problems))
    if (numbers := config.architecture.total_params) > MOST_WEIGHTS:
        raise UserError(f"{run}: the network has {numbers:,} weights; a page holds at most {MOST_WEIGHTS:,}")


def weights_by_layer(model: keras.Model, nodes: Sequence[GraphNode]) -> list[LayerWeights]:
    """The weights that a network has now; a layer that shares another's has none of its own."""
    return [
        [np.asarray(array, np.float32) for array in model.get_layer(node.keras_name).get_weights()]
        if node.shares is None
        else []
        for node in nodes
    ]


def network_of(record: Record, scale: PixelScale, images: np.ndarray, runtime: RuntimeConfig) -> LiveNetwork:
    """The network of a finished run.

    Args:
        images: (N, H, W, C) uint8, as they are before anything is done for the network: with these it is
            tried out whether weights of 16 bits give the same probabilities.
        runtime: of the backend that reads the model.

    Raises:
        UserError: the model's file is missing or broken, or its weights are not finite.
    """
    model = trained_model(record, runtime, in_float32=True)
    weights = weights_by_layer(model, record.config.nodes)
    if not all(np.isfinite(array).all() for layer in weights for array in layer):
        raise UserError(f"{record.path}: its weights are not finite numbers; the training has diverged")
    probabilities = model_probabilities(model, record, images, scale)
    if not np.isfinite(probabilities).all():
        raise UserError(f"{record.path}: its probabilities are not finite numbers; train it again")
    with np.errstate(over="ignore"):  # what becomes infinite is not taken
        halves = [array.astype(np.float16) for array in model.get_weights()]
    precision: Precision = "float32"
    if all(np.isfinite(array).all() for array in halves):
        model.set_weights([array.astype(np.float32) for array in halves])
        rounded = model_probabilities(model, record, images, scale)
        if np.max(np.abs(rounded - probabilities)) <= LARGEST_DIFFERENCE:
            precision = "float16"
    return LiveNetwork(record, scale, model, weights, precision, probabilities)


def _unequal(config: ExperimentConfig) -> Iterator[str]:
    """Layers that merge tensors of different ranks, for which Keras has rules of its own."""
    for step in config.architecture.steps:
        if len({len(shape) for shape in step.input_shapes}) > 1 and step.node.layer.type() in MERGES:
            yield f"{step.node.name} merges tensors with different numbers of axes, which a page cannot do"


def nodes_of(config: ExperimentConfig, *, is_permuted: bool) -> list[dict[str, Any]]:
    """The layers, as JSON has them.

    Each with its kernel and what it is told, its inputs (−1: the image), and where its weights stand.
    `channels_first`: of the layer itself. `maps_axis`: which axis of an output of three axes counts maps.
    `lies`: "image" where its rows and columns run along those of the image, "exchanged" where they change
    places, None where they run along others, or positions were lost. `field`: see `_field`.
    """
    architecture = config.architecture
    shapes: dict[int, Shape] = {IMAGE: config.input_shape}
    maps_axes = {IMAGE: 0 if config.dataset and config.dataset.data_format == "channels_first" else 2}
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
        maps_axes[position] = _maps_axis(layer, maps_axes[node.inputs[0]])
        along = None if is_permuted else image_axes_along(architecture, node.name)
        rows_and_columns = tuple(axis for axis in range(3) if axis != maps_axes[position])
        is_image = len(step.output_shape) == 3 and map_axes(architecture, node.name) == rows_and_columns
        lies = {(0, 1): "image", (1, 0): "exchanged"}.get(along) if along and is_image else None
        nodes.append(
            {
                "name": node.name,
                "type": layer.type(),
                "kernel": kernel.name,
                "inputs": list(node.inputs),
                "shape": list(step.output_shape),
                "channels_first": getattr(layer, "data_format", None) == "channels_first",
                "maps_axis": maps_axes[position],
                "lies": lies,
                "settings": kernel.settings(layer, feeds),
                "weights": places[position if node.shares is None else node.shares],
                "params": 0 if node.shares is not None else sum(each.size for each in weights),
                "field": None if lies is None else _field(architecture, node.name, lies),
            }
        )
    return nodes


def _maps_axis(layer: Layer, before: int) -> int:
    """Which axis counts the maps of a layer's output, if it has three axes."""
    if isinstance(layer, SpatialLayer):
        return layer.channel_axis
    order = layer.axes_order
    return before if order is None or len(order) != 3 else order.index(before)


def _field(architecture: Architecture, layer: str, lies: str) -> dict[str, Any]:
    """Which part of the image each row and column of maps can see: [first, first no more seen].

    Of rows it is a part of the image's rows, of columns of its columns; the other way round where maps are
    exchanged. Both numbers are 0 where only padding is seen.
    """
    step = next(each for each in architecture.steps if each.node.name == layer)
    rows, columns = (step.output_shape[axis] for axis in map_axes(architecture, layer))
    down = np.stack([np.arange(rows), np.full(rows, columns // 2)], axis=-1)
    across = np.stack([np.full(columns, rows // 2), np.arange(columns)], axis=-1)
    vertical, horizontal = ([0, 2], [1, 3]) if lies == "image" else ([1, 3], [0, 2])
    return {
        "rows": receptive_boxes(architecture, layer, down)[:, vertical].tolist(),
        "columns": receptive_boxes(architecture, layer, across)[:, horizontal].tolist(),
    }
