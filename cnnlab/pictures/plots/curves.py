"""Loss and accuracy over the epochs: of one run, or of several experiments over their seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from cnnlab.foreign_text import shortened
from cnnlab.pictures.kit.formats import percent
from cnnlab.pictures.kit.lettering import width as text_width
from cnnlab.pictures.kit.page import current_page
from cnnlab.pictures.kit.palette import (
    COLORS,
    GREY,
    INK,
    MARK,
    MARKERS,
    PAPER,
    TRAINING,
    VALIDATION,
)
from cnnlab.pictures.kit.style import LABEL, PERCENT_TICKS, new_figure, style_axes, versus
from cnnlab.pictures.plots.histories import History, Series, any_validated, has, series_of

_RING: dict[str, Any] = {
    "marker": "o",
    "markersize": 9,
    "markerfacecolor": PAPER,
    "markeredgewidth": 2.2,
    "linestyle": "",
}
_BAND = 0.18  # opacity
_HEIGHT = 4.375  # inches; 700 pixels
_STROKE = 0.85  # inches, of a stroke in the legend with the gaps around it

Quantity = Literal["loss", "accuracy"]
Style = Literal["solid"] | tuple[float, tuple[int, int]]
Legend = list[tuple[str, Artist | tuple[Artist, ...]]]
_SOLID: Style = "solid"
_DASHED: Style = (0.0, (5, 2))


def history_curves(history: History, *, title: str) -> Figure:
    """Loss and accuracy of one run over its epochs: validation solid, training dashed.

    The (first) epoch of the highest validation accuracy is marked. Without validation there is only the
    training curve, solid, and no epoch is marked: training accuracy does not tell which one is best.
    """
    figure, panels = _two_panels(title)
    validation = series_of([history], "val_accuracy")
    validated = has([history], "val_accuracy")
    style = _DASHED if validated else _SOLID
    for quantity, panel in panels.items():
        panel.curve(series_of([history], quantity), TRAINING, style, "training")
        if validated:
            panel.curve(series_of([history], f"val_{quantity}"), VALIDATION, _SOLID, "validation")
    legend: Legend = [("training", _stroke(TRAINING, style))]
    if validated:
        legend.append(("validation", _stroke(VALIDATION)))
    if np.isfinite(validation.mean).any():
        best = int(np.nanargmax(validation.mean))
        for panel in panels.values():
            panel.ring(best, MARK)
        label = f"best: {percent(validation.mean[best], 2)} after epoch {validation.epochs[best]}"
        legend.append((label, Line2D([], [], color=MARK, **_RING)))
    _finish(figure, panels, legend)
    return figure


def overlaid_curves(
    experiments: Mapping[str, Sequence[History]], *, title: str | None = None, varied: str = "seeds"
) -> Figure:
    """Loss and accuracy of several experiments over their epochs, one colour for each.

    A line is the mean over the seeds; the band around the solid one spans the lowest to the highest
    seed. Solid is validation and dashed training; without validation anywhere, training is solid.

    Args:
        experiments: by name the history of each seed. Lengths may differ, between seeds too: a mean is
            taken over the seeds that got so far.
        title: "A vs B" where none is given, or the number of experiments where that gets too long.
        varied: what the runs of an experiment differ in, such as seeds.
    """
    figure, panels = _two_panels(versus(experiments) if title is None else title)
    for quantity, panel in panels.items():
        _overlay(panel, experiments, quantity)
    validated = any_validated(experiments)
    legend: Legend = [
        (shortened(name), _stroke(color, marker=marker))
        for name, (color, marker) in zip(experiments, _strokes(), strict=False)
    ]
    if validated:
        legend.append(("validation", _stroke(GREY)))
    legend.append(("training", _stroke(GREY, _DASHED if validated else _SOLID)))
    numbers = {len(histories) for histories in experiments.values()}
    if max(numbers) > 1:
        of = f"{max(numbers)} {varied}" if len(numbers) == 1 and " " not in varied else f"the {varied}"
        both = (Patch(facecolor=GREY, alpha=_BAND), _stroke(GREY))
        legend.append((f"mean and range of {of}", both))
    _finish(figure, panels, legend)
    return figure


def curve_panel(experiments: Mapping[str, Sequence[History]], quantity: Quantity) -> Figure:
    """One of the panels of `overlaid_curves` alone, without title and legend, for a page that has its own.

    Each curve's group in the SVG is called by what it is: `WHAT-KIND-EXPERIMENT`, by place, with WHAT one of
    mean, band and seed, KIND one of training and validation; a seed's ends in `-SEED`, by place too.
    """
    figure = new_figure(3.7, width=6.4, inside=True)
    panel = _Panel(figure.subplots(), quantity)
    _overlay(panel, experiments, quantity)
    _set_limits(panel)
    return figure


def _overlay(panel: _Panel, experiments: Mapping[str, Sequence[History]], quantity: Quantity) -> None:
    """The curves of all experiments, one colour for each."""
    training_style = _DASHED if any_validated(experiments) else _SOLID
    for place, ((name, histories), (color, marker)) in enumerate(
        zip(experiments.items(), _strokes(), strict=False)
    ):
        train, validation = series_of(histories, quantity), series_of(histories, f"val_{quantity}")
        validated = has(histories, "val_accuracy")
        solid = f"validation-{place}" if validated else f"training-{place}"
        panel.seeds(validation if validated else train, color, solid)
        panel.curve(train, color, training_style, f"{name}, training", marker, f"mean-training-{place}")
        if validated:
            label = f"{name}, validation"
            panel.curve(validation, color, _SOLID, label, marker, f"mean-validation-{place}")


def _strokes() -> Iterator[tuple[str, str]]:
    """Colours and marks, without end: where the colours run out, they get other marks."""
    return (
        (COLORS[place % len(COLORS)], MARKERS[(place + place // len(COLORS)) % len(MARKERS)])
        for place in count()
    )


class _Panel:
    """One pair of axes, which remembers what was drawn on it: the limits follow from that."""

    def __init__(self, axes: Axes, quantity: Quantity) -> None:
        self.axes = axes
        self.quantity = quantity
        self.drawn: list[Series] = []
        style_axes(axes, quantity.capitalize(), x="epoch")
        if quantity == "accuracy":
            axes.yaxis.set_major_formatter(PERCENT_TICKS)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10, min_n_ticks=1))

    def curve(
        self, series: Series, color: str, style: Style, label: str, marker: str = "", part: str | None = None
    ) -> None:
        """The mean over epochs. A point without neighbours gets a dot: a line would not show it.

        `part` is what the SVG calls it.
        """
        self.drawn.append(series)
        self.axes.plot(
            series.epochs,
            series.mean,
            color=color,
            linestyle=style,
            linewidth=_width(style),
            marker=marker or "o",
            markersize=4 if marker else 7,
            markerfacecolor=color if style == _SOLID else PAPER,
            markevery=max(1, len(series.epochs) // 12) if marker else _lonely(series.mean),
            label=label,
            zorder=3 if style == _SOLID else 2.5,
            gid=part,
        )

    def seeds(self, series: Series, color: str, part: str) -> None:
        """A band from the lowest to the highest seed, and each seed as a thin line."""
        if len(series.values) == 1:
            return
        width = 0 if series.epochs.size > 1 else 8  # of the edge: over one epoch the band itself has none
        style: dict[str, Any] = {"color": color, "alpha": _BAND, "linewidth": width, "gid": f"band-{part}"}
        self.axes.fill_between(series.epochs, *series.band, **style)
        for seed, values in enumerate(series.values):
            gid = f"seed-{part}-{seed}"
            self.axes.plot(series.epochs, values, color=color, alpha=0.5, linewidth=0.8, zorder=2, gid=gid)

    def ring(self, index: int, color: str) -> None:
        """Marks one epoch, with a ring around the last curve's point."""
        epoch, value = self.drawn[-1].epochs[index], self.drawn[-1].mean[index]
        self.axes.axvline(epoch, color=INK, linewidth=1, linestyle=(0, (1, 2)), zorder=2)
        self.axes.plot([epoch], [value], color=color, zorder=4, **_RING)

    def interesting(self, *, poor: Literal["low", "high"]) -> tuple[float, float]:
        """The lowest and the highest value worth seeing, (0, 1) where there is none.

        The first tenth of the epochs may leave the picture on its `poor` side, where all later ones
        would otherwise have to share less than half of its height.
        """
        values = np.concatenate([series.after(0) for series in self.drawn])
        later = np.concatenate([series.after(math.ceil(self.last / 10)) for series in self.drawn])
        if values.size == 0:
            return 0.0, 1.0
        lowest, highest = float(values.min()), float(values.max())
        if self.last < 5 or later.size == 0 or np.ptp(later) >= (highest - lowest) / 2:
            return lowest, highest
        return (float(later.min()), highest) if poor == "low" else (lowest, float(later.max()))

    def outside(self) -> int:
        """The last epoch of which something lies beyond the limits; 0 where nothing does."""
        low, high = self.axes.get_ylim()
        beyond = (
            series.epochs[((series.values < low) | (series.values > high)).any(axis=0)]
            for series in self.drawn
        )
        return max((int(epochs.max()) for epochs in beyond if epochs.size), default=0)

    @property
    def last(self) -> int:
        return max((int(series.epochs.max()) for series in self.drawn if series.epochs.size), default=1)


def _two_panels(title: str) -> tuple[Figure, dict[Quantity, _Panel]]:
    """Loss on the left, accuracy on the right, empty."""
    figure = new_figure(_HEIGHT, title)
    loss, accuracy = figure.subplots(1, 2)
    return figure, {"loss": _Panel(loss, "loss"), "accuracy": _Panel(accuracy, "accuracy")}


def _lonely(values: np.ndarray) -> list[int]:
    """The indices of finite values between two that are not."""
    finite = np.concatenate([[False], np.isfinite(values), [False]])
    return [int(index) for index in np.flatnonzero(finite[1:-1] & ~finite[:-2] & ~finite[2:])]


def _stroke(color: str, style: Style = _SOLID, marker: str = "") -> Line2D:
    """A piece of a curve, for the legend."""
    return Line2D([], [], color=color, linestyle=style, linewidth=_width(style), marker=marker)


def _dot(entries: Iterable[Artist | tuple[Artist, ...]]) -> None:
    """Let the strokes of a legend carry the dots that stand for curves of one epoch."""
    for entry in entries:
        if isinstance(entry, Line2D) and entry.get_marker() in ("", "None", None):
            entry.set_marker("o")
            entry.set_markersize(7)
            entry.set_markerfacecolor("white" if entry.is_dashed() else str(entry.get_color()))


def _width(style: Style) -> float:
    return 2.4 if style == _SOLID else 1.7


def _set_limits(panel: _Panel) -> None:
    """Limits that show what matters, and a word on what they leave out."""
    margin = 0.5 if panel.last == 1 else 0.02 * (panel.last - 1)
    panel.axes.set_xlim(1 - margin, panel.last + margin)
    panel.axes.set_ylim(*(_loss_limits if panel.quantity == "loss" else _accuracy_limits)(panel))
    if outside := panel.outside():
        epochs = "epoch 1" if outside == 1 else f"epochs 1-{outside}"
        panel.axes.set_title(f"{epochs} partly out of range", loc="right", fontsize=LABEL - 1, color=GREY)


def _finish(figure: Figure, panels: Mapping[Quantity, _Panel], legend: Legend) -> None:
    """The limits, and one legend below both panels, where it hides nothing."""
    for panel in panels.values():
        _set_limits(panel)
    if all(panel.last == 1 for panel in panels.values()):
        _dot(entry for _, entry in legend)
    lengths = [text_width(label, LABEL) + _STROKE for label, _ in legend]
    room = figure.get_figwidth() - 0.3
    columns = len(legend) if sum(lengths) <= room else max(1, int(room / max(lengths)))
    rows = math.ceil(len(legend) / columns)
    if current_page().ratio is None:  # beyond two rows the curves would pay for it
        height = figure.get_figheight() + 0.24 * max(0, rows - 2)
        figure.set_figheight(min(height, current_page().tallest))
    figure.legend(
        handles=[entry for _, entry in legend],
        labels=[label for label, _ in legend],
        loc="outside lower center",
        ncols=columns,
        fontsize=LABEL,
        handlelength=2.5,
        labelcolor=INK,
        frameon=False,
    )


def _loss_limits(panel: _Panel) -> tuple[float, float]:
    _, highest = panel.interesting(poor="high")
    return 0.0, 1.05 * highest if highest > 0 else 1.0


def _accuracy_limits(panel: _Panel) -> tuple[float, float]:
    """At least five points, lest noise look like a trend."""
    lowest, highest = panel.interesting(poor="low")
    missing = max(0.0, 0.05 - (highest - lowest)) / 2
    lowest, highest = lowest - missing, highest + missing
    pad = 0.05 * (highest - lowest)
    return max(0.0, lowest - pad), min(1.0 + 0.4 * pad, highest + pad)
