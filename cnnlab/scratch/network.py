"""The layers of a config as one network: forwards through the graph, and backwards the same way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from cnnlab.language.fields import Shape
from cnnlab.layers.activations import Activation, Softmax
from cnnlab.layers.graph import IMAGE, GraphNode
from cnnlab.scratch.layer import Mode, Pass, ScratchLayer, Weights
from cnnlab.scratch.table import SCRATCH_LAYERS


@dataclass(frozen=True)
class Step:
    """One layer, and where its inputs come from.

    weights_of: whose weights it has: its own position, or that of the layer that it shares them with.
    """

    name: str
    layer: ScratchLayer[Any]
    inputs: tuple[int, ...]
    weights_of: int


@dataclass(frozen=True)
class Network:
    """A network without weights: they are handed in, by position of the layer, and come back changed."""

    steps: tuple[Step, ...]

    @classmethod
    def of(cls, nodes: Sequence[GraphNode], input_shape: Shape) -> Self:
        """The network of a config whose layers the engine has all."""
        shapes: dict[int, Shape] = {IMAGE: input_shape}
        steps = []
        for position, node in enumerate(nodes):
            feeds = tuple(shapes[each] for each in node.inputs)
            shapes[position] = node.layer.output_shape_of(feeds)
            layer = SCRATCH_LAYERS[node.layer.type()](node.layer, feeds)
            weights_of = position if node.shares is None else node.shares
            steps.append(Step(node.name, layer, node.inputs, weights_of))
        return cls(tuple(steps))

    def without_softmax(self) -> Self:
        """The network without the softmax that it ends in: it gives logits, for a loss that includes it."""
        *before, last = self.steps
        linear = last.layer.settings.model_copy(update={"activation": "linear"})
        if isinstance(last.layer.settings, Softmax):
            linear = Activation(activation="linear")
        layer = SCRATCH_LAYERS[linear.type()](linear, last.layer.input_shapes)
        return type(self)((*before, replace(last, layer=layer)))

    def forward(self, images: np.ndarray, weights: Sequence[Weights], mode: Mode) -> list[Pass]:
        """Each layer's pass, in order; the last one's output is the network's.

        Args:
            images: (N, *input_shape) float32 or float64. weights: one mapping for each layer.
        """
        passes: list[Pass] = []
        held = list(weights)
        for step in self.steps:
            inputs = [images if each == IMAGE else passes[each].output for each in step.inputs]
            passes.append(step.layer.forward(inputs, held[step.weights_of], mode))
            # A layer that is called again goes on from its state: moving averages take in both calls.
            held[step.weights_of] = {**held[step.weights_of], **passes[-1].state}
        return passes

    def backward(self, passes: Sequence[Pass], gradient: np.ndarray) -> list[Weights]:
        """The gradients of each layer's weights, from that of the output; where branches part, theirs add up.

        Args:
            gradient: of the loss with respect to the output of the last layer.
        """
        to_outputs: dict[int, np.ndarray] = {len(self.steps) - 1: gradient}
        to_weights: list[dict[str, np.ndarray]] = [{} for _ in self.steps]
        learns = self._positions_that_learn()
        for position in reversed(range(len(self.steps))):
            step = self.steps[position]
            if position not in to_outputs:
                continue
            sources = learns.intersection(step.inputs)
            gradients = passes[position].backward(to_outputs.pop(position), bool(sources))
            for name, each in gradients.weights.items():
                _add(to_weights[step.weights_of], name, each)
            for source, each in zip(step.inputs, gradients.inputs, strict=bool(sources)):
                if source in sources:
                    _add(to_outputs, source, each)
        return list(to_weights)

    def _positions_that_learn(self) -> set[int]:
        """Layers with weights, and all behind one: no other needs the gradient of its output."""
        learns: set[int] = set()
        for position, step in enumerate(self.steps):
            weights = step.layer.settings.weights_of(step.layer.input_shapes)
            if any(weight.trainable for weight in weights) or learns.intersection(step.inputs):
                learns.add(position)
        return learns


def _add(gradients: dict[Any, np.ndarray], key: Any, gradient: np.ndarray) -> None:
    gradients[key] = gradients[key] + gradient if key in gradients else gradient
