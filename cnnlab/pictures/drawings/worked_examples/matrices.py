"""A convolution as a product of matrices, as a tied Dense layer, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cnnlab.pictures.drawings.worked_examples.windows import SECOND, WEIGHTS, mark_pixels
from cnnlab.pictures.kit.canvas import Canvas, Grid
from cnnlab.pictures.kit.formats import written
from cnnlab.pictures.kit.palette import COLORS, MARK
from cnnlab.pictures.kit.scales import ColorScale
from cnnlab.scratch.worked_examples.matrices import Columns, TiedStep
from cnnlab.scratch.worked_examples.windows import Work
from cnnlab.wording import counted


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
    canvas = Canvas(5.4, title=title, subtitle=subtitle)
    cell, shift = 2.7 / max(size), 0.16
    planes = min(channels, len(_PLANES))
    filters = min(work.filters, 3)
    back = shift * (max(planes, filters) - 1)
    for channel in reversed(range(planes)):
        away = shift * channel
        plane = _plane(
            canvas, away, 0.35 + back - away, size, cell, color=_PLANES[channel],
            heading=f"input, {size[0]} × {size[1]} × {channels}" if channel == planes - 1 else "",
        )  # fmt: skip
        if channel < channels // groups:
            mark_pixels(canvas, plane, *window)
    rows, columns = work.output
    left = plane.right + shift * (planes - 1) + 0.9
    for filter_ in reversed(range(filters)):
        away = shift * filter_
        maps = _plane(
            canvas, left + away, plane.middle - rows / 2 * cell - away, work.output, cell, color="",
            heading=f"output, {rows} × {columns} × {work.filters}" if filter_ == filters - 1 else "",
        )  # fmt: skip
        if filter_ < work.filters // groups:
            canvas.mark(maps, [0], [0])
    canvas.arrow((left - 0.8, plane.middle), (maps.x - 0.1, plane.middle))
    top = plane.bottom + 0.5
    numbers = np.arange(1, work.per_output + 1).reshape(-1, *kernel)
    side = min(0.28, 1.4 / max(kernel))
    numbered = max(kernel) <= _MOST_NUMBERED
    heading = "the products of one output, numbered" if numbered else "the products of one output"
    for channel in range(min(planes, len(numbers))):
        canvas.grid(
            channel * 1.6, top, numbers[channel], cell=side, size=9, numbers=numbered,
            colors=np.full(kernel, _PLANES[channel]),
            heading=heading if channel == 0 else "",
        )  # fmt: skip
    seen = work.per_output // (kernel[0] * kernel[1])
    lines = (
        f"{kernel[0]} × {kernel[1]} × {seen} = {work.per_output:,} multiplications for one output",
        f"{rows} × {columns} = {work.positions:,} positions",
        f"{work.per_output:,} × {work.positions:,} = {work.per_output * work.positions:,} for one filter",
        f"{work.multiplications:,} for {counted(work.filters, 'filter')}",
    )
    for index, line in enumerate(lines):
        canvas.text(planes * 1.6 + 0.05, top + 0.2 + 0.3 * index, line)
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


def image_to_columns(
    image: np.ndarray, kernel: np.ndarray, columns: Columns, pixels: np.ndarray, *, title: str, subtitle: str
) -> Figure:
    """An image, its windows as rows, a kernel of 3×3 as a column, their product, and the output.

    Args:
        image: (H, W). kernel: (3, 3). pixels: which pixel, numbered from 1, stands where in the rows.
    """
    cell = 0.36
    rows, width = columns.rows.shape
    canvas = Canvas(max(width, rows, *image.shape) * cell + 0.75, title=title, subtitle=subtitle)
    middle = (canvas.height - 0.05) / 2
    whole = canvas.grid(
        0, middle - image.shape[0] / 2 * cell, image, cell=cell, heading="image",
        scale=ColorScale(0, 2 * (float(np.abs(image).max()) or 1.0), colormap="Greys"),
        corner=np.arange(1, image.size + 1).reshape(image.shape),
    )  # fmt: skip
    matrix = canvas.grid(
        whole.right + 0.5, middle - rows / 2 * cell, columns.rows, cell=cell, corner=pixels,
        heading="a row for each window",
        scale=ColorScale(0, 2 * (float(np.abs(image).max()) or 1.0), colormap="Greys"),
        below=f"{rows} × {width}: each pixel as often as windows see it",
    )  # fmt: skip
    weights = canvas.grid(
        matrix.right + 0.42, middle - width / 2 * cell, columns.column[:, None], cell=cell, heading="kernel",
        colors=np.array(WEIGHTS)[:width, None],
    )  # fmt: skip
    scale = ColorScale.signed(columns.product)
    product = canvas.grid(
        weights.right + 0.42, middle - rows / 2 * cell, columns.product[:, None], cell=cell, scale=scale
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


def tied_dense(
    kernel: np.ndarray, step: TiedStep, *, learning_rate: float, title: str, subtitle: str
) -> Figure:
    """The matrix of a Dense layer with the numbers of its weights, their gradients, and a step of both.

    Args:
        kernel: (3, 3), before the step.
    """
    canvas = Canvas(5.6, title=title, subtitle=subtitle)
    outputs, inputs = step.names.shape
    side, cell = 0.305, 0.41
    colors = np.where(step.names > 0, np.array(WEIGHTS)[step.names - 1], "")
    missing = step.names == 0
    numbers = np.arange(1, kernel.size + 1).reshape(kernel.shape)
    own = np.array(WEIGHTS)[: kernel.size].reshape(kernel.shape)
    said = f"{outputs} outputs (rows), {inputs} inputs (columns)"
    second, third = 5.3, 6.95

    canvas.grid(
        0, 0.4, step.names, cell=side, size=9, colors=colors, blank=missing, below=said,
        heading="Dense layer: which weight of the kernel stands where",
    )  # fmt: skip
    canvas.grid(second, 0.4, kernel, cell=cell, colors=own, heading="kernel", corner=numbers)

    top = 2.3
    canvas.grid(
        0, top, step.dense_gradient, cell=side, size=9, colors=colors, blank=missing,
        heading="gradient of each connection: output × input",
        below=f"outputs {', '.join(map(written, step.outputs))}; loss ½ Σ y²",
    )  # fmt: skip
    canvas.grid(second, top, step.summed, cell=cell, colors=own, heading="summed by color")
    canvas.grid(third, top, step.kernel_gradient, cell=cell, colors=own, heading="convolution")
    canvas.sign((second + kernel.shape[1] * cell + third) / 2, top + kernel.shape[0] * cell / 2, "=")

    top = 4.2
    canvas.text(0, top + 0.2, f"kernel − {learning_rate:g} · gradient", bold=True)
    canvas.text(0, top + 0.48, "Dense layer: the sum of the gradients of its places;")
    canvas.text(0, top + 0.73, "convolution: its own gradient.")
    difference = step.largest_difference
    said = f"Largest difference of the kernels: {difference:.1g}" if difference else "The kernels are equal."
    canvas.text(0, top + 0.98, said)
    for x, name, after in ((second, "Dense, tied", step.dense_kernel), (third, "convolution", step.kernel)):
        canvas.grid(x, top, after, cell=cell, size=9.5, colors=own, heading=name)
    canvas.sign((second + kernel.shape[1] * cell + third) / 2, top + kernel.shape[0] * cell / 2, "=")
    return canvas.figure
