"""A Go board: stones, groups, liberties, captures, suicide and ko. Plain Python, whole numbers."""

from __future__ import annotations

from typing import NamedTuple

EMPTY, OWN, OTHER, RIM = 0, 1, -1, 3
"""What is on a point, seen by the player to move. The rim around the board saves every look beyond it."""


class Group(NamedTuple):
    """Connected stones of one colour, and the empty points beside them."""

    stones: tuple[int, ...]
    liberties: frozenset[int]


class Board:
    """A position, seen by the player to move; points are numbered with a rim of one around the board.

    The ko rule is the simple one: a single stone that has just captured a single stone may not be
    captured by the next move.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.width = size + 2
        self.points = [(row + 1) * self.width + column + 1 for row in range(size) for column in range(size)]
        self.cells = [RIM] * self.width**2
        for point in self.points:
            self.cells[point] = EMPTY
        self.neighbours = {
            point: (point - self.width, point - 1, point + 1, point + self.width) for point in self.points
        }
        self.ko: int | None = None

    def groups(self) -> dict[int, Group]:
        """The group of every stone, by point."""
        cells, neighbours = self.cells, self.neighbours
        found: dict[int, Group] = {}
        for start in self.points:
            color = cells[start]
            if color == EMPTY or start in found:
                continue
            stones, liberties = [start], set()
            seen = {start}
            for stone in stones:
                for beside in neighbours[stone]:
                    kind = cells[beside]
                    if kind == EMPTY:
                        liberties.add(beside)
                    elif kind == color and beside not in seen:
                        seen.add(beside)
                        stones.append(beside)
            group = Group(tuple(stones), frozenset(liberties))
            for stone in stones:
                found[stone] = group
        return found

    def is_legal(self, point: int, groups: dict[int, Group]) -> bool:
        """Whether the player to move may play there: an empty point, no ko, and its stone will live."""
        cells = self.cells
        if cells[point] != EMPTY or point == self.ko:
            return False
        for beside in self.neighbours[point]:
            kind = cells[beside]
            if kind == EMPTY:
                return True
            # An own group that keeps another liberty, or another's group that loses its last one.
            if kind != RIM and (kind == OWN) == (len(groups[beside].liberties) > 1):
                return True
        return False

    def play(self, point: int, groups: dict[int, Group]) -> int:
        """Make a legal move and hand the board to the other player; returns how many stones were captured."""
        cells = self.cells
        captured: set[int] = set()
        for beside in self.neighbours[point]:
            if cells[beside] == OTHER and len(groups[beside].liberties) == 1:
                captured.update(groups[beside].stones)
        cells[point] = OWN
        for stone in captured:
            cells[stone] = EMPTY
        around = [cells[beside] for beside in self.neighbours[point]]
        alone = around.count(OWN) == 0 and around.count(EMPTY) == 1
        self.ko = captured.pop() if alone and len(captured) == 1 else None
        number = len(captured) + (self.ko is not None)
        for each in self.points:
            cells[each] = -cells[each]
        return number
