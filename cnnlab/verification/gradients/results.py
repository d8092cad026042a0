"""What came of the comparison, as values: for JSON, for a table, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cnnlab.wording import counted

DtypeName = Literal["float64", "float32"]

TOLERANCES: Mapping[str, float] = {"float64": 1e-6, "float32": 1e-4}
"""How far two results may be apart, by the dtype that they were computed in; see `relative_difference`."""


@dataclass(frozen=True)
class LayerCheck:
    """One layer in both engines. All differences are relative: see `relative_difference`.

    output: in training; where a layer computes something else afterwards, the larger of both differences.
    input_gradient: the largest over its inputs. weights: of trainable weights that of the gradient, of others
    that of the value which the batch leaves them with. finite_difference: that of the NumPy engine's gradient
    from a difference quotient, the largest of all tensors; None where no entry could be checked.
    entries: how many were checked. left_out: how many were drawn besides, and stand at a kink. sparse: the
    tensors of which fewer than 50 were left, or than all of a small one, and how many.
    problem: what NumPy said where the engine could not compute the layer.
    """

    name: str
    type: str
    output: float
    input_gradient: float
    weights: Mapping[str, float]
    finite_difference: float | None
    tolerance: float
    entries: int
    left_out: int
    sparse: Mapping[str, int]
    problem: str | None = None

    @property
    def gradients_agree(self) -> bool:
        """Whether those of inputs and weights are the same in both engines."""
        return all(each <= self.tolerance for each in (self.input_gradient, *self.weights.values()))

    @property
    def ok(self) -> bool:
        found = (self.output, self.input_gradient, *self.weights.values(), self.finite_difference)
        # A NaN is not below anything.
        return all(each is not None and each <= self.tolerance for each in found)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "type": self.type,
            "output": self.output,
            "input_gradient": self.input_gradient,
            "weights": dict(self.weights),
            "finite_difference": self.finite_difference,
            "tolerance": self.tolerance,
            "ok": self.ok,
        }

    def __str__(self) -> str:
        """What differs, in a sentence."""
        if self.problem is not None:
            return f"{self.name}: the NumPy engine fails: {self.problem}"
        apart = {
            "output": self.output,
            "gradient of the input": self.input_gradient,
            **self.weights,
            "finite differences": self.finite_difference,
        }
        if self.finite_difference is None:
            del apart["finite differences"]
        wrong = [what for what, each in apart.items() if not each <= self.tolerance]  # type: ignore[operator]
        found = [f"{', '.join(wrong)} differ"] if wrong else []
        if self.finite_difference is None:
            found.append("no entry is away from kinks, so finite differences say nothing")
        return f"{self.name}: {'; '.join(found)}"


@dataclass(frozen=True)
class GradientVerification:
    """What came of computing a network's layers in Keras and in NumPy."""

    config: str
    backend: str
    dtype: str
    seed: int
    convolution: str
    layers: tuple[LayerCheck, ...]

    @property
    def ok(self) -> bool:
        return all(layer.ok for layer in self.layers)

    @property
    def differing(self) -> tuple[LayerCheck, ...]:
        """The layers that are not the same in both engines."""
        return tuple(layer for layer in self.layers if not layer.ok)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "config": self.config,
            "backend": self.backend,
            "dtype": self.dtype,
            "seed": self.seed,
            "convolution": self.convolution,
            "layers": [layer.as_dict() for layer in self.layers],
            "ok": self.ok,
        }

    def __str__(self) -> str:
        what = f"{self.config}, {self.dtype}: Keras on {self.backend} and the NumPy engine"
        entries = counted(sum(each.entries for each in self.layers), "finite difference")
        left_out = sum(each.left_out for each in self.layers)
        kinks = f" ({left_out:,} at kinks left out)" if left_out else ""
        layers = counted(len(self.layers), "layer")
        sparse = [
            f"{layer.name}: finite differences at {count} entries of {tensor} only; the others are at kinks"
            for layer in self.layers
            for tensor, count in layer.sparse.items()
            if count
        ]
        if self.ok:
            said = f"{what} agree in {layers}, and with {entries}{kinks}"
        else:
            said = f"{what} differ in {len(self.differing)} of {layers}"
        return "\n   ".join([said, *map(str, self.differing), *sparse])
