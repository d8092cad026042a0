"""What a network does to a whole set of images: curves, tables and planes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure

from cnnlab.datasets.appearance import PLAIN, Appearance
from cnnlab.pictures.kit.fitting import cell_width, fitting_columns
from cnnlab.pictures.kit.lettering import all_fitted, wrapped
from cnnlab.pictures.kit.lettering import width as text_width
from cnnlab.pictures.kit.palette import COLORS, GREY, INK, MARK, MARKERS, MORE_COLORS, PAPER, cycled
from cnnlab.pictures.kit.sheet import Sheet
from cnnlab.pictures.kit.style import LABEL, PERCENT_TICKS, SMALL, new_figure, style_axes
from cnnlab.pictures.rendering import UNMARKED, Move, drawn, legend

_CLASSES = (*COLORS, *MORE_COLORS)


class Panel(NamedTuple):
    """Accuracies under one change. curves: by what its legend says, (seeds, A), in [0, 1]; amounts: (A,)."""

    name: str
    unit: str
    unchanged: float
    amounts: np.ndarray
    curves: Mapping[str, np.ndarray]


def invariance_curves(panels: Sequence[Panel], *, title: str, accuracy_of: str) -> Figure:
    """Accuracy against the amount of each change: a line is the mean, a band spans all seeds.

    Args:
        accuracy_of: the images, for the axis: "accuracy on" them.
    """
    figure = new_figure(4.4, title, width=4.6 * len(panels))
    all_axes = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    for axes, (name, unit, unchanged, amounts, curves) in zip(all_axes, panels, strict=True):
        style_axes(axes, name.capitalize(), x=unit)
        axes.yaxis.set_major_formatter(PERCENT_TICKS)
        axes.axvline(unchanged, color=GREY, linewidth=1, linestyle=(0, (1, 2)))
        strokes = zip(cycled(COLORS, len(curves)), cycled(MARKERS, len(curves)), curves.items(), strict=True)
        for color, marker, (experiment, seeds) in strokes:
            axes.plot(
                amounts, seeds.mean(axis=0), color=color, marker=marker, markersize=5, linewidth=2.2,
                label=experiment,
            )  # fmt: skip
            if len(seeds) > 1:
                axes.fill_between(
                    amounts, seeds.min(axis=0), seeds.max(axis=0), color=color, alpha=0.2, linewidth=0
                )
        axes.set_ylim(0, 1.02)
    all_axes[0].set_ylabel(f"accuracy on {accuracy_of}", fontsize=LABEL, color=INK)
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=min(len(labels), 4), fontsize=LABEL, frameon=False,
        labelcolor=INK,
    )  # fmt: skip
    return figure


def mistakes(
    images: np.ndarray, captions: Sequence[str], *, title: str, subtitle: str, columns: int | None = None,
    wrong: Sequence[bool] | None = None, appearance: Appearance = PLAIN, moves: Sequence[Move] | None = None,
) -> Figure:  # fmt: skip
    """Images with the answer that was given above each; `wrong` ones are marked."""
    moves = moves or [UNMARKED] * len(images)
    text = cell_width(captions, least=0.5, most=1.5)
    columns = columns or fitting_columns(len(images), (1.2, 1.2), around=(0.16, 0.44), text=text)
    columns = min(columns or 8, len(images))
    rows = math.ceil(len(images) / columns)
    sheet = Sheet(
        rows, columns, title=title, subtitle=legend(subtitle, appearance), cell=(1.2, 1.2), text=text,
        caption=0.36,
        gap=(0.16, 0.06), axis_names=appearance.axis_names,
    )  # fmt: skip
    for index, (image, caption) in enumerate(zip(images, captions, strict=True)):
        marked = wrong is not None and wrong[index]
        x, y, wide, tall = sheet.picture(
            index // columns, index % columns, drawn(image, appearance, moves[index]), caption=caption,
            color=MARK if marked else INK,
        )  # fmt: skip
        if marked:
            sheet.box(x, y, wide, tall, width=1.8)
    return sheet.figure


def embedding_plane(
    coordinates: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    *,
    title: str,
    subtitle: str,
    axis_names: tuple[str, str] | None = None,
) -> Figure:
    """Each image a point in the plane, in its class's colour.

    Args:
        coordinates: (N, 2). labels: (N,) int.
        axis_names: what is drawn across and upwards; None: neither means anything, and there are no numbers.
    """
    figure = new_figure(6.2, title)
    axes = figure.subplots()
    across, upwards = axis_names or ("", "")
    style_axes(axes, x=across, y=upwards)
    numbers = np.bincount(labels, minlength=len(names))
    most = set(np.argsort(-numbers, kind="stable")[:_NAMED].tolist())
    if len(most) < len(names):
        subtitle += f" Of {len(names)} classes, the {len(most)} with the most images carry their names."
    axes.set_title("\n".join(wrapped(subtitle, 7.6, SMALL)), fontsize=SMALL, color=GREY, loc="left")
    palette = _class_colors(names)
    middles = []
    for index, color in enumerate(palette):
        points = coordinates[labels == index]
        marker = MARKERS[index % len(MARKERS)]
        axes.scatter(points[:, 0], points[:, 1], s=12, color=color, marker=marker, alpha=0.6, linewidths=0)
        named = len(points) and index in most
        middles.append(np.median(points, axis=0) if named else np.full(2, np.nan))
    shown = all_fitted(names, _NAME_WIDTH, 10)
    places = _apart(np.array(middles), shown, np.ptp(coordinates, axis=0))
    for name, color, (x, y) in zip(shown, palette, places, strict=True):  # above all points
        if np.isfinite(x):
            box = {"boxstyle": "round,pad=0.25", "facecolor": PAPER, "edgecolor": color, "alpha": 0.9}
            style: dict[str, Any] = {"fontweight": "bold", "ha": "center", "va": "center", "bbox": box}
            axes.text(x, y, name, fontsize=10, color=INK, **style)
    if axis_names is None:
        axes.tick_params(labelbottom=False, labelleft=False)
    axes.set_aspect("equal", adjustable="datalim")
    return figure


_PLANE = np.array([7.6, 5.4])  # inches, of the axes
_NAME_WIDTH, _NAME_HEIGHT = 1.8, 0.26  # inches, of a class's name on the plane, at most
_NAMED = 20  # classes, of which that many names leave something to be seen of the points


def _class_colors(names: Sequence[str]) -> list[str]:
    if all(name.isalpha() and is_color_like(name) for name in names):
        return list(names)
    return cycled(_CLASSES, len(names))


def _apart(middles: np.ndarray, names: Sequence[str], size: np.ndarray) -> np.ndarray:
    """(classes, 2) places of names, moved down where two would cover each other.

    Args:
        size: (2,) what the points span; both axes have the same scale.
    """
    places = middles.copy()
    inch = 1.1 * max(float((size / _PLANE).max()), 1e-9)  # in units of the points, which leave a rim
    widths = inch * (np.array([text_width(name, 10, bold=True) for name in names]) + 0.14)
    order = [int(each) for each in np.argsort(-middles[:, 1]) if np.isfinite(middles[each, 1])]
    for position, index in enumerate(order):  # from the top down, each below those that it would cover
        for above in sorted(order[:position], key=lambda each: -places[each, 1]):
            across, down = places[above] - places[index]
            if abs(across) < (widths[above] + widths[index]) / 2 and down < inch * _NAME_HEIGHT:
                places[index, 1] = places[above, 1] - inch * _NAME_HEIGHT
    return places
