"""What the user sees while runs are trained: a live bar on a terminal, a line per epoch elsewhere."""

from __future__ import annotations

import re
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

from cnnlab.commands.interruption import noticed_interruption
from cnnlab.commands.output import tell
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError, Pruned
from cnnlab.foreign_text import one_line, printable
from cnnlab.interruption import Interruption
from cnnlab.reporting import Reporter, Tried
from cnnlab.run_folders.records import EpochRow, Record
from cnnlab.wording import counted

_WIDE = 60
"""Columns from which on a bar has room for the loss, too."""

_WIDE_FOR_NAMES = 100
"""The same where bars begin with the names of their runs."""


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

    def stepped(
        self, config: ExperimentConfig, epoch: int, step: int, steps: int, *, loss: float, accuracy: float
    ) -> None:
        self.check_interruption()

    def failed(self, config: ExperimentConfig, error: CnnlabError) -> None:
        self.say(f"{named(config)}: {error}")


class LineReporter(SilentReporter):
    """One line per epoch: for log files, notebooks and pipes."""

    several = False
    """Whether runs are trained at the same time: then each line names its run."""

    chooses = False
    """Whether a sweep chooses among the runs: then it is not said what they reach on the test images."""

    def side_by_side(self, runs: int) -> None:
        self.several = runs > 1

    def note(self, message: str) -> None:
        super().note(message)
        self.say_once(message)

    def started(self, config: ExperimentConfig, *, done: int, resumed: bool) -> None:
        gone_on = f", resuming after epoch {done}" if resumed else ""
        self.say(f"{named(config)}: {counted(config.training.epochs, 'epoch')}{gone_on}")

    def epoch_ended(self, config: ExperimentConfig, row: EpochRow) -> None:
        line = epoch_line(row, epochs=config.training.epochs)
        self.say(f"{named(config)}: {line}" if self.several else line)

    def reused(self, record: Record) -> None:
        self.say(f"{named(record)}: already finished, {self._outcome(record)} ({record.path})")

    def finished(self, config: ExperimentConfig, record: Record) -> None:
        self.say(f"{named(record)}: {self._outcome(record)} ({record.path})")

    def _outcome(self, record: Record) -> str:
        accuracy = record.result.validation_accuracy
        if self.chooses and accuracy is not None:
            return f"validation accuracy {accuracy:.2%}"
        return outcome(record)

    def searching(self, planned: int) -> None:
        self.chooses = True

    def pruned(self, config: ExperimentConfig, error: Pruned) -> None:
        self.say(f"{named(config)}: {error}")

    def tried(self, tried: Tried) -> None:
        self.say(f"{tried}; {tried.best_so_far}")


class _Line(Progress):
    """Rich's progress bars, with room for the ^C that a terminal writes behind them.

    On a full line it would begin a new one, and the bar above would never be erased.
    """

    def get_renderables(self) -> Iterable[RenderableType]:
        if self.tasks:
            yield Constrain(self.make_tasks_table(self.tasks), self.console.width - len("^C") - 1)


class BarReporter(LineReporter):
    """One live bar over all steps of a run, with loss and accuracy; finished epochs stay above it.

    Of runs that are trained at the same time, each has a bar; what stays above them is how they ended.
    """

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
        self._download: TaskID | None = None
        self._bars: dict[int, TaskID] = {}
        """By the id of the config."""

        self._sweep: TaskID | None = None

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
        if self._download is None:
            what = name if name.startswith(("reading ", "decoding ")) else f"downloading {name}"
            self._download = self._progress.add_task(one_line(what), total=total, numbers="")
        mebibytes = f"{done / 2**20:.1f} MiB"
        self._progress.update(self._download, completed=done, total=total, numbers=mebibytes)
        if total is not None and done >= total:
            self._end_download()

    def started(self, config: ExperimentConfig, *, done: int, resumed: bool) -> None:
        if resumed or not self.several:
            super().started(config, done=done, resumed=resumed)
        self._end_download()
        self._end_bar(config)
        beginning = f"{self._named(config)}starting" if self.several else ""
        self._bars[id(config)] = self._progress.add_task(beginning, total=None, numbers="")

    def stepped(
        self, config: ExperimentConfig, epoch: int, step: int, steps: int, *, loss: float, accuracy: float
    ) -> None:
        super().stepped(config, epoch, step, steps, loss=loss, accuracy=accuracy)
        if (bar := self._bars.get(id(config))) is not None:
            numbers = f"accuracy {accuracy:.2%}"
            if self._progress.console.width >= (_WIDE_FOR_NAMES if self.several else _WIDE):
                numbers = f"loss {loss:.4f}  {numbers}"
            epochs = config.training.epochs
            self._progress.update(
                bar,
                description=f"{self._named(config)}epoch {epoch}/{epochs}",
                completed=(epoch - 1) * steps + step,
                total=epochs * steps,
                numbers=numbers,
            )

    def epoch_ended(self, config: ExperimentConfig, row: EpochRow) -> None:
        if self.several:
            return  # the bar shows it
        line = epoch_line(row, epochs=config.training.epochs)
        fits = len(line) <= self._progress.console.width
        self.say(line if fits else line.replace("accuracy", "acc"))  # then it fits into 80 columns

    def finished(self, config: ExperimentConfig, record: Record) -> None:
        self._end_bar(config)
        super().finished(config, record)

    def failed(self, config: ExperimentConfig, error: CnnlabError) -> None:
        self._end_download()
        self._end_bar(config)
        super().failed(config, error)

    def pruned(self, config: ExperimentConfig, error: Pruned) -> None:
        self._end_bar(config)
        super().pruned(config, error)

    def searching(self, planned: int) -> None:
        super().searching(planned)
        self._sweep = self._progress.add_task(f"point 0/{planned}", total=planned, numbers="")

    def tried(self, tried: Tried) -> None:
        self.say(str(tried))
        if self._sweep is None:
            return
        numbers = "" if tried.best is None else f"best {tried.best[1]:.2%}: {_last_names(tried.best[0])}"
        if len(numbers) > (most := self._progress.console.width // 2):
            numbers = numbers[: most - 1] + "…"
        description = f"point {tried.number}/{tried.planned}"
        self._progress.update(self._sweep, description=description, completed=tried.number, numbers=numbers)

    def _named(self, config: ExperimentConfig) -> str:
        """What a bar begins with where there are several: "cnn, seed 0  "."""
        return f"{named(config)}  " if self.several else ""

    def _end_bar(self, config: ExperimentConfig) -> None:
        bar = self._bars.pop(id(config), None)
        if bar is not None:
            self._progress.remove_task(bar)

    def _end_download(self) -> None:
        if self._download is not None:
            self._progress.remove_task(self._download)
            self._download = None


def named(run: ExperimentConfig | Record) -> str:
    """cnn, seed 0"""
    return (run if isinstance(run, ExperimentConfig) else run.config).run_title


def _last_names(settings: str) -> str:
    """training.optimizer.learning_rate=0.01, training.epochs=3 → learning_rate=0.01, epochs=3"""
    return re.sub(r"[^\s,=]*\.(?=[^\s,.=]+=)", "", settings)


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
