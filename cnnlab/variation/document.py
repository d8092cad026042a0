"""What `cnnlab compare --vary` prints as JSON and vary-KEY.json holds. Shares are from 0 to 1."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # of typing, pydantic takes it from Python 3.12 on

from cnnlab.variation.sentences import title, training_note, verdict
from cnnlab.variation.study import Variation


class NamedExperiment(TypedDict):
    """One of the two, where nothing varies."""

    name: str
    digest: str


class FailureEntry(TypedDict):
    """Seeds that did not finish at one value."""

    values: list[Any]
    name: str
    seeds: list[int]
    reason: str


@with_config(ConfigDict(extra="ignore"))
class Document(TypedDict):
    """The whole of it; `values`, `comparisons`, `p_holm`, `epochs` and `steps` run alike."""

    keys: list[str]
    axes: list[list[Any]]  # of each key all values, in their order, those that failed included
    values: list[list[Any]]  # one per key
    comparisons: list[dict[str, Any]]  # each as `cnnlab compare --json` prints it
    p_holm: list[float | None]  # of the sign-flip tests, adjusted for the number of values
    lead_changes: list[list[int]]
    experiments: list[NamedExperiment]
    equal_steps: bool
    epochs: list[list[int]]  # of the two experiments
    steps: list[list[int]]
    trained_for: str  # in words
    failures: list[FailureEntry]
    title: str
    verdict: str


def document_of(variation: Variation) -> Document:
    """The JSON document of `cnnlab compare --vary`."""
    return {
        "keys": [axis.key for axis in variation.axes],
        "axes": [list(axis.values) for axis in variation.axes],
        "values": [list(point.values) for point in variation.points],
        "comparisons": [point.comparison.as_dict() for point in variation.points],
        "p_holm": list(variation.p_holm),
        "lead_changes": list(map(list, variation.lead_changes)),
        "experiments": [{"name": each.name, "digest": each.digest} for each in variation.base],
        "equal_steps": variation.equal_steps,
        "epochs": [list(point.steps.epochs) for point in variation.points],
        "steps": [list(point.steps.steps) for point in variation.points],
        "trained_for": training_note(variation),
        "failures": [
            {"values": list(each.values), "name": each.name, "seeds": list(each.seeds), "reason": each.reason}
            for each in variation.failures
        ],
        "title": title(variation),
        "verdict": verdict(variation),
    }


def read_document(data: object) -> Document | None:
    """A document as a file holds it; None where it is something else."""
    try:
        return TypeAdapter(Document).validate_python(data)
    except ValidationError:
        return None
