"""Regularizers, which add a penalty to the loss, and constraints on weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, model_validator

from cnnlab.errors import suggestion
from cnnlab.language.fields import Above0, AtLeast0, Settings, as_written

if TYPE_CHECKING:
    import keras


class Regularizer(Settings):
    """A penalty on weights, as Keras's L1L2."""

    about: ClassVar[str] = "Add l1 · Σ|w| + l2 · Σw² to the training loss."

    l1: AtLeast0 = 0.0
    l2: AtLeast0 = 0.0

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:  # an explicit 0 may be one of several values that are compared
            raise ValueError("expected l1, l2 or both, such as {l2: 0.01}, found an empty mapping")
        return self

    def build(self) -> keras.regularizers.Regularizer:
        """The Keras regularizer."""
        import keras

        return keras.regularizers.L1L2(l1=self.l1, l2=self.l2)


class Constraint(Settings):
    """A projection of weights after each step: one of the three."""

    about: ClassVar[str] = (
        "Restrict weights after each training step, in one of three ways.\n\n"
        "max_norm: no filter has a larger norm than this (Srebro & Shraibman 2005). unit_norm: every "
        "filter has "
        "norm 1. non_neg: no weight is below 0. A filter is all weights that lead to one output."
    )

    max_norm: Above0 | None = None
    unit_norm: bool = False
    non_neg: bool = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.max_norm is not None) + self.unit_norm + self.non_neg != 1:
            raise ValueError("expected one of max_norm: LENGTH, unit_norm: true and non_neg: true")
        return self

    def build(self, filter_axes: tuple[int, ...]) -> keras.constraints.Constraint:
        """The Keras constraint; `filter_axes` are the axes of the array along which one filter lies."""
        import keras

        axis = list(filter_axes)
        if self.max_norm is not None:
            return keras.constraints.MaxNorm(self.max_norm, axis=axis)
        return keras.constraints.UnitNorm(axis=axis) if self.unit_norm else keras.constraints.NonNeg()


_SHORT_REGULARIZERS: dict[str, dict[str, float]] = {
    # Keras's own strengths where none is given
    "l1": {"l1": 0.01},
    "l2": {"l2": 0.01},
    "l1_l2": {"l1": 0.01, "l2": 0.01},
}
_SHORT_CONSTRAINTS: dict[str, dict[str, Any]] = {
    "max_norm": {"max_norm": 2.0},
    "non_neg": {"non_neg": True},
    "unit_norm": {"unit_norm": True},
}


def _short(words: dict[str, dict[str, Any]]) -> BeforeValidator:
    """`l2` alone is short for {l2: 0.01}."""

    def write_out(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value not in words:
            raise ValueError(f"unknown value {as_written(value)}; {suggestion(value, words)}")
        return words[value]

    return BeforeValidator(write_out)


RegularizerField = Annotated[Regularizer | None, _short(_SHORT_REGULARIZERS)]
ConstraintField = Annotated[Constraint | None, _short(_SHORT_CONSTRAINTS)]
