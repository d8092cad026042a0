"""A list of (config, seed) → finished runs: the one seam behind which they are trained or found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cnnlab.config.effects import ImageCounts
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.runs_at_once import RunsAtOnce
from cnnlab.datasets import DataPaths
from cnnlab.errors import CnnlabError, Pruned, UserError
from cnnlab.processor import usable_cpus
from cnnlab.run_folders.arithmetic import threads_begun_with
from cnnlab.run_folders.identity import is_finished, run_path
from cnnlab.run_folders.integrity import DamagedRun
from cnnlab.run_folders.records import Record
from cnnlab.run_folders.run_writer import trained_on
from cnnlab.run_outcomes import Identity, Outcomes, identity_of
from cnnlab.seed_groups import SeedGroup, SeedGroups
from cnnlab.trainer import Trainer
from cnnlab.wording import counted
from cnnlab.workers.capacity import (
    automatic_workers,
    available_cpus,
    available_memory,
    check_memory,
    process_bytes,
)  # fmt: skip

if TYPE_CHECKING:
    from cnnlab.cluster.address import Address
    from cnnlab.cluster.costs import DeviceCost
    from cnnlab.cluster.pool import ClusterWorkers
    from cnnlab.datasets.content import Dataset
    from cnnlab.reporting import Reporter
    from cnnlab.training.costs import CostEstimate
    from cnnlab.workers.pool import Run, Workers


class RunSource(Protocol):
    """Says which run comes next when there is room for one: what has come of earlier ones may decide."""

    def next(self) -> ExperimentConfig | None:
        """The next run; None where there is none until one that is being trained has ended."""

    def ended(self, config: ExperimentConfig, outcome: Record | CnnlabError) -> None:
        """What has come of a run: `Pruned`, too, where the reporter has said so after an epoch."""


@dataclass
class Jobs:
    """Finds finished runs and trains the missing ones: one after the other, or several at once in processes.

    Args:
        out: the folder of all runs.
        fresh: train again what is finished, and start over what was interrupted.
        force: train even where the parameters cannot fit in memory.
        workers: how many runs to train at the same time; "auto": as many as CPUs and memory allow.
        threads: of the CPU, for each run; None: for one run at a time as the backend does by itself, for
            several their share of the CPUs, whatever is finished already. A run that is resumed keeps those
            that it was begun with.
        together: how many seeds of an experiment to train as one program, on JAX; "auto": on a GPU as many
            as its memory has room for, elsewhere 1. Seeds that are resumed stay together as they were begun,
            unless this number is smaller, the GPU has no room for them, or this process has another number of
            threads than they have on the CPU.
        on: a cluster whose machines train the runs; None: this machine does.
    """

    out: Path
    data_paths: DataPaths
    reporter: Reporter
    fresh: bool = False
    force: bool = False
    workers: RunsAtOnce = 1
    threads: int | None = None
    together: RunsAtOnce = "auto"
    on: Address | None = None
    _trainer: Trainer = field(init=False)
    _seed_groups: SeedGroups = field(init=False)

    def __post_init__(self) -> None:
        self._trainer = Trainer(self.out, self.data_paths, self.reporter, fresh=self.fresh)
        self._seed_groups = SeedGroups(self._trainer, self.together)

    def finished(
        self, configs: Sequence[ExperimentConfig], *, runs_at_first: int | None = None
    ) -> list[Record]:
        """The runs of all configs, in order.

        Args:
            runs_at_first: how many a command that asks for more later began with. The later ones have the
                threads of the first, so that all are of one arithmetic.

        Raises:
            UserError: a config cannot be trained here at all; nothing has been trained then.
            RunsFailed: a run failed; the others are trained all the same.
        """
        for config in configs:
            self.check(config, together=self._seed_groups.most_on_cpu(config, configs))
        self._check_same_data(configs)
        share = self.share_of_cpus(runs_at_first or len({identity_of(each) for each in configs}))
        missing = {identity_of(each): each for each in configs if self._is_missing(each)}
        waiting = list(missing.values())
        workers = self._worker_count(waiting)
        runtimes = self.check_one_runtime(missing.values())
        outcomes = Outcomes(self.reporter, one_runtime=len({each.runtime for each in configs}) == 1)
        if self.on is not None:
            self._finish_in_workers(configs, workers, share, outcomes)
            return outcomes.records(configs)
        if self.workers == "auto" and len(runtimes) == 1 and self._seed_groups.are_for_gpu(waiting):
            workers = 1  # in this process: a GPU gains from one program, not from several processes
        if workers == len(runtimes) == 1 or not missing:
            groups = self._seed_groups.of(waiting, threads=partial(self._threads, share=None))
            group_of = {identity_of(config): group for group in groups for config in group.missing}
            elsewhere = []
            for config in configs:
                group = group_of.get(identity_of(config))
                if group in groups:
                    groups.remove(group)
                    self._finish_together(group, outcomes)
                elif group is None and not self._finish_here(config, share, outcomes):
                    elsewhere.append(config)
            if elsewhere:
                self._train_in_workers(elsewhere, 1, share, outcomes)
        else:
            if len(runtimes) > 1 and self._seed_groups.may_be_for_gpu(waiting):
                self.reporter.note(
                    "one seed at a time: on a GPU, several seeds in one program need one backend and device "
                    "per command"
                )
            self._finish_in_workers(configs, workers, share, outcomes)
        return outcomes.records(configs)

    def check_one_runtime(self, configs: Iterable[ExperimentConfig]) -> set[str]:
        """Refuse several backends or devices where one process is to train all runs; returns them in words.

        Raises:
            UserError: there are several.
        """
        runtimes = {f"{each.runtime.backend} on {each.runtime.device}" for each in configs}
        if len(runtimes) > 1 and self.workers == 1 and self.on is None:
            raise UserError(
                f"expected one backend and device per command, found {', '.join(sorted(runtimes))}; "
                "train each in a separate command, then compare, or use --workers auto"
            )
        return runtimes

    def feed(self, source: RunSource, *, most: int) -> None:
        """Find or train runs that are asked for one by one, each with one seed at a time.

        Args:
            most: how many there will be, at most; share and number of workers follow from it.

        Raises:
            UserError: the first that was to be trained cannot be trained here, and so none can.
        """
        share = self.share_of_cpus(most)
        none_yet = True

        def end(config: ExperimentConfig, outcome: Record | CnnlabError) -> None:
            nonlocal none_yet
            if none_yet and isinstance(outcome, UserError) and not isinstance(outcome, DamagedRun):
                raise outcome
            none_yet = False
            if isinstance(outcome, Pruned):
                self.reporter.pruned(config, outcome)
            elif isinstance(outcome, CnnlabError):
                self.reporter.failed(config, outcome)
            source.ended(config, outcome)

        def next_missing() -> ExperimentConfig | None:
            while (config := source.next()) is not None:
                try:
                    self.check(config)
                    record = self._trainer.reused(config)
                except CnnlabError as error:
                    self.reporter.failed(config, error)
                    source.ended(config, error)
                    continue
                if record is None:
                    return config
                source.ended(config, record)
            return None

        config = next_missing()
        if config is None:
            return
        if self.on is not None or self._worker_count([config] * most) > 1:
            self._feed_workers(config, next_missing, end, most=most, share=share)
            return
        while config is not None:
            end(config, self._trained(config, share))
            config = next_missing()

    def _feed_workers(
        self,
        first: ExperimentConfig,
        next_missing: Callable[[], ExperimentConfig | None],
        end: Callable[[ExperimentConfig, Record | CnnlabError], None],
        *,
        most: int,
        share: int | None,
    ) -> None:
        from cnnlab.workers.pool import Run

        kept = [first]

        def next_run() -> Run | None:
            config = kept.pop() if kept else next_missing()
            if config is None:
                return None
            return Run(config, self._threads(config, share) or usable_cpus())

        workers = self._worker_count([first] * most)
        announce = partial(self._announce, [Run(first, self._threads(first, share) or 1)], workers, most)
        with self._pool(workers, may_prune=True) as pool:
            for config, outcome in pool.fed(next_run, announce=announce):
                end(config, outcome)

    def _trained(self, config: ExperimentConfig, share: int | None) -> Record | CnnlabError:
        """What comes of a run that is trained in this process, or where that has other threads in another."""
        threads = self._threads(config, share)
        if threads is None or self._trains_here(config, threads):
            try:
                return self._trainer.finished(config)
            except CnnlabError as error:
                return error
        from cnnlab.workers.pool import Run

        with self._pool(1, may_prune=True) as pool:
            ((_, outcome),) = pool.trained([Run(config, threads)])
        return outcome

    def check(self, config: ExperimentConfig, *, together: int = 1) -> None:
        """Refuse a run that no training comes through; warn of what is idle in it.

        Args:
            together: how many seeds of it may be trained as one program.

        Raises:
            UserError: it cannot be trained here.
        """
        self._seed_groups.check(config, self.threads)
        if not self.force and self.on is None:  # other machines have other memories
            check_memory(config, together=together)
        self._trainer.warn_of(config.idle())
        self.check_settings(config, self.dataset(config))

    def _finish_here(self, config: ExperimentConfig, share: int | None, outcomes: Outcomes) -> bool:
        """Find or train a run in this process; False where it is to have other threads than this process has.

        The threads of this process stay what they are: they are those of all that follows.
        """
        here = self._trains_here(config, self._threads(config, share))
        try:
            record = (self._trainer.finished if here else self._trainer.reused)(config)
        except CnnlabError as error:
            outcomes.failed(config, error)
            return True
        if record:
            outcomes.finished(config, record)
        return record is not None

    def _finish_together(self, group: SeedGroup, outcomes: Outcomes) -> None:
        """Train seeds of an experiment as one program, in this process."""
        self._say_whose_threads(group.missing[0])
        try:
            self._seed_groups.train(group, outcomes.ended)
        except CnnlabError as error:
            for each in group.missing:
                if not outcomes.known(each):
                    outcomes.failed(each, error)

    def _finish_in_workers(
        self, configs: Sequence[ExperimentConfig], workers: int, share: int | None, outcomes: Outcomes
    ) -> None:
        """Find runs, and train the missing ones at the same time, without a backend in this process."""
        missing: dict[Identity, ExperimentConfig] = {}
        for config in configs:
            try:
                if record := self._trainer.reused(config):
                    outcomes.finished(config, record)
                else:
                    missing.setdefault(identity_of(config), config)
            except CnnlabError as error:
                outcomes.failed(config, error)
        if missing:
            self._train_in_workers(list(missing.values()), workers, share, outcomes)

    def _train_in_workers(
        self, configs: Sequence[ExperimentConfig], workers: int, share: int | None, outcomes: Outcomes
    ) -> None:
        from cnnlab.workers.pool import Run

        runs = [Run(config, self._threads(config, share) or usable_cpus()) for config in configs]
        announce = partial(self._announce, runs, workers) if workers > 1 else None
        with self._pool(workers) as pool:
            for config, outcome in pool.trained(runs, announce=announce):
                outcomes.ended(config, outcome)

    def _pool(self, workers: int, *, may_prune: bool = False) -> Workers | ClusterWorkers:
        from cnnlab.workers.messages import SharedSettings

        settings = SharedSettings(self.out, self.data_paths, self.fresh, tuple(sys.argv), may_prune)
        if self.on is not None:
            from cnnlab.cluster.pool import ClusterWorkers

            return ClusterWorkers(self.on, settings, self._trainer, self.reporter, self.workers)
        from cnnlab.workers.pool import Workers

        return Workers(settings, workers, self.reporter, requested=self.workers)

    def _announce(self, runs: Sequence[Run], workers: int, most: int | None = None) -> None:
        """Say how runs are trained. `most`: so many may come, where these are only the first of them."""
        self.reporter.side_by_side(workers)
        each = max(process_bytes(run.config, _image_bytes(self.dataset(run.config))) for run in runs)
        if workers * each > (available := available_memory()):
            self.reporter.warn(
                f"{workers:,} worker processes need about {workers * each / 2**30:,.1f} GiB of memory, and "
                f"{available / 2**30:,.1f} GiB are available; --workers auto starts as many as fit"
            )
        numbers = sorted({run.threads for run in runs})
        threads = " or ".join(f"{number:,}" for number in numbers)
        self.reporter.note(
            f"{counted(most or len(runs), 'run')} in {workers:,} worker processes, {threads} "
            f"{'thread' if numbers == [1] else 'threads'} each"
        )

    def _worker_count(self, missing: Sequence[ExperimentConfig]) -> int:
        """How many runs are trained at the same time; a cluster says so itself."""
        if self.on is not None:
            return 1
        if self.workers != "auto":
            return max(1, min(self.workers, len(missing)))
        return automatic_workers([(config, _image_bytes(self.dataset(config))) for config in missing])

    def share_of_cpus(self, runs: int) -> int | None:
        """The threads of each of `runs` runs, where several are trained at the same time; otherwise None.

        It counts the runs of a command, not those that are missing or that fit into the memory: repeated, the
        command trains a run with the same bits. A number of workers counts even where fewer are needed: runs
        that are added later then have the bits of the first. On a cluster it is one thread, however many
        machines there are just now.
        """
        if self.on is not None:
            return 1
        workers = min(available_cpus(), runs) if self.workers == "auto" else self.workers
        return max(1, available_cpus() // workers) if workers > 1 else None

    def _threads(self, config: ExperimentConfig, share: int | None) -> int | None:
        """With how many threads a run is trained: the user's option, else the number it was begun with.

        Otherwise its share of the CPUs. None: as many as the backend takes by itself.
        """
        if self.threads is not None:
            return self.threads
        if not self.fresh and (threads := threads_begun_with(run_path(config, self.out))):
            return threads
        return share

    def _trains_here(self, config: ExperimentConfig, threads: int | None) -> bool:
        """Whether this process trains a run that is to have so many threads, or one of its own has to."""
        from cnnlab.backend import computes_on_gpu
        from cnnlab.cpu_settings import usual_threads

        runtime = config.runtime
        if threads is None or threads == usual_threads(runtime.backend):
            return True
        if runtime.backend == "jax" and runtime.device != "cpu" and computes_on_gpu("jax"):
            self._say_whose_threads(config)
            return True  # another process would find no memory there
        return False

    def _say_whose_threads(self, config: ExperimentConfig) -> None:
        """Say where the user's number of threads makes no difference, as on a GPU in this process."""
        from cnnlab.cpu_settings import usual_threads

        usual = usual_threads(config.runtime.backend)
        if self.threads not in (None, usual):
            self.reporter.note(
                f"--threads {self.threads} has no effect: the GPU is used from this process, which has "
                f"{counted(usual, 'CPU thread')}"
            )

    def dataset(self, config: ExperimentConfig) -> Dataset:
        """The data of an experiment, loaded once.

        Raises:
            UserError: the config has none, or a file of it is broken.
        """
        return self._trainer.dataset(config)

    def check_settings(self, config: ExperimentConfig, data: Dataset) -> None:
        """Refuse, or warn of, what the number of images makes pointless.

        Raises:
            UserError: no training would come through; all such settings are in the message.
        """
        counts = image_counts(data)
        if problems := config.impossible(counts):
            raise UserError("\n".join(problems))
        self._trainer.warn_of(config.idle(counts))

    @contextmanager
    def cost_estimates(self, runs: int = 1) -> Iterator[Callable[[ExperimentConfig], CostEstimate]]:
        """A function that tries a few steps of a run and says what all of it will cost; nothing is written.

        It computes with the threads that the run will be trained with: in this process where that has as
        many, otherwise in another one, which stays to the end of the block.

        Args:
            runs: how many are going to be trained.
        """
        share = self.share_of_cpus(runs)
        with ExitStack() as stack:
            pool: Workers | ClusterWorkers | None = None

            def estimate_cost(config: ExperimentConfig) -> CostEstimate:
                nonlocal pool
                if not self.force and self.on is None:
                    check_memory(config)
                self.check_settings(config, self.dataset(config))
                threads = self._threads(config, share)
                if threads is None or (self.on is None and self._trains_here(config, threads)):
                    return self._trainer.estimate_cost(config)
                from cnnlab.workers.pool import Run

                if pool is None:
                    pool = self._pool(1)
                    stack.enter_context(pool)
                return pool.estimated(Run(config, threads))

            yield estimate_cost

    def device_costs(self, configs: Sequence[ExperimentConfig]) -> list[list[DeviceCost]]:
        """What each run will cost on each kind of machine that the cluster has; nothing is written.

        Raises:
            CnnlabError: the cluster cannot be reached, or cannot train a run.
        """
        from cnnlab.cluster.pool import ClusterWorkers
        from cnnlab.workers.pool import Run

        for config in configs:
            self.check_settings(config, self.dataset(config))
        pool = self._pool(1)
        if not isinstance(pool, ClusterWorkers):
            raise ValueError("device_costs is about clusters")
        with pool:
            return [pool.costs(Run(config, self._threads(config, 1) or 1)) for config in configs]

    def _is_missing(self, config: ExperimentConfig) -> bool:
        """Whether a run has to be trained."""
        path = run_path(config, self.out)
        try:
            return (
                self.fresh
                or not is_finished(path, config)
                or trained_on(path) != self.dataset(config).provenance.digest
            )
        except DamagedRun:  # it is not trained either
            return False

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


def _image_bytes(data: Dataset) -> int:
    return sum(split.images.nbytes for split in (data.train, data.validation, data.test))
