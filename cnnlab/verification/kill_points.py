"""When to kill a run: at random, but spread over all of it."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, order=True)
class KillPoint:
    """So many seconds after the row of an epoch is in history.csv; epoch 0: after the run has begun.

    `saving`: after the first checkpoint that follows has begun to be written.
    """

    epoch: int
    saving: bool
    seconds: float


def draw_kill_points(
    segments: Sequence[float], count: int, *, first_save: float, seed: int
) -> list[KillPoint]:
    """Points of a run, in their order: one in its first save, one in its final writes, others all over it.

    Every other one of these is drawn by time, the rest by epoch: in small runs, all epochs together take less
    time than what comes before and after them.

    Args:
        segments: seconds that a run takes to its first epoch's row, from each row to the next, and from the
            last row to its end.
        count: how many; the first save and the final writes get one each if there are two or more.
        first_save: seconds from the beginning of the first checkpoint to the row of its epoch.
    """
    rng = np.random.default_rng(seed)
    last = len(segments) - 1
    points = []
    if count >= 2:
        points = [
            # Not behind its middle: the next save may be faster.
            KillPoint(0, True, float(rng.uniform(0, first_save / 2))),
            KillPoint(last, False, float(rng.uniform(0, segments[last]))),
        ]
    anywhere = count - len(points)
    ends = list(itertools.accumulate(segments))
    for stratum in range(anywhere):
        share = (stratum + float(rng.random())) / anywhere
        if stratum % 2 == 0:
            moment = share * ends[-1]
            epoch = min(bisect.bisect_right(ends, moment), last)
            seconds = moment - (ends[epoch] - segments[epoch])
        else:
            epoch = int(share * len(segments))
            seconds = float(rng.uniform(0, segments[epoch]))
        points.append(KillPoint(epoch, False, seconds))
    return sorted(points)
