"""Where windows land, drawn on grids: strides, padding, dilation, groups, transposed convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from cnnlab.pictures.drawings.worked_examples.windows import SECOND, mark_pixels
from cnnlab.pictures.kit.canvas import Canvas, Grid
from cnnlab.pictures.kit.palette import COLORS, GREY, MARK
from cnnlab.pictures.kit.scales import ColorScale
from cnnlab.scratch.worked_examples.arithmetic import Grouped, Slide, Transposed

_COLUMN = 4.3  # inches
_CELL = 0.26
_ROWS_OF_GROUPS = 7  # that their tables take the place of
_MOST_NUMBERED = 12  # cells along a side, whose numbers can be read
_MOST_CELLS = 40  # along a side, that can be told apart


class Panel(NamedTuple):
    """A heading, and what is drawn below it."""

    heading: str
    example: Slide | Transposed | Sequence[Grouped]


def panels(examples: Sequence[Panel], *, title: str, subtitle: str) -> Figure:
    """Two panels in a row, each with its formula."""
    pairs = [examples[first : first + 2] for first in range(0, len(examples), 2)]
    heights = [max(_rows(each.example) for each in pair) * _CELL + 1.05 for pair in pairs]
    canvas = Canvas(sum(heights) - 0.15, title=title, subtitle=subtitle)
    for index, (heading, example) in enumerate(examples):
        x, y = index % 2 * _COLUMN, sum(heights[: index // 2])
        canvas.text(x, y + 0.1, heading, bold=True)
        if isinstance(example, Slide):
            _slide(canvas, x, y + 0.32, example)
        elif isinstance(example, Transposed):
            _transposed(canvas, x, y + 0.32, example)
        else:
            _groups(canvas, x, y + 0.32, example)
    return canvas.figure


def _rows(example: Slide | Transposed | Sequence[Grouped]) -> int:
    """Of the taller grid."""
    if isinstance(example, Slide):
        return example.size[0] + example.before[0] + example.after[0]
    return example.output[0] if isinstance(example, Transposed) else _ROWS_OF_GROUPS


def one_slide(slide: Slide, *, title: str, subtitle: str) -> Figure:
    """One window on one input, larger; numbers are written where there is room for them."""
    canvas = Canvas(4.4, title=title, subtitle=subtitle)
    _slide(canvas, 0, 0.3, slide, room=3.6)
    return canvas.figure


def _slide(canvas: Canvas, x: float, y: float, slide: Slide, *, room: float = 7 * _CELL) -> None:
    (top, left), (bottom, right) = slide.before, slide.after
    seen = np.pad(slide.seen, ((top, bottom), (left, right)))
    outside = np.pad(np.zeros(slide.size, bool), ((top, bottom), (left, right)), constant_values=True)
    cell = room / max(7 if room < 2 else 0, *seen.shape)
    grid = _counts(canvas, x, y, seen, cell, scale=_times(seen), blank=outside)
    rows, columns = slide.output
    output = _counts(canvas, grid.right + 0.55, grid.middle - rows / 2 * cell, slide.sees, cell)
    canvas.arrow((grid.right + 0.1, grid.middle), (output.x - 0.1, grid.middle))
    for at, color in ((min(1, columns - 1), SECOND), (0, MARK)):
        _window(canvas, grid, slide, at, color)
        canvas.mark(output, [0], [at], color=color)
    said = " × ".join(map(str, slide.size)), f"{rows} × {columns}"
    canvas.text(x, grid.bottom + 0.16, f"{said[0]} → {said[1]}", size=9.5)
    canvas.text(x, grid.bottom + 0.36, slide.formula(), size=9.5, color=GREY)


def _counts(
    canvas: Canvas,
    x: float,
    y: float,
    counts: np.ndarray,
    cell: float,
    *,
    scale: ColorScale | None = None,
    blank: np.ndarray | None = None,
) -> Grid:
    """A grid with its numbers, or without them, or no grid at all, by what there is room for."""
    if max(counts.shape) > _MOST_CELLS:
        if scale is None:
            return canvas.plane(x, y, (counts.shape[0], counts.shape[1]), cell=cell)
        return canvas.image(x, y, counts, scale, wide=cell * counts.shape[1])
    numbers = max(counts.shape) <= _MOST_NUMBERED
    return canvas.grid(x, y, counts, cell=cell, numbers=numbers, size=9, scale=scale, blank=blank)


def _window(canvas: Canvas, grid: Grid, slide: Slide, at: int, color: str) -> None:
    (height, width), (down, across) = slide.window.size, slide.window.dilation
    begin = at * slide.window.stride[1]
    rows = range(0, height * down, down)
    columns = range(begin, begin + width * across, across)
    mark_pixels(canvas, grid, rows, columns, color=color)


def _transposed(canvas: Canvas, x: float, y: float, example: Transposed) -> None:
    rows = example.output[0]
    middle = y + rows / 2 * _CELL
    ones = np.ones(example.size)
    grid = canvas.grid(x, middle - example.size[0] / 2 * _CELL, ones, cell=_CELL, size=9, numbers=False)
    scale = _times(example.written)
    output = canvas.grid(grid.right + 0.55, y, example.written, cell=_CELL, size=9, scale=scale)
    canvas.arrow((grid.right + 0.1, middle), (output.x - 0.1, middle))
    for at, color in ((1, SECOND), (0, MARK)):
        begin = at * example.stride
        canvas.mark(grid, [0], [at], color=color)
        canvas.mark(output, range(example.kernel), range(begin, begin + example.kernel), color=color)
    said = [" × ".join(map(str, each)) for each in (example.size, example.output)]
    canvas.text(x, output.bottom + 0.16, f"{said[0]} → {said[1]}", size=9.5)
    canvas.text(x, output.bottom + 0.36, example.formula, size=9.5, color=GREY)


def _groups(canvas: Canvas, x: float, y: float, examples: Sequence[Grouped]) -> None:
    for index, example in enumerate(examples):
        channels, filters = example.connected.shape
        colors = np.where(example.connected, COLORS[0], "")
        per_group = channels // example.groups
        colors = np.where(example.connected & (np.arange(channels) >= per_group)[:, None], COLORS[4], colors)
        if example.groups == 1:
            colors = np.where(example.connected, COLORS[2], "")
        left = x + 0.2 + index * 1.95
        per_filter = example.weights // filters // per_group
        weights = np.where(example.connected, per_filter, 0)
        name = "1 group" if example.groups == 1 else f"{example.groups} groups"
        grid = canvas.grid(
            left, y + 0.42, weights, cell=0.33, size=9.5, colors=colors, blank=~example.connected
        )
        canvas.text(left, y + 0.08, name, size=9.5)
        canvas.text(left, y + 0.27, f"{filters} filters →", size=9, color=GREY)
        total = f"{example.weights} weights"
        canvas.text(left, grid.bottom + 0.16, total, size=9.5)
    said = f"rows: {channels} input channels; in a cell: weights of one filter"
    canvas.text(x, y + _ROWS_OF_GROUPS * _CELL + 0.36, said, size=9.5, color=GREY)


def _times(values: np.ndarray) -> ColorScale:
    return ColorScale(0, 2.5 * float(values.max()), colormap="Oranges")
