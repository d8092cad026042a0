"""`cnnlab.merge`: runs that were trained elsewhere."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from cnnlab.api.arguments import out_folder, path_of

if TYPE_CHECKING:
    from cnnlab.merging import Merge


def merge(
    folder: str | PathLike[str], *, out: str | PathLike[str] | None = None, dry_run: bool = False
) -> Merge:
    """Take in runs that were trained elsewhere, each checked by the digests of its files.

    Nothing that is there is overwritten. A run that is damaged, or that is there with other content, is left
    out; it is among `.problems`.

    >>> cnnlab.merge("/mnt/node7/experiments").taken

    Args:
        folder: of runs, or that of an experiment or of one run. Sweeps and comparisons in it are left alone.
        out: where runs are kept; by default CNNLAB_EXPERIMENTS, else "experiments".
        dry_run: only look what would be done.

    Returns:
        `.runs`, each with `.source`, `.path`, `.outcome`, `.state` and `.reason`; `.taken` and `.problems`
        are those that were taken in, and those that could not be.

    Raises:
        UserError: there are no runs in the folder, or it lies in `out`.
        CnnlabError: `out` cannot be written, as on a full disk; what was taken in before is kept.
    """
    from cnnlab.merging import merge_runs

    return merge_runs(path_of(folder, "folder"), out_folder(out), dry_run=dry_run)
