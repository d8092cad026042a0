"""A convolution as a product of matrices, as a tied Dense layer, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cnnlab.pictures.drawings.worked_examples.windows import SECOND, WEIGHTS, mark_pixels
from cnnlab.pictures.kit.canvas import Canvas, Grid
from cnnlab.pictures.kit.collisions import texts_apart
from cnnlab.pictures.kit.formats import written
from cnnlab.pictures.kit.page import SMALLEST_TEXT
from cnnlab.pictures.kit.palette import COLORS, MARK
from cnnlab.pictures.kit.scales import ColorScale
from cnnlab.scratch.worked_examples.matrices import Columns, TiedStep
from cnnlab.scratch.worked_examples.windows import Work
from cnnlab.wording import counted


@texts_apart
def multiplications(
    size: tuple[int, int],
    channels: int,
    kernel: tuple[int, int],
    work: Work,
    window: tuple[Sequence[int], Sequence[int]],
    *,
    groups: int = 1,
    title: str,
    subtitle: str,
) -> Figure:
    """The planes of an image with the first window in each, the filter's weights numbered, the maps.

    Of several groups the first one's channels and filters are marked.

    Args:
        window: rows and columns of the pixels under the first window.
    """
    canvas = Canvas(4.3, title=title, subtitle=subtitle)
    cell, shift = 1.85 / max(size), 0.13
    planes = min(channels, len(_PLANES))
    filters = min(work.filters, 3)
    back = shift * (max(planes, filters) - 1)
    for channel in reversed(range(planes)):
        away = shift * channel
        plane = _plane(
            canvas, away, 0.25 + back - away, size, cell, color=_PLANES[channel],
            heading=f"input, {size[0]} × {size[1]} × {channels}" if channel == planes - 1 else "",
        )  # fmt: skip
        if channel < channels // groups:
            mark_pixels(canvas, plane, *window)
    rows, columns = work.output
    left = plane.right + shift * (planes - 1) + 0.8
    for filter_ in reversed(range(filters)):
        away = shift * filter_
        maps = _plane(
            canvas, left + away, plane.middle - rows / 2 * cell - away, work.output, cell, color="",
            heading=f"output, {rows} × {columns} × {work.filters}" if filter_ == filters - 1 else "",
        )  # fmt: skip
        if filter_ < work.filters // groups:
            canvas.mark(maps, [0], [0])
    canvas.arrow((left - 0.7, plane.middle), (maps.x - 0.1, plane.middle))
    top = plane.bottom + 0.4
    numbers = np.arange(1, work.per_output + 1).reshape(-1, *kernel)
    side = min(0.29, 1.45 / max(kernel))
    numbered = max(kernel) <= _MOST_NUMBERED
    for channel in range(min(planes, len(numbers))):
        canvas.grid(
            channel * 1.6, top, numbers[channel], cell=side, size=SMALLEST_TEXT, numbers=numbered,
            colors=np.full(kernel, _PLANES[channel]),
            heading="the products of one output" if channel == 0 else "",
        )  # fmt: skip
    seen = work.per_output // (kernel[0] * kernel[1])
    lines = (
        f"{kernel[0]} × {kernel[1]} × {seen} = {work.per_output:,} multiplications for one output",
        f"{rows} × {columns} = {work.positions:,} positions",
        f"{work.per_output:,} × {work.positions:,} = {work.per_output * work.positions:,} for one filter",
        f"{work.multiplications:,} for {counted(work.filters, 'filter')}",
    )
    aside = max(maps.right + shift * (filters - 1), left + 2.3) + 0.4
    canvas.text(aside, plane.middle, "\n".join(lines), room=canvas.width - aside)
    return canvas.figure


_PLANES = (MARK, COLORS[2], COLORS[0])
_MOST_CELLS = 40  # along a side, that can be told apart
_MOST_NUMBERED = 5  # weights along a side of a kernel, whose numbers can be read


def _plane(
    canvas: Canvas, x: float, y: float, size: tuple[int, int], cell: float, *, color: str, heading: str
) -> Grid:
    """A channel, with its pixels where these can be told apart."""
    if max(size) <= _MOST_CELLS:
        colors = np.full(size, color)
        return canvas.grid(x, y, np.zeros(size), cell=cell, numbers=False, colors=colors, heading=heading)
    return canvas.plane(x, y, size, cell=cell, color=color, heading=heading)


@texts_apart
def image_to_columns(
    image: np.ndarray, kernel: np.ndarray, columns: Columns, pixels: np.ndarray, *, title: str, subtitle: str
) -> Figure:
    """An image, its windows as rows, a kernel of 3×3 as a column, their product, and the output.

    Args:
        image: (H, W). kernel: (3, 3). pixels: which pixel, numbered from 1, stands where in the rows.
    """
    rows, width = columns.rows.shape
    texts = [written(each) for each in (*columns.rows.flat, *columns.column.flat, *columns.product.flat)]
    short = max(map(len, texts)) <= 3
    cell = 0.37 if short else 0.43  # with room for decimals
    gaps = (0.4, 0.28, 0.28, 0.32)
    cells = image.shape[1] + width + 2 + columns.output[1]
    canvas = Canvas(
        max(width, rows, *image.shape) * cell + (0.5 if short else 0.45), title=title, subtitle=subtitle,
        width=cells * cell + sum(gaps),
    )  # fmt: skip
    middle = canvas.height / 2
    whole = canvas.grid(
        0, middle - image.shape[0] / 2 * cell, image, cell=cell, heading="image",
        scale=ColorScale(0, 2 * (float(np.abs(image).max()) or 1.0), colormap="Greys"),
        corner=np.arange(1, image.size + 1).reshape(image.shape),
    )  # fmt: skip
    matrix = canvas.grid(
        whole.right + gaps[0], middle - rows / 2 * cell, columns.rows, cell=cell, corner=pixels,
        heading="a row for each window",
        scale=ColorScale(0, 2 * (float(np.abs(image).max()) or 1.0), colormap="Greys"),
        below=f"{rows} × {width}: each pixel as often as windows see it",
    )  # fmt: skip
    weights = canvas.grid(
        matrix.right + gaps[1], middle - width / 2 * cell, columns.column[:, None], cell=cell,
        heading="kernel", colors=np.array(WEIGHTS)[:width, None],
    )  # fmt: skip
    scale = ColorScale.signed(columns.product)
    product = canvas.grid(
        weights.right + gaps[2], middle - rows / 2 * cell, columns.product[:, None], cell=cell, scale=scale
    )
    output = columns.product.reshape(columns.output)
    maps = canvas.grid(
        canvas.width - columns.output[1] * cell, middle - columns.output[0] / 2 * cell, output, cell=cell,
        heading="output", scale=scale,
    )  # fmt: skip
    canvas.arrow((whole.right + 0.08, middle), (matrix.x - 0.08, middle))
    canvas.sign((matrix.right + weights.x) / 2, middle, "×")
    canvas.sign((weights.right + product.x) / 2, middle, "=")
    canvas.arrow((product.right + 0.08, middle), (maps.x - 0.08, middle))
    height, wide = kernel.shape
    for at, color in ((1, SECOND), (0, MARK)):  # the first lies on top
        canvas.mark(whole, range(height), range(at, at + wide), color=color)
        for grid in (product, matrix):
            canvas.mark(grid, [at], range(grid.columns), color=color)
        canvas.mark(maps, [0], [at], color=color)
    return canvas.figure


@texts_apart
def tied_dense(
    kernel: np.ndarray, step: TiedStep, *, learning_rate: float, title: str, subtitle: str
) -> Figure:
    """The matrix of a Dense layer with the numbers of its weights, their gradients, and a step of both.

    Args:
        kernel: (3, 3), before the step.
    """
    outputs, inputs = step.names.shape
    missing = step.names == 0
    colors = np.where(missing, "", np.array(WEIGHTS)[step.names - 1])
    numbers = np.arange(1, kernel.size + 1).reshape(kernel.shape)
    own = np.array(WEIGHTS)[: kernel.size].reshape(kernel.shape)
    side, cell, wide, gap = 0.2, 0.42, 0.34, 0.45
    left = max(inputs * wide, 5.4)
    canvas = Canvas(
        outputs * (side + wide) + kernel.shape[0] * cell + 1.0, title=title, subtitle=subtitle,
        width=left + 2 * (max(kernel.shape[1] * cell, 1.1) + gap),
    )  # fmt: skip
    second = left + gap
    third = second + max(kernel.shape[1] * cell, 1.1) + gap

    canvas.grid(
        0, 0.2, step.names, cell=side, size=SMALLEST_TEXT, colors=colors, blank=missing,
        heading=f"{outputs} outputs × {inputs} inputs: which weight is where",
    )  # fmt: skip
    canvas.grid(second, 0.2, numbers, cell=0.26, colors=own, heading="kernel: its weights")

    top = outputs * side + 0.6
    gradients = canvas.grid(
        0, top, step.dense_gradient, cell=wide, size=SMALLEST_TEXT, colors=colors, blank=missing,
        heading="gradient of each connection: output × input",
    )  # fmt: skip
    for x, name, each in (
        (second, "sum by color", step.summed),
        (third, "convolution", step.kernel_gradient),
    ):
        canvas.grid(x, top, each, cell=cell, colors=own, heading=name)
    equals = (second + kernel.shape[1] * cell + third) / 2
    canvas.sign(equals, top + kernel.shape[0] * cell / 2, "=")

    top = gradients.bottom + 0.4
    difference = step.largest_difference
    apart = (
        f"Largest difference of the kernels: {difference:.1g}." if difference else "The kernels are equal."
    )
    before = canvas.grid(0, top, kernel, cell=cell, colors=own, heading="kernel before the step")
    aside = max(before.right, 1.8) + 0.3
    canvas.text(
        aside, before.middle,
        f"loss ½ Σ y², y = {', '.join(map(written, step.outputs))}\n"
        f"kernel − {learning_rate:g} · gradient\n"
        "Dense layer: the sum of the gradients of a color;\nconvolution: its own gradient.\n"
        f"{apart}",
        room=second - aside - 0.2,
    )  # fmt: skip
    for x, name, after in ((second, "Dense, tied", step.dense_kernel), (third, "convolution", step.kernel)):
        canvas.grid(x, top, after, cell=cell, colors=own, heading=name)
    canvas.sign(equals, top + kernel.shape[0] * cell / 2, "=")
    return canvas.figure
