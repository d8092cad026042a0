"""X or O: patches on a figure, patches on their maps, the vote, and who tells which figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from cnnlab.pictures.kit.canvas import Canvas
from cnnlab.pictures.kit.collisions import texts_apart
from cnnlab.pictures.kit.fitting import label_width
from cnnlab.pictures.kit.formats import percent, written
from cnnlab.pictures.kit.page import SMALLEST_TEXT
from cnnlab.pictures.kit.palette import GREY, INK, MARK
from cnnlab.pictures.kit.scales import GREYS, SIGNED, ColorScale
from cnnlab.pictures.kit.sheet import Sheet

PIXELS = ColorScale(-1, 1, colormap=GREYS)
MATCHES = ColorScale(-1, 1, colormap=SIGNED)
_RIGHT = ColorScale(0, 1.4, colormap="Greys")


@texts_apart
def one_patch(
    figure: np.ndarray,
    patch: np.ndarray,
    matches: np.ndarray,
    pooled: np.ndarray,
    *,
    title: str,
    subtitle: str,
) -> Figure:
    """A patch on a figure: its matches, the best of each 2×2, and below the first product by hand.

    Args:
        figure: (9, 9) of ±1.
        patch: (3, 3) of ±1.
        matches: (7, 7). pooled: (4, 4), after ReLU.
    """
    canvas = Canvas(4.35, title=title, subtitle=subtitle)
    cell, top = 0.43, 0.2
    tall = matches.shape[0] * cell
    drawn = canvas.grid(
        0, top, figure, cell=tall / len(figure), size=SMALLEST_TEXT, heading="the figure, 9×9", scale=PIXELS
    )
    matched = canvas.grid(
        3.7, top, matches, cell=cell, heading="mean of products, 7×7", scale=MATCHES
    )  # fmt: skip
    best = canvas.grid(
        canvas.width - 5 * cell, top + 1.5 * cell, pooled, cell=cell,
        heading="max pooling, ReLU", scale=MATCHES,
    )  # fmt: skip
    canvas.arrow((drawn.right + 0.15, drawn.middle), (matched.x - 0.15, drawn.middle))
    canvas.arrow((matched.right + 0.15, drawn.middle), (best.x - 0.15, drawn.middle))
    canvas.mark(drawn, range(3), range(3))
    canvas.mark(matched, [0], [0])
    piece = figure[:3, :3]
    left, below, side = 0.0, drawn.bottom + 0.28, 0.28
    for sign, heading, values in (
        ("", "framed pixels", piece), ("×", "patch", patch), ("=", "products", piece * patch)
    ):  # fmt: skip
        step = canvas.grid(left, below, values, cell=side, size=SMALLEST_TEXT, heading=heading, scale=PIXELS)
        canvas.sign(left - 0.4, step.middle, sign)
        left = step.right + 0.8
    canvas.text(
        left - 0.45, step.middle,
        f"their mean is {mean_in_words(piece * patch)}, in the framed place;\nthe patch then moves on by a "
        "pixel, to all 49 places",
        room=canvas.width - left + 0.45,
    )  # fmt: skip
    return canvas.figure


@texts_apart
def first_layer(
    patches: Sequence[tuple[str, np.ndarray]],
    matches: np.ndarray,
    pooled: np.ndarray,
    *,
    title: str,
    subtitle: str,
) -> Figure:
    """A column for each patch: the patch, its matches as colours, and the best of each 2×2.

    Args:
        patches: by name (3, 3) of ±1.
        matches: (7, 7, patches). pooled: (4, 4, patches), after ReLU.
    """
    canvas = Canvas(3.6, title=title, subtitle=subtitle, bars=1)
    for index, (name, patch) in enumerate(patches):
        left = index * 3.3
        canvas.grid(left, 0.2, patch, cell=0.24, size=SMALLEST_TEXT, heading=name, scale=PIXELS)
        matched = canvas.image(left + 1.7, 0.2, matches[..., index], MATCHES, wide=1.4, heading="matches")
        canvas.grid(
            left, matched.bottom + 0.34, pooled[..., index], cell=0.42,
            heading="max pooling, ReLU", scale=MATCHES,
        )  # fmt: skip
    canvas.colorbar(MATCHES)
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


@texts_apart
def one_patch_of_maps(
    patch: PatchOfMaps, maps: Sequence[tuple[str, np.ndarray]], *, title: str, subtitle: str
) -> Figure:
    """What comes in above, the patch below: its slices, its matches, and its value.

    Args:
        maps: by name (4, 4), what the first layer made of the figure.
    """
    cell, step = 0.43, 2.4
    canvas = Canvas(4.0, title=title, subtitle=subtitle)
    for index, (name, values) in enumerate(maps):
        above = canvas.grid(index * step, 0.25, values, cell=cell, heading=f"{name}, 4×4", scale=MATCHES)
        canvas.mark(above, range(3), range(3))
        part = canvas.grid(
            index * step, above.bottom + 0.6, patch.weights[..., index], cell=cell,
            heading="patch, 3×3", scale=ColorScale.signed(patch.weights),
        )  # fmt: skip
        canvas.sign(index * step + 1.5, above.bottom + 0.3, "×")
    matched = canvas.grid(
        len(maps) * step + 0.2, part.middle - cell, patch.matches, cell=cell, heading="mean of 27 products",
        scale=ColorScale.signed(patch.matches),
    )  # fmt: skip
    canvas.mark(matched, [0], [0])
    canvas.arrow((part.right + 0.15, part.middle), (matched.x - 0.1, part.middle))
    said = f"largest, after ReLU:\n{patch.value:.3f}"
    canvas.text(matched.x, matched.bottom + 0.12, said, up="top")
    return canvas.figure


@texts_apart
def second_layer(
    patches: Sequence[PatchOfMaps],
    maps: Sequence[str],
    weights: np.ndarray,
    scores: Sequence[tuple[str, float]],
    *,
    title: str,
    subtitle: str,
) -> Figure:
    """A row for each patch: its slices and matches as colours, its value, and how this votes.

    Args:
        maps: names of what comes in.
        weights: (patches, letters), of the vote.
        scores: by letter.
    """
    letters = [letter for letter, _ in scores]
    cell, row_height, top = 0.13, 0.44, 0.4
    labels, slices, value = 1.6, 1.12, 1.05
    matched = labels + len(maps) * slices
    columns = [matched + 1.1 + index * value for index in range(1 + 2 * len(letters))]
    canvas = Canvas(
        top + len(patches) * row_height + 0.3, title=title, subtitle=subtitle, width=columns[-1] + 0.5
    )
    heads = [
        "value",
        *(head for letter in letters for head in (f"weight\nfor {letter}", f"vote\nfor {letter}")),
    ]
    headed = [
        *((labels + index * slices + 1.5 * cell, name.replace(" ", "\n")) for index, name in enumerate(maps)),
        (matched + cell, "matches"), *zip(columns, heads, strict=True),
    ]  # fmt: skip
    for middle, head in headed:
        canvas.text(middle, top - 0.08, head, across="center", up="bottom", size=SMALLEST_TEXT, bold=True)
    weight_scale = ColorScale.signed(np.stack([each.weights for each in patches]))
    match_scale = ColorScale.signed(np.stack([each.matches for each in patches]))
    for row, each in enumerate(patches):
        y = top + row * row_height
        for index in range(len(maps)):
            part = each.weights[..., index]
            drawn = canvas.grid(
                labels + index * slices, y, part, cell=cell, numbers=False, scale=weight_scale
            )
        middle = drawn.middle
        canvas.text(labels - 0.15, middle, each.name, across="right")
        canvas.grid(
            matched, middle - 0.17, each.matches, cell=0.17, numbers=False, scale=match_scale
        )  # fmt: skip
        canvas.text(columns[0], middle, f"{each.value:.3f}", across="center")
        for index, weight in enumerate(weights[row].tolist()):
            color = INK if weight else GREY
            for left, text in zip(
                columns[1 + 2 * index :], (written(weight), f"{weight * each.value:.3f}"), strict=False
            ):
                canvas.text(left, middle, text.replace("-", "−"), across="center", color=color)
    bottom = top + len(patches) * row_height + 0.12
    canvas.text(labels - 0.15, bottom, "score", across="right", bold=True)
    best = max(score for _, score in scores)
    for left, (letter, score) in zip(columns[2::2], scores, strict=True):
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
            sheet.text(left, y + sheet.cell[1] / 2, percent(accuracy), across="center", size=11)
    return sheet.figure
