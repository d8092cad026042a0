"""im2col, a Dense layer with tied weights, and the gradient through pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cnnlab.explanations.worked_examples.example import WorkedExample
from cnnlab.explanations.worked_examples.windows import rows, times
from cnnlab.layers.window import Window
from cnnlab.pictures.kit.formats import written
from cnnlab.scratch.worked_examples.matrices import as_columns, tied_step
from cnnlab.scratch.worked_examples.pooling import pooled
from cnnlab.scratch.worked_examples.windows import DIAGONAL, IMAGE, correlated

if TYPE_CHECKING:
    from matplotlib.figure import Figure


LEARNING_RATE = 0.1


def im2col(
    image: np.ndarray = IMAGE[:4, :4], kernel: np.ndarray = DIAGONAL, *, said: str = ""
) -> WorkedExample:
    """Windows as rows, a kernel as a column, and their product.

    Args:
        image: (H, W), a few pixels. kernel: (h, w), of at most 9 weights. said: of them, before all else.
    """
    found = as_columns(image[..., None], kernel[..., None])
    numbers = np.arange(1.0, image.size + 1).reshape(*image.shape, 1)
    pixels = as_columns(numbers, kernel[..., None]).rows.astype(int)
    count, width = found.rows.shape
    title = "Convolution as a product of matrices"

    def draw() -> Figure:
        from cnnlab.pictures.drawings.worked_examples.matrices import image_to_columns

        return image_to_columns(
            image, kernel, found, pixels, title=title,
            subtitle="im2col writes the pixels of each window into a row. The small numbers say which "
            "pixel it is. Rows times kernel gives all outputs at once.",
        )  # fmt: skip

    return WorkedExample(
        "im2col", title,
        f"{said}\n" * bool(said)
        + f"im2col writes each window of a {times(image.shape)} image as a row of {width} pixels: {count} "
        f"windows give a {count}×{width} matrix. Its product with the kernel as a column is "
        f"{', '.join(map(written, found.product))}, and this is the {times(found.output)} output. The "
        f"{image.size} pixels take {found.rows.size} entries: more memory, but one fast product instead of "
        "nested loops. Several filters are several columns.",
        {
            "image": image, "kernel": kernel, "matrix": found.rows, "pixels": pixels, "column": found.column,
            "product": found.product, "output": found.product.reshape(found.output),
        },
        draw,
    )  # fmt: skip


def pooling_gradient(inputs: np.ndarray | None = None) -> WorkedExample:
    """Through max pooling and through average pooling, on a map of 4×4."""
    values = correlated(IMAGE, DIAGONAL) if inputs is None else inputs
    window = Window((2, 2), (2, 2))
    largest, average = (pooled(values, kind, window) for kind in ("max", "average"))
    title = "Where the gradient goes through pooling"

    def draw() -> Figure:
        from cnnlab.pictures.drawings.worked_examples.pooling import pooling_gradients

        return pooling_gradients(
            [("max pooling", largest), ("average pooling", average)], title=title,
            subtitle="Forwards on the left, backwards on the right. The orange frames mark the maximum of "
            "each 2×2 window.",
        )  # fmt: skip

    return WorkedExample(
        "pooling-gradient", title,
        "Pooling has no weights, but the gradient must pass through it. Max pooling sends the gradient of "
        "each output to the one input that was the maximum (the first one, if several are equal), and 0 to "
        f"the others: the gradients {rows(largest.gradient)} arrive as {rows(largest.to_inputs)}.\n"
        "Average pooling divides the gradient by the size of the window, here by "
        f"{window.size[0] * window.size[1]}, and gives each input the same share: "
        f"{rows(average.to_inputs)}.",
        {
            "input": values, "gradient": largest.gradient, "max_output": largest.output,
            "max_input_gradient": largest.to_inputs, "average_output": average.output,
            "average_input_gradient": average.to_inputs,
        },
        draw,
    )  # fmt: skip


def tied_weights(
    image: np.ndarray = IMAGE[:4, :4], kernel: np.ndarray = DIAGONAL, *, said: str = ""
) -> WorkedExample:
    """A step of a Dense layer whose weights are tied is a step of the convolution.

    Args:
        image: (H, W), a few pixels. kernel: (h, w), of at most 9 weights. said: of them, before all else.
    """
    step = tied_step(image, kernel, learning_rate=LEARNING_RATE)
    title = "A Dense layer with tied weights is a convolution"
    connections = int((step.names > 0).sum())
    difference = step.largest_difference
    apart = f"differ by at most {difference:.1g}" if difference else "are equal"

    def draw() -> Figure:
        from cnnlab.pictures.drawings.worked_examples.matrices import tied_dense

        return tied_dense(
            kernel, step, learning_rate=LEARNING_RATE, title=title,
            subtitle="One color is one weight of the kernel. White: no connection, a weight that stays 0. "
            "The weights of one color get the sum of their gradients, and remain equal.",
        )  # fmt: skip

    return WorkedExample(
        "tied-weights", title,
        f"{said}\n" * bool(said)
        + f"Written as a Dense layer, the {times(kernel.shape)} filter on a {times(image.shape)} image is a "
        f"matrix of {times(step.names.shape)} = {step.names.size} weights: {connections} connections, "
        f"which share {kernel.size} numbers, and zeros. To train it as a convolution, keep the zeros at 0, "
        "and give each shared weight the sum of the gradients of all its connections.\n"
        f"With the loss ½ Σ y², these sums are {rows(step.summed)}; the gradient that the convolution "
        f"computes is {rows(step.kernel_gradient)}. After a step with learning rate {LEARNING_RATE:g} both "
        f"kernels are {rows(step.kernel)}; they {apart}.",
        {
            "image": image, "kernel": kernel, "connections": step.names, "outputs": step.outputs,
            "dense_gradient": step.dense_gradient, "summed_gradient": step.summed,
            "convolution_gradient": step.kernel_gradient, "learning_rate": LEARNING_RATE,
            "dense_kernel_after": step.dense_kernel, "convolution_kernel_after": step.kernel,
            "dense_output_after": step.dense_output, "convolution_output_after": step.output,
            "largest_difference": step.largest_difference,
        },
        draw,
    )  # fmt: skip
