"""A list of (config, seed) → finished runs: the one seam behind which they are trained or found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.config.effects import ImageCounts
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets import DataPaths, DatasetConfig, load_dataset
from cnnlab.errors import CnnlabError, UserError
from cnnlab.framework_errors import is_out_of_memory, out_of_memory
from cnnlab.run_folders.arithmetic import resume_under, reused_from_before
from cnnlab.run_folders.contents import DatasetFacts
from cnnlab.run_folders.holding import hold, keep_aside, remove_checkpoints, start_over
from cnnlab.run_folders.identity import is_finished, run_path
from cnnlab.run_folders.integrity import DamagedRun
from cnnlab.run_folders.records import Record, read_record
from cnnlab.run_folders.run_writer import open_run, trained_on

if TYPE_CHECKING:
    from cnnlab.backend import Backend
    from cnnlab.datasets.content import Dataset
    from cnnlab.reporting import Reporter
    from cnnlab.training.cost_estimate import CostEstimate


class RunsFailed(CnnlabError):
    """Some of several runs failed; what finished is kept.

    Attributes:
        records: of the runs that finished.
        errors: why the others did not; the message names them.
    """

    def __init__(
        self, records: Sequence[Record], failures: Sequence[tuple[ExperimentConfig, CnnlabError]]
    ) -> None:
        self.records = tuple(records)
        self.errors = tuple(error for _, error in failures)
        self.exit_code = self.errors[0].exit_code
        total = len(records) + len(failures)
        self._count = "the run failed" if total == 1 else f"{len(failures)} of {total} runs failed"
        reasons = [f"{config.name}, seed {config.seed}: {error}" for config, error in failures]
        super().__init__("\n   ".join([f"{self._count}; finished runs are kept", *reasons]))

    def on_command_line(self) -> str:
        # The reasons have been reported when they occurred.
        return f"{self._count}; finished runs are kept"


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
    _warned: set[str] = field(default_factory=set)

    def finished(self, configs: Sequence[ExperimentConfig]) -> list[Record]:
        """The runs of all configs, in order.

        Raises:
            UserError: a config cannot be trained here at all; nothing has been trained then.
            RunsFailed: a run failed; the others are trained all the same.
        """
        for config in configs:
            if not self.force:
                check_memory(config)
            self._warn_of(config.idle())
            self.check_settings(config, self.dataset(config))
        self._check_same_data(configs)
        missing = [each for each in configs if self._is_missing(each)]
        runtimes = {f"{each.runtime.backend} on {each.runtime.device}" for each in missing}
        if len(runtimes) > 1:
            raise UserError(
                f"expected one backend and device per command, found {', '.join(sorted(runtimes))}; "
                "train each in a separate command, then compare"
            )
        records: list[Record] = []
        failures: list[tuple[ExperimentConfig, CnnlabError]] = []
        for config in configs:
            try:
                records.append(self._finished(config))
            except CnnlabError as error:
                of_one = not isinstance(error, UserError) or isinstance(error, DamagedRun)
                if not of_one and not records and not failures:
                    raise  # such as a backend that is not installed: it would be the same for all
                self.reporter.failed(config, error)
                failures.append((config, error))
        if failures:
            raise RunsFailed(records, failures)
        return records

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

    def check_settings(self, config: ExperimentConfig, data: Dataset) -> None:
        """Refuse, or warn of, what the number of images makes pointless.

        Raises:
            UserError: no training would come through; all such settings are in the message.
        """
        counts = image_counts(data)
        if problems := config.impossible(counts):
            raise UserError("\n".join(problems))
        self._warn_of(config.idle(counts))

    def _warn_of(self, messages: Sequence[str]) -> None:
        """Say each once, however many seeds there are."""
        for message in messages:
            if message not in self._warned:
                self._warned.add(message)
                self.reporter.warn(message)

    def estimate_cost(self, config: ExperimentConfig) -> CostEstimate:
        """Try a few steps of a run and say what all of it will cost; nothing is written."""
        if not self.force:
            check_memory(config)
        data = self.dataset(config)
        self.check_settings(config, data)
        self._start(config)
        from cnnlab.backend import own_randomness
        from cnnlab.training.cost_estimate import estimate_cost

        with own_randomness():
            return estimate_cost(config, data)

    def _start(self, config: ExperimentConfig) -> Backend:
        """Start the backend and say what the arithmetic runs on, and how."""
        from cnnlab.backend import start_backend

        backend = start_backend(config.runtime)
        self.reporter.note(str(backend))
        if backend.device == "cpu":
            from cnnlab.training.slow_precision import slow_precision

            if warning := slow_precision(config.runtime.precision):
                self.reporter.warn(warning)
        if config.gives_logits:
            self.reporter.note(f"{config.name}: the last layer has no softmax; training on logits")
        return backend

    def _is_missing(self, config: ExperimentConfig) -> bool:
        """Whether a run has to be trained, so far as one can tell without the data."""
        try:
            return self.fresh or not is_finished(run_path(config, self.out), config)
        except DamagedRun:  # it is not trained either
            return False

    def _finished(self, config: ExperimentConfig) -> Record:
        data = self.dataset(config)
        path = run_path(config, self.out)
        if record := self._reused(path, config, data):
            return record
        backend = self._start(config)
        from cnnlab.backend import own_randomness

        with own_randomness(), hold(path, self.out):
            if record := self._reused(path, config, data):  # another process has finished it meanwhile
                return record
            record = self._trained(path, config, data, backend)
        self.reporter.finished(record)
        return record

    def _reused(self, path: Path, config: ExperimentConfig, data: Dataset) -> Record | None:
        """The run of this config on this data, if it is finished and not to be trained again; reported.

        Raises:
            DamagedRun: it is finished, but its files are not those that it finished with.
        """
        if self.fresh or not is_finished(path, config) or trained_on(path) != data.provenance.digest:
            return None
        record = read_record(path)
        remove_checkpoints(path, self.out)
        if warning := reused_from_before(record):
            self._warn_of([warning])
        self.reporter.reused(record)
        return record

    def _trained(self, path: Path, config: ExperimentConfig, data: Dataset, backend: Backend) -> Record:
        """Train, or go on with, the run in a folder that is held."""
        from cnnlab.run_folders.environment import environment
        from cnnlab.training.train import train

        digest = data.provenance.digest
        if self.fresh:
            start_over(path, config)
        elif trained_on(path) not in (None, digest):
            self._make_way(path, config)
        with open_run(path, config, data=digest) as run:
            facts = environment(config, backend, dataset_facts(config, data))
            if warning := resume_under(run, facts):
                self.reporter.warn(f"{path}: {warning}")
            try:
                train(config, data, run, self.reporter, environment=facts)
            except Exception as error:
                self.reporter.check_interruption()  # then the run is interrupted, not failed
                if is_out_of_memory(error):
                    raise CnnlabError(out_of_memory(error)) from error
                raise
        return read_record(path)

    def _make_way(self, path: Path, config: ExperimentConfig) -> None:
        """Clear the folder of a run on other data; what it has come to, if it is finished, is kept aside."""
        other = f"{path}: this run was trained on different data of the same name"
        if is_finished(path, config):
            kept = keep_aside(path)
            self.reporter.warn(
                f"{other}; it is kept as {kept.name}, and training starts again; to use both, give the "
                "experiment another name"
            )
        else:
            self.reporter.warn(f"{other}; training it again")
            start_over(path, config)

    def _check_same_data(self, configs: Sequence[ExperimentConfig]) -> None:
        """Refuse configs that share a run but not its data: each would replace the run of the other.

        Raises:
            UserError: there are two such configs.
        """
        known: dict[Path, Dataset] = {}
        for config in configs:
            data = self.dataset(config)
            other = known.setdefault(run_path(config, self.out), data)
            if other.provenance.digest != data.provenance.digest:
                raise UserError(
                    f"{config.name}: expected one dataset for each experiment, found two of the same name: "
                    f"{other.provenance.origin} and {data.provenance.origin}\n"
                    "   give one of the experiments another name"
                )


def image_counts(data: Dataset) -> ImageCounts:
    """How many images train, in all and of each class, and how many validate."""
    import numpy as np

    by_class = np.bincount(data.train.labels, minlength=len(data.class_names))
    return ImageCounts(len(data.train), len(data.validation), tuple(by_class.tolist()))


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
    return DatasetFacts(name=config.dataset.name, title=config.dataset.full_title, **asdict(data.provenance))


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
    largest, node = max(zip(architecture.rows, config.nodes, strict=True), key=lambda pair: pair[0].params)
    slots = f", {optimizer.slots} for {optimizer.name}" if optimizer.slots else ""
    raise UserError(
        f"{config.place_of_width(node)}: the parameters do not fit in this machine's memory\n"
        f"   {architecture.trainable_params:,} parameters × 4 bytes × {copies} (weights, gradients{slots}) "
        f"= {needed / 2**30:,.1f} GiB; this machine has {memory / 2**30:,.1f} GiB\n"
        f"   {largest.name} holds {largest.params / architecture.total_params:.0%} of them: make its input "
        "or output smaller, or use --force to train anyway"
    )
