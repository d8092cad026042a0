"""Dice, spectra and subsampled images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from cnnlab.pictures.kit.canvas import Canvas
from cnnlab.pictures.kit.collisions import texts_apart
from cnnlab.pictures.kit.page import SMALLEST_TEXT
from cnnlab.pictures.kit.palette import COLORS, GREY, MARK
from cnnlab.pictures.kit.scales import GREYS, ColorScale
from cnnlab.scratch.worked_examples.signals import Dice, Spectra


@texts_apart
def dice(found: Dice, *, marked: int, title: str, subtitle: str) -> Figure:
    """The distributions of one die and of two, and the table of all pairs.

    Args:
        marked: the sum that is pointed at.
    """
    canvas = Canvas(3.6, title=title, subtitle=subtitle)
    side = len(found.one)
    for index in range(2):
        _bars(
            canvas, 0.1, 1.35 + index * 1.9, found.one, range(1, side + 1), most=1 / 6, tall=0.7, step=0.38,
            denominator=side, heading=f"die {'AB'[index]}: n/{side}",
        )  # fmt: skip
    cell = 0.34
    colors = np.where(found.sums == marked, MARK, "")
    table = canvas.grid(3.0, 0.4, found.sums, cell=cell, colors=colors, heading="sums: A down, B across")
    for each in range(side):
        canvas.text(table.x - 0.18, table.center(each, 0)[1], str(each + 1), across="center", color=GREY)
        canvas.text(table.center(0, each)[0], table.bottom + 0.16, str(each + 1), across="center", color=GREY)
    pairs = int((found.sums == marked).sum())
    canvas.text(
        table.x, table.bottom + 0.4,
        f"P({marked}) = Σ P(a) · P({marked} − a)\n= {pairs} pairs · 1/{side} · 1/{side} = {pairs}/{side**2}",
        up="top",
    )  # fmt: skip
    _bars(
        canvas, 5.75, 3.25, found.total, range(2, 2 * side + 1), most=float(found.total.max()), tall=2.5,
        step=0.35, denominator=side**2, heading=f"the sum, A ∗ B: n/{side**2}", marked=marked,
    )  # fmt: skip
    return canvas.figure


def _bars(
    canvas: Canvas,
    x: float,
    y: float,
    shares: np.ndarray,
    names: Sequence[int],
    *,
    most: float,
    tall: float,
    step: float,
    denominator: int,
    heading: str,
    marked: int | None = None,
) -> None:
    canvas.text(x, y - tall - 0.4, heading, bold=True)
    for index, (name, share) in enumerate(zip(names, shares.tolist(), strict=True)):
        left, height = x + index * step, tall * share / most
        canvas.bar(left, y, 0.8 * step, height, color=MARK if name == marked else COLORS[0])
        middle = left + 0.4 * step
        text = str(round(share * denominator))
        canvas.text(middle, y - height - 0.1, text, across="center", size=SMALLEST_TEXT)
        canvas.text(middle, y + 0.13, str(name), across="center", color=GREY)


@texts_apart
def spectra(found: Spectra, *, title: str, subtitle: str) -> Figure:
    """Image, kernel and result on the left, their spectra on the right."""
    rows, columns = found.direct.shape
    tall = 1.3
    wide = min(tall * columns / rows, 2.3)
    tall = wide * rows / columns
    across, below = wide + 1.3, tall + 0.75
    canvas = Canvas(2 * tall + 1.0, title=title, subtitle=subtitle, bars=1, width=2 * across + max(wide, 2.0))
    kernel = np.zeros(found.direct.shape)
    kernel[: found.kernel.shape[0], : found.kernel.shape[1]] = found.kernel
    image = np.zeros(found.direct.shape)
    image[: found.image.shape[0], : found.image.shape[1]] = found.image
    strengths = [
        _of_largest(np.log10(1 + np.abs(np.fft.fftshift(each))))
        for each in (found.image_spectrum, found.kernel_spectrum, found.product)
    ]
    scale = ColorScale(0, 1, "log10(1 + magnitude) ÷ largest; frequency 0 in the middle")
    size = f"{found.image.shape[0]} × {found.image.shape[1]}"
    small = f"{found.kernel.shape[0]} × {found.kernel.shape[1]}"
    names = (
        (f"image, {size}", image), (f"kernel, {small}", kernel), ("their convolution", found.direct)
    )  # fmt: skip
    difference = found.largest_difference
    apart = f"differs at most by\n{difference:.1e}" if difference else "equals the product"
    for index, ((name, pixels), strength, head) in enumerate(
        zip(names, strengths, ("its spectrum", "its spectrum", "the product"), strict=True)
    ):
        x, top = index * across, 0.25
        signed = bool((pixels < 0).any())
        shown = ColorScale.signed(pixels) if signed else ColorScale(0, float(pixels.max()), colormap=GREYS)
        drawn = canvas.image(x, top, pixels, shown, wide=wide, heading=name)
        spectrum = canvas.image(x, top + below, strength, scale, wide=wide, heading=head)
        ends = (x + 0.3, drawn.bottom + 0.08), (x + 0.3, spectrum.y - 0.28)
        canvas.arrow(*(ends if index < 2 else reversed(ends)))
        said = "Fourier transform" if index < 2 else f"inverse; {apart}"
        canvas.text(x + 0.45, drawn.bottom + 0.24, said, size=SMALLEST_TEXT, color=GREY)
        if index:
            for grid, sign in ((drawn, "∗" if index == 1 else "="), (spectrum, "×" if index == 1 else "=")):
                canvas.sign(x - (across - wide) / 2, grid.middle, sign)
    canvas.colorbar(scale)
    return canvas.figure


def _of_largest(values: np.ndarray) -> np.ndarray:
    largest = float(values.max())
    return values / largest if largest else values


@texts_apart
def subsampling(images: Mapping[int, np.ndarray], *, title: str, subtitle: str) -> Figure:
    """The image at several steps, all drawn equally large.

    Args:
        images: by step (H', W') or (H', W', 3) in [0, 1].
    """
    tallest = max(each.shape[0] / each.shape[1] for each in images.values())
    wide = min((9.0 - 0.3 * (len(images) - 1)) / len(images), 3.5 / tallest)
    across = max(wide, 2.1) + 0.3  # the texts' width
    canvas = Canvas(wide * tallest + 0.75, title=title, subtitle=subtitle, width=len(images) * across - 0.3)
    for index, (step, pixels) in enumerate(images.items()):
        rows, columns = pixels.shape[:2]
        every = {1: "all rows and columns", 2: "every second", 4: "every fourth"}.get(step, f"every {step}th")
        canvas.image(
            index * across, 0.3, pixels, ColorScale(0, 1, colormap=GREYS), wide=wide, heading=every,
            below=f"{rows} × {columns} = {rows * columns:,} pixels",
        )  # fmt: skip
    return canvas.figure
