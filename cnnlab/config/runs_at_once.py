"""How many runs are trained at the same time, and with how many threads each: what users may say."""

from __future__ import annotations

from typing import Literal, TypeAlias

from cnnlab.errors import OptionError

WorkerCount: TypeAlias = int | Literal["auto"]

MOST_THREADS = 1024
"""More would be a mistake: each takes memory from the moment when a backend starts."""


def check_workers(workers: object) -> None:
    """Refuse what is no number of workers.

    Raises:
        OptionError: neither a whole number, 1 or more, nor "auto".
    """
    if workers != "auto" and (not _is_whole(workers) or workers < 1):  # type: ignore[operator]
        raise OptionError("workers", f'expected a whole number, 1 or more, or "auto", found {workers!r:.60}')


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


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
