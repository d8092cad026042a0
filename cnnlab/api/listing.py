"""`cnnlab.runs`: find runs again."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike

from cnnlab.api.progress import LibraryReporter
from cnnlab.api.run import Run, Runs
from cnnlab.api.training import out_folder
from cnnlab.errors import UserError


def runs(
    names: str | Iterable[str] = (),
    *,
    where: str | None = None,
    sort: str | None = None,
    limit: int | None = None,
    out: str | PathLike[str] | None = None,
) -> Runs:
    """The runs in a folder, whatever their state.

    >>> cnnlab.runs(where="state = finished and test_accuracy > 0.98", sort="-test_accuracy")

    Args:
        names: of experiments; by default of all.
        where: a condition on results and settings, as `cnnlab runs list --where` takes it.
        sort: a key; with - before it, the highest first.
        limit: no more than so many.
        out: where runs are kept; by default CNNLAB_EXPERIMENTS, else "experiments".

    Raises:
        UserError: no run has such a name, there is no such key, or the condition is wrong.
    """
    from cnnlab.run_folders.listing import select, sort_rows

    if limit is not None and limit < 1:
        raise UserError(f"--limit: expected 1 or more, found {limit}")
    rows, unreadable = select(
        out_folder(out),
        names=[names] if isinstance(names, str) else list(names),
        where=where,
        keys=[] if sort is None else [sort.removeprefix("-")],
    )
    for path in unreadable:
        LibraryReporter().warn(f"{path}: config.yaml cannot be read; its settings are unknown")
    if sort is not None:
        rows = sort_rows(rows, sort)
    return Runs(Run(row["path"]) for row in rows[:limit])
