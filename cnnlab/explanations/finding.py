"""What the user calls a run → the subject that is explained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cnnlab.config.asked_runtime import asked_runtime
from cnnlab.config.experiment import ExperimentConfig, known_configs, load_config
from cnnlab.config.sections import RuntimeConfig
from cnnlab.datasets import DataPaths, DatasetConfig
from cnnlab.errors import OptionError, UserError
from cnnlab.explanations.subject import Subject
from cnnlab.files import absence, can_be_path
from cnnlab.reporting import SILENT, Reporter
from cnnlab.run_folders.identity import finished_seeds, run_path
from cnnlab.run_folders.listing import latest_experiment, latest_run, runs_at, scan
from cnnlab.run_folders.records import is_run, read_record


def open_subject(
    run: str | Path,
    *,
    out: Path,
    data_paths: DataPaths,
    reporter: Reporter = SILENT,
    backend: str | None = None,
    device: str | None = None,
    pixels: tuple[float, float] | None = None,
    dataset_of: str | None = None,
) -> Subject:
    """Find the network that is meant; nothing heavy is imported yet.

    Args:
        run: a run's folder, an experiment's name (its latest finished run) or a .keras file.
        out: the folder of all runs.
        pixels: what black and white are for the network in a .keras file.
        dataset_of: the experiment, or the folder of a run, whose dataset has its images.

    Raises:
        UserError: there is no such run, it is not finished, or an option is not for it.
    """
    path = find_run(run, out)
    if is_file_alone(path):
        if pixels is not None and pixels[0] == pixels[1]:
            raise OptionError("pixels", f"expected two different numbers, found {pixels[0]:g} twice")
        return Subject(
            name=path.stem, folder=path.with_name(f"{path.stem}-explain"), out=out, file=path, record=None,
            dataset=_dataset_of(dataset_of, out) if dataset_of is not None else None, data_paths=data_paths,
            reporter=reporter, runtime=asked_runtime(RuntimeConfig(), backend=backend, device=device),
            black_and_white=pixels, dataset_of=dataset_of,
        )  # fmt: skip
    for option, given in (("pixels", pixels), ("dataset_of", dataset_of)):
        if given is not None:
            raise OptionError(option, "only for .keras files; a run's config says what its network takes")
    record = read_record(path.parent if path.suffix == ".keras" else path)
    file = record.path / "model.keras"
    if not file.is_file():
        raise UserError(f"{record.path}: model.keras is missing; train this run again with --fresh")
    return Subject(
        name=record.config.run_title, folder=record.path / "explain", out=out, file=file,
        record=record, dataset=record.config.dataset, data_paths=data_paths, reporter=reporter,
        runtime=asked_runtime(record.config.runtime, backend=backend, device=device),
    )  # fmt: skip


def open_subjects(
    runs: Sequence[str | Path],
    *,
    out: Path,
    pixels: tuple[float, float] | None = None,
    dataset_of: str | None = None,
    **where: Any,
) -> list[Subject]:
    """The networks that are meant, each once; of an experiment's name all finished seeds.

    Args:
        pixels: for the .keras files among them, as is dataset_of.
        where: as `open_subject` takes them.

    Raises:
        UserError: as `open_subject`, or there are none.
    """
    found = (path for run in runs for path in _finished_runs_of(run, out))
    paths = {path.resolve(): path for path in found}.values()  # each once
    if not paths:
        raise UserError("expected at least one run, found none")
    for_files: dict[str, Any] = {"pixels": pixels, "dataset_of": dataset_of}
    only_runs = not any(is_file_alone(path) for path in paths)  # they refuse what is for files
    return [
        open_subject(path, out=out, **where, **(for_files if only_runs or is_file_alone(path) else {}))
        for path in paths
    ]


def run_or_config(run: str | Path, out: Path) -> str | Path | ExperimentConfig:
    """What is meant where no network is needed: a run, as `open_subject` takes it, or a config without any.

    A YAML file stands for the runs below `out` that have finished with it; config.yaml of a run for this run.

    Raises:
        UserError: the config is wrong.
    """
    name, path = str(run), Path(run)
    if path.suffix.lower() not in (".yaml", ".yml"):
        is_untrained = name in known_configs() and not runs_at(name, out) and not _is_trained(name, out)
        return load_config(name) if is_untrained else run
    if path.name == "config.yaml" and is_run(path.parent):
        return path.parent
    config = load_config(name)
    return run_path(config, out).parent if finished_seeds(config, out) else config


def _is_trained(name: str, out: Path) -> bool:
    return any(row["name"] == name and row["state"] in ("finished", "damaged") for row in scan(out))


def _dataset_of(experiment: str, out: Path) -> DatasetConfig:
    runs = runs_at(experiment, out)
    config = read_record(runs[0]).config if runs else load_config(experiment)
    if config.dataset is None:
        raise OptionError("dataset_of", "this config has no dataset", value=experiment)
    return config.dataset


def is_file_alone(path: Path) -> bool:
    """Whether this is a .keras file outside of a run's folder, of which nothing else is known."""
    return path.suffix == ".keras" and not (path.parent / "run.json").exists()


def find_run(run: str | Path, out: Path) -> Path:
    """A run's folder, or a .keras file, as the user calls it; of several runs the one that finished last.

    Raises:
        UserError: neither a file, a folder nor an experiment with a finished run.
    """
    path = Path(run)
    if path.suffix != ".keras":
        return latest_run(str(run), out)
    if not can_be_path(path) or not path.is_file():
        raise UserError(f"{path}: {absence(path)}")
    return path


def _finished_runs_of(run: str | Path, out: Path) -> list[Path]:
    """All seeds of the experiment whose latest run is meant by a name; a folder alone for a folder."""
    return [find_run(run, out)] if Path(run).suffix == ".keras" else latest_experiment(str(run), out)
