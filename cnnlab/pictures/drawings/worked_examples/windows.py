"""What an output sees, what it adds up, and what flipping the kernel changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cnnlab.pictures.kit.canvas import Canvas, Grid
from cnnlab.pictures.kit.collisions import texts_apart
from cnnlab.pictures.kit.page import SMALLEST_TEXT
from cnnlab.pictures.kit.palette import COLORS, GREY, MARK, MORE_COLORS
from cnnlab.pictures.kit.scales import ColorScale

SECOND = COLORS[0]
"""The colour of the second output; the first one's is MARK."""

WEIGHTS = (*COLORS[:6], *MORE_COLORS)
"""One for each weight of a 3×3 kernel."""


@texts_apart
def numbered_pixels(
    image: np.ndarray,
    kernel: np.ndarray,
    output: np.ndarray,
    pooled: np.ndarray,
    seen: Sequence[np.ndarray],
    *,
    title: str,
    subtitle: str,
) -> Figure:
    """An image, a kernel of 3×3 and what comes of them; below, the first two outputs as Dense units.

    Args:
        image: (H, W). kernel: (3, 3). output: (H − 2, W − 2). pooled: of 2×2.
        seen: of the first two outputs, the numbers of the pixels that they see.
    """
    canvas = Canvas(4.3, title=title, subtitle=subtitle, width=7.1)
    cell = 0.36
    numbers = np.arange(1, image.size + 1).reshape(image.shape)
    greys = ColorScale(0, 2, colormap="Greys")
    pixels = canvas.grid(
        0, 0.2, image, cell=cell, heading="image, pixels numbered", corner=numbers, scale=greys
    )
    top = pixels.middle
    weights = canvas.grid(
        2.72, top - 1.5 * cell, kernel, cell=cell, heading="filter", colors=_colors(kernel.shape)
    )
    maps = canvas.grid(
        4.3, top - output.shape[0] / 2 * cell, output, cell=cell, heading="output",
        scale=ColorScale.signed(output),
    )  # fmt: skip
    small = canvas.grid(
        canvas.width - pooled.shape[1] * cell, top - pooled.shape[0] / 2 * cell, pooled, cell=cell,
        heading="pooled", scale=ColorScale.signed(output),
    )  # fmt: skip
    canvas.text((pixels.right + weights.x) / 2, top, "⋆", size=30, across="center", color=GREY)
    canvas.sign((weights.right + maps.x) / 2, top, "=")
    canvas.arrow((maps.right + 0.08, top), (small.x - 0.08, top))
    for place, color in enumerate((SECOND, MARK)):  # the first lies on top
        at = 1 - place
        canvas.mark(pixels, range(3), range(at, at + 3), color=color)
        canvas.mark(maps, [0], [at], color=color)

    shown = max(int(each.max()) for each in seen)
    side = min(cell, (canvas.width - 0.7) / shown)
    line = canvas.grid(
        0, 2.82, image.reshape(-1)[None, :shown], cell=side, corner=numbers.reshape(-1)[None, :shown],
        heading="the same as a Dense layer: two of its units, nine connections each", scale=greys,
    )  # fmt: skip
    canvas.text(line.right + 0.1, line.middle, f"… {image.size}", color=GREY)
    colors = _colors(kernel.shape).reshape(-1)
    below = canvas.height - cell
    for unit, (pixels_seen, color) in enumerate(zip(seen, (MARK, SECOND), strict=False)):
        x = line.right * (0.2 + 0.55 * unit)
        for number, each in zip(pixels_seen.tolist(), colors, strict=True):
            begin = line.center(0, number - 1)[0], line.bottom
            canvas.line(begin, (x, below), color=each, width=1.8)
        place = divmod(unit, output.shape[1])
        box = canvas.grid(x - cell / 2, below, output[place][None, None], cell=cell)
        canvas.mark(box, [0], [0], color=color)
        sees = ", ".join(map(str, pixels_seen.tolist()))
        said = f"output {unit + 1} sees\n{sees}"
        canvas.text(box.right + 0.1, box.middle, said, size=SMALLEST_TEXT)
    return canvas.figure


def _colors(shape: tuple[int, ...]) -> np.ndarray:
    return np.array(WEIGHTS)[: shape[0] * shape[1]].reshape(shape)


@texts_apart
def flipped_kernel(
    examples: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]],
    places: Sequence[tuple[int, int] | None],
    *,
    title: str,
    subtitle: str,
) -> Figure:
    """The images side by side: with the kernel as it is above, with the kernel flipped below.

    Args:
        examples: heading, image (H, W), kernel, flipped (h, w), correlation, convolution (H', W').
        places: of each the output to frame, and the window that it sees.
    """
    cell, half, block = 0.33, 1.75, 5.0
    canvas = Canvas(2 * half + 0.2, title=title, subtitle=subtitle)
    for index, ((name, image, kernel, flipped, correlation, convolution), place) in enumerate(
        zip(examples, places, strict=True)
    ):
        left, middle = index * block, half + 0.2
        pixels = canvas.grid(
            left, middle - image.shape[0] / 2 * cell, image, cell=cell, heading=name,
            scale=ColorScale(0, 2 * _most(image), colormap="Greys"),
        )  # fmt: skip
        limit = ColorScale.signed(np.stack([correlation, convolution]))
        if place is not None:
            window = (range(at, at + side) for at, side in zip(place, kernel.shape, strict=True))
            canvas.mark(pixels, *window)
        for part, (heading, each, answer, result) in enumerate(
            (("kernel", kernel, correlation, "correlation"), ("flipped", flipped, convolution, "convolution"))
        ):
            center = 0.2 + (part + 0.5) * half
            weights = canvas.grid(
                left + 2.15, center - each.shape[0] / 2 * cell, each, cell=cell, heading=heading,
                scale=ColorScale.signed(kernel),
            )  # fmt: skip
            maps = canvas.grid(
                left + 3.6, center - answer.shape[0] / 2 * cell, answer, cell=cell, heading=result,
                scale=limit,
            )  # fmt: skip
            if place is not None:
                canvas.mark(maps, [place[0]], [place[1]])
            canvas.arrow((pixels.right + 0.1, middle), (weights.x - 0.12, center))
            canvas.sign((weights.right + maps.x) / 2, center, "=")
    return canvas.figure


def mark_pixels(
    canvas: Canvas, grid: Grid, rows: Sequence[int], columns: Sequence[int], *, color: str = MARK
) -> None:
    """Frame the pixels under a window: together, or one by one where a dilation leaves gaps."""
    if all(len(each) == max(each) - min(each) + 1 for each in (rows, columns)):
        canvas.mark(grid, rows, columns, color=color)
        return
    for row in rows:
        for column in columns:
            canvas.mark(grid, [row], [column], color=color, width=1.6)


def _most(values: np.ndarray) -> float:
    return float(np.abs(values).max()) or 1.0
