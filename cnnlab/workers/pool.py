"""Several runs at once: hands them out to worker processes, and collects what comes of them."""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.runs_at_once import WorkerCount
from cnnlab.errors import CnnlabError, OptionError
from cnnlab.run_folders.records import Record, read_record
from cnnlab.workers.capacity import may_have_gpu
from cnnlab.workers.messages import Done, Ended, Failed, Message, Ready, Setting, Start, Task, Told
from cnnlab.workers.process import WorkerDied, WorkerProcess

if TYPE_CHECKING:
    from cnnlab.reporting import Reporter

SECONDS_TO_STOP = 15.0
"""In which interrupted workers write down where they are; then they are killed, and checkpoints stay."""

_OF_A_RUN = ("started", "stepped", "epoch_ended")
"""Events that the reporter is told with the run's config first."""


@dataclass(frozen=True)
class Run:
    """A run to train, with so many threads."""

    config: ExperimentConfig
    threads: int

    @property
    def kind(self) -> tuple[str, str, int]:
        """Backend, device and threads, which a process cannot change."""
        return (self.config.runtime.backend, self.config.runtime.device, self.threads)


class Workers:
    """Worker processes, as a context: whatever ends the block ends them all; their runs can be resumed.

    Args:
        count: how many runs are trained at the same time, at most.
        asked_for: what the user wants: on a GPU, a number above 1 is refused, and "auto" is 1.
    """

    def __init__(
        self, setting: Setting, count: int, reporter: Reporter, *, asked_for: WorkerCount = 1
    ) -> None:
        self._setting = setting
        self._count = count
        self._reporter = reporter
        self._asked_for = asked_for
        self._workers: list[WorkerProcess] = []
        self._closed: list[WorkerProcess] = []
        self._inbox: SimpleQueue[tuple[WorkerProcess, Message]] = SimpleQueue()
        self._known: set[str] = set()
        """Backends whose device is known."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._workers:
            self._close(self._workers[0])
        deadline = time.monotonic() + SECONDS_TO_STOP
        try:
            for worker in self._closed:
                worker.wait(max(0.0, deadline - time.monotonic()))
        finally:  # where the user does not want to wait
            for worker in self._closed:
                worker.wait(0.0)

    def trained(self, runs: Sequence[Run]) -> Iterator[tuple[ExperimentConfig, Record | CnnlabError]]:
        """Train runs, and yield each with what came of it when it has ended.

        Those of one kind follow each other, as far as possible in processes that are there already.

        Raises:
            UserError: several workers were asked for, and there is a GPU, which computes one run at a time.
        """
        order = list(dict.fromkeys(run.kind for run in runs))
        waiting = deque(sorted(runs, key=lambda run: order.index(run.kind)))
        while True:
            while waiting and self._has_room(waiting[0]):
                self._begin(waiting.popleft())
            if not any(worker.task for worker in self._workers):
                return
            worker, message = self._inbox.get()
            task = worker.task
            if isinstance(message, Ended) and worker in self._workers:
                self._close(worker)
            if task and (outcome := self._outcome(worker, task, message)):
                worker.task = None
                yield task.config, outcome

    def _has_room(self, run: Run) -> bool:
        """Whether a run can be begun now. The first worker says what the device is, before others start."""
        if sum(worker.task is not None for worker in self._workers) >= self._count:
            return False
        runtime = run.config.runtime
        unknown = runtime.device != "cpu" and runtime.backend not in self._known and may_have_gpu()
        return not (unknown and any(not worker.is_ready for worker in self._workers))

    def _at_once(self, more: int = 0) -> int:
        """How many runs are trained at the same time, counting those that began before a GPU was found."""
        return max(self._count, more + sum(worker.task is not None for worker in self._workers))

    def _begin(self, run: Run) -> None:
        task = Task(run.config, self._at_once(1))
        idle = [worker for worker in self._workers if worker.task is None]
        start = Start(self._setting, run.config.runtime, run.threads)
        for worker in idle:
            if _kind(worker.start) == run.kind:
                worker.begin(task)
                return
        for worker in idle[:1]:
            self._close(worker)
        self._workers.append(WorkerProcess(start, task, self._inbox))

    def _outcome(self, worker: WorkerProcess, task: Task, message: Message) -> Record | CnnlabError | None:
        """What came of a worker's run, if that is what a message says; else what it says is done."""
        match message:
            case Told("python_warning", arguments):
                warnings.warn_explicit(*arguments)
                return None
            case Told(event, arguments, options):
                run = (task.config,) if event in _OF_A_RUN else ()
                getattr(self._reporter, event)(*run, *arguments, **options)
                return None
            case Ready(backend):
                worker.is_ready = True
                if backend.device == "gpu":
                    self._only_one_at_a_time()
                if worker.start.runtime.device != "cpu":
                    self._known.add(backend.name)
                worker.begin(Task(task.config, self._at_once()))
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
            case Failed(error):
                if not worker.is_ready:  # nor will it ever be
                    self._close(worker)
                return error
            case Ended():
                return WorkerDied(message)

    def _only_one_at_a_time(self) -> None:
        if self._asked_for != "auto" and self._count > 1:
            raise OptionError(
                "workers",
                "a GPU trains one run at a time, because several would share its memory and slow each other "
                "down; use --workers auto or --device cpu",
                value=self._asked_for,
            )
        if self._count > 1:
            self._reporter.note("a GPU trains one run at a time: in one worker process")
        self._count = 1
        self._reporter.side_by_side(1)

    def _close(self, worker: WorkerProcess) -> None:
        self._workers.remove(worker)
        self._closed.append(worker)
        worker.close()


def _kind(start: Start) -> tuple[str, str, int]:
    return (start.runtime.backend, start.runtime.device, start.threads)
