"""A sweep as one HTML page: `Sweep.report`, and `cnnlab.sweep_report` for one that was carried out before."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from cnnlab.api.arguments import path_of


def sweep_report(folder: str | PathLike[str], path: str | PathLike[str] | None = None) -> Path:
    """Write a sweep as one HTML page that needs no other file. Nothing is trained.

    >>> cnnlab.sweep_report("experiments/sweeps/cnn")

    Args:
        folder: of the sweep, as `cnnlab sweep` has written it. The best point's runs are looked for beside
            it, where that has put them.
        path: by default report.html in this folder.

    Raises:
        UserError: this is no sweep's folder, or the file cannot be written there.
    """
    from cnnlab.report.sweep import render_sweep
    from cnnlab.run_folders.folders import Folder
    from cnnlab.search.writing import read_sweep, winner_records
    from cnnlab.studies.report_pages import PAGE
    from cnnlab.user_files import check_folder_of, written

    of = path_of(folder, "folder")
    page = None if path is None else path_of(path, "path")
    if page is not None:
        check_folder_of(page)
    document = read_sweep(of)
    # OUT/sweeps/NAME; the page is handed on, so a relative path stays relative
    out = (of if len(of.parts) > 2 else of.resolve()).parent.parent
    text = render_sweep(document, winner_records(document, out))
    if page is None:
        written_to = Folder(of)
        with written_to.alone():
            written_to.write_text(PAGE, text)
        return of / PAGE
    with written(page):
        page.write_text(text, encoding="utf-8")
    return page
