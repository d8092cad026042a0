"""What slides over an image, where it lands, and what it covers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from cnnlab.language.fields import Padding


class Window(NamedTuple):
    """A window in height and width: everything that decides where it lands and what it covers."""

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: Padding = "valid"
    dilation: tuple[int, int] = (1, 1)

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width covered on the input, holes of the dilation included."""
        return (
            (self.size[0] - 1) * self.dilation[0] + 1,
            (self.size[1] - 1) * self.dilation[1] + 1,
        )

    def footprints(self, spatial: tuple[int, int]) -> Footprints:
        """Which inputs the window covers on an input of this height and width."""
        rows, columns = (
            Footprint(extent, stride, before=_padding_before(size, extent, stride, self.padding))
            for size, extent, stride in zip(spatial, self.extent, self.stride, strict=True)
        )
        return rows, columns


class Footprint(NamedTuple):
    """Which inputs an output depends on, along one axis.

    The inputs lie `spread` apart on a grid. Output i depends on those that a window of `extent` grid points
    covers which begins at i · stride − before. A convolution has spread 1; what enlarges its input has more.
    """

    extent: int
    stride: int = 1
    spread: int = 1
    before: int = 0

    @property
    def num_inputs(self) -> int:
        """How many inputs one output depends on at most."""
        return -(-self.extent // self.spread)

    @property
    def step(self) -> Fraction:
        """How many inputs lie between two neighbouring outputs."""
        return Fraction(self.stride, self.spread)

    def covered(self, first: Any, last: Any) -> tuple[Any, Any]:
        """The first and the last input that the outputs from `first` to `last` depend on, both included.

        Args:
            first, last: int, or arrays of int. Inputs outside the tensor may be among the answer; where the
                last comes before the first, there are none.
        """
        begin, end = first * self.stride - self.before, last * self.stride - self.before + self.extent - 1
        return -(-begin // self.spread), end // self.spread


Footprints = tuple[Footprint, Footprint]
"""Along height and width."""


def resampled(outputs: int, inputs: int, reach: int = 1, offset: int = 0) -> Footprint:
    """The footprint of resizing `inputs` pixels, from `offset` on, to `outputs` pixels by interpolation.

    Args:
        reach: pixels on either side of a position that its value is computed from; 1: bilinear.
    """
    # Output i lies at (i + ½) · inputs / outputs − ½; pixels that are `reach` away have the weight 0.
    before = 2 * reach * outputs - 1 - inputs + outputs - 2 * offset * outputs
    return Footprint(4 * reach * outputs - 1, 2 * inputs, 2 * outputs, before)


def _padding_before(size: int, extent: int, stride: int, padding: Padding) -> int:
    """Rows (columns) of padding before the first: with "same", the smaller half."""
    if padding == "valid":
        return 0
    outputs = -(-size // stride)
    return max((outputs - 1) * stride + extent - size, 0) // 2
