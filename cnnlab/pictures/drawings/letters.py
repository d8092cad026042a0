"""X or O: patches on a figure, patches on their maps, the vote, and who tells which figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from cnnlab.pictures.drawings.numbers import Box, draw_numbers, two_decimals
from cnnlab.pictures.kit.formats import percent
from cnnlab.pictures.kit.palette import GREY, INK, MARK
from cnnlab.pictures.kit.sheet import GREYS, SIGNED, ColorScale, Sheet, label_width

PIXELS = ColorScale(-1, 1, colormap=GREYS)
MATCHES = ColorScale(-1, 1, colormap=SIGNED)
_RIGHT = ColorScale(0, 1.4, colormap="Greys")


def first_layer(
    figure: np.ndarray,
    patches: Sequence[tuple[str, np.ndarray]],
    matches: np.ndarray,
    pooled: np.ndarray,
    *,
    title: str,
    subtitle: str,
) -> Figure:
    """One product by hand, then every patch at every place, then the best of each 2×2.

    Args:
        figure: (9, 9) of ±1.
        patches: by name (3, 3) of ±1.
        matches: (7, 7, patches). pooled: (4, 4, patches), after ReLU.
    """
    side, gap = 2.85, 0.25
    sheet = Sheet(
        1, len(patches), title=title, subtitle=subtitle, cell=(side, 8.35), gap=(gap, 0.1), narrowest=9.0
    )
    x, y = sheet.place(0, 0)
    _headed(sheet, (x, y + 0.25, 2.0, 2.0), figure, PIXELS, "the figure, 9×9", written=_whole)
    sheet.box(x, y + 0.25, 2.0 / 3, 2.0 / 3)
    name, patch = patches[0]
    piece = figure[:3, :3]
    steps = (("its first 3×3 piece", piece), (f"the {name} patch", patch), ("their products", piece * patch))
    signs = ("×", "=", "")
    for index, ((head, values), sign) in enumerate(zip(steps, signs, strict=True)):
        left = x + 2.55 + index * 1.65
        _headed(sheet, (left, y + 0.25, 1.25, 1.25), values, PIXELS, head, written=_whole)
        sheet.text(left + 1.45, y + 0.25 + 0.62, sign, across="center", size=14)
    sheet.text(x + 2.55, y + 1.83, f"mean: {mean_in_words(piece * patch)}", size=10)
    sheet.text(x + 2.55, y + 2.1, "The patch then moves on by a pixel, to all 49 places.", color=GREY)
    for index, (name, patch) in enumerate(patches):
        left, _ = sheet.place(0, index)
        top = y + 2.55
        draw_numbers(sheet, (left, top, 0.9, 0.9), patch, PIXELS, written=_whole)
        sheet.text(left + 1.02, top + 0.3, f"{name} patch", size=10, weight="bold")
        sheet.text(left + 1.02, top + 0.58, "its mean of products, 7×7:", color=GREY)
        draw_numbers(
            sheet, (left, top + 1.0, side, side), matches[..., index], MATCHES, written=two_decimals, size=9
        )
        below = top + 1.0 + side
        sheet.text(left, below + 0.18, "max pooling 2×2, then ReLU, 4×4:", color=GREY)
        small = side * 4 / 7
        box = (left, below + 0.33, small, small)
        draw_numbers(sheet, box, pooled[..., index], MATCHES, written=two_decimals, size=9)
    return sheet.figure


def mean_in_words(products: np.ndarray) -> str:
    """(8 × 1 + 1 × −1) ÷ 9 = 0.78: the mean of products of ±1."""
    ones, count = int((products == 1).sum()), products.size
    return f"({ones} × 1 + {count - ones} × −1) ÷ {count} = {two_decimals(float(products.mean()))}"


@dataclass(frozen=True, eq=False)
class PatchOfMaps:
    """A patch of the second layer and what it found: name, (3, 3, maps), (2, 2), its largest after ReLU."""

    name: str
    weights: np.ndarray
    matches: np.ndarray
    value: float


def second_layer(
    patches: Sequence[PatchOfMaps],
    maps: Sequence[tuple[str, np.ndarray]],
    weights: np.ndarray,
    scores: Sequence[tuple[str, float]],
    *,
    title: str,
    subtitle: str,
) -> Figure:
    """What comes in, then a row for each patch: its slices, its matches, and how its value votes.

    Args:
        maps: by name (4, 4), what the first layer made of the figure.
        weights: (patches, letters), of the vote.
        scores: by letter.
    """
    side, rows = 1.3, len(patches)
    letters = [letter for letter, _ in scores]
    row_height = side + 0.14
    labels = label_width([each.name for each in patches], least=1.0)
    sheet = Sheet(
        1, 1, title=title, subtitle=subtitle, labels=labels,
        cell=(3 * 1.45 + 1.1 + 3 * 0.95, 2.8 + rows * row_height),
    )  # fmt: skip
    x, y = sheet.place(0, 0)
    for index, (name, values) in enumerate(maps):
        box = (x + index * 1.95, y + 0.25, 1.75, 1.75)
        _headed(sheet, box, values, MATCHES, f"{name}, 4×4", written=two_decimals)
    sheet.text(x - 0.12, y + 1.1, "first layer", across="right", weight="bold")
    slices = [x + index * 1.45 for index in range(len(maps))]
    matched = x + len(maps) * 1.45 + 0.1
    columns = [matched + 1.45 + index * 0.95 for index in range(1 + len(letters))]
    heads = ["value", *(f"weight\nfor {letter}" for letter in letters)]
    top = y + 2.5
    sheet.text(matched + 0.5, top - 0.06, "matches", across="center", up="baseline", weight="bold")
    for left, (name, _) in zip(slices, maps, strict=True):
        sheet.text(left + side / 2, top - 0.06, f"in {name}", across="center", up="baseline", weight="bold")
    for left, head in zip(columns, heads, strict=True):
        sheet.text(left, top - 0.06, head, across="center", up="baseline", weight="bold")
    limit = max(float(np.abs(each.weights).max()) for each in patches)
    found = max(float(np.abs(each.matches).max()) for each in patches)
    for row, each in enumerate(patches):
        middle = top + row * row_height + side / 2
        sheet.text(x - 0.12, middle, each.name, across="right")
        for index, left in enumerate(slices):
            box = (left, middle - side / 2, side, side)
            scale = ColorScale(-limit, limit, colormap=SIGNED)
            draw_numbers(sheet, box, each.weights[..., index], scale, written=two_decimals)
        box = (matched, middle - 0.5, 1.0, 1.0)
        scale = ColorScale(-found, found, colormap=SIGNED)
        draw_numbers(sheet, box, each.matches, scale, written=two_decimals)
        sheet.text(columns[0], middle, f"{each.value:.3f}", across="center", size=10)
        for left, weight in zip(columns[1:], weights[row], strict=True):
            color = INK if weight else GREY
            sheet.text(left, middle, two_decimals(float(weight)), across="center", size=10, color=color)
    bottom = top + rows * row_height + 0.15
    sheet.text(matched, bottom, "score", weight="bold", size=10)
    best = max(score for _, score in scores)
    for left, (letter, score) in zip(columns[1:], scores, strict=True):
        said = f"{letter}: {score:.3f}"
        sheet.text(
            left, bottom, said, across="center", weight="bold", size=10, color=MARK if score == best else INK
        )
    return sheet.figure


@dataclass(frozen=True, eq=False)
class FigureRow:
    """Some figures of one kind, which of them each method tells, and how many it tells of all.

    images: (shown, 9, 9) of ±1. right: (shown, methods) bool. accuracies: of each method.
    """

    name: str
    images: np.ndarray
    right: np.ndarray
    accuracies: Sequence[float]


def told_figures(rows: Sequence[FigureRow], methods: Sequence[str], *, title: str, subtitle: str) -> Figure:
    """A row for each kind: figures with a mark for each method below them, and the methods' accuracies.

    Args:
        methods: what stands above the columns of accuracies, in lines.
    """
    names = [row.name for row in rows]
    shown = max(len(row.images) for row in rows)
    sheet = Sheet(
        len(rows), shown, title=title, subtitle=subtitle, cell=(0.86, 0.86), gap=(0.14, 0.12), below=0.18,
        labels=label_width(names, least=1.0), heads=True, narrowest=11.0,
    )  # fmt: skip
    start, _ = sheet.place(0, shown)
    step = (sheet.size[0] - start - 0.2) / len(methods)
    columns = [start + step * (index + 0.5) for index in range(len(methods))]
    for left, method in zip(columns, methods, strict=True):
        sheet.text(left, sheet.top - 0.1, method, across="center", up="baseline", weight="bold")
    for index, row in enumerate(rows):
        sheet.row_label(index, row.name)
        for column, (image, right) in enumerate(zip(row.images, row.right, strict=True)):
            x, y, wide, tall = sheet.values(index, column, image, PIXELS)
            part = wide / len(methods)
            for place, is_right in enumerate(right):
                box = (x + (place + 0.12) * part, y + tall + 0.05, 0.76 * part, 0.08)
                sheet.pixels(*box, np.array([[float(is_right)]]), _RIGHT)
        _, y = sheet.place(index, 0)
        for left, accuracy in zip(columns, row.accuracies, strict=True):
            sheet.text(left, y + 0.43, percent(accuracy), across="center", size=11)
    return sheet.figure


def _headed(
    sheet: Sheet,
    box: Box,
    values: np.ndarray,
    scale: ColorScale,
    head: str,
    *,
    written: Callable[[float], str],
) -> None:
    sheet.text(box[0], box[1] - 0.12, head)
    draw_numbers(sheet, box, values, scale, written=written)


def _whole(value: float) -> str:
    return f"{value:.0f}".replace("-", "−")
