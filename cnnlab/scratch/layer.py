"""What a layer of the engine is: arithmetic alone. Weights are handed in, and nothing is remembered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, NamedTuple, TypeVar

import numpy as np

from cnnlab.language.fields import Shape
from cnnlab.layers.base import Layer
from cnnlab.scratch.backward import Computed
from cnnlab.scratch.convolution import ConvolutionName

Weights = Mapping[str, np.ndarray]
"""The arrays of one layer by the names that its config's layer gives them: kernel, bias, moving_mean."""


class Gradients(NamedTuple):
    """What comes back through a layer: the loss's gradient with respect to its inputs and its weights."""

    inputs: Sequence[np.ndarray]
    """One for each input, of its shape; none where nobody has asked for them."""

    weights: Weights = {}  # noqa: RUF012 - of a tuple; nobody writes to it
    """Those of trainable weights, by name."""


@dataclass(frozen=True)
class Mode:
    """How a network is run."""

    training: bool = False
    convolution: ConvolutionName = "im2col"
    uniform: Callable[[Shape], np.ndarray] | None = None
    """Gives numbers in [0, 1) of a shape, from which dropout is drawn; needed in training only."""


@dataclass(frozen=True)
class Pass:
    """What a layer has computed, and the way back.

    backward: (gradient with respect to the output, whether the inputs' gradients are wanted) → gradients.
    state: new values of weights that no gradient changes, such as a moving mean; by name.
    """

    output: np.ndarray
    backward: Callable[[np.ndarray, bool], Gradients]
    state: Weights = field(default_factory=dict)


Described = TypeVar("Described", bound=Layer)


@dataclass(frozen=True)
class ScratchLayer(ABC, Generic[Described]):
    """The arithmetic of one layer of a config.

    Args:
        settings: the layer as the config has it.
        input_shapes: of one image, batch axis left out.
    """

    settings: Described
    input_shapes: tuple[Shape, ...]

    lacks: ClassVar[Mapping[str, tuple[object, ...]]] = {}
    """By setting, the values that the engine has no arithmetic for."""

    @abstractmethod
    def forward(self, inputs: Sequence[np.ndarray], weights: Weights, mode: Mode) -> Pass:
        """The output of a batch.

        Args:
            inputs: (N, *input_shape) for each of the input shapes, all of one dtype: float32 or float64.
        """


class Weightless(ScratchLayer[Described]):
    """The arithmetic of a layer with one input and no weights: a function, and its way back."""

    @abstractmethod
    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        """The output of a batch (N, *input_shape), and the way back from its gradient."""

    def forward(self, inputs: Sequence[np.ndarray], weights: Weights, mode: Mode) -> Pass:
        output, backward = self.compute(inputs[0], mode)
        return Pass(
            output,
            lambda gradient, inputs_wanted: Gradients([backward(gradient)] if inputs_wanted else []),
        )
