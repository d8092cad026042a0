"""A simple Go player that judges a point by the stones near it, and the positions of its games."""

from __future__ import annotations

import numpy as np

from cnnlab.datasets.drawn.go_board import EMPTY, OTHER, OWN, RIM, Board, Group
from cnnlab.datasets.drawn.random_stream import RandomStream

KEPT = 2
"""Every so many moves a position is kept: neighbours in a game are nearly the same picture."""


def positions(
    count: int, stream: RandomStream, *, size: int, noise: float, difficulty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the player's games against itself, in random order, with the move that follows each.

    Returns:
        boards (count, size, size, 1) uint8: 2 own stone, 1 empty, 0 the other's; moves (count,) int64.
    """
    boards = np.empty((count, size * size), dtype=np.uint8)
    moves = np.empty(count, dtype=np.int64)
    longest = round(size * size * (0.1 + 0.6 * difficulty))
    done = 0
    while done < count:
        board = Board(size)
        places = {point: index for index, point in enumerate(board.points)}
        values = _values(board)
        draws = stream.uniform((longest, 2))
        opening = 2 + int(stream.integers(0, 3, 1)[0])  # random moves first, or all games would be one
        for number in range(longest):
            groups = board.groups()
            legal = [point for point in board.points if _sensible(board, point, groups)]
            if not legal:
                break
            if number < opening or draws[number, 0] < noise:
                move = legal[int(draws[number, 1] * len(legal))]
            else:
                judged = scores(board, legal, groups, values)
                move = legal[judged.index(max(judged))]
            if number >= opening and number % KEPT == 0 and done < count:
                boards[done] = [board.cells[point] + 1 for point in board.points]
                moves[done] = places[move]
                done += 1
            board.play(move, groups)
    order = np.argsort(stream.raw(count), kind="stable")
    return boards[order].reshape(count, size, size, 1), moves[order]


def scores(board: Board, legal: list[int], groups: dict[int, Group], values: dict[int, int]) -> list[int]:
    """How much the player likes each legal move: the highest wins, the first one of equals.

    Capturing counts most, then saving own stones from capture, then taking the last but one liberty of
    others, then a place beside or diagonal to stones of either colour; `values` break ties.
    """
    cells, width = board.cells, board.width
    beyond = (-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1)
    near = {stone + step for stone in groups for step in beyond}
    judged = []
    for point in legal:
        score = values[point]
        if point not in near:
            judged.append(score)
            continue
        counted: set[tuple[int, ...]] = set()
        free = 0
        for beside in board.neighbours[point]:
            kind = cells[beside]
            if kind == EMPTY:
                free += 1
                continue
            if kind == RIM:
                continue
            stones, liberties = groups[beside]
            if stones in counted:
                continue
            counted.add(stones)
            if kind == OTHER:
                score += (8000 + 1000 * len(stones), 900, 250)[min(len(liberties), 3) - 1]
            elif len(liberties) == 1:
                score += 4000 + 500 * len(stones)
            else:
                score += 300 if len(liberties) == 2 else 60
        for diagonal in (point - width - 1, point - width + 1, point + width - 1, point + width + 1):
            score += {OWN: 200, OTHER: 80}.get(cells[diagonal], 0)
        judged.append(score - 1500 if free == 0 and score < 8000 else score)
    return judged


def _values(board: Board) -> dict[int, int]:
    """What a point is worth on an empty board: the third and fourth line most, the rim least."""
    values = {}
    for index, point in enumerate(board.points):
        row, column = divmod(index, board.size)
        lines = sorted(min(each, board.size - 1 - each) for each in (row, column))
        values[point] = (0, 40, 90, 100)[min(lines[0], 3)] - 3 * lines[1]
    return values


def _sensible(board: Board, point: int, groups: dict[int, Group]) -> bool:
    """Legal, and no own eye: a point with own stones (or the rim) on all four sides."""
    cells = board.cells
    if cells[point] != EMPTY or point == board.ko:
        return False
    above, left, right, below = board.neighbours[point]
    around = (cells[above], cells[left], cells[right], cells[below])
    if EMPTY in around:
        return True
    return any(kind not in (OWN, RIM) for kind in around) and board.is_legal(point, groups)
