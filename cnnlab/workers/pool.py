"""Several runs at once: hands them out to worker processes, and collects what comes of them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.runs_at_once import RunsAtOnce
from cnnlab.errors import CnnlabError, OptionError, Pruned
from cnnlab.run_folders.records import Record, read_record
from cnnlab.workers.capacity import may_have_gpu
from cnnlab.workers.messages import (
    Done,
    Ended,
    Estimated,
    Event,
    Failed,
    Message,
    Ready,
    SharedSettings,
    Start,
    Task,
)  # fmt: skip
from cnnlab.workers.process import WorkerDied, WorkerProcess

if TYPE_CHECKING:
    from cnnlab.reporting import Reporter
    from cnnlab.training.costs import CostEstimate

STOP_TIMEOUT = 15.0
"""Seconds in which interrupted workers save their state; then they are killed, and checkpoints stay."""

_OF_A_RUN = ("started", "stepped", "epoch_ended")
"""Events whose first argument for the reporter is the config of the run."""


@dataclass(frozen=True)
class Run:
    """A run to train, with so many threads. `estimate`: only to say what it will cost."""

    config: ExperimentConfig
    threads: int
    estimate: bool = False

    @property
    def kind(self) -> tuple[str, str, int]:
        """Backend, device and threads, which a process cannot change."""
        return (self.config.runtime.backend, self.config.runtime.device, self.threads)


class Workers:
    """Worker processes, as a context: whatever ends the block ends them all; their runs can be resumed.

    Args:
        count: how many runs are trained at the same time, at most.
        requested: what the user wants: on a GPU, a number above 1 is refused, and "auto" is 1.
    """

    def __init__(
        self, settings: SharedSettings, count: int, reporter: Reporter, *, requested: RunsAtOnce = 1
    ) -> None:
        self._settings = settings
        self._count = count
        self._reporter = reporter
        self._requested = requested
        self._workers: list[WorkerProcess] = []
        self._closed: list[WorkerProcess] = []
        self._inbox: SimpleQueue[tuple[WorkerProcess, Message]] = SimpleQueue()
        self._known_backends: set[str] = set()
        """Those whose device is known."""
        self._announce: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._workers:
            self._close(self._workers[0])
        deadline = time.monotonic() + STOP_TIMEOUT
        try:
            for worker in self._closed:
                worker.wait(max(0.0, deadline - time.monotonic()))
        finally:  # where the user does not want to wait
            for worker in self._closed:
                worker.wait(0.0)

    def trained(
        self, runs: Sequence[Run], *, announce: Callable[[], None] | None = None
    ) -> Iterator[tuple[ExperimentConfig, Record | CnnlabError]]:
        """Train runs, and yield each with what came of it when it has ended.

        Those of one kind follow each other, as far as possible in processes that are there already.

        Args:
            announce: called as soon as it is certain that the runs are trained at the same time, which on a
                GPU they are not.

        Raises:
            UserError: several workers were asked for, and there is a GPU, which computes one run at a time.
        """
        order = list(dict.fromkeys(run.kind for run in runs))
        waiting = iter(sorted(runs, key=lambda run: order.index(run.kind)))
        return self.fed(lambda: next(waiting, None), announce=announce)

    def fed(
        self, next_run: Callable[[], Run | None], *, announce: Callable[[], None] | None = None
    ) -> Iterator[tuple[ExperimentConfig, Record | CnnlabError]]:
        """Train runs that come one by one, and yield each with what came of it when it has ended.

        Args:
            next_run: is called where there is room for another run, and returns it; or None, where there is
                none until one that is being trained has ended.
            announce: see `trained`.

        Raises:
            UserError: see `trained`.
        """
        self._announce = announce
        return self._outcomes(next_run)

    def estimated(self, run: Run) -> CostEstimate:
        """Try a few steps of a run, to say what all of it will cost.

        Raises:
            CnnlabError: it cannot be trained here.
        """
        waiting = iter([replace(run, estimate=True)])
        ((_, outcome),) = self._outcomes(lambda: next(waiting, None))
        if isinstance(outcome, CnnlabError):
            raise outcome
        estimate: CostEstimate = outcome
        return estimate

    def _outcomes(self, next_run: Callable[[], Run | None]) -> Iterator[tuple[ExperimentConfig, Any]]:
        """Each run with its record, its estimate if it asks for that, or an error, once it has ended."""
        waiting: Run | None = None
        while True:
            while self._at_work() < self._count:
                waiting = waiting or next_run()
                if waiting is None or self._waits_for_device(waiting):
                    break
                if not self._may_have_gpu(waiting):
                    self._several_at_a_time()
                self._begin(waiting)
                waiting = None
            if not self._at_work():
                return
            worker, message = self._inbox.get()
            task = worker.task
            if isinstance(message, Ended) and worker in self._workers:
                self._close(worker)
            if task and (outcome := self._outcome(worker, task, message)):
                worker.task = None
                yield task.config, outcome

    def _at_work(self) -> int:
        """How many workers have a run."""
        return sum(worker.task is not None for worker in self._workers)

    def _waits_for_device(self, run: Run) -> bool:
        """Whether a run cannot be begun yet: the first worker says what the device is before others start."""
        return self._may_have_gpu(run) and any(not worker.is_ready for worker in self._workers)

    def _may_have_gpu(self, run: Run) -> bool:
        """Whether it might be trained on a GPU, as long as no worker has said what its backend found."""
        runtime = run.config.runtime
        return runtime.may_use_gpu and runtime.backend not in self._known_backends and may_have_gpu()

    def _at_once(self, more: int = 0) -> int:
        """How many runs are trained at the same time, counting those that began before a GPU was found."""
        return max(self._count, more + self._at_work())

    def _begin(self, run: Run) -> None:
        task = Task(run.config, self._at_once(1), run.estimate)
        idle = [worker for worker in self._workers if worker.task is None]
        start = Start(self._settings, run.config.runtime, run.threads)
        for worker in idle:
            if _kind(worker.start) == run.kind:
                worker.begin(task)
                return
        for worker in idle[:1]:
            self._close(worker)
        self._workers.append(WorkerProcess(start, task, self._inbox))

    def _outcome(
        self, worker: WorkerProcess, task: Task, message: Message
    ) -> Record | CostEstimate | CnnlabError | None:
        """What came of a worker's run, if that is what a message says; else what it says is done."""
        match message:
            case Event(name):
                goes_on = tell(self._reporter, message, task.config)
                if name == "epoch_ended" and self._settings.may_prune:
                    worker.answer(goes_on=goes_on)
                return None
            case Ready(backend):
                worker.is_ready = True
                if backend.device == "gpu":
                    self._only_one_at_a_time()
                else:
                    self._several_at_a_time()
                if worker.start.runtime.may_use_gpu:
                    self._known_backends.add(backend.name)
                worker.begin(replace(task, side_by_side=self._at_once()))
                return None
            case Done(path, reused):
                try:
                    record = read_record(path)
                except CnnlabError as error:
                    return error
                if reused:
                    self._reporter.reused(record)
                else:
                    self._reporter.finished(task.config, record)
                return record
            case Estimated(estimate):
                return estimate
            case Failed(error):
                if not worker.is_ready:  # nor will it ever be
                    self._close(worker)
                return error
            case Ended():
                return WorkerDied(message)

    def _several_at_a_time(self) -> None:
        if self._announce:
            self._announce()
        self._announce = None

    def _only_one_at_a_time(self) -> None:
        self._announce = None
        if self._requested != "auto" and self._count > 1:
            raise OptionError(
                "workers",
                "a GPU trains one run at a time, because several would share its memory and slow each other "
                "down; use --workers auto or --device cpu",
                value=self._requested,
            )
        if self._count > 1:
            self._reporter.note("a GPU trains one run at a time: in one worker process")
        self._count = 1
        self._reporter.side_by_side(1)

    def _close(self, worker: WorkerProcess) -> None:
        self._workers.remove(worker)
        self._closed.append(worker)
        worker.close()


def tell(reporter: Reporter, event: Event, config: ExperimentConfig) -> bool:
    """Pass on what happened to a run; returns whether it is to go on."""
    if event.name == "python_warning":
        warnings.warn_explicit(*event.arguments)
        return True
    run = (config,) if event.name in _OF_A_RUN else ()
    try:
        getattr(reporter, event.name)(*run, *event.arguments, **event.options)
    except Pruned:
        return False
    return True


def _kind(start: Start) -> tuple[str, str, int]:
    return (start.runtime.backend, start.runtime.device, start.threads)
