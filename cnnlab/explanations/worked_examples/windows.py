"""What an output sees and adds up, what flipping does, where windows land, and how much work that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cnnlab.explanations.worked_examples.example import TOGETHER, WorkedExample
from cnnlab.layers.window import Window
from cnnlab.pictures.kit.formats import as_term, written
from cnnlab.scratch.pooling import max_pool
from cnnlab.scratch.worked_examples.arithmetic import grouped, slide, transposed
from cnnlab.scratch.worked_examples.windows import (
    DIAGONAL,
    IMAGE,
    correlated,
    count_work,
    flipping,
    impulse,
    one_output,
    seen_pixels,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def numbered_pixels() -> WorkedExample:
    """A 3×3 filter on 6×6 numbered pixels, and its first two outputs as units of a Dense layer."""
    window = Window((3, 3))
    size = (IMAGE.shape[0], IMAGE.shape[1])
    output = correlated(IMAGE, DIAGONAL)
    pooled = max_pool(output[None, :, :, None], Window((2, 2), (2, 2)))[0][0, :, :, 0]
    seen = [seen_pixels(size, window, place) for place in ((0, 0), (0, 1))]
    first = one_output(IMAGE[..., None], DIAGONAL[..., None], window, (0, 0))
    inputs, outputs, weights = IMAGE.size, output.size, DIAGONAL.size
    title = "A filter on numbered pixels"

    def draw() -> Figure:
        from cnnlab.pictures.drawings.worked_examples.windows import numbered_pixels as drawn

        return drawn(
            IMAGE, DIAGONAL, output, pooled, seen, title=title,
            subtitle="An output is the sum of nine products, pixel times weight. The first output sees the "
            "pixels in the orange frame, the second one those in the blue frame. Lines of the same color "
            "have the same weight. ⋆ is cross-correlation (example 2).",
        )  # fmt: skip

    return WorkedExample(
        "numbered-pixels", title,
        f"The pixels of a {times(size)} image are numbered from 1 to {inputs}, row by row. The first "
        f"output of a {times(DIAGONAL.shape)} filter sees pixels {listed(seen[0])}; the second one sees "
        f"{listed(seen[1])}.\n"
        "The filter has 1 on its diagonal and −1 elsewhere. The first output is "
        f"{products(first.patch, first.kernel)} = {written(first.total)}, the largest value that this "
        "filter can give: the diagonal is there.\n"
        f"There are {times(output.shape)} outputs, and {times(pooled.shape)} after 2×2 max pooling. A "
        f"Dense layer with {outputs} units would have {inputs} × {outputs} = {inputs * outputs} weights. "
        f"The convolution is this layer with {inputs - weights} of the {inputs} connections of each unit "
        f"removed, and the remaining {weights} weights shared by all units.",
        {
            "image": IMAGE, "filter": DIAGONAL, "output": output, "pooled": pooled,
            "seen_by_first_output": seen[0], "seen_by_second_output": seen[1],
            "products_of_first_output": first.products[..., 0], "first_output": first.total,
            "dense_weights": inputs * outputs, "weights": weights,
        },
        draw,
    )  # fmt: skip


def flipped_kernel() -> WorkedExample:
    """Convolution and cross-correlation, on one bright pixel and on a few more."""
    bright = flipping(impulse(5), np.arange(1.0, 10.0).reshape(3, 3))
    few = flipping(IMAGE[:4, :4], np.array([[1.0, 2.0], [3.0, 4.0]]))
    row, column = np.argwhere(few.correlation != few.convolution)[0].tolist()
    place = (row, column)
    patch = few.image[place[0] : place[0] + 2, place[1] : place[1] + 2]
    title = "Convolution and cross-correlation"

    def draw() -> Figure:
        from cnnlab.pictures.drawings.worked_examples.windows import flipped_kernel as drawn

        return drawn(
            [("one bright pixel", *bright), ("example 1, top left", *few)], [None, place],
            title=title,
            subtitle="Networks slide the kernel as it is: correlation. Convolution in mathematics flips it "
            "first, top to bottom and left to right. The frames mark an output that the text works out, and "
            "the pixels that it sees.",
        )  # fmt: skip

    return WorkedExample(
        "flipped-kernel", title,
        "In mathematics, convolution flips the kernel before it slides. Networks do not: what they call "
        "convolution is cross-correlation.\n"
        f"With one bright pixel in the image, convolution copies the kernel, {rows(bright.convolution)}, "
        f"and cross-correlation gives it flipped, {rows(bright.correlation)}.\n"
        f"With the kernel {rows(few.kernel)} on the pixels {rows(patch)}, the output at row {row}, column "
        f"{column} (counted from 0) of the correlation is "
        f"{products(patch, few.kernel)} = {written(few.correlation[place])}, and that of the convolution "
        f"{products(patch, few.flipped)} = {written(few.convolution[place])}. For a network this makes no "
        "difference: it learns the flipped kernel instead.",
        {
            **{f"bright_pixel_{key}": each for key, each in bright._asdict().items()},
            **{f"few_pixels_{key}": each for key, each in few._asdict().items()},
        },
        draw,
    )  # fmt: skip


def arithmetic() -> WorkedExample:
    """Output sizes with strides, padding and dilation; groups; transposed convolution."""
    slides = {
        "stride 1, no padding": slide((5, 5), Window((3, 3))),
        "stride 2": slide((5, 5), Window((3, 3), (2, 2))),
        "padding: same": slide((5, 5), Window((3, 3), padding="same")),
        "dilation 2": slide((7, 7), Window((3, 3), dilation=(2, 2))),
    }
    groups = [grouped(4, 4, count, 3) for count in (1, 2)]
    larger = transposed(3, 3, 2)
    title = "Where windows land"

    def draw() -> Figure:
        from cnnlab.pictures.drawings.worked_examples.arithmetic import Panel, panels

        return panels(
            [
                *(Panel(name, each) for name, each in slides.items()),
                Panel("groups", groups), Panel("transposed, stride 2", larger),
            ],
            title=title,
            subtitle="Left of each arrow: how many outputs see each pixel. Right of it: how many pixels "
            "each output sees; if transposed, how many inputs are added up. Empty cells outside are "
            "padding. Orange and blue: the first two windows.",
        )  # fmt: skip

    return WorkedExample(
        "arithmetic", title,
        "With n pixels along a side, p of padding, a kernel of k, dilation d and stride s, there are ⌊(n + "
        "p − d·(k − 1) − 1) / s⌋ + 1 outputs along that side. All kernels here are 3×3.\n"
        + "\n".join(
            f"{name}: {times(each.size)} → {times(each.output)}, since {each.formula()}"
            for name, each in slides.items()
        )
        + f"\ngroups: 4 filters on 4 channels have {groups[0].weights} weights; in 2 groups each filter "
        f"spans 2 of the channels, and there are {groups[1].weights}\n"
        f"transposed, stride 2: {times(larger.size)} → {times(larger.output)}, since (n − 1)·s + k = "
        f"{larger.formula}; each input writes the kernel, times its own value, into the output, and "
        "overlapping values are added",
        {
            "slides": {
                name: {
                    "input": list(each.size), "kernel": list(each.window.size),
                    "strides": list(each.window.stride), "padding": each.window.padding,
                    "dilation": list(each.window.dilation), "output": list(each.output),
                    "padded": [each.before[0] + each.after[0], each.before[1] + each.after[1]],
                    "outputs_per_pixel": each.seen.tolist(), "pixels_per_output": each.sees.tolist(),
                }
                for name, each in slides.items()
            },
            "groups": [
                {"groups": each.groups, "weights": each.weights, "connected": each.connected.tolist()}
                for each in groups
            ],
            "transposed": {
                "input": list(larger.size), "kernel": larger.kernel, "stride": larger.stride,
                "output": list(larger.output), "inputs_per_output": larger.written.tolist(),
            },
        },
        draw,
    )  # fmt: skip


def multiplications() -> WorkedExample:
    """75 multiplications at each of 784 positions."""
    size, channels, kernel, filters = (32, 32), 3, (5, 5), 2
    work = count_work(size, channels, Window(kernel), filters)
    title = f"{work.per_output} multiplications at {work.positions} positions"

    def draw() -> Figure:
        from cnnlab.pictures.drawings.worked_examples.matrices import multiplications as drawn

        return drawn(
            size, channels, kernel, work, (range(kernel[0]), range(kernel[1])), title=title,
            subtitle="The filter spans all three channels, and its products are added up to one number. "
            "Each filter gives one map.",
        )  # fmt: skip

    return WorkedExample(
        "multiplications", title,
        f"A {times(kernel)} filter on a {times((*size, channels))} image spans all {channels} channels: "
        f"{times(kernel)}×{channels} = {work.per_output} multiplications give one output. The filter fits "
        f"at {times(work.output)} = {work.positions} positions, which takes {work.per_output} × "
        f"{work.positions} = {work.per_output * work.positions:,} multiplications for one map, and "
        f"{work.multiplications:,} for {filters} filters, whose output is {times((*work.output, filters))}.",
        {
            "input": [*size, channels], "kernel": list(kernel), "filters": filters,
            "multiplications_per_output": work.per_output, "positions": work.positions,
            "multiplications": work.multiplications, "output": [*work.output, filters],
        },
        draw,
    )  # fmt: skip


def times(sizes: tuple[int, ...]) -> str:
    """6×6"""
    return "×".join(map(str, sizes))


def listed(numbers: np.ndarray) -> str:
    """1, 2, 3"""
    return ", ".join(map(str, numbers.tolist()))


def rows(values: np.ndarray) -> str:
    """1 2 / 3 4; a row of numbers stays in one line."""
    return " / ".join(TOGETHER.join(map(written, row)) for row in values.tolist())


def products(patch: np.ndarray, kernel: np.ndarray, digits: int = 2) -> str:
    """1·1 + 0·(−1): of all pairs, row by row."""
    pairs = zip(patch.reshape(-1).tolist(), kernel.reshape(-1).tolist(), strict=True)
    return " + ".join(f"{as_term(pixel, digits)}·{as_term(weight, digits)}" for pixel, weight in pairs)
