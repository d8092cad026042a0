"""A trained convolution on one image: one output in numbers, and the map of the flipped kernel."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from cnnlab.layers.window import Window
from cnnlab.pictures.kit.canvas import NUMBER, Canvas, Grid
from cnnlab.pictures.kit.collisions import texts_apart
from cnnlab.pictures.kit.formats import as_term, written
from cnnlab.pictures.kit.page import SMALLEST_TEXT
from cnnlab.pictures.kit.scales import GREYS, ColorScale, displayable
from cnnlab.scratch.worked_examples.windows import OneOutput

_MOST_CHANNELS = 3
_HEIGHT, _WIDTH = 4.3, 9.6
_LEFT, _SIDE = 1.85, 1.65  # where the numbers begin; of the image and the map
_READABLE = 0.44  # inches, of a cell with two decimals


@texts_apart
def one_output(
    image: np.ndarray,
    output: np.ndarray,
    found: OneOutput,
    window: Window,
    *,
    digits: int,
    title: str,
    subtitle: str,
) -> Figure:
    """The image and the map with the place marked; beside them pixels, weights, products.

    Each channel has a row. Where there is no room for all, those are drawn that add most.

    Args:
        image: (H, W, C), of the channels that the filter sees. output: (H', W'), signed.
        digits: of numbers, behind the point, at most.
    """
    height, width, channels = found.patch.shape
    room = _HEIGHT - 0.35  # for the sum
    step = (_WIDTH - _LEFT) / 3

    def side(rows: int) -> float:
        return float(min((step - 0.35) / width, (room / rows - 0.42) / height, 0.8))

    fitting = [rows for rows in range(1, min(channels, _MOST_CHANNELS) + 1) if side(rows) >= _READABLE]
    rows = max(fitting, default=1)
    sums = found.products.sum(axis=(0, 1))
    drawn = sorted(np.argsort(-np.abs(sums), kind="stable")[:rows].tolist())  # those that add most
    row, cell = room / rows, side(rows)
    canvas = Canvas(_HEIGHT, title=title, subtitle=subtitle, digits=digits, width=_WIDTH)
    grid = canvas.image(
        0, 0.2, displayable(image), _of_image(image), wide=_fitted(image, _SIDE), heading="input"
    )
    _mark_window(canvas, grid, image, found, window)
    maps = canvas.image(
        0, 2.35, output, ColorScale.signed(output), wide=_fitted(output, _SIDE), heading="map of the filter"
    )
    canvas.mark(maps, [found.place[0]], [found.place[1]])
    scales = (
        ColorScale(0, 2 * _most(found.patch), colormap="Greys"), ColorScale.signed(found.kernel),
        ColorScale.signed(found.products),
    )  # fmt: skip
    for place, channel in enumerate(drawn):
        y = 0.2 + place * row + (row - 0.3 - height * cell) / 2
        of = f", channel {channel}" if channels > 1 else ""
        total = f", sum {written(float(sums[channel]), digits)}" if channels > 1 else ""
        parts = (("", f"pixels{of}", found.patch), ("×", "weights", found.kernel),
                 ("=", f"products{total}", found.products))  # fmt: skip
        for index, ((sign, name, values), scale) in enumerate(zip(parts, scales, strict=True)):
            grid = canvas.grid(
                _LEFT + index * step, y, values[..., channel], cell=cell, scale=scale, heading=name,
                size=max(NUMBER, 17 * cell),
            )  # fmt: skip
            canvas.sign(grid.x - (step - width * cell) / 2, grid.middle, sign)
    left_out = f" (of {channels} channels, {rows} {'is' if rows == 1 else 'are'} drawn)"
    added, result = (written(float(each), digits) for each in (sums.sum(), found.total))
    bias = as_term(found.bias, digits)
    text = f"sum {added} + bias {bias} ≈ {result}{left_out if rows < channels else ''}"
    canvas.text(_LEFT, room + 0.2, text, bold=True)
    return canvas.figure


@texts_apart
def two_maps(
    image: np.ndarray,
    correlation: tuple[np.ndarray, np.ndarray],
    convolution: tuple[np.ndarray, np.ndarray],
    place: tuple[int, int],
    *,
    digits: int,
    title: str,
    subtitle: str,
) -> Figure:
    """An image, and the maps of a kernel and of the same one flipped.

    Args:
        image: (H, W, C). correlation, convolution: kernel (h, w, C), and its map (H', W').
    """
    canvas = Canvas(3.55, title=title, subtitle=subtitle, bars=1, digits=digits, width=7.6)
    shown = displayable(image)
    canvas.image(0, 0.85, shown, _of_image(image), wide=_fitted(image), heading="input")
    scale = ColorScale.signed(np.stack([correlation[1], convolution[1]]), "output of the filter")
    weights = ColorScale.signed(correlation[0].sum(axis=2))
    for index, (name, (kernel, output)) in enumerate(
        (("kernel", correlation), ("kernel, flipped", convolution))
    ):
        y = 0.25 + index * 1.8
        flat = kernel.sum(axis=2)
        side = min(0.44, 1.3 / max(flat.shape))
        summed = "summed over channels" if kernel.shape[2] > 1 else ""
        canvas.grid(
            2.4, y, flat, cell=side, scale=weights, heading=name, below=summed
        )  # fmt: skip
        maps = canvas.image(
            5.2, y, output, scale, wide=_fitted(output, 1.45),
            heading="convolution" if index else "correlation",
        )  # fmt: skip
        canvas.mark(maps, [place[0]], [place[1]])
        said = f"{written(float(output[place]), digits)}\nat the frame"
        canvas.text(maps.right + 0.1, maps.middle, said, size=SMALLEST_TEXT)
    canvas.colorbar(scale)
    return canvas.figure


def _mark_window(canvas: Canvas, grid: Grid, image: np.ndarray, found: OneOutput, window: Window) -> None:
    """Frame the window on the image, as far as it lies inside."""
    inside = [
        [at for at in range(first, first + extent) if 0 <= at < length]
        for first, extent, length in zip(found.corner, window.extent, image.shape[:2], strict=True)
    ]
    if all(inside):
        canvas.mark(grid, *inside)


def _of_image(image: np.ndarray) -> ColorScale:
    """From black to white, whatever the network takes for these."""
    return ColorScale(float(image.min()), float(image.max()) or 1.0, colormap=GREYS)


def _fitted(values: np.ndarray, side: float = 1.9) -> float:
    """The width of an image that is at most so wide and tall."""
    return side * min(1.0, float(values.shape[1] / values.shape[0]))


def _most(values: np.ndarray) -> float:
    return float(np.abs(values).max()) or 1.0
