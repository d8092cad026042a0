"""Go: a position on the board, and the move that a simple player makes in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from cnnlab.datasets.appearance import Appearance
from cnnlab.datasets.base import ImageKind
from cnnlab.datasets.distortion import Distortion
from cnnlab.datasets.sources.generated import SIDE, Generated
from cnnlab.language.fields import AsRange, Shape, Share

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.datasets.drawn.random_stream import RandomStream

COLUMNS = "ABCDEFGHJKLMNOPQRST"
"""As on a board's rim: there is no column I."""


class Go(Generated):
    """Positions and moves. Whole numbers only: the same games on every machine, with every NumPy."""

    about: ClassVar[str] = (
        "Positions from games of a simple player against itself; the class is the next move, such as D4.\n\n"
        "Networks see one plane: 1 for the stones of the player to move, -1 for the opponent's, 0 for "
        "empty points. Pictures show the player to move as Black. The player looks only at the stones around "
        "a point: it captures, saves its own "
        "stones, attacks, and keeps its stones connected. It obeys the rules of capture, suicide and ko, "
        "and fills none of its own eyes. noise is the share of its moves that are random legal ones, "
        "which nobody can predict. difficulty makes games longer. Training and test positions are from "
        "different games, which are the same on every machine; 6,000 positions take 6 seconds."
    )

    name: Literal["go"] = "go"
    scale: Annotated[tuple[float, float], AsRange] = (-1.0, 254.0)
    """Makes -1, 0 and 1 of the pixels 0, 1 and 2: the other's stone, nothing, an own stone."""

    size: Annotated[int, Field(ge=5, le=19, description=SIDE)] = 19
    noise: Share = 0.05

    image_kind: ClassVar[ImageKind] = "other"
    title: ClassVar[str] = "Go"
    brightest: ClassVar[int] = 2

    @field_validator("distort", mode="after")
    @classmethod
    def _boards_stay(cls, value: Distortion | None) -> Distortion | None:
        if value is not None:
            raise ValueError(
                "a position on a board and its next move cannot be turned, scaled or shifted; leave it out"
            )
        return value

    @property
    def image_shape(self) -> Shape:
        return (self.size, self.size, 1)

    @property
    def appearance(self) -> Appearance:
        """A board: the player to move has the black stones, which networks see as 1."""
        points = {name: divmod(index, self.size) for index, name in enumerate(self.all_classes)}
        return Appearance(self.brightest, points=points)

    @property
    def all_classes(self) -> tuple[str, ...]:
        """From the upper left corner, row by row: A19, B19, …, T1."""
        return tuple(f"{column}{row}" for row in range(self.size, 0, -1) for column in COLUMNS[: self.size])

    def draw(self, count: int, stream: RandomStream) -> tuple[np.ndarray, np.ndarray]:
        from cnnlab.datasets.drawn.go_player import positions

        return positions(count, stream, size=self.size, noise=self.noise, difficulty=self.difficulty)
