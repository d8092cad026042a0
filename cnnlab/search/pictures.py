"""What sweep.json says → its pictures. None of them has test accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnlab.config.axes import Axis, Span, value_text
from cnnlab.pictures.kit.figures import LazyFigures
from cnnlab.search.document import Document, PointEntry, space_in
from cnnlab.search.importance import numbers_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cnnlab.pictures.plots.settings import Setting, TriedPoint

PICTURES = ("map", "slices", "importance", "parallel")
"""All that a sweep may have."""


def pictures(document: Document) -> Mapping[str, Figure]:
    """Those that the sweep has, drawn when they are looked up.

    map: of two settings that take values. importance: where it is known. parallel: of two settings or more.
    There are none where no point finished.
    """
    if document["winner"] is None:
        return LazyFigures({})
    from cnnlab.pictures.plots.importance import importance_bars
    from cnnlab.pictures.plots.parallel import parallel_coordinates
    from cnnlab.pictures.plots.setting_map import setting_map
    from cnnlab.pictures.plots.slices import setting_slices

    axes = [_in_order(axis) for axis in space_in(document)]
    settings = [_setting(axis) for axis in axes]
    points = [_point(point, axes, document) for point in document["points"]]
    name = document["name"]
    drawn = {}
    if len(settings) == 2 and all(setting.labels is not None for setting in settings):
        drawn["map"] = partial(
            setting_map, (settings[0], settings[1]), points, title=f"{name}: validation accuracy"
        )
    drawn["slices"] = partial(
        setting_slices, settings, points, title=f"{name}: validation accuracy against each setting"
    )
    if document["importance"] is not None:
        shares = {each["key"]: each["share"] for each in document["importance"]}
        drawn["importance"] = partial(
            importance_bars, shares, note=document["importance_note"],
            title=f"{name}: how much each setting matters",
        )  # fmt: skip
    if len(settings) > 1:
        drawn["parallel"] = partial(
            parallel_coordinates, settings, points, title=f"{name}: {len(points)} points, setting by setting"
        )
    return LazyFigures(drawn)


def _in_order(axis: Axis | Span) -> Axis | Span:
    """Numbers ascending; what is none as it was given."""
    if isinstance(axis, Span) or numbers_of(axis.values) is None:
        return axis
    return Axis(axis.key, tuple(sorted(axis.values)))


def _setting(axis: Axis | Span) -> Setting:
    from cnnlab.pictures.plots.settings import Setting

    if isinstance(axis, Axis):
        return Setting(axis.key, tuple(map(value_text, axis.values)))
    return Setting(axis.key, None, axis.low, axis.high, axis.is_logarithmic)


def _point(point: PointEntry, axes: Sequence[Axis | Span], document: Document) -> TriedPoint:
    from cnnlab.pictures.plots.settings import TriedPoint

    places = tuple(_place(axis, point["settings"][axis.key]) for axis in axes)
    accuracy = point["validation_accuracy"]
    return TriedPoint(
        places,
        accuracy["mean"] if accuracy is not None and point["rank"] is not None else None,
        point["state"],
        point["rank"],
        point["digest"] in document["tied"],
    )


def _place(axis: Axis | Span, value: Any) -> float:
    """A number of a range as it is; of other values the place."""
    if isinstance(axis, Span):
        return float(value)
    return float([value_text(each) for each in axis.values].index(value_text(value)))
