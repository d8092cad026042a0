"""The optimizers that a config may name: Keras's, with Keras's arguments and defaults; the usual one."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from cnnlab.config.schedules import SCHEDULES, Constant, Schedule
from cnnlab.language.fields import (
    Above0,
    AtLeast0,
    Positive,
    Rate,
    Settings,
    as_written,
    choose_by_name,
    problem,
    problems,
)
from cnnlab.language.lazy_table import LazyTable


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
    learning_rate: LearningRate = Constant.model_construct(initial=0.001)
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
        description="Steps after which the average replaces the weights; by default only at the end.",
    )
    gradient_accumulation_steps: Annotated[int, Field(ge=2)] | None = Field(
        None, description="Number of batches whose gradients are averaged for each step."
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


OPTIMIZERS: LazyTable[Optimizer] = LazyTable(
    {
        "adam": f"{__name__}:Adam",
        "adamw": "cnnlab.config.other_optimizers:AdamW",
        "lion": "cnnlab.config.other_optimizers:Lion",
        "muon": "cnnlab.config.other_optimizers:Muon",
        "rmsprop": "cnnlab.config.other_optimizers:RMSprop",
        "sgd": "cnnlab.config.other_optimizers:SGD",
    }
)

DEFAULT_OPTIMIZER = "adam"
"""The one that is meant where only its settings are given."""
