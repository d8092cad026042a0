"""A worker process: it trains what its parent sends, one run after the other, and reports to it.

It ends when its parent closes the pipe or is gone, even if that was killed; what it is training is then
interrupted, and can be resumed.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from cnnlab.errors import CnnlabError, CnnlabWarning, Pruned
from cnnlab.framework_errors import described
from cnnlab.interruption import Interrupted, Interruption
from cnnlab.reporting import Reporter
from cnnlab.starting import claim_process
from cnnlab.trainer import Trainer
from cnnlab.workers.messages import AfterEpoch, Done, Estimated, Event, Failed, Message, Ready, Start, Task
from cnnlab.workers.shipped import read_shipped

if TYPE_CHECKING:
    from cnnlab.config.experiment import ExperimentConfig
    from cnnlab.run_folders.records import EpochRow, Record

Inbox = SimpleQueue[Task | AfterEpoch | None]
"""What the parent sends; None at its end."""

SAVE_TIMEOUT = 20.0
"""Seconds to put the run in order; where a library computes for longer, the checkpoint has to do."""


class Parent:
    """The process that started this one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._writing = threading.Lock()

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            Interrupted: there is no parent any more.
        """
        content = pickle.dumps(message)  # before the lock: a destructor that runs meanwhile may warn
        try:
            with self._writing:
                self._stream.write(content)
                self._stream.flush()
        except OSError:
            raise Interrupted from None


class ParentReporter(Reporter):
    """Passes the events of a run on; the parent knows which run that is, and has loaded the data before."""

    def __init__(
        self, parent: Parent, interruption: Interruption, goes_on: Callable[[], bool] | None = None
    ) -> None:
        """`goes_on`: waits to hear whether a run goes on after an epoch; None: each does."""
        self._send = parent.send
        self._interruption = interruption
        self._goes_on = goes_on
        self.reused_run = False

    def check_interruption(self) -> None:
        self._interruption.check()

    def note(self, message: str) -> None:
        self.check_interruption()
        self._send(Event("note", (message,)))

    def warn(self, message: str) -> None:
        self._send(Event("warn", (message,)))

    def started(self, config: ExperimentConfig, *, done: int, resumed: bool) -> None:
        self._send(Event("started", options={"done": done, "resumed": resumed}))

    def stepped(
        self, config: ExperimentConfig, epoch: int, step: int, steps: int, *, loss: float, accuracy: float
    ) -> None:
        self.check_interruption()
        self._send(Event("stepped", (epoch, step, steps), {"loss": loss, "accuracy": accuracy}))

    def epoch_ended(self, config: ExperimentConfig, row: EpochRow) -> None:
        self._send(Event("epoch_ended", (dict(row),)))
        if self._goes_on and not self._goes_on():
            raise Pruned(int(row["epoch"] or 0))

    def reused(self, record: Record) -> None:
        self.reused_run = True


def main(tasks: BinaryIO, answers: BinaryIO) -> None:
    """Be a worker to the end of this process. `tasks`: what the parent writes, from its `Start` on."""
    claim_process()
    interruption = Interruption()
    interruption.handle_signals()
    start: Start = pickle.load(tasks)
    sys.argv = list(start.settings.command)
    inbox: Inbox = SimpleQueue()
    threading.Thread(target=_receive, args=(tasks, inbox), daemon=True).start()
    code = 0
    try:
        _work(start, inbox, Parent(answers), interruption)
    except KeyboardInterrupt:
        code = interruption.exit_code
    except BaseException:  # noqa: BLE001  # shown, or kept by the parent
        traceback.print_exc()
        code = 1
    os._exit(code)  # all is written; an orderly shutdown of the framework would only cost time


def _receive(tasks: BinaryIO, inbox: Inbox) -> None:
    """Take in what the parent sends; once it closes the pipe, or is gone, end this process."""
    try:
        while True:
            inbox.put(pickle.load(tasks))
    except (EOFError, OSError, pickle.UnpicklingError):
        inbox.put(None)
    main_thread = threading.main_thread().ident
    if main_thread is not None:
        signal.pthread_kill(main_thread, signal.SIGTERM)
    time.sleep(SAVE_TIMEOUT)
    os._exit(1)


def _work(start: Start, inbox: Inbox, parent: Parent, interruption: Interruption) -> None:
    settings = start.settings

    def goes_on() -> bool:
        answer = inbox.get()
        if not isinstance(answer, AfterEpoch):  # the parent is gone
            raise Interrupted
        return answer.goes_on

    reporter = ParentReporter(parent, interruption, goes_on if settings.may_prune else None)
    warnings.showwarning = _warning_handler(parent, reporter)
    shipped = None if settings.shipped is None else partial(read_shipped, settings.shipped)
    trainer = Trainer(settings.out, settings.data_paths, reporter, fresh=settings.fresh, shipped=shipped)

    def ready() -> Ready:
        from cnnlab.backend import start_backend
        from cnnlab.cpu_settings import use_threads

        use_threads(start.runtime.backend, start.threads)
        return Ready(start_backend(start.runtime))

    def done(task: Task) -> Done | Estimated:
        if task.estimate:
            return Estimated(trainer.estimate_cost(task.config))
        reporter.reused_run = False
        record = trainer.finished(task.config, side_by_side=task.side_by_side)
        return Done(record.path, reused=reporter.reused_run)

    parent.send(_outcome(ready, interruption))
    while isinstance(task := inbox.get(), Task):
        parent.send(_outcome(partial(done, task), interruption))


def _outcome(
    work: Callable[[], Ready | Done | Estimated], interruption: Interruption
) -> Ready | Done | Estimated | Failed:
    """What comes of something; a bug costs one run, and not the others."""
    try:
        return work()
    except CnnlabError as error:
        interruption.check()
        return Failed(error)
    except Exception as error:  # noqa: BLE001
        interruption.check()  # such as of an import torn in two
        traceback.print_exc()
        return Failed(
            CnnlabError(
                f"internal error in cnnlab: {described(error)}\n"
                "   this is a bug: please report it, with the traceback that CNNLAB_TRACEBACK=1 shows"
            )
        )


def _warning_handler(parent: Parent, reporter: Reporter) -> Any:
    """What takes the place of `warnings.showwarning`: the parent shows warnings, in its own way."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, CnnlabWarning):
            reporter.warn(str(message))
            return
        # A category that the parent knows, too: a library's own may not be importable there.
        known = next(each for each in category.__mro__ if each.__module__ == "builtins")
        parent.send(Event("python_warning", (str(message), known, filename, lineno)))

    return show
