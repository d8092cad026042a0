"""The sizes of a network's own first convolution, for which its config is enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import UserError
from cnnlab.explanations.worked_examples.example import WorkedExample
from cnnlab.explanations.worked_examples.windows import listed, times
from cnnlab.layers.convolution import Conv2D
from cnnlab.layers.graph import IMAGE
from cnnlab.layers.window import Window
from cnnlab.scratch.worked_examples.arithmetic import slide
from cnnlab.scratch.worked_examples.windows import count_work, covered_pixels, seen_pixels
from cnnlab.wording import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_LISTED = 25


@dataclass(frozen=True)
class Sizes:
    """What a config says of a convolution.

    Args:
        size: rows and columns of its input. channels: of its input.
    """

    name: str
    size: tuple[int, int]
    channels: int
    filters: int
    window: Window
    groups: int

    def examples(self) -> list[WorkedExample]:
        return [self.arithmetic(), self.multiplications()]

    def arithmetic(self) -> WorkedExample:
        """Where its windows land."""
        found = slide(self.size, self.window)
        places = [(0, column) for column in range(min(2, found.output[1]))]
        seen = [seen_pixels(self.size, self.window, place) for place in places]
        padded = [before + after for before, after in zip(found.before, found.after, strict=True)]
        title = f"Where the windows of {self.name} land"

        def draw() -> Figure:
            from cnnlab.pictures.drawings.worked_examples.arithmetic import one_slide

            return one_slide(
                found, title=title,
                subtitle="The darker a pixel, the more outputs see it. Orange and blue: the first two "
                "windows and their outputs. Empty cells outside are padding.",
            )  # fmt: skip

        text = (
            f"The {times(self.window.size)} window of {self.name} slides over {times(self.size)} pixels "
            f"with strides of {times(self.window.stride)}, dilation of {times(self.window.dilation)} and "
            f"padding: {self.window.padding}, which adds {counted(padded[0], 'row')} and "
            f"{counted(padded[1], 'column')} of zeros.\n"
            f"Along the height there are {found.formula(0)} outputs, along the width {found.formula(1)}."
        )
        if max(map(len, seen)) <= _MOST_LISTED:
            text += "".join(
                f"\nOutput {number} sees {'pixel' if len(each) == 1 else 'pixels'} {listed(each)}."
                for number, each in enumerate(seen, start=1)
            )
        return WorkedExample(
            "arithmetic", title, text,
            {
                "input": list(self.size), "kernel": list(self.window.size),
                "strides": list(self.window.stride), "dilation": list(self.window.dilation),
                "padding": self.window.padding,
                "padded": padded,
                "output": list(found.output), "seen_by_first_outputs": [each.tolist() for each in seen],
                "outputs_per_pixel": found.seen, "pixels_per_output": found.sees,
            },
            draw,
        )  # fmt: skip

    def multiplications(self) -> WorkedExample:
        """What it costs, beside a Dense layer and as a product of matrices."""
        seen = self.channels // self.groups
        work = count_work(self.size, seen, self.window, self.filters)
        inputs = self.size[0] * self.size[1] * self.channels
        outputs = work.positions * self.filters
        weights = work.per_output * self.filters
        kernel = times(self.window.size)
        inside = ", as far as it lies inside the input" if any(slide(self.size, self.window).before) else ""
        group = ", in the first of the groups" if self.groups > 1 else ""
        title = f"{counted(work.per_output, 'multiplication')} at {counted(work.positions, 'position')}"

        def draw() -> Figure:
            from cnnlab.pictures.drawings.worked_examples.matrices import multiplications as drawn

            return drawn(
                self.size, self.channels, self.window.size, work, covered_pixels(self.size, self.window),
                groups=self.groups, title=title,
                subtitle=f"The first window{inside}, its products and its output{group}. Of many channels "
                "and filters three are drawn.",
            )  # fmt: skip

        grouped = f" of the {self.channels}" if self.groups > 1 else ""
        per_group = ", for each group" if self.groups > 1 else ""
        return WorkedExample(
            "multiplications", title,
            f"A filter spans {counted(seen, 'channel')}{grouped}: {kernel}×{seen} = {work.per_output:,} "
            f"multiplications give one output. {times(work.output)} = {work.positions:,} positions and "
            f"{counted(self.filters, 'filter')} take {work.multiplications:,} multiplications for one "
            "image.\n"
            f"With im2col, an image is a matrix of {work.positions:,}×{work.per_output:,}, and the kernel "
            f"one of {work.per_output:,}×{self.filters // self.groups}{per_group}.\n"
            f"A Dense layer between the same {inputs:,} inputs and {outputs:,} outputs has "
            f"{inputs * outputs:,} weights; the convolution has {weights:,}, biases not counted.",
            {
                "multiplications_per_output": work.per_output, "positions": work.positions,
                "filters": self.filters,
                "multiplications": work.multiplications, "matrix": [work.positions, work.per_output],
                "inputs": inputs, "outputs": outputs, "dense_weights": inputs * outputs, "weights": weights,
            },
            draw,
        )  # fmt: skip


def sizes_of(config: ExperimentConfig) -> Sizes:
    """The sizes of the first Conv2D of a config.

    Raises:
        UserError: it has none.
    """
    shapes = {IMAGE: config.input_shape}
    for position, node in enumerate(config.nodes):
        feeds = tuple(shapes[each] for each in node.inputs)
        if isinstance(node.layer, Conv2D):
            height, width, channels = node.layer.spatial(feeds[0])
            window = node.layer.window
            assert window is not None
            layer = node.layer
            return Sizes(node.name, (height, width), channels, layer.filters, window, layer.groups)
        shapes[position] = node.layer.output_shape_of(feeds)
    raise UserError(f"{config.name}: this network has no Conv2D; choose one that has, such as cnn")
