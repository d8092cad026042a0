"""A trained convolution on one image: one output in numbers, and the map of the flipped kernel."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from cnnlab.layers.window import Window
from cnnlab.pictures.kit.canvas import Canvas
from cnnlab.pictures.kit.formats import as_term, written
from cnnlab.pictures.kit.palette import GREY
from cnnlab.pictures.kit.scales import GREYS, ColorScale, displayable
from cnnlab.scratch.worked_examples.windows import OneOutput

_MOST_CHANNELS = 3
_LARGEST_NUMBERED = 7  # kernel side


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
    """The image and the map with the place marked; below, a row for each channel: pixels, weights, products.

    Args:
        image: (H, W, C), of the channels that the filter sees. output: (H', W'), signed.
        digits: of numbers, behind the point.
    """
    height, width, channels = found.patch.shape
    shown = min(channels, _MOST_CHANNELS)
    side = min(0.46, 2.1 / max(height, width))
    above, row = 2.4, height * side + 0.55
    canvas = Canvas(above + shown * row + 0.45, title=title, subtitle=subtitle, digits=digits)
    _marked_image(canvas, 0.3, image, found, window)
    maps = canvas.image(
        4.9, 0.3, output, ColorScale.signed(output), wide=_fitted(output), heading="map of the filter"
    )
    canvas.mark(maps, [found.place[0]], [found.place[1]])
    canvas.arrow((2.9, 1.2), (4.6, 1.2))
    sums = found.products.sum(axis=(0, 1))
    signed, pixels = ColorScale.signed(found.kernel), ColorScale(0, 2 * _most(found.patch), colormap="Greys")
    numbers = max(height, width) <= _LARGEST_NUMBERED
    size = 9.5 if side >= 0.44 else 8.5 if side >= 0.38 else 7.5
    for channel in range(shown):
        y = above + 0.3 + channel * row
        of = f", channel {channel}" if channels > 1 else ""
        step = max(width * side + 0.4, 1.3 if channels == 1 else 1.8)
        places = [0.0, step, 2 * step]
        parts = (
            (f"pixels{of}", found.patch, pixels), ("weights", found.kernel, signed),
            ("products", found.products, ColorScale.signed(found.products)),
        )  # fmt: skip
        for x, (name, values, scale) in zip(places, parts, strict=True):
            grid = canvas.grid(
                x, y, values[..., channel], cell=side, scale=scale, heading=name, numbers=numbers, size=size
            )
        for x, sign in zip(places[1:], "×=", strict=True):
            canvas.sign(x - (step - width * side) / 2, grid.middle, sign)
        canvas.text(grid.right + 0.15, grid.middle, f"sum {written(float(sums[channel]), digits)}")
    left_out = f" (of {channels} channels, {shown} are drawn)" if shown < channels else ""
    added, total = (written(float(each), digits) for each in (sums.sum(), found.total))
    bias = as_term(found.bias, digits)
    canvas.text(0, above + shown * row + 0.15, f"{added} + bias {bias} ≈ {total}{left_out}", bold=True)
    return canvas.figure


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
    canvas = Canvas(5.0, title=title, subtitle=subtitle, bars=1, digits=digits)
    shown = displayable(image)
    canvas.image(0, 1.5, shown, _of_image(image), wide=_fitted(image), heading="input")
    scale = ColorScale.signed(np.stack([correlation[1], convolution[1]]), "output of the filter")
    weights = ColorScale.signed(correlation[0].sum(axis=2))
    for index, (name, (kernel, output)) in enumerate(
        (("kernel", correlation), ("kernel, flipped", convolution))
    ):
        y = 0.3 + index * 2.5
        flat = kernel.sum(axis=2)
        side = min(0.46, 1.6 / max(flat.shape))
        numbers = max(flat.shape) <= 3
        summed = "sum over channels" if kernel.shape[2] > 1 else ""
        canvas.grid(
            2.7,
            y + 0.2,
            flat,
            cell=side,
            scale=weights,
            heading=name,
            numbers=numbers,
            size=9.5,
            below=summed,
        )
        maps = canvas.image(
            5.2, y, output, scale, wide=_fitted(output),
            heading="convolution" if index else "correlation",
        )  # fmt: skip
        canvas.mark(maps, [place[0]], [place[1]])
        canvas.text(maps.right + 0.1, maps.middle, written(float(output[place]), digits), size=11)
        canvas.text(maps.right + 0.1, maps.middle + 0.22, "at the frame", size=9, color=GREY)
    canvas.colorbar(scale)
    return canvas.figure


def _marked_image(canvas: Canvas, y: float, image: np.ndarray, found: OneOutput, window: Window) -> None:
    """The image, and the window on it as far as it lies inside."""
    grid = canvas.image(0.3, y, displayable(image), _of_image(image), wide=_fitted(image), heading="input")
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
