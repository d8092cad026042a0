"""What the user sees while runs are trained: a live bar on a terminal, a line per epoch elsewhere."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import click
from rich.console import Console, RenderableType
from rich.constrain import Constrain
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from cnnlab.commands.interruption import Interruption, noticed_interruption
from cnnlab.commands.output import tell
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError
from cnnlab.foreign_text import one_line, printable
from cnnlab.reporting import Reporter
from cnnlab.run_folders.records import EpochRow, Record
from cnnlab.wording import counted

_WIDE = 60
"""Columns from which on a bar has room for the loss, too."""


class SilentReporter(Reporter):
    """Says nothing but warnings and errors, on stderr. The others build on it."""

    def __init__(self, interruption: Interruption | None = None) -> None:
        self._said: set[str] = set()
        self._interruption = interruption or Interruption()

    def warn(self, message: str) -> None:
        self.say_once(message)

    def check_interruption(self) -> None:
        self._interruption.check()

    def note(self, message: str) -> None:
        self.check_interruption()

    def say_once(self, message: str) -> None:
        """Print a message unless it was printed before, such as the device, the same for all seeds."""
        if message not in self._said:
            self._said.add(message)
            self.say(message)

    def say(self, message: str) -> None:
        """Print one message."""
        tell(message)

    def stepped(self, epoch: int, step: int, steps: int, *, loss: float, accuracy: float) -> None:
        self.check_interruption()

    def failed(self, config: ExperimentConfig, error: CnnlabError) -> None:
        self.say(f"{config.name}, seed {config.seed}: {error}")


class LineReporter(SilentReporter):
    """One line per epoch: for log files, notebooks and pipes."""

    def note(self, message: str) -> None:
        super().note(message)
        self.say_once(message)

    def started(self, config: ExperimentConfig, *, done: int, resumed: bool) -> None:
        gone_on = f", resuming after epoch {done}" if resumed else ""
        self.say(f"{config.name}, seed {config.seed}: {counted(config.training.epochs, 'epoch')}{gone_on}")

    def epoch_ended(self, row: EpochRow, *, epochs: int) -> None:
        self.say(epoch_line(row, epochs=epochs))

    def reused(self, record: Record) -> None:
        self.say(f"{record.name}, seed {record.seed}: already finished, {outcome(record)} ({record.path})")

    def finished(self, record: Record) -> None:
        self.say(f"{record.name}, seed {record.seed}: {outcome(record)} ({record.path})")


class _Line(Progress):
    """Rich's progress bars, with room for the ^C that a terminal writes behind them.

    On a full line it would begin a new one, and the bar above would never be erased.
    """

    def get_renderables(self) -> Iterable[RenderableType]:
        if self.tasks:
            yield Constrain(self.make_tasks_table(self.tasks), self.console.width - len("^C") - 1)


class BarReporter(LineReporter):
    """One live bar over all steps of a run, with loss and accuracy; finished epochs stay above it."""

    def __init__(self, interruption: Interruption | None = None) -> None:
        super().__init__(interruption)
        self._progress = _Line(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None
        self._epochs = 0

    @contextmanager
    def live(self) -> Iterator[None]:
        try:
            with self._progress:
                yield
        except KeyboardInterrupt:
            # Click would write an empty line, to end the one with the ^C; that one is erased already.
            raise click.Abort from None
        finally:
            self._progress.console.show_cursor(True)  # a second Ctrl-C may have kept it from coming back

    def say(self, message: str) -> None:
        console = self._progress.console
        with suppress(OSError):  # what is printed on a terminal that was closed is lost, but the run is not
            console.print(
                wrapped(printable(message), console.width),
                markup=False, emoji=False, highlight=False, soft_wrap=True,
            )  # fmt: skip

    def downloading(self, name: str, done: int, total: int | None) -> None:
        if self._task is None:
            what = name if name.startswith(("reading ", "decoding ")) else f"downloading {name}"
            self._task = self._progress.add_task(one_line(what), total=total, numbers="")
        mebibytes = f"{done / 2**20:.1f} MiB"
        self._progress.update(self._task, completed=done, total=total, numbers=mebibytes)
        if total is not None and done >= total:
            self._end_task()

    def started(self, config: ExperimentConfig, *, done: int, resumed: bool) -> None:
        super().started(config, done=done, resumed=resumed)
        self._epochs = config.training.epochs
        self._end_task()
        self._task = self._progress.add_task("", total=None, numbers="")

    def stepped(self, epoch: int, step: int, steps: int, *, loss: float, accuracy: float) -> None:
        super().stepped(epoch, step, steps, loss=loss, accuracy=accuracy)
        if self._task is not None:
            numbers = f"accuracy {accuracy:.2%}"
            if self._progress.console.width >= _WIDE:
                numbers = f"loss {loss:.4f}  {numbers}"
            self._progress.update(
                self._task,
                description=f"epoch {epoch}/{self._epochs}",
                completed=(epoch - 1) * steps + step,
                total=self._epochs * steps,
                numbers=numbers,
            )

    def epoch_ended(self, row: EpochRow, *, epochs: int) -> None:
        line = epoch_line(row, epochs=epochs)
        fits = len(line) <= self._progress.console.width
        self.say(line if fits else line.replace("accuracy", "acc"))  # then it fits into 80 columns

    def finished(self, record: Record) -> None:
        self._end_task()
        super().finished(record)

    def failed(self, config: ExperimentConfig, error: CnnlabError) -> None:
        self._end_task()
        super().failed(config, error)

    def _end_task(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None


@contextmanager
def reporting(*, quiet: bool) -> Iterator[SilentReporter]:
    """The reporter that suits where stderr goes."""
    with noticed_interruption() as interruption:
        if quiet:
            yield SilentReporter(interruption)
        elif sys.stderr.isatty():
            bar = BarReporter(interruption)
            with bar.live():
                yield bar
        else:
            yield LineReporter(interruption)


def wrapped(message: str, width: int) -> str:
    """Lines broken between words, where they are too long; a path stays whole, so that it can be copied."""
    return "\n".join(
        part
        for line in message.splitlines()
        for part in textwrap.wrap(
            line, width, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
        )
        or [""]
    )


def epoch_line(row: EpochRow, *, epochs: int) -> str:
    """epoch  3/20  loss 0.1234  accuracy 96.20%  val_loss 0.1500  val_accuracy 95.50%  0.4 s"""
    epoch = f"{row['epoch']:>{len(str(epochs))}}/{epochs}"
    line = f"epoch {epoch}  loss {row['loss']:.4f}  accuracy {row['accuracy']:.2%}"
    if row["val_loss"] is not None:
        line += f"  val_loss {row['val_loss']:.4f}  val_accuracy {row['val_accuracy']:.2%}"
    return f"{line}  {row['seconds']:.1f} s"


def outcome(record: Record) -> str:
    """test accuracy 98.01%"""
    return f"test accuracy {record.result.test_accuracy:.2%}"
