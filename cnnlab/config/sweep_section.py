"""The section `sweep`: what `cnnlab sweep` varies, and how it looks for the best."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PlainValidator, model_validator

from cnnlab.config.axes import Span, space_of
from cnnlab.config.seeds import parse_seeds
from cnnlab.errors import OptionError, UserError
from cnnlab.language.fields import Positive, Settings, problem, problems

Search = Literal["grid", "random", "tpe"]

DEFAULT_TRIALS = 20
"""Of random and tpe."""


def _read_vary(value: Any) -> dict[str, Any]:
    try:
        space = space_of(value, {})
    except OptionError as error:
        raise problems(problem(error.problem)) from None
    except UserError as error:
        raise problems(problem(str(error))) from None
    return {axis.key: str(axis) if isinstance(axis, Span) else list(axis.values) for axis in space}


def _read_seeds(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise problems(problem(f"expected seeds such as 0-4 or 0,2,5, found {value!r:.60}"))
    try:
        parse_seeds(value)
    except UserError as error:
        raise problems(problem(str(error))) from None
    return value


class SweepConfig(Settings):
    """The section `sweep`. It decides nothing about a run."""

    about: ClassVar[str] = "What cnnlab sweep varies, and how it looks for the best."

    vary: Annotated[
        dict[str, Any], PlainValidator(_read_vary, json_schema_input_type=dict[str, Any])
    ] = Field(
        description="By setting, named as --set has it, the values: a list, or a range such as 1e-4..1e-2."
    )  # fmt: skip
    search: Search = Field(
        "grid",
        description="grid: every combination of values; random: drawn; tpe: drawn where earlier ones were "
        "good (tree-structured Parzen estimator, Bergstra et al. 2011).",
    )
    trials: Positive | None = Field(
        None, description=f"How many combinations random and tpe try; {DEFAULT_TRIALS} by default."
    )
    seeds: Annotated[
        str | None, PlainValidator(_read_seeds, json_schema_input_type=str | int | None)
    ] = Field(None, description="The seeds that each combination is trained with, such as 0-2.")  # fmt: skip
    prune: bool = Field(
        False, description="Stop trials that are worse than the median of the others at the same epoch."
    )

    @model_validator(mode="after")
    def _trials_of_a_grid(self) -> Self:
        if self.search == "grid":
            self.reject_unused("trials", reason="with search: grid, which tries every combination")
        return self
