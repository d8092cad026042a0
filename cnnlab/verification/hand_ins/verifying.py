"""A folder of hand-ins → what was found of each: a damaged or hostile one never stops the others."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.sections import RuntimeConfig
from cnnlab.datasets import DataPaths, load_dataset
from cnnlab.errors import UserError
from cnnlab.reporting import Reporter
from cnnlab.run_folders.records import Record
from cnnlab.verification.hand_ins.checking import Expected, check
from cnnlab.verification.hand_ins.finding import handed_in
from cnnlab.verification.hand_ins.results import HandIn, RunVerification


def verify_runs(
    folder: Path,
    config: ExperimentConfig,
    record: Record | None,
    *,
    runtime: RuntimeConfig,
    data_paths: DataPaths,
    reporter: Reporter,
) -> RunVerification:
    """Check all hand-ins of a folder, or of a zip: see `cnnlab.verify_runs`.

    Args:
        config: what was to be trained.
        record: a run of it, whose data counts; None: the data that is found here.
        runtime: what models are evaluated with.

    Raises:
        UserError: there are no hand-ins, the config has no dataset, or the data here is not that of the run.
    """
    is_zip = folder.is_file() and folder.suffix.lower() == ".zip"
    if not folder.is_dir() and not is_zip:
        raise UserError(f"{folder}: expected a folder of hand-ins, or a zip of it")
    name = config.name if record is None else str(record.path)
    if config.dataset is None:
        raise UserError(f"{name}: has no dataset, so that no run of it can be checked")
    found = handed_in(folder)
    first = next(found, None)
    if first is None:
        raise UserError(f"{folder}: no hand-ins there; expected folders of runs, or zips of them")
    data = load_dataset(config.dataset, data_paths, progress=reporter.downloading)
    if data.provenance.warning:
        reporter.warn(data.provenance.warning)
    if record is not None and record.dataset.digest != data.provenance.digest:
        raise UserError(f"{name}: was trained on other data than is found here; name the data by --data-dir")
    expected = Expected(name, config, data, runtime)
    results: list[HandIn] = []
    for each in chain([first], found):
        reporter.check_interruption()
        reporter.note(f"checking {each.label}")
        results.append(check(each, expected))
    return RunVerification(folder, name, config.digest, tuple(results))
