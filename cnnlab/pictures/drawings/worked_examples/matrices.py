"""A convolution as a product of matrices, as a tied Dense layer, and what it costs."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from cnnlab.scratch.worked_examples.matrices import Columns, TiedStep
from cnnlab.scratch.worked_examples.windows import Work
from cnnlab.pictures.drawings.worked_examples.windows import SECOND, WEIGHTS
from cnnlab.pictures.kit.canvas import Canvas
from cnnlab.pictures.kit.palette import COLORS, GREY, MARK
from cnnlab.pictures.kit.sheet import ColorScale


def multiplications(
    size: tuple[int, int], channels: int, kernel: tuple[int, int], work: Work, *, title: str, subtitle: str
) -> Figure:
    """The planes of an image with the first window in each, the filter's weights numbered, the maps."""
    canvas = Canvas(5.0, title=title, subtitle=subtitle)
    cell, shift = 2.7 / size[0], 0.16
    back = shift * (channels - 1)
    for channel in reversed(range(channels)):
        away = shift * channel
        plane = canvas.grid(
            away, 0.35 + back - away, np.zeros(size), cell=cell, numbers=False,
            colors=np.full(size, _PLANES[channel % len(_PLANES)]),
            heading=f"image, {size[0]} × {size[1]} × {channels}" if channel == channels - 1 else "",
        )  # fmt: skip
        canvas.mark(plane, range(kernel[0]), range(kernel[1]))
    rows, columns = work.output
    left = plane.right + back + 0.9
    for filter_ in reversed(range(work.filters)):
        away = shift * filter_
        maps = canvas.grid(
            left + away, plane.middle - rows / 2 * cell - away, np.zeros(work.output), cell=cell, numbers=False,
            heading=f"output, {rows} × {columns} × {work.filters}" if filter_ == work.filters - 1 else "",
        )  # fmt: skip
        canvas.mark(maps, [0], [0])
    canvas.arrow((plane.right + back + 0.1, plane.middle), (maps.x - 0.1, plane.middle))
    top = plane.bottom + 0.5
    numbers = np.arange(1, work.per_output + 1).reshape(channels, *kernel)
    for channel in range(channels):
        canvas.grid(
            channel * 1.6, top, numbers[channel], cell=0.28, size=9,
            colors=np.full(kernel, _PLANES[channel % len(_PLANES)]),
            heading="the products of one output, numbered" if channel == 0 else "",
        )  # fmt: skip
    lines = (
        f"{kernel[0]} × {kernel[1]} × {channels} = {work.per_output} multiplications for one output",
        f"{rows} × {columns} = {work.positions} positions",
        f"{work.per_output} × {work.positions} = {work.per_output * work.positions:,} for one filter",
        f"{work.multiplications:,} for {work.filters} filters",
    )
    for index, line in enumerate(lines):
        canvas.text(4.85, top + 0.2 + 0.3 * index, line)
    return canvas.figure


_PLANES = (COLORS[1], COLORS[2], COLORS[0])


def image_to_columns(
    image: np.ndarray, kernel: np.ndarray, columns: Columns, *, title: str, subtitle: str
) -> Figure:
    """An image, its windows as rows, a kernel of 3×3 as a column, their product, and the output.

    Args:
        image: (H, W). kernel: (3, 3).
    """
    cell = 0.36
    rows, width = columns.rows.shape
    canvas = Canvas(width * cell + 0.75, title=title, subtitle=subtitle)
    middle = 0.35 + width / 2 * cell
    pixels = canvas.grid(
        0, middle - image.shape[0] / 2 * cell, image, cell=cell, heading="image",
        scale=ColorScale(0, 2 * float(image.max()), colormap="Greys"),
        corner=np.arange(1, image.size + 1).reshape(image.shape),
    )  # fmt: skip
    matrix = canvas.grid(
        pixels.right + 0.5, middle - rows / 2 * cell, columns.rows, cell=cell,
        heading="a row for each window",
        scale=ColorScale(0, 2 * float(image.max()), colormap="Greys"),
        below=f"{rows} × {width}: each pixel as often as windows see it",
    )  # fmt: skip
    weights = canvas.grid(
        matrix.right + 0.42, 0.35, columns.column[:, None], cell=cell, heading="kernel",
        colors=np.array(WEIGHTS)[:, None],
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
    canvas.arrow((pixels.right + 0.08, middle), (matrix.x - 0.08, middle))
    canvas.sign((matrix.right + weights.x) / 2, middle, "·")
    canvas.sign((weights.right + product.x) / 2, middle, "=")
    canvas.arrow((product.right + 0.08, middle), (maps.x - 0.08, middle))
    height, wide = kernel.shape
    for at, color in ((1, SECOND), (0, MARK)):
        canvas.mark(pixels, range(height), range(at, at + wide), color=color)
        for grid in (product, matrix):
            canvas.mark(grid, [at], range(grid.columns), color=color)
        canvas.mark(maps, [0], [at], color=color)
    return canvas.figure


def tied_dense(
    kernel: np.ndarray, step: TiedStep, *, learning_rate: float, title: str, subtitle: str
) -> Figure:
    """The matrix of a Dense layer with the numbers of its weights, their gradients, and a step of both layers.

    Args:
        kernel: (3, 3), before the step.
    """
    canvas = Canvas(5.6, title=title, subtitle=subtitle)
    outputs, inputs = step.names.shape
    side, cell = 0.305, 0.36
    colors = np.where(step.names > 0, np.array(WEIGHTS)[step.names - 1], "")
    missing = step.names == 0
    numbers = np.arange(1, kernel.size + 1).reshape(kernel.shape)
    own = np.array(WEIGHTS)[: kernel.size].reshape(kernel.shape)
    said = f"{outputs} outputs (rows), {inputs} inputs (columns)"
    second, third = 5.45, 6.95

    canvas.grid(
        0, 0.4, step.names, cell=side, size=9, colors=colors, blank=missing, below=said,
        heading="Dense layer: which weight of the kernel stands where",
    )  # fmt: skip
    canvas.grid(second, 0.4, kernel, cell=cell, colors=own, heading="kernel", corner=numbers)

    top = 2.3
    canvas.grid(
        0, top, step.dense_gradient, cell=side, size=9, colors=colors, blank=missing,
        heading="gradient of each connection: output × input",
        below=f"outputs {', '.join(f'{each:g}'.replace('-', '−') for each in step.outputs)}; loss ½ Σ y²",
    )  # fmt: skip
    canvas.grid(second, top, step.summed, cell=cell, colors=own, heading="summed by color")
    canvas.grid(third, top, step.kernel_gradient, cell=cell, colors=own, heading="convolution")
    canvas.sign((second + kernel.shape[1] * cell + third) / 2, top + kernel.shape[0] * cell / 2, "=")

    top = 4.2
    canvas.text(0, top + 0.2, f"kernel − {learning_rate:g} · gradient", bold=True)
    canvas.text(0, top + 0.48, "Dense layer: the sum of the gradients of its places;")
    canvas.text(0, top + 0.73, "convolution: its own gradient.")
    canvas.text(0, top + 0.98, f"Largest difference of the kernels: {step.largest_difference:.1g}")
    for x, name, after in ((second, "Dense, tied", step.dense_kernel), (third, "convolution", step.kernel)):
        canvas.grid(x, top, after, cell=cell, size=9.5, colors=own, heading=name)
    canvas.sign((second + kernel.shape[1] * cell + third) / 2, top + kernel.shape[0] * cell / 2, "=")
    return canvas.figure


def pooling_gradients(
    pools: list[tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray]], *, title: str, subtitle: str
) -> Figure:
    """A row for each pooling of 2×2: forwards on the left, the gradient backwards on the right.

    Args:
        pools: name, input (H, W), output, the output's gradient (H / 2, W / 2), the input's gradient (H, W).
    """
    cell, height = 0.42, 2.4
    canvas = Canvas(len(pools) * height, title=title, subtitle=subtitle)
    for index, (name, inputs, output, gradient, back) in enumerate(pools):
        top = index * height + 0.55
        canvas.text(0, top - 0.38, name, bold=True)
        pixels = canvas.grid(0, top, inputs, cell=cell, scale=ColorScale.signed(inputs))
        y = pixels.middle - output.shape[0] / 2 * cell
        pooled = canvas.grid(
            pixels.right + 0.55, y, output, cell=cell, size=9.5, scale=ColorScale.signed(inputs), heading="output"
        )
        arrives = canvas.grid(4.45, y, gradient, cell=cell, heading="its gradient", colors=_blocks(gradient, 1))
        returns = canvas.grid(
            canvas.width - back.shape[1] * cell, top, back, cell=cell, size=9.5, heading="gradient of the input",
            colors=np.where(back != 0, _blocks(gradient, 2), ""),
        )  # fmt: skip
        canvas.arrow((pixels.right + 0.08, pixels.middle), (pooled.x - 0.08, pixels.middle))
        canvas.arrow((arrives.right + 0.08, pixels.middle), (returns.x - 0.08, pixels.middle))
        for row in range(output.shape[0]):
            for column in range(output.shape[1]):
                for grid in (pixels, returns):
                    block = range(2 * row, 2 * row + 2), range(2 * column, 2 * column + 2)
                    canvas.mark(grid, *block, color=GREY, width=1.4)
        for row, column in np.argwhere(back != 0) if np.count_nonzero(back) == output.size else ():
            canvas.mark(pixels, [row], [column])
    return canvas.figure


def _blocks(gradient: np.ndarray, side: int) -> np.ndarray:
    """A colour for each output, as large as its window."""
    colors = np.array(WEIGHTS)[np.arange(gradient.size) % len(WEIGHTS)].reshape(gradient.shape)
    return np.repeat(np.repeat(colors, side, axis=0), side, axis=1)
