"""How the images of a dataset are drawn, wherever they are drawn. The arrays stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ImageAxes:
    """The axes of an image that is a diagram: what lies across, from left to right, and what goes upwards.

    rows_across: whether it is the rows of the array that lie across, one after the other.
    """

    across: str
    upwards: str
    units: str
    """From where to where both go, and in which units; a sentence without its full stop."""

    rows_across: bool = False


@dataclass(frozen=True)
class Appearance:
    """What the pixels of a set's images look like.

    brightest: the pixel value that is drawn white. axes: None where rows go down and columns to the right, as
    in every picture. points: for positions on a board, by class the row and the column of the point that is
    played; the brightest pixels are black stones, pixels of 0 white ones, and those in the middle no stones.
    """

    brightest: int = 255
    axes: ImageAxes | None = None
    points: Mapping[str, tuple[int, int]] | None = None

    @property
    def axis_names(self) -> tuple[str, str] | None:
        """What is written beside a picture: across, upwards."""
        return None if self.axes is None else (self.axes.across, self.axes.upwards)

    @property
    def key(self) -> str:
        """What the legend of a sheet says, in sentences; "" where pictures speak for themselves."""
        return self.key_with()

    def key_with(self, *, played: bool = True, predicted: bool = True) -> str:
        """`key` of a sheet on which these moves are marked."""
        if self.axes is not None:
            return f"{self.axes.units}."
        if self.points is not None:
            stones = "Black is to move: the network gets 1 for black stones, −1 for white ones."
            if played:
                other = "; orange cross: the predicted move, if it is another" if predicted else ""
                return f"{stones} Blue ring: the move that was played{other}."
            return f"{stones} Orange cross: the predicted move." if predicted else stones
        return ""


PLAIN = Appearance()
"""Of pictures that are pictures."""
