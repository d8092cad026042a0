"""Everything that training needs to go on, bit for bit, as a flat set of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import keras
import numpy as np

from cnnlab.errors import CnnlabError


@dataclass
class Best:
    """The weights of the best epoch so far, by validation accuracy; kept only with keep: best."""

    epoch: int
    accuracy: float
    weights: list[np.ndarray]


@dataclass(frozen=True)
class Checkpoint:
    """The state at the end of an epoch.

    variables: the model's weights and random states (dropout), then the optimizer's slots, iteration
    count and learning rate. The order of the data needs no place here: it follows from seed and epoch.
    observations: of the health of each epoch so far, (epochs, values) float64.
    """

    epoch: int
    variables: list[np.ndarray]
    best: Best | None
    observations: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))

    @classmethod
    def of(
        cls,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        *,
        epoch: int,
        best: Best | None,
        observations: Sequence[np.ndarray] = (),
    ) -> Self:
        variables = [np.asarray(keras.ops.convert_to_numpy(each)) for each in _state(model, optimizer)]
        return cls(epoch, variables, best, np.array(observations, np.float64))

    def restore(
        self, model: keras.Model, optimizer: keras.optimizers.Optimizer, *, needs_best: bool = False
    ) -> None:
        """Put every value back.

        Args:
            needs_best: whether an epoch has been the best so far, so that its weights must be there.

        Raises:
            CnnlabError: the checkpoint is of another network.
        """
        state = _state(model, optimizer)
        fits = _shapes(state) == _shapes(self.variables)
        if needs_best or self.best:
            fits = fits and self.best is not None and _shapes(model.weights) == _shapes(self.best.weights)
        if not fits:
            raise _unfit()
        for variable, value in zip(state, self.variables, strict=True):
            variable.assign(value)

    def as_arrays(self) -> dict[str, np.ndarray]:
        """For a .npz file."""
        arrays = {"epoch": np.array(self.epoch), "observations": self.observations}
        arrays |= _numbered("variable", self.variables)
        if self.best:
            arrays |= {"best_epoch": np.array(self.best.epoch), "best_accuracy": np.array(self.best.accuracy)}
            arrays |= _numbered("best_weight", self.best.weights)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """What `as_arrays` gave.

        Raises:
            CnnlabError: an array is missing.
        """
        try:
            best = None
            if "best_epoch" in arrays:
                weights = _in_order("best_weight", arrays)
                best = Best(int(arrays["best_epoch"]), float(arrays["best_accuracy"]), weights)
            observations = arrays.get("observations", np.empty((0, 0)))  # none in a run begun with 0.1.0
            return cls(int(arrays["epoch"]), _in_order("variable", arrays), best, observations)
        except (KeyError, TypeError):
            raise _unfit() from None


def named_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """The weights by their paths in the network, such as conv2d_1/kernel, in the order of `get_weights`."""
    found: dict[str, np.ndarray] = {}
    for variable in model.weights:
        name, number = variable.path, 2
        while name in found:  # parts of a foreign network can share their names
            name, number = f"{variable.path}_{number}", number + 1
        found[name] = np.asarray(keras.ops.convert_to_numpy(variable))
    return found


def _state(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    return [*model.variables, *optimizer.variables]


def _unfit() -> CnnlabError:
    return CnnlabError("the checkpoint does not fit this network; train again with --fresh")


def _shapes(arrays: Sequence[Any]) -> list[tuple[int, ...]]:
    return [tuple(each.shape) for each in arrays]


def _numbered(kind: str, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{kind}_{index}": array for index, array in enumerate(arrays)}


def _in_order(kind: str, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    count = sum(name.startswith(f"{kind}_") for name in arrays)
    return [arrays[f"{kind}_{index}"] for index in range(count)]
