"""What the user typed for RUN → the subject that is explained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.commands.explain.subject import Subject
from cnnlab.config.experiment import load_config
from cnnlab.config.sections import RuntimeConfig
from cnnlab.datasets import DataPaths, DatasetConfig
from cnnlab.errors import UserError
from cnnlab.run_folders.listing import latest_experiment, latest_run, runs_at
from cnnlab.run_folders.records import is_run, read_record

if TYPE_CHECKING:
    from cnnlab.commands.progress import SilentReporter


def open_subject(
    run: str, *, out: Path, data_paths: DataPaths, reporter: SilentReporter, backend: str | None,
    device: str | None, pixels: tuple[float, float] | None = None, dataset_of: str | None = None,
) -> Subject:  # fmt: skip
    """Find what a run argument means; nothing heavy is imported yet.

    Args:
        pixels: what black and white are for the network in a .keras file.
        dataset_of: the experiment, or the folder of a run, whose dataset has its images.

    Raises:
        UserError: there is no such run, or it is not finished.
    """
    path = find_run(run, out)
    if is_file_alone(path):
        if pixels is not None and pixels[0] == pixels[1]:
            raise UserError(f"--pixels: expected two numbers, found {pixels[0]:g} twice")
        runtime = RuntimeConfig.model_validate(_asked(backend, device))
        folder = path.with_name(f"{path.stem}-explain")
        dataset = _dataset_of(dataset_of, out) if dataset_of is not None else None
        return Subject(
            path.stem, folder, path, None, dataset, data_paths, reporter, runtime, pixels, dataset_of
        )
    for option, given in (("--pixels", pixels), ("--dataset-of", dataset_of)):
        if given is not None:
            raise UserError(
                f"{option}: what a run's network takes is in its config; this is for .keras files"
            )
    record = read_record(path.parent if path.suffix == ".keras" else path)
    file = record.path / "model.keras"
    if not file.is_file():
        raise UserError(f"{record.path}: model.keras is missing; train this run again with --fresh")
    runtime = record.config.runtime.model_copy(update=_asked(backend, device))
    name = f"{record.name}, seed {record.seed}"
    dataset = record.config.dataset
    return Subject(name, record.path / "explain", file, record, dataset, data_paths, reporter, runtime)


def _dataset_of(experiment: str, out: Path) -> DatasetConfig:
    runs = runs_at(experiment, out)
    config = read_record(runs[0]).config if runs else load_config(experiment)
    if config.dataset is None:
        raise UserError(f"--dataset-of {experiment}: this config has no dataset")
    return config.dataset


def is_file_alone(path: Path) -> bool:
    """Whether this is a .keras file outside of a run's folder, of which nothing else is known."""
    return path.suffix == ".keras" and not is_run(path.parent)


def find_run(run: str, out: Path) -> Path:
    """A run's folder, or a .keras file, from what the user typed; of several runs the one that finished last.

    Raises:
        UserError: neither a file, a folder nor an experiment with a finished run.
    """
    path = Path(run)
    if path.suffix != ".keras":
        return latest_run(run, out)
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    return path


def finished_runs_of(run: str, out: Path) -> list[Path]:
    """All seeds of the experiment whose latest run is meant by a name; a folder alone for a folder."""
    return [find_run(run, out)] if Path(run).suffix == ".keras" else latest_experiment(run, out)


def _asked(backend: str | None, device: str | None) -> dict[str, str]:
    asked = {"backend": backend, "device": device}
    return {key: value for key, value in asked.items() if value is not None}
