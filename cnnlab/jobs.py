"""A list of (config, seed) → finished runs: the one seam behind which they are trained or found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets import DataPaths, DatasetConfig, load_dataset
from cnnlab.errors import CnnlabError, UserError
from cnnlab.run_folders.contents import DatasetFacts
from cnnlab.run_folders.folders import open_run
from cnnlab.run_folders.records import Record, data_digest_of, find_finished, read_record, run_path

if TYPE_CHECKING:
    from cnnlab.backend import Backend
    from cnnlab.datasets.content import Dataset
    from cnnlab.reporting import Reporter
    from cnnlab.training.cost_estimate import CostEstimate


class RunsFailed(CnnlabError):
    """Some of several runs failed; what finished is kept."""

    def __init__(self, message: str, records: Sequence[Record], errors: Sequence[CnnlabError]) -> None:
        super().__init__(message)
        self.records = tuple(records)
        self.errors = tuple(errors)


@dataclass
class Jobs:
    """Finds finished runs and trains the missing ones, one after the other in this process.

    Args:
        out: the folder of all runs.
        fresh: train again what is finished, and start over what was interrupted.
        force: train even where the parameters cannot fit in memory.
    """

    out: Path
    data_paths: DataPaths
    reporter: Reporter
    fresh: bool = False
    force: bool = False
    _datasets: dict[str, Dataset] = field(default_factory=dict)

    def finished(self, configs: Sequence[ExperimentConfig]) -> tuple[list[Record], list[CnnlabError]]:
        """The runs of all configs, in order, and the errors of those that failed.

        A run that fails does not keep the others from being trained.

        Raises:
            UserError: a config cannot be trained here at all; nothing has been trained then.
        """
        for config in configs:
            if not self.force:
                check_memory(config)
            self.dataset(config)
        missing = [each for each in configs if self.fresh or find_finished(each, self.out) is None]
        runtimes = {f"{each.runtime.backend} on {each.runtime.device}" for each in missing}
        if len(runtimes) > 1:
            raise UserError(
                f"expected one backend and device per command, found {', '.join(sorted(runtimes))}; "
                "train each in a separate command, then compare"
            )
        records, failures = [], []
        for config in configs:
            try:
                records.append(self._finished(config))
            except UserError:
                raise
            except CnnlabError as error:
                self.reporter.failed(config, error)
                failures.append(error)
        return records, failures

    def dataset(self, config: ExperimentConfig) -> Dataset:
        """The data of an experiment, loaded once.

        Raises:
            UserError: the config has none, or a file of it is broken.
        """
        if config.dataset is None:
            raise UserError(
                f"{config.name}: this config has no dataset and can only be summarized; add a dataset to "
                "train it"
            )
        key = config.dataset.model_dump_json()
        if key not in self._datasets:
            self._datasets[key] = load_reported(config.dataset, self.data_paths, self.reporter)
        return self._datasets[key]

    def estimate_cost(self, config: ExperimentConfig) -> CostEstimate:
        """Try a few steps of a run and say what all of it will cost; nothing is written."""
        if not self.force:
            check_memory(config)
        data = self.dataset(config)
        self._start(config)
        from cnnlab.training.cost_estimate import estimate_cost

        return estimate_cost(config, data)

    def _start(self, config: ExperimentConfig) -> Backend:
        """Start the backend and say what the arithmetic runs on, and how."""
        from cnnlab.backend import start_backend

        backend = start_backend(config.runtime)
        self.reporter.note(str(backend))
        if config.gives_logits:
            self.reporter.note(f"{config.name}: the last layer has no softmax; training on logits")
        return backend

    def _finished(self, config: ExperimentConfig) -> Record:
        data = self.dataset(config)
        path = run_path(config, self.out)
        changed = data_digest_of(path) not in (None, data.provenance.digest)
        record = None if self.fresh or changed else find_finished(config, self.out)
        if record:
            self.reporter.reused(record)
            return record
        if changed and not self.fresh:
            self.reporter.warn(
                f"{path}: this run was trained on different data of the same name; training it again"
            )

        backend = self._start(config)
        from cnnlab.run_folders.environment import environment
        from cnnlab.training.train import train

        with open_run(config, self.out, fresh=self.fresh or changed) as run:
            facts = environment(config, backend, dataset_facts(config, data))
            train(config, data, run, self.reporter, environment=facts)
        record = read_record(path)
        self.reporter.finished(record)
        return record


def load_reported(dataset: DatasetConfig, data_paths: DataPaths, reporter: Reporter) -> Dataset:
    """`load_dataset`; the reporter sees the download and is told of unverified data."""
    data = load_dataset(dataset, data_paths, progress=reporter.downloading)
    if data.provenance.warning:
        reporter.warn(data.provenance.warning)
    return data


def dataset_facts(config: ExperimentConfig, data: Dataset) -> DatasetFacts:
    """What a run records of its data."""
    if config.dataset is None:
        raise ValueError("a config without a dataset")
    return DatasetFacts(name=config.dataset.name, title=config.dataset.title, **asdict(data.provenance))


def check_memory(config: ExperimentConfig) -> None:
    """Refuse a model whose parameters cannot fit in this machine's memory, before it is built.

    Raises:
        UserError: with the arithmetic.
    """
    import psutil

    architecture = config.architecture
    optimizer = config.training.optimizer
    copies = 2 + optimizer.slots
    needed = architecture.trainable_params * copies * 4
    memory = psutil.virtual_memory().total
    if needed <= memory:
        return
    largest = max(architecture.rows, key=lambda row: row.params)
    slots = f", {optimizer.slots} for {optimizer.name}" if optimizer.slots else ""
    raise UserError(
        f"{config.name}: the parameters do not fit in this machine's memory\n"
        f"   {architecture.trainable_params:,} parameters × 4 bytes × {copies} (weights, gradients{slots}) "
        f"= {needed / 2**30:,.1f} GiB; this machine has {memory / 2**30:,.1f} GiB\n"
        f"   {largest.name} holds {largest.params / architecture.total_params:.0%} of them: make its input "
        "or output smaller, or use --force to train anyway"
    )
