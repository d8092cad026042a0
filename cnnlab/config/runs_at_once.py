"""How many runs are trained at the same time, and with how many threads each: what users may say."""

from __future__ import annotations

from typing import Literal, TypeAlias

from cnnlab.errors import OptionError

RunsAtOnce: TypeAlias = int | Literal["auto"]
"""A number of runs, 1 or more: of worker processes, or of seeds in one program."""

MOST_TOGETHER = 1024
"""More would be a mistake: the program holds all of them, also of a damaged record."""

MOST_THREADS = 1024
"""More would be a mistake: each takes memory from the moment when a backend starts."""


def check_workers(workers: object) -> None:
    """Refuse what is no number of workers.

    Raises:
        OptionError: neither a whole number, 1 or more, nor "auto".
    """
    _check_count("workers", workers)


def check_together(together: object, workers: RunsAtOnce) -> None:
    """Refuse what is no number of seeds to train as one program, and several where workers train runs.

    Raises:
        OptionError: neither a whole number, from 1 to `MOST_TOGETHER`, nor "auto"; or workers are wanted as
            well.
    """
    _check_count("together", together)
    if isinstance(together, int) and together > MOST_TOGETHER:
        raise OptionError(
            "together", f"expected at most {MOST_TOGETHER:,} seeds in one program, found {together:,}"
        )
    if together not in ("auto", 1) and workers != 1:
        raise OptionError(
            "together",
            "several seeds in one program are trained by one process; leave out workers, or train one seed "
            "at a time",
            value=together,
        )


def check_threads(threads: object) -> None:
    """Refuse what is no number of threads.

    Raises:
        OptionError: neither a whole number, from 1 to `MOST_THREADS`, nor None.
    """
    if threads is None:
        return
    if not _is_whole(threads) or not 1 <= threads <= MOST_THREADS:  # type: ignore[operator]
        raise OptionError(
            "threads", f"expected a whole number from 1 to {MOST_THREADS}, found {threads!r:.60}"
        )


def _check_count(option: str, count: object) -> None:
    if count != "auto" and (not _is_whole(count) or count < 1):  # type: ignore[operator]
        raise OptionError(option, f'expected a whole number, 1 or more, or "auto", found {count!r:.60}')


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
