"""Arguments of a comparison that stops by itself, or asks whether two networks are equal."""

from __future__ import annotations

from typing import NamedTuple

from cnnlab.errors import OptionError, UserError

DEFAULT_MAX_SEEDS = 30


class Settling(NamedTuple):
    """What a comparison is to settle."""

    max_seeds: int | None  # None: the seeds are chosen beforehand
    margin: float | None  # as a share


def settling_of(*, until_settled: bool, max_seeds: object, margin: object, seeds: object) -> Settling:
    """Check the arguments of the same names; `margin` is in percentage points.

    Raises:
        UserError: a value is out of range, or two arguments contradict each other.
    """
    share = None
    if margin is not None:
        if isinstance(margin, bool) or not hasattr(margin, "__float__") or not 0 < float(margin) < 100:
            raise OptionError(
                "margin", f"expected percentage points, more than 0 and less than 100, found {margin!r:.60}"
            )
        share = float(margin) / 100
    if not until_settled:
        if max_seeds is not None:
            raise UserError("--max-seeds needs --until-settled")
        return Settling(None, share)
    if seeds is not None:
        raise UserError(
            "--until-settled adds seeds from 0 on until the question is settled; leave out --seeds"
        )
    from cnnlab.comparison.sequential import MOST_PAIRS

    most = DEFAULT_MAX_SEEDS if max_seeds is None else max_seeds
    if isinstance(most, bool) or not hasattr(most, "__index__") or not 1 <= int(most) <= MOST_PAIRS:
        raise OptionError(
            "max_seeds", f"expected a whole number from 1 to {MOST_PAIRS:,}, found {max_seeds!r:.60}"
        )
    return Settling(int(most), share)
