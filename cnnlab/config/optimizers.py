"""The optimizers that a config may name: Keras's, with Keras's arguments and defaults."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from cnnlab.config.schedules import SCHEDULES, Constant, Schedule
from cnnlab.language.fields import (
    Above0,
    AtLeast0,
    Between0And1,
    Positive,
    Rate,
    Settings,
    as_written,
    choose_by_name,
    problem,
    problems,
)


def _read_learning_rate(value: Any) -> Schedule:
    """0.001 → constant; {name: cosine, initial: 0.1} → the schedule of that name."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise problems(problem(f"expected a finite number, found {as_written(value)}"))
        if value <= 0:
            raise problems(problem(f"expected more than 0, found {as_written(value)}"))
        return Constant(initial=float(value))
    if not isinstance(value, dict | Schedule):
        raise problems(problem(f"expected a number or a schedule, found {as_written(value)}"))
    return choose_by_name("schedule", SCHEDULES, value)


def _write_learning_rate(schedule: Schedule) -> float | dict[str, Any]:
    return schedule.model_dump(mode="json") if schedule.changes else schedule.initial


LearningRate = Annotated[Schedule, PlainValidator(_read_learning_rate), PlainSerializer(_write_learning_rate)]


class Optimizer(Settings):
    """How gradients change the weights. Subclasses add the other fields of the Keras class they name."""

    keras_class: ClassVar[str]
    name: str
    learning_rate: LearningRate = Constant(initial=0.001)
    weight_decay: AtLeast0 | None = Field(
        None,
        description="Each step also moves every weight towards 0, by this share times the learning rate.",
    )
    clipnorm: Above0 | None = Field(
        None, description="The largest norm of the gradient of one weight array; larger ones are scaled down."
    )
    clipvalue: Above0 | None = Field(
        None, description="The largest absolute value of an element of a gradient; larger ones are clipped."
    )
    global_clipnorm: Above0 | None = Field(
        None, description="The largest norm of the gradients of all weights together."
    )
    use_ema: bool = Field(
        False,
        description="Keep a moving average of the weights; validation, test and the saved model use it.",
    )
    ema_momentum: Rate = 0.99
    ema_overwrite_frequency: Positive | None = Field(
        None,
        description="Replace the weights by the average every so many steps; by default only at the end.",
    )
    gradient_accumulation_steps: Annotated[int, Field(ge=2)] | None = Field(
        None, description="Average the gradients of so many batches for each step."
    )

    @model_validator(mode="after")
    def _one_clipping(self) -> Self:
        clippings = ("clipnorm", "clipvalue", "global_clipnorm")
        given = [name for name in clippings if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"expected one way of clipping, found {' and '.join(given)}")
        return self

    @model_validator(mode="after")
    def _no_idle_average(self) -> Self:
        if not self.use_ema:
            self.reject_unused("ema_momentum", "ema_overwrite_frequency", reason="without use_ema: true")
        return self

    @property
    def slots(self) -> int:
        """How many numbers the optimizer remembers for each weight; memory estimates need it."""
        return self.own_slots + self.use_ema + (self.gradient_accumulation_steps is not None)

    @property
    def own_slots(self) -> int:
        """The numbers for each weight that this kind of optimizer cannot do without."""
        raise NotImplementedError

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the Keras optimizer, its learning rate aside."""
        return self.model_dump(exclude={"name", "learning_rate"})


class SGD(Optimizer):
    """Keras's SGD."""

    about: ClassVar[str] = "Stochastic gradient descent, optionally with momentum (Sutskever et al. 2013)."

    keras_class = "SGD"
    name: Literal["sgd"] = "sgd"
    learning_rate: LearningRate = Constant(initial=0.01)
    momentum: Rate = 0.0
    nesterov: bool = False

    @model_validator(mode="after")
    def _no_idle_nesterov(self) -> Self:
        if not self.momentum:
            self.reject_unused("nesterov", reason="without momentum, such as momentum: 0.9")
        return self

    @property
    def own_slots(self) -> int:
        return 1 if self.momentum else 0


class RMSprop(Optimizer):
    """Keras's RMSprop."""

    about: ClassVar[str] = "Gradients divided by a running root mean square (Hinton 2012, lecture 6e)."

    keras_class = "RMSprop"
    name: Literal["rmsprop"] = "rmsprop"
    rho: Rate = 0.9
    momentum: Rate = 0.0
    epsilon: Above0 = 1e-7
    centered: bool = False

    @property
    def own_slots(self) -> int:
        return 1 + bool(self.momentum) + self.centered


class Adam(Optimizer):
    """Keras's Adam."""

    about: ClassVar[str] = "Adaptive moment estimation (Kingma & Ba 2015, arXiv 1412.6980)."

    keras_class = "Adam"
    name: Literal["adam"] = "adam"
    beta_1: Rate = 0.9
    beta_2: Rate = 0.999
    epsilon: Above0 = 1e-7
    amsgrad: bool = False

    @property
    def own_slots(self) -> int:
        return 2 + self.amsgrad


class AdamW(Adam):
    """Keras's AdamW."""

    about: ClassVar[str] = (
        "Adam with weight decay separate from the gradient (Loshchilov & Hutter 2019, arXiv 1711.05101)."
    )

    keras_class = "AdamW"
    name: Literal["adamw"] = "adamw"  # type: ignore[assignment]  # another name is what makes it another kind
    weight_decay: AtLeast0 = 0.004


class Lion(Optimizer):
    """Keras's Lion."""

    about: ClassVar[str] = "The sign of a momentum (Chen et al. 2023, arXiv 2302.06675)."

    keras_class = "Lion"
    name: Literal["lion"] = "lion"
    beta_1: Between0And1 = 0.9
    beta_2: Rate = 0.99

    @property
    def own_slots(self) -> int:
        return 1


class Muon(Optimizer):
    """Keras's Muon."""

    about: ClassVar[str] = (
        "Orthogonalized momentum for the matrices of Dense layers, Adam for all other weights (Jordan et "
        "al. 2024).\n\nKernels of convolutions, which have four axes, are left to Adam too, as in Keras."
    )

    keras_class = "Muon"
    name: Literal["muon"] = "muon"
    weight_decay: AtLeast0 | None = 0.004
    adam_beta_1: Rate = 0.9
    adam_beta_2: Rate = 0.999
    adam_weight_decay: AtLeast0 | None = 0.004
    adam_lr_ratio: Above0 = 1.0
    epsilon: Above0 = 1e-7
    momentum: Rate = 0.95
    nesterov: bool = True
    ns_steps: Positive = 5
    rms_rate: AtLeast0 | None = 0.2

    @property
    def own_slots(self) -> int:
        return 2


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": Adam,
    "adamw": AdamW,
    "lion": Lion,
    "muon": Muon,
    "rmsprop": RMSprop,
    "sgd": SGD,
}

DEFAULT_OPTIMIZER = "adam"
"""The one that is meant where only its settings are given."""
