"""Histories → the curves of a page: their SVG, and the numbers that its script reads and redraws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cnnlab.comparison import Pair
from cnnlab.pictures.kit.encoding import inline_svg
from cnnlab.pictures.plots import Measured
from cnnlab.pictures.plots.curves import Quantity, curve_panel
from cnnlab.pictures.plots.difference import difference_intervals
from cnnlab.run_folders.records import EpochRow

Histories = Mapping[str, Mapping[int | str, Sequence[EpochRow]]]
"""By experiment and seed the rows of history.csv; with folds, by "0, fold 2"."""


class Chart(NamedTuple):
    """An SVG, and in its own coordinates what the script needs."""

    svg: str
    data: dict[str, Any]


def chart(histories: Histories, quantity: Quantity) -> Chart:
    """Loss or accuracy of all seeds over the epochs."""
    experiments = {name: list(seeds.values()) for name, seeds in histories.items()}
    lines = [
        {"experiment": place, "place": seed_place, "seed": seed, "kind": kind, "values": values}
        for place, seeds in enumerate(histories.values())
        for seed_place, (seed, rows) in enumerate(seeds.items())
        for kind, column in (("training", quantity), ("validation", f"val_{quantity}"))
        for values in [[_finite(row.get(column)) for row in rows]]
        if any(value is not None for value in values)
    ]
    epochs = max((len(rows) for seeds in histories.values() for rows in seeds.values()), default=0) or 1
    figure = curve_panel(experiments, quantity)
    label = (
        f"{quantity.capitalize()} over {epochs} epochs of {', '.join(experiments)}; the values are in the "
        "table below"
    )
    svg = inline_svg(figure, f"chart-{quantity}", label)
    (axes,) = figure.axes
    box = axes.get_position()  # as the SVG was laid out
    width, height = (72 * inches for inches in figure.get_size_inches())  # an SVG's unit is a point
    frame = [box.x0 * width, (1 - box.y1) * height, box.x1 * width, (1 - box.y0) * height]
    data = {
        "quantity": quantity,
        "epochs": epochs,
        "frame": [round(float(each), 2) for each in frame],
        "x": axes.get_xlim(),
        "y": axes.get_ylim(),
        "lines": lines,
    }
    return Chart(svg, data)


def difference(pairs: Sequence[Pair]) -> str:
    """The SVG of the pairs' differences with their intervals; empty where there are none."""
    measured = {
        pair.named: Measured(pair.difference.values, pair.difference.mean, pair.difference.ci95)
        for pair in pairs
    }
    if not measured:
        return ""
    label = "Differences in test accuracy with their 95% confidence intervals; the values are in the text"
    return inline_svg(difference_intervals(measured), "chart-difference", label)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
