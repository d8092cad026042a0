"""Kills come at random, but in the first save, in the final writes, and all over the run."""

import pytest

from cnnlab.verification.kill_points import KillPoint, draw_kill_points

SEGMENTS = [4.0, 1.0, 1.0, 1.0, 3.0]  # to the first row, between four rows, to the end
FIRST_SAVE = 0.03  # of the first of them


def moment(point: KillPoint) -> float:
    begins = sum(SEGMENTS[: point.epoch + point.saving]) - FIRST_SAVE * point.saving
    return begins + point.seconds


def draw(segments: list[float], count: int, *, seed: int) -> list[KillPoint]:
    return draw_kill_points(segments, count, first_save=FIRST_SAVE, seed=seed)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_they_lie_in_the_run(count: int, seed: int) -> None:
    points = draw(SEGMENTS, count, seed=seed)
    assert len(points) == count
    assert points == sorted(points)
    assert all(0 <= point.epoch < len(SEGMENTS) for point in points)
    assert all(0 <= point.seconds <= SEGMENTS[point.epoch] for point in points)
    if count >= 2:
        (saving,) = (point for point in points if point.saving)
        assert 3.97 <= moment(saving) <= 3.985  # at the row of epoch 1 the first save is over
        assert points[-1].epoch == 4


def test_they_are_spread_over_time_and_epochs() -> None:
    points = draw(SEGMENTS, 22, seed=0)
    moments = [moment(point) for point in points]
    assert {int(each) for each in moments} >= {0, 2, 4, 6, 8}
    assert {point.epoch for point in points} == {0, 1, 2, 3, 4}


def test_a_seed_draws_them() -> None:
    first, again, other = (draw(SEGMENTS, 5, seed=seed) for seed in (0, 0, 1))
    assert first == again != other


def test_a_run_of_one_epoch() -> None:
    assert {point.epoch for point in draw([2.0, 1.0], 6, seed=0)} == {0, 1}
