"""`cnnlab.live`: finished runs → a page on which one draws, and sees every layer answer."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.api.arguments import data_paths, out_folder, path_of
from cnnlab.api.progress import ProgressLike, reporter_for
from cnnlab.api.run import Run
from cnnlab.errors import OptionError, UserError

if TYPE_CHECKING:
    from cnnlab.live_page.page import LivePage


def live(
    *runs: Run | str | PathLike[str],
    epochs: bool = False,
    out: str | PathLike[str] | None = None,
    data_dir: str | PathLike[str] | None = None,
    progress: ProgressLike = None,
) -> LivePage:
    """Write a page on which one draws, and sees every layer of a trained network answer.

    >>> cnnlab.live("dnn", "cnn").page

    It is one HTML file that holds the weights and computes in the browser: it needs no server and no network.
    A run of any backend can be shown: its network is read by Keras on whatever runs or is installed.

    Args:
        runs: one or two, of the same data: each a Run, a run's folder, or an experiment's name: its latest
            finished run.
        epochs: with a slider over the epochs, of one run that was trained with `training.keep_epochs`.
        out: the file; by default live.html in the first run's folder.
        data_dir: where dataset files are looked for first.
        progress: see `cnnlab.train`.

    Raises:
        UserError: there is no such finished run, a layer cannot be computed in a page, or two runs are of
            different data. Nothing is written then.
        CnnlabError: the page cannot be written.
    """
    if not 1 <= len(runs) <= 2:
        raise UserError(f"expected one or two runs, found {len(runs)}")
    if epochs and len(runs) > 1:
        raise OptionError("epochs", "it shows one run, and two are given")
    opened = [_opened(run) for run in runs]
    target = opened[0].folder / "live.html" if out is None else _target(path_of(out, "out"))
    from cnnlab.user_files import check_can_be_made

    check_can_be_made(target.parent)
    from cnnlab.live_page.writing import write_page

    return write_page(
        [(run.folder, run.record) for run in opened],
        target,
        in_run=out is None,
        epochs=epochs,
        data_paths=data_paths(data_dir),
        reporter=reporter_for(progress),
    )


def _opened(run: Run | str | PathLike[str]) -> Run:
    """A run whose network can be shown.

    Raises:
        UserError: it is not finished, or has lost its network or its data.
    """
    if not isinstance(run, Run):
        from cnnlab.run_folders.listing import latest_run

        run = Run(latest_run(str(run), out_folder(None)))
    if run.record.config.dataset is None:
        raise UserError(f"{run.folder}: this run has no dataset")
    if not (run.record.path / "model.keras").is_file():
        raise UserError(f"{run.folder}: model.keras is missing; train this run again with --fresh")
    return run


def _target(out: Path) -> Path:
    """The page's file.

    Raises:
        OptionError: it is a folder, or its name is not a page's.
    """
    if out.is_dir():
        raise OptionError("out", "expected a file, found a folder", value=out)
    if out.suffix.lower() not in (".html", ".htm"):
        raise OptionError("out", "expected a name that ends in .html", value=out)
    return out
