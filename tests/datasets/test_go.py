"""The rules of Go, counted by brute force; positions and labels of the generated games."""

import numpy as np
import pytest

from cnnlab.datasets import DATASETS, load_dataset
from cnnlab.datasets.drawn.go_board import EMPTY, OTHER, OWN, Board

SIGNS = {"X": OWN, "O": OTHER, ".": EMPTY}


def board_of(*rows):
    board = Board(len(rows))
    for index, point in enumerate(board.points):
        board.cells[point] = SIGNS[rows[index // len(rows)][index % len(rows)]]
    return board


def grid(board):
    cells = np.array([board.cells[point] for point in board.points])
    return cells.reshape(board.size, board.size)


def point(board, row, column):
    return board.points[row * board.size + column]


def without_liberties(cells, color):
    """All stones of a colour whose group has no liberty, by spreading freedom until nothing changes."""
    free = cells == EMPTY
    while True:
        near = np.zeros_like(free)
        near[1:] |= free[:-1]
        near[:-1] |= free[1:]
        near[:, 1:] |= free[:, :-1]
        near[:, :-1] |= free[:, 1:]
        spread = free | (near & (cells == color))
        if (spread == free).all():
            return (cells == color) & ~free
        free = spread


def played(cells, row, column):
    """The position after a move, seen by the player who made it; None where the move is suicide."""
    cells = cells.copy()
    cells[row, column] = OWN
    cells[without_liberties(cells, OTHER)] = EMPTY
    return None if without_liberties(cells, OWN).any() else cells


def test_legality_and_captures_agree_with_brute_force_in_random_games():
    rng = np.random.default_rng(0)
    captures = suicides = 0
    for _ in range(12):
        board = Board(5)
        for _ in range(60):
            groups, before = board.groups(), grid(board)
            legal = []
            for index, place in enumerate(board.points):
                row, column = divmod(index, 5)
                outcome = played(before, row, column) if before[row, column] == EMPTY else None
                expected = outcome is not None and place != board.ko
                assert board.is_legal(place, groups) == expected
                suicides += before[row, column] == EMPTY and outcome is None
                if expected:
                    legal.append((place, outcome))
            if not legal:
                break
            place, outcome = legal[rng.integers(len(legal))]
            captured = board.play(place, groups)
            np.testing.assert_array_equal(grid(board), -outcome)  # the other player's view
            assert captured == (before == OTHER).sum() - (outcome == OTHER).sum()
            captures += captured
            assert not without_liberties(grid(board), OWN).any()
            assert not without_liberties(grid(board), OTHER).any()
    assert captures > 50
    assert suicides > 50


def test_groups_have_the_liberties_that_are_counted_by_hand():
    board = board_of(".X...", "XXO..", ".O...", ".....", "....X")
    groups = board.groups()
    chain = groups[point(board, 1, 0)]
    assert set(chain.stones) == {point(board, *at) for at in [(0, 1), (1, 0), (1, 1)]}
    assert chain.liberties == {point(board, *at) for at in [(0, 0), (0, 2), (2, 0)]}
    assert groups[point(board, 4, 4)].liberties == {point(board, 3, 4), point(board, 4, 3)}


def test_ko_may_not_be_taken_back_at_once_but_later():
    board = board_of(".XO..", "XO.O.", ".XO..", ".....", ".....")
    taken = point(board, 1, 2)
    assert board.is_legal(taken, board.groups())
    assert board.play(taken, board.groups()) == 1
    back = point(board, 1, 1)
    assert board.ko == back
    assert not board.is_legal(back, board.groups())
    board.play(point(board, 4, 4), board.groups())
    board.play(point(board, 4, 0), board.groups())
    assert board.ko is None
    assert board.is_legal(back, board.groups())


def test_capturing_two_stones_is_no_ko():
    board = board_of(".XXO.", "XOO.O", ".XXO.", ".....", ".....")
    board.play(point(board, 1, 3), board.groups())
    assert board.ko is None


@pytest.fixture(scope="module")
def games():
    return load_dataset(DATASETS["go"](train_count=600, test_count=200, validation_size=0), None)


def test_networks_see_own_stones_as_1_the_others_as_minus_1_and_empty_points_as_0(games):
    seen = games.pixels.apply(games.train.images)
    np.testing.assert_array_equal(seen, games.train.images.astype(np.float32) - 1)
    own, other = (seen == 1).sum(axis=(1, 2, 3)), (seen == -1).sum(axis=(1, 2, 3))
    assert np.all(abs(own - other) < 40)
    assert own.max() > 30


def test_every_position_is_legal_and_every_label_a_legal_move(games):
    for image, label in zip(games.train.images[..., 0].astype(int) - 1, games.train.labels, strict=True):
        assert not without_liberties(image, OWN).any()
        assert not without_liberties(image, OTHER).any()
        row, column = divmod(int(label), 19)
        assert image[row, column] == EMPTY
        assert played(image, row, column) is not None


def test_the_player_captures_what_it_can(games):
    chances = taken = 0
    boards = games.train.images[:150, ..., 0].astype(int) - 1
    for image, label in zip(boards, games.train.labels[:150], strict=True):
        captures = {}
        for row, column in np.argwhere(image == EMPTY):
            after = played(image, row, column)
            if after is not None:
                captures[row * 19 + column] = (image == OTHER).sum() - (after == OTHER).sum()
        if max(captures.values()) > 1:  # one stone may be forbidden by ko, which is not seen
            chances += 1
            taken += captures[int(label)] > 0
    assert chances > 5
    assert taken / chances > 0.85


def test_moves_are_called_as_on_a_board():
    names = DATASETS["go"]().class_names
    assert len(names) == len(set(names)) == 361
    assert (names[0], names[8], names[18], names[19], names[-1]) == ("A19", "J19", "T19", "A18", "T1")
    assert DATASETS["go"](size=9).class_names[-1] == "J1"


def test_without_noise_equal_positions_have_equal_moves_within_a_longer_set():
    content = DATASETS["go"](size=7, train_count=3000, test_count=10, noise=0.0, difficulty=0.2).read(None)
    moves = {}
    for image, label in zip(content.train_images, content.train_labels, strict=True):
        moves.setdefault(image.tobytes(), set()).add(int(label))
    # Only the ko rule, which a position does not show, can lead to another move.
    assert sum(len(each) > 1 for each in moves.values()) <= 0.01 * len(moves)
