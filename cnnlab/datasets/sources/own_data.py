"""What the user's own sets have in common: a path, and possibly validation images of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from cnnlab.datasets.base import DatasetConfig, check_validation_size
from cnnlab.language.fields import as_written, problem, problems

VALIDATION_SIZE = 0.1
"""What is split off the training images where the set has no validation images of its own."""

_ALWAYS_WRITTEN = frozenset({"name", "train_size", "validation_size", "seed", "scale", "standardize"})


class OwnData(DatasetConfig):
    """A set of the user's own."""

    validation_size: int | float | None = Field(  # type: ignore[assignment]  # no other source brings its own
        None,
        description="A count, or a fraction of the training images used; 0: no validation; null: 0.1, or the "
        "validation images that the set has of its own.",
    )

    @field_validator("validation_size", mode="before")
    @classmethod
    def _count_or_fraction(cls, value: Any) -> Any:
        return value if value is None else check_validation_size(value)


def is_written_out(data: Mapping[str, Any]) -> bool:
    """Whether a section has every default filled in, as the config of a run has: nobody writes them all."""
    return data.keys() >= _ALWAYS_WRITTEN


def with_validation(data: Mapping[str, Any], own: str | None) -> dict[str, Any]:
    """The data of a section with what validates.

    Args:
        own: what the set calls its own validation images; None where it has none.

    Raises:
        ValidationError: validation images would be split off although there are some.
    """
    given = data.get("validation_size")
    if own is not None and given is not None:
        message = f"has no effect: {own} has the validation images; leave this out, or remove {own}"
        raise problems(problem(message, ("validation_size",), kind="key"))
    if own is None and given is None:
        given = VALIDATION_SIZE
    return {**data, "validation_size": given}


def check_path(path: str, key: str) -> None:
    """Refuse what names nothing.

    Raises:
        ValidationError: the path is empty.
    """
    if not path:
        raise problems(problem(f"expected a path, found {as_written(path)}", (key,)))
