"""The examples on a run's own first convolution, its trained kernel and one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cnnlab.explanations.worked_examples.example import WorkedExample
from cnnlab.explanations.worked_examples.matrices import im2col, pooling_gradient, tied_weights
from cnnlab.explanations.worked_examples.signals import fourier, subsampling
from cnnlab.explanations.worked_examples.sizes import Sizes
from cnnlab.explanations.worked_examples.windows import products, times
from cnnlab.layers.window import Window
from cnnlab.pictures.kit.formats import as_term, written
from cnnlab.scratch.worked_examples.windows import OneOutput, correlated, one_output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIGITS = 3
"""Behind the point: so many that sums can be checked. Pictures have fewer where there is no room."""

_MOST_WEIGHTS = 9  # of a kernel whose matrices are drawn in full
_MOST_CHANNELS = 3  # whose sums are written
_POOLED = 4  # rows and columns of the part of a map that is pooled


@dataclass(frozen=True, eq=False)
class OwnConvolution:
    """A trained convolution on one image.

    Args:
        image: (H, W, C) float32, what reaches the layer. kernel: (h, w, C / groups, F). bias: (F,).
        filter: the one that is worked out. picture: (H, W, C) in [0, 1], as people see the image.
    """

    name: str
    image: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray
    window: Window
    groups: int
    filter: int
    image_name: str
    picture: np.ndarray

    def examples(self) -> list[WorkedExample]:
        """All that its size has room for."""
        return [
            self.strongest_output(), *self._flipped(), *self.sizes.examples(), *self._small(),
            *self._pooling(),
            fourier(
                self.seen[..., 0], self.weights[..., 0],
                what=f"channel {self.first_channel} of what {self.name} sees",
                by=f"the same channel of filter {self.filter}",
            ),
            subsampling(_three_or_one(self.picture)),
        ]  # fmt: skip

    @property
    def sizes(self) -> Sizes:
        height, width, channels = self.image.shape
        return Sizes(
            self.name, (height, width), channels, self.kernel.shape[3], self.window, self.groups
        )  # fmt: skip

    @property
    def first_channel(self) -> int:
        """Of those that the filter sees."""
        channels, filters = (int(each) for each in self.kernel.shape[2:])
        return self.filter // (filters // self.groups) * channels

    @cached_property
    def seen(self) -> np.ndarray:
        """(H, W, C / groups) float64, the channels that the filter sees."""
        first = self.first_channel
        return self.image[..., first : first + self.kernel.shape[2]].astype(np.float64)

    @property
    def weights(self) -> np.ndarray:
        """(h, w, C / groups) float64, of the filter."""
        return self.kernel[..., self.filter].astype(np.float64)

    @cached_property
    def map(self) -> np.ndarray:
        """(H', W') the filter's output, before the activation."""
        output: np.ndarray = correlated(self.seen, self.weights, self.window) + self.bias[self.filter]
        return output

    @cached_property
    def strongest(self) -> OneOutput:
        """The largest output, taken apart."""
        row, column = np.unravel_index(self.map.argmax(), self.map.shape)
        place = int(row), int(column)
        bias = float(self.bias[self.filter])
        return one_output(self.seen, self.weights, self.window, place, bias=bias)

    def strongest_output(self) -> WorkedExample:
        """One output, product by product."""
        found = self.strongest
        title = f"One output of {self.name}, number by number"
        padded = ", in the padding" if min(found.corner) < 0 else ""

        def draw() -> Figure:
            from cnnlab.pictures.drawings.worked_examples.own import one_output as drawn

            return drawn(
                self.seen, self.map, found, self.window, digits=DIGITS, title=title,
                subtitle=f"The strongest output of filter {self.filter} on {self.image_name}: pixels times "
                "weights, added up. Numbers are rounded.",
            )  # fmt: skip

        return WorkedExample(
            "one-output", title,
            f"Filter {self.filter} is strongest at row {found.place[0]}, column {found.place[1]} of its "
            f"map (counted from 0). Its window begins at row {written(found.corner[0])}, column "
            f"{written(found.corner[1])} of the input{padded}.\n"
            f"{_added_up(found)}, before the activation. Numbers are rounded to {DIGITS} decimals.",
            {
                "row": found.place[0], "column": found.place[1], "window_begins": list(found.corner),
                "patch": found.patch, "kernel": found.kernel, "products": found.products, "bias": found.bias,
                "output": found.total, "map": self.map,
            },
            draw,
        )  # fmt: skip

    def _flipped(self) -> Sequence[WorkedExample]:
        """Its map, and the one that its kernel would give flipped, unless that is the same kernel."""
        if self.window.size == (1, 1):
            return []
        turned = self.weights[::-1, ::-1]
        other = correlated(self.seen, turned, self.window) + self.bias[self.filter]
        place = self.strongest.place
        title = "Convolution and cross-correlation"

        def draw() -> Figure:
            from cnnlab.pictures.drawings.worked_examples.own import two_maps

            return two_maps(
                self.seen, (self.weights, self.map), (turned, other), place, digits=DIGITS, title=title,
                subtitle=f"Filter {self.filter} of {self.name} as it is, and flipped. The same place is "
                "marked in both maps.",
            )  # fmt: skip

        ours, theirs = float(self.map[place]), float(other[place])
        difference = float(np.abs(self.map - other).max())
        example = WorkedExample(
            "flipped-kernel", title,
            f"{self.name} computes cross-correlation: at row {place[0]}, column {place[1]} it gives "
            f"{written(ours, DIGITS)}. The convolution of mathematics flips the kernel first, and gives "
            f"{written(theirs, DIGITS)} there. Over the whole map the two differ by up to "
            f"{written(difference, DIGITS)}.",
            {
                "row": place[0], "column": place[1], "correlation": ours, "convolution": theirs,
                "largest_difference": difference, "kernel": self.weights, "flipped_kernel": turned,
                "convolution_map": other,
            },
            draw,
        )  # fmt: skip
        return [example]

    def _small(self) -> Sequence[WorkedExample]:
        """Matrices of a few pixels at the strongest place, where kernel and image have room for them.

        They are of one channel, and every window is a pixel further, so they are left out where the layer
        computes something else.
        """
        height, width = self.window.size
        rows, columns, channels = self.seen.shape
        plain = channels == 1 and self.window.stride == self.window.dilation == (1, 1)
        if not plain or not 1 < height * width <= _MOST_WEIGHTS or rows <= height or columns <= width:
            return []
        top, left = (
            min(max(corner, 0), length - side - 1)
            for corner, length, side in zip(
                self.strongest.corner, (rows, columns), self.window.size, strict=True
            )
        )
        pixels = self.seen[top : top + height + 1, left : left + width + 1, 0]
        weights = self.weights[..., 0]
        said = (
            f"Filter {self.filter} of {self.name}, without its bias, on {times(pixels.shape)} pixels at its "
            "strongest output. Numbers are rounded to 2 decimals."
        )
        return [im2col(pixels, weights, said=said), tied_weights(pixels, weights, said=said)]

    def _pooling(self) -> Sequence[WorkedExample]:
        if min(self.map.shape) < _POOLED:
            return []
        top, left = (
            min(place, length - _POOLED)
            for place, length in zip(self.strongest.place, self.map.shape, strict=True)
        )
        return [pooling_gradient(self.map[top : top + _POOLED, left : left + _POOLED])]


def _added_up(found: OneOutput) -> str:
    """0.5·0.12 + … + bias 0.1 ≈ 0.3: all products where they are few, else the sums of the first channels."""
    ending = f"+ bias {as_term(found.bias, DIGITS)} ≈ {written(found.total, DIGITS)}"
    if found.patch.size <= _MOST_WEIGHTS:
        return f"{products(found.patch, found.kernel, DIGITS)} {ending}"
    terms = [as_term(each, DIGITS) for each in found.products.sum(axis=(0, 1)).tolist()]
    more = ["…"] if len(terms) > _MOST_CHANNELS else []
    sums = " + ".join([*terms[:_MOST_CHANNELS], *more])
    if len(terms) == 1:
        return f"{found.patch.size:,} products, added up: {sums} {ending}"
    return (
        f"Of the {found.patch.size:,} products, those of each of the {len(terms)} channels are added first: "
        f"{sums} {ending}"
    )


def _three_or_one(picture: np.ndarray) -> np.ndarray:
    """What can be drawn: colours, or grey (H, W)."""
    return picture if picture.shape[2] == 3 else picture.mean(axis=2)
