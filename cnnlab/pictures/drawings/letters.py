"""X or O: patches on a figure, patches on their maps, the vote, and who tells which figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from cnnlab.pictures.kit.canvas import Canvas
from cnnlab.pictures.kit.fitting import label_width
from cnnlab.pictures.kit.formats import percent, written
from cnnlab.pictures.kit.palette import GREY, INK, MARK
from cnnlab.pictures.kit.scales import GREYS, SIGNED, ColorScale
from cnnlab.pictures.kit.sheet import Sheet

PIXELS = ColorScale(-1, 1, colormap=GREYS)
MATCHES = ColorScale(-1, 1, colormap=SIGNED)
_RIGHT = ColorScale(0, 1.4, colormap="Greys")
_WIDTH = 9.2
_SMALL = 8.2
"""Points, of numbers in two digits: they leave some room to the next ones."""


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
    canvas = Canvas(9.2, title=title, subtitle=subtitle, width=_WIDTH)
    top, cell, gap = 0.25, 0.42, 0.3
    drawn = canvas.grid(0, top, figure, cell=0.28, size=9, heading="the figure, 9×9", scale=PIXELS)
    canvas.mark(drawn, range(3), range(3))
    name, patch = patches[0]
    piece = figure[:3, :3]
    steps = (("its first 3×3 piece", piece), (f"the {name} patch", patch), ("their products", piece * patch))
    left = drawn.right + 0.5
    for sign, (heading, values) in zip(("", "×", "="), steps, strict=True):
        step = canvas.grid(left, top, values, cell=cell, heading=heading, scale=PIXELS)
        canvas.sign(left - 0.34, step.middle, sign)
        left = step.right + 0.68
    canvas.text(drawn.right + 0.5, step.bottom + 0.3, f"mean: {mean_in_words(piece * patch)}")
    canvas.text(
        drawn.right + 0.5,
        step.bottom + 0.58,
        "The patch then moves on by a pixel, to all 49 places.",
        color=GREY,
    )
    side = (canvas.width - (len(patches) - 1) * gap) / len(patches)
    cell = side / matches.shape[1]
    for index, (name, patch) in enumerate(patches):
        left = index * (side + gap)
        given = canvas.grid(left, drawn.bottom + 0.3, patch, cell=0.3, size=9, scale=PIXELS)
        canvas.text(given.right + 0.12, given.middle, f"{name} patch", bold=True)
        matched = canvas.grid(
            left, given.bottom + 0.38, matches[..., index], cell=cell, size=_SMALL,
            heading="mean of products, 7×7", scale=MATCHES,
        )  # fmt: skip
        if index == 0:
            canvas.mark(matched, [0], [0])
        canvas.grid(
            left, matched.bottom + 0.38, pooled[..., index], cell=cell, size=_SMALL,
            heading="max pooling 2×2 and ReLU, 4×4", scale=MATCHES,
        )  # fmt: skip
    return canvas.figure


def mean_in_words(products: np.ndarray) -> str:
    """(8 × 1 + 1 × −1) ÷ 9 = 0.78: the mean of products of ±1."""
    ones, count = int((products == 1).sum()), products.size
    return f"({ones} × 1 + {count - ones} × −1) ÷ {count} = {written(float(products.mean()))}"


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
    letters = [letter for letter, _ in scores]
    labels = label_width([each.name for each in patches], least=1.0)
    cell, row_height, top = 0.43, 1.43, 2.7
    canvas = Canvas(top + len(patches) * row_height + 0.2, title=title, subtitle=subtitle, width=_WIDTH)
    for index, (name, values) in enumerate(maps):
        above = canvas.grid(
            labels + index * 2.0, 0.25, values, cell=0.45, heading=f"{name}, 4×4", scale=MATCHES
        )
    canvas.text(labels - 0.12, above.middle, "first layer", across="right", bold=True)
    slices = [labels + index * 1.42 for index in range(len(maps))]
    matched = labels + len(maps) * 1.42 + 0.1
    columns = [matched + 1.5 + index * 0.8 for index in range(1 + len(letters))]
    heads = ["value", *(f"weight\nfor {letter}" for letter in letters)]
    headed = [
        *((left + 1.5 * cell, f"in {name}") for left, (name, _) in zip(slices, maps, strict=True)),
        (matched + 0.5, "matches"), *zip(columns, heads, strict=True),
    ]  # fmt: skip
    for middle, head in headed:
        canvas.text(middle, top - 0.1, head, across="center", up="baseline", bold=True)
    weight_scale = ColorScale.signed(np.stack([each.weights for each in patches]))
    match_scale = ColorScale.signed(np.stack([each.matches for each in patches]))
    for row, each in enumerate(patches):
        y = top + row * row_height
        for index, left in enumerate(slices):
            part = each.weights[..., index]
            drawn = canvas.grid(left, y, part, cell=cell, size=_SMALL, scale=weight_scale)
        middle = drawn.middle
        canvas.text(labels - 0.12, middle, each.name, across="right")
        canvas.grid(matched, middle - 0.5, each.matches, cell=0.5, scale=match_scale)
        canvas.text(columns[0], middle, f"{each.value:.3f}", across="center")
        for left, weight in zip(columns[1:], weights[row].tolist(), strict=True):
            canvas.text(left, middle, written(weight), across="center", color=INK if weight else GREY)
    bottom = top + len(patches) * row_height + 0.1
    canvas.text(matched, bottom, "score", bold=True)
    best = max(score for _, score in scores)
    for left, (letter, score) in zip(columns[1:], scores, strict=True):
        canvas.text(
            left, bottom, f"{letter}: {score:.3f}", across="center", bold=True,
            color=MARK if score == best else INK,
        )  # fmt: skip
    return canvas.figure


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
