"""`cnnlab.remove`: runs that are no longer needed."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING

from cnnlab.api.arguments import out_folder
from cnnlab.api.progress import LibraryReporter
from cnnlab.api.run import Run

if TYPE_CHECKING:
    from cnnlab.run_folders.removing import Removal


def remove(
    runs: Run | str | PathLike[str] | Iterable[Run | str | PathLike[str]] = (),
    *,
    where: str | None = None,
    keep_best: int | None = None,
    dry_run: bool = False,
    out: str | PathLike[str] | None = None,
) -> Removal:
    """Remove runs permanently, without a question.

    >>> cnnlab.remove("cnn", keep_best=3, dry_run=True).paths

    Args:
        runs: Runs, folders of runs, or names of experiments.
        where: only runs that meet this condition, as `cnnlab runs rm --where` takes it.
        keep_best: so many of the chosen runs stay: the finished ones with the highest validation accuracy.
        dry_run: remove nothing; `.carry_out()` of what is returned removes exactly these runs.
        out: where runs are kept.

    Returns:
        `.paths` of the runs, `.size` in bytes, `.kept`, the rows of the best.

    Raises:
        UserError: there is no such run, or neither runs nor a condition are given.
        CnnlabError: a process is training one of the runs.
    """
    from cnnlab.run_folders.removing import plan_removal

    each = [runs] if isinstance(runs, Run | str | PathLike) else list(runs)
    chosen = [str(run.folder) if isinstance(run, Run) else str(run) for run in each]
    plan = plan_removal(chosen, out_folder(out), where=where, keep_best=keep_best)
    for path in plan.unreadable:
        LibraryReporter().warn(f"{path}: config.yaml cannot be read; its settings are unknown")
    return plan if dry_run or not plan.rows else plan.carry_out()
