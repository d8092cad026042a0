"""What `cnnlab sweep` prints as JSON and sweep.json holds. Shares are from 0 to 1."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # of typing, pydantic takes it from Python 3.12 on

from cnnlab.comparison.spread import Spread
from cnnlab.config.axes import Axis, Span
from cnnlab.config.sweep_section import Search
from cnnlab.search.commands import winner_command
from cnnlab.search.importance import Reached, Space, importance_of
from cnnlab.search.points import Point, State
from cnnlab.search.sentences import importance_text, title, verdict
from cnnlab.search.study import Study


class AxisEntry(TypedDict):
    """A setting that varies: its values, or null and the ends of its range."""

    key: str
    values: list[Any] | None
    low: int | float | None
    high: int | float | None


class SpreadEntry(TypedDict):
    """A share over seeds."""

    mean: float
    std: float | None
    ci95: list[float] | None
    values: list[float]


class PointEntry(TypedDict):
    """A point; `seeds` are those that finished, as `values` has them.

    `digest` and `params` are null where the settings make no experiment.
    """

    settings: dict[str, Any]
    digest: str | None
    seeds: list[int]
    state: State
    validation_accuracy: SpreadEntry | None
    params: int | None
    rank: int | None
    error: str | None


class WinnerEntry(TypedDict):
    """The point with the highest validation accuracy."""

    settings: dict[str, Any]
    digest: str
    test_accuracy: SpreadEntry
    command: str | None  # that trains it; None where that cannot be written on one line


class ImportanceEntry(TypedDict):
    """The share of the variance between the points that a setting explains on its own."""

    key: str
    share: float


@with_config(ConfigDict(extra="ignore"))
class Document(TypedDict):
    """The whole of it."""

    name: str
    digest: str  # of the experiment where nothing varies
    axes: list[AxisEntry]
    search: Search
    seeds: list[int]
    trials: int | None
    prune: bool
    monitor: Literal["validation_accuracy"]
    points: list[PointEntry]
    winner: WinnerEntry | None
    tied: list[str]  # digests of the points that cannot be told from the winner
    importance: list[ImportanceEntry] | None
    importance_note: str  # how it was computed, or why it was not
    title: str
    verdict: str


def document_of(study: Study) -> Document:
    """The JSON document of `cnnlab sweep`."""
    plan, winner = study.plan, study.winner
    importance = importance_of(plan.space, _reached(study))
    ranks = {place: rank for rank, place in enumerate(study.ranked, start=1)}
    return {
        "name": plan.base.name,
        "digest": plan.base.digest,
        "axes": [_axis(each) for each in plan.space],
        "search": plan.search,
        "seeds": list(plan.seeds),
        "trials": None if plan.search == "grid" else plan.most_trials,
        "prune": plan.prune,
        "monitor": "validation_accuracy",
        "points": [_point(each, ranks.get(place)) for place, each in enumerate(study.points)],
        "winner": None
        if winner is None or winner.digest is None
        else {
            "settings": dict(winner.settings),
            "digest": winner.digest,
            "test_accuracy": _spread(winner.test_accuracy),
            "command": winner_command(plan, winner.settings),
        },
        "tied": [digest for place in study.tied if (digest := study.points[place].digest)],
        "importance": None
        if importance.shares is None
        else [{"key": key, "share": share} for key, share in importance.shares.items()],
        "importance_note": importance_text(importance, len(study.ranked)),
        "title": title(study),
        "verdict": verdict(study),
    }


def read_document(data: object) -> Document | None:
    """A document as a file holds it; None where it is something else."""
    try:
        return TypeAdapter(Document).validate_python(data)
    except ValidationError:
        return None


def space_in(document: Document) -> Space:
    """What varies, as `cnnlab sweep` takes it."""
    return [
        Axis(each["key"], tuple(each["values"]))
        if each["values"] is not None
        else Span(each["key"], each["low"] or 0, each["high"] or 0)
        for each in document["axes"]
    ]


def _reached(study: Study) -> list[Reached]:
    """The points that finished with all their seeds, and how accurate they are."""
    points = (study.points[place] for place in study.ranked)
    return [
        (point.settings, point.validation_accuracy.mean)
        for point in points
        if point.validation_accuracy is not None
    ]


def _axis(axis: Axis | Span) -> AxisEntry:
    if isinstance(axis, Span):
        return {"key": axis.key, "values": None, "low": axis.low, "high": axis.high}
    return {"key": axis.key, "values": list(axis.values), "low": None, "high": None}


def _point(point: Point, rank: int | None) -> PointEntry:
    accuracy = point.validation_accuracy
    return {
        "settings": dict(point.settings),
        "digest": point.digest,
        "seeds": [each.result.seed for each in point.records],
        "state": point.state,
        "validation_accuracy": _spread(accuracy),
        "params": point.params,
        "rank": rank,
        "error": point.error,
    }


def _spread(measured: Spread | None) -> Any:
    return None if measured is None else measured.as_dict()
