"""Where windows land, drawn on grids: strides, padding, dilation, groups, transposed convolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from cnnlab.pictures.drawings.worked_examples.windows import SECOND, mark_pixels
from cnnlab.pictures.kit.canvas import Canvas, Grid
from cnnlab.pictures.kit.collisions import texts_apart
from cnnlab.pictures.kit.page import SMALLEST_TEXT
from cnnlab.pictures.kit.palette import COLORS, GREY, MARK
from cnnlab.pictures.kit.scales import ColorScale
from cnnlab.scratch.worked_examples.arithmetic import Grouped, Slide, Transposed

_ACROSS = 3  # panels
_COLUMN, _ROW = 2.95, 2.14  # inches
_CELL = 0.19
_MOST_NUMBERED = 12  # cells along a side, whose numbers can be read
_MOST_CELLS = 40  # along a side, that can be told apart


class Panel(NamedTuple):
    """A heading, and what is drawn below it."""

    heading: str
    example: Slide | Transposed | Sequence[Grouped]


@texts_apart
def panels(examples: Sequence[Panel], *, title: str, subtitle: str) -> Figure:
    """Three panels in a row, each with its formula."""
    canvas = Canvas(
        math.ceil(len(examples) / _ACROSS) * _ROW,
        title=title,
        subtitle=subtitle,
        width=_ACROSS * _COLUMN - 0.1,
    )
    for index, (heading, example) in enumerate(examples):
        x, y = index % _ACROSS * _COLUMN, index // _ACROSS * _ROW
        canvas.text(x, y + 0.06, heading, bold=True)
        if isinstance(example, Slide):
            _slide(canvas, x, y + 0.22, example)
        elif isinstance(example, Transposed):
            _transposed(canvas, x, y + 0.22, example)
        else:
            _groups(canvas, x, y + 0.22, example)
    return canvas.figure


@texts_apart
def one_slide(slide: Slide, *, title: str, subtitle: str) -> Figure:
    """One window on one input, larger; numbers are written where there is room for them."""
    canvas = Canvas(4.3, title=title, subtitle=subtitle, width=7.8)
    _slide(canvas, 0, 0.3, slide, room=3.6, cells=1)
    return canvas.figure


def _slide(
    canvas: Canvas, x: float, y: float, slide: Slide, *, room: float = 7 * _CELL, cells: int = 7
) -> None:
    (top, left), (bottom, right) = slide.before, slide.after
    seen = np.pad(slide.seen, ((top, bottom), (left, right)))
    outside = np.pad(np.zeros(slide.size, bool), ((top, bottom), (left, right)), constant_values=True)
    cell = room / max(cells, *seen.shape)
    grid = _counts(canvas, x, y, seen, cell, scale=_times(seen), blank=outside)
    rows, columns = slide.output
    output = _counts(canvas, grid.right + 0.55, grid.middle - rows / 2 * cell, slide.sees, cell)
    canvas.arrow((grid.right + 0.1, grid.middle), (output.x - 0.1, grid.middle))
    for at, color in ((min(1, columns - 1), SECOND), (0, MARK)):
        _window(canvas, grid, slide, at, color)
        canvas.mark(output, [0], [at], color=color)
    said = " × ".join(map(str, slide.size)), f"{rows} × {columns}"
    canvas.text(
        x, grid.bottom + 0.06, f"{said[0]} → {said[1]}\n{slide.formula()}", size=SMALLEST_TEXT, up="top",
        room=max(_COLUMN - 0.15, room),
    )  # fmt: skip


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
    return canvas.grid(x, y, counts, cell=cell, numbers=numbers, size=SMALLEST_TEXT, scale=scale, blank=blank)


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
    grid = canvas.grid(
        x, middle - example.size[0] / 2 * _CELL, ones, cell=_CELL, size=SMALLEST_TEXT, numbers=False
    )
    scale = _times(example.written)
    output = canvas.grid(grid.right + 0.55, y, example.written, cell=_CELL, size=SMALLEST_TEXT, scale=scale)
    canvas.arrow((grid.right + 0.1, middle), (output.x - 0.1, middle))
    for at, color in ((1, SECOND), (0, MARK)):
        begin = at * example.stride
        canvas.mark(grid, [0], [at], color=color)
        canvas.mark(output, range(example.kernel), range(begin, begin + example.kernel), color=color)
    said = [" × ".join(map(str, each)) for each in (example.size, example.output)]
    canvas.text(
        x, output.bottom + 0.06, f"{said[0]} → {said[1]}\n{example.formula}", size=SMALLEST_TEXT, up="top",
        room=_COLUMN - 0.15,
    )  # fmt: skip


def _groups(canvas: Canvas, x: float, y: float, examples: Sequence[Grouped]) -> None:
    for index, example in enumerate(examples):
        channels, filters = example.connected.shape
        colors = np.where(example.connected, COLORS[0], "")
        per_group = channels // example.groups
        colors = np.where(example.connected & (np.arange(channels) >= per_group)[:, None], COLORS[4], colors)
        if example.groups == 1:
            colors = np.where(example.connected, COLORS[2], "")
        left = x + 0.1 + index * 1.5
        per_filter = example.weights // filters // per_group
        weights = np.where(example.connected, per_filter, 0)
        name = "1 group" if example.groups == 1 else f"{example.groups} groups"
        grid = canvas.grid(
            left, y + 0.2, weights, cell=0.25, size=SMALLEST_TEXT, colors=colors, blank=~example.connected,
            below=f"{example.weights} weights",
        )  # fmt: skip
        canvas.text(left, y + 0.08, name, size=SMALLEST_TEXT)
    said = f"rows: {channels} input channels, columns: {filters} filters\nin a cell: weights of one filter"
    canvas.text(x, grid.bottom + 0.32, said, size=SMALLEST_TEXT, color=GREY, up="top", room=_COLUMN - 0.15)


def _times(values: np.ndarray) -> ColorScale:
    return ColorScale(0, 2.5 * float(values.max()), colormap="Oranges")
