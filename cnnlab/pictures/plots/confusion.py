"""What is taken for what: confusion matrices side by side, and their difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnnlab.pictures.plots.look import GREY, INK, empty_figure, shortened, versus

_NUMBERED = 12  # up to so many classes, the cells carry their numbers


def confusion_matrices(
    counts: Mapping[str, np.ndarray], class_names: Sequence[str], *, title: str | None = None
) -> Figure:
    """One matrix per experiment; for two, also the first minus the second.

    Row: the true class; column: what it was taken for; cell: the share of the row in percent. In the
    difference, purple is where the first answers so more often, orange where the second does.

    Args:
        counts: by experiment (classes, classes) int, [true, predicted], over as many runs as there are.
        class_names: of the rows and columns.
    """
    names = list(counts)
    panels = len(names) + (len(names) == 2)
    columns = min(panels, 3)
    rows = -(-panels // columns)
    figure = empty_figure(0.7 + 3.9 * rows * 3 / max(columns, 2), versus(names) if title is None else title,
                          width=14.0)  # fmt: skip
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    shares = [_shares(counts[name]) for name in names]
    for place, name in enumerate(names):
        _matrix(
            axes[place], shares[place], class_names, f"{shortened(name, 22)}, % of a class", "Blues", (0, 100)
        )
    if len(names) == 2:
        difference = shares[0] - shares[1]
        reach = max(1.0, float(np.abs(difference).max()))
        name = f"{names[0]} − {names[1]}, points"
        name = name if len(name) <= 36 else "first − second, points"
        _matrix(axes[2], difference, class_names, name, "PuOr", (-reach, reach))
    for unused in axes[panels:]:
        unused.set_visible(False)
    if len(class_names) <= _NUMBERED:
        figure.supxlabel("all runs of a network together; empty: less than 0.05", fontsize=11, color=GREY)
    return figure


def _shares(counts: np.ndarray) -> np.ndarray:
    """(classes, classes) float64, each row in percent; a class without images is a row of zeros."""
    totals = counts.sum(axis=1, keepdims=True)
    shares: np.ndarray = 100 * counts / np.maximum(totals, 1)
    return shares


def _matrix(
    axes: Axes,
    values: np.ndarray,
    class_names: Sequence[str],
    name: str,
    colors: str,
    limits: tuple[float, float],
) -> None:
    signed = limits[0] < 0
    axes.set_facecolor("white")
    axes.set_title(name, loc="left", fontsize=11.5, color=INK, parse_math=False)
    # Errors are what matters: without the root a few per cent would look like nothing.
    drawn = values if signed else np.sqrt(values / 100) * 100
    axes.imshow(drawn, cmap=colors, vmin=limits[0], vmax=limits[1])
    size = 10 if len(class_names) <= _NUMBERED else 6
    angle = 90 if max(map(len, class_names)) > 2 else 0
    axes.set_xticks(range(len(class_names)), class_names, fontsize=size, parse_math=False, rotation=angle)
    axes.set_yticks(range(len(class_names)), class_names, fontsize=size, parse_math=False)
    axes.tick_params(length=0, labelcolor=INK)
    axes.set_xlabel("taken for", fontsize=11, color=GREY)
    axes.set_ylabel("is", fontsize=11, color=GREY)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if len(class_names) > _NUMBERED:
        return
    for row, column in np.ndindex(values.shape):
        value = values[row, column]
        text = f"{value:+.1f}".replace("-", "−") if signed else f"{value:.1f}"
        if text in ("0.0", "+0.0", "−0.0"):
            continue
        dark = abs(drawn[row, column]) > 0.6 * limits[1]
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color="white" if dark else INK)
