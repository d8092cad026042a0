"""What `cnnlab why --json` prints and why.json holds: its keys and their types. Shares are from 0 to 1."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # of typing, pydantic takes it from Python 3.12 on


class SpreadEntry(TypedDict):
    """A quantity over the seeds; `std` and `ci95` are None for one seed."""

    mean: float
    std: float | None
    ci95: tuple[float, float] | None
    values: list[float]  # one per seed


# `from` is no name in Python, so these two are made by a call.
ChangeEntry = TypedDict("ChangeEntry", {"key": str, "from": Any, "to": Any})

StepEntry = TypedDict(
    "StepEntry",
    {
        "from": str,
        "to": str,
        "ingredient": str,
        "difference": SpreadEntry,  # to − from
        "p": float | None,
        "p_holm": float | None,
        "shown": bool,
    },
)


class RungEntry(TypedDict):
    """An experiment, and what it reached."""

    id: str
    name: str
    digest: str
    config: str  # the path of its file
    parent: str | None
    changes: list[ChangeEntry]
    kind: Literal["waterfall", "ablation", "control"]
    control: Literal["permuted"] | None
    params: int
    macs: int | None
    test_accuracy: SpreadEntry


class InteractionEntry(TypedDict):
    """How far what an ingredient brings depends on something else."""

    ingredient: str
    where: str
    otherwise: str
    difference: SpreadEntry  # where − otherwise
    p: float | None
    p_holm: float | None
    shown: bool


class ShiftedEntry(TypedDict):
    """The accuracy on shifted test images, the mean over the seeds."""

    rung: str
    pixels: int
    accuracy: float


@with_config(ConfigDict(extra="ignore"))
class Document(TypedDict):
    """The whole of it."""

    dataset: str
    dnn: str
    cnn: str
    seeds: list[int]
    rungs: list[RungEntry]
    steps: list[StepEntry]
    contrasts: list[StepEntry]
    interactions: list[InteractionEntry]
    shifted: list[ShiftedEntry]
    left_out: dict[str, str]
    verdict: str


def read_document(data: object) -> Document | None:
    """A document as a file holds it; None where it is something else."""
    try:
        return TypeAdapter(Document).validate_python(data)
    except ValidationError:
        return None
