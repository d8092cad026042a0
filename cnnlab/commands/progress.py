"""What the user sees while runs are trained: a live bar on a terminal, a line per epoch elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError
from cnnlab.runs.records import EpochRow, Record


class Quiet:
    """Says nothing but warnings and errors, on stderr. The others build on it."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def warn(self, message: str) -> None:
        self.say_once(message)

    def note(self, message: str) -> None:
        pass

    def say_once(self, message: str) -> None:
        """Print a message unless it was printed before, such as the device, the same for all seeds."""
        if message not in self._said:
            self._said.add(message)
            self.say(message)

    def say(self, message: str) -> None:
        """Print one message."""
        click.echo(message, err=True)

    def downloading(self, name: str, done: int, total: int | None) -> None:
        pass

    def started(self, config: ExperimentConfig, *, done: int, resumed: bool) -> None:
        pass

    def stepped(self, epoch: int, step: int, steps: int, *, loss: float, accuracy: float) -> None:
        pass

    def epoch_ended(self, row: EpochRow, *, epochs: int) -> None:
        pass

    def reused(self, record: Record) -> None:
        pass

    def finished(self, record: Record) -> None:
        pass

    def failed(self, config: ExperimentConfig, error: CnnlabError) -> None:
        self.say(f"{config.name}, seed {config.seed}: {error}")


class Lines(Quiet):
    """One line per epoch: for log files, notebooks and pipes."""

    def note(self, message: str) -> None:
        self.say_once(message)

    def started(self, config: ExperimentConfig, *, done: int, resumed: bool) -> None:
        gone_on = f", going on after epoch {done}" if resumed else ""
        self.say(f"{config.name}, seed {config.seed}: {config.training.epochs} epochs{gone_on}")

    def epoch_ended(self, row: EpochRow, *, epochs: int) -> None:
        self.say(epoch_line(row, epochs=epochs))

    def reused(self, record: Record) -> None:
        self.say(f"{record.name}, seed {record.seed}: finished already, {outcome(record)} ({record.path})")

    def finished(self, record: Record) -> None:
        self.say(f"{record.name}, seed {record.seed}: {outcome(record)} ({record.path})")


class Bar(Lines):
    """One live bar over all steps of a run, with loss and accuracy; finished epochs stay above it."""

    def __init__(self) -> None:
        super().__init__()
        self._progress = Progress(
            TextColumn("{task.description}"),
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
        with self._progress:
            yield

    def say(self, message: str) -> None:
        self._progress.console.print(message, markup=False, highlight=False, soft_wrap=True)

    def downloading(self, name: str, done: int, total: int | None) -> None:
        if self._task is None:
            what = name if name.startswith("decoding ") else f"downloading {name}"
            self._task = self._progress.add_task(what, total=total, numbers="")
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
        if self._task is not None:
            self._progress.update(
                self._task,
                description=f"epoch {epoch}/{self._epochs}",
                completed=(epoch - 1) * steps + step,
                total=self._epochs * steps,
                numbers=f"loss {loss:.4f}  accuracy {accuracy:.2%}",
            )

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
def watch(*, quiet: bool) -> Iterator[Quiet]:
    """The watcher that suits where stderr goes."""
    if quiet:
        yield Quiet()
    elif sys.stderr.isatty():
        bar = Bar()
        with bar.live():
            yield bar
    else:
        yield Lines()


def epoch_line(row: EpochRow, *, epochs: int) -> str:
    """epoch  3/20  loss 0.1234  accuracy 96.20 %  val_loss 0.1500  val_accuracy 95.50 %  0.4 s"""
    epoch = f"{row['epoch']:>{len(str(epochs))}}/{epochs}"
    line = f"epoch {epoch}  loss {row['loss']:.4f}  accuracy {row['accuracy']:.2%}"
    if row["val_loss"] is not None:
        line += f"  val_loss {row['val_loss']:.4f}  val_accuracy {row['val_accuracy']:.2%}"
    return f"{line}  {row['seconds']:.1f} s"


def outcome(record: Record) -> str:
    """test accuracy 98.01%"""
    return f"test accuracy {record.result['test_accuracy']:.2%}"
