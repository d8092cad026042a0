"""How the library tells of its progress: not at all, to a callback, or as a bar in a notebook."""

from __future__ import annotations

import html
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from cnnlab.errors import CnnlabError, CnnlabWarning, Pruned, UserError
from cnnlab.reporting import Reporter, Tried
from cnnlab.run_folders.records import EpochRow, Record
from cnnlab.wording import counted

if TYPE_CHECKING:
    from cnnlab.config.experiment import ExperimentConfig

Event = Literal["started", "epoch", "reused", "finished", "pruned", "failed", "tried", "note"]

REDRAW_SECONDS = 0.1


@dataclass(frozen=True)
class Progress:
    """What a callback is told; as text, one line.

    `epoch` counts from 1; `row` is the epoch's row of the history; `error` is why a run failed or was pruned;
    `fold` is the fold that tests, if one does; `point` is a point of a sweep whose runs have all ended.
    """

    event: Event
    experiment: str = ""
    seed: int = 0
    epoch: int = 0
    epochs: int = 0
    row: EpochRow | None = None
    error: CnnlabError | None = None
    message: str = ""
    fold: int | None = None
    point: Tried | None = None

    def __str__(self) -> str:
        run = f"{self.experiment}, seed {self.seed}" + ("" if self.fold is None else f", fold {self.fold}")
        match self.event:
            case "note":
                return self.message
            case "tried" if self.point is not None:
                return str(self.point)
            case "started":
                return f"{run}: {counted(self.epochs, 'epoch')}" + (
                    f", {self.epoch} done" if self.epoch else ""
                )
            case "epoch" if self.row is not None:
                return f"{run}: epoch {self.epoch}/{self.epochs}, {_numbers(self.row)}"
            case "failed":
                return f"{run}: failed: {self.error}"
            case "pruned":
                return f"{run}: {self.error}"
            case _:
                return f"{run}: {self.message}"


class Display(Protocol):
    """IPython's handle of something displayed that can be replaced."""

    def update(self, data: Any) -> None: ...


class LibraryReporter(Reporter):
    """Prints nothing; warnings are Python warnings, each once."""

    chooses = False
    """Whether a sweep chooses among the runs: then it is not said what they reach on the test images."""

    def searching(self, planned: int) -> None:
        self.chooses = True

    def _ended(self, event: Event, record: Record) -> Progress:
        result = record.result
        accuracy = f"test accuracy {result.test_accuracy:.2%}"
        if self.chooses and result.validation_accuracy is not None:
            accuracy = f"validation accuracy {result.validation_accuracy:.2%}"
        return Progress(
            event,
            record.name,
            record.seed,
            message=accuracy if event == "finished" else f"already finished, {accuracy}",
            fold=record.config.fold,
        )

    def warn(self, message: str) -> None:
        # The warning points at the line that called the library, not into it.
        frame, level = sys._getframe(), 1
        while frame.f_back and frame.f_globals.get("__name__", "").startswith("cnnlab."):
            frame, level = frame.f_back, level + 1
        warnings.warn(message, CnnlabWarning, stacklevel=level)


class CallbackReporter(LibraryReporter):
    """Tells a function: `progress=print` prints a line for each epoch."""

    def __init__(self, callback: Callable[[Progress], object]) -> None:
        self._callback = callback

    def note(self, message: str) -> None:
        self._callback(Progress("note", message=message))

    def started(self, config: ExperimentConfig, *, done: int, resumed: bool) -> None:
        epochs = config.training.epochs
        self._callback(Progress("started", config.name, config.seed, done, epochs, fold=config.fold))

    def epoch_ended(self, config: ExperimentConfig, row: EpochRow) -> None:
        epoch, epochs = int(row["epoch"] or 0), config.training.epochs
        self._callback(Progress("epoch", config.name, config.seed, epoch, epochs, row, fold=config.fold))

    def reused(self, record: Record) -> None:
        self._callback(self._ended("reused", record))

    def finished(self, config: ExperimentConfig, record: Record) -> None:
        self._callback(self._ended("finished", record))

    def failed(self, config: ExperimentConfig, error: CnnlabError) -> None:
        self._callback(Progress("failed", config.name, config.seed, error=error, fold=config.fold))

    def pruned(self, config: ExperimentConfig, error: Pruned) -> None:
        self._callback(Progress("pruned", config.name, config.seed, error=error, fold=config.fold))

    def tried(self, tried: Tried) -> None:
        self._callback(Progress("tried", point=tried))


class NotebookReporter(LibraryReporter):
    """A bar below the cell for each run that is being trained."""

    def __init__(self) -> None:
        self._next = _Bar()
        """The one that the next run gets: until then it tells of downloads, and of runs that are reused."""

        self._bars: dict[int, _Bar] = {}
        """By the id of the config."""

        self._points = _Bar()
        """Of a sweep."""

    def started(self, config: ExperimentConfig, *, done: int, resumed: bool) -> None:
        bar = self._bars[id(config)] = self._taken()
        bar.label, bar.text = config.run_title, ""
        bar.draw(done / config.training.epochs, force=True)

    def stepped(
        self, config: ExperimentConfig, epoch: int, step: int, steps: int, *, loss: float, accuracy: float
    ) -> None:
        self._bars[id(config)].draw((epoch - 1 + step / steps) / config.training.epochs)

    def epoch_ended(self, config: ExperimentConfig, row: EpochRow) -> None:
        bar, epochs = self._bars[id(config)], config.training.epochs
        bar.text = f"epoch {row['epoch']}/{epochs}, {_numbers(row)}"
        bar.draw(float(row["epoch"] or 0) / epochs, force=True)

    def downloading(self, name: str, done: int, total: int | None) -> None:
        self._next.label, self._next.text = name, f"{done / 2**20:.1f} MiB"
        self._next.draw(done / total if total else 0.0, force=total is not None and done >= total)

    def reused(self, record: Record) -> None:
        self._next.label, self._next.text = (
            record.config.run_title,
            self._ended("reused", record).message,
        )
        self._next.draw(1.0, force=True)

    def finished(self, config: ExperimentConfig, record: Record) -> None:
        bar = self._bars.pop(id(config))
        bar.text = self._ended("finished", record).message
        bar.draw(1.0, force=True)

    def failed(self, config: ExperimentConfig, error: CnnlabError) -> None:
        bar = self._bars.pop(id(config), None) or self._taken()
        bar.label, bar.text = config.run_title, f"failed: {error}"
        bar.draw(0.0, force=True)

    def pruned(self, config: ExperimentConfig, error: Pruned) -> None:
        bar = self._bars.pop(id(config))
        bar.text = str(error)
        bar.draw(error.epoch / config.training.epochs, force=True)

    def tried(self, tried: Tried) -> None:
        self._points.label, self._points.text = str(tried), tried.best_so_far
        self._points.draw(tried.number / tried.planned, force=True)

    def _taken(self) -> _Bar:
        taken, self._next = self._next, _Bar()
        return taken


class _Bar:
    """One bar in a notebook, displayed when it is first drawn."""

    def __init__(self) -> None:
        self.label, self.text = "", ""
        self._handle: Display | None = None
        self._drawn = 0.0

    def draw(self, share: float, *, force: bool = False) -> None:
        now = time.monotonic()
        if not force and now - self._drawn < REDRAW_SECONDS:
            return
        self._drawn = now
        bar = _Html(
            f"<div>{html.escape(self.label)} <progress value='{share:.4f}' max='1'></progress> "
            f"{html.escape(self.text)}</div>",
            f"{self.label}: {share:.0%} {self.text}",
        )
        if self._handle is None:
            from IPython.display import display

            self._handle = display(bar, display_id=True)
        else:
            self._handle.update(bar)


class _Html:
    """What a notebook shows as HTML, and a console of IPython as text."""

    def __init__(self, page: str, text: str) -> None:
        self._page, self._text = page, text

    def _repr_html_(self) -> str:
        return self._page

    def __repr__(self) -> str:
        return self._text


ProgressLike: TypeAlias = bool | Callable[[Progress], object] | Reporter | None
"""None: silent. True: a bar in a notebook. A function: called with each `Progress`. Or a Reporter."""


def reporter_for(progress: ProgressLike) -> Reporter:
    """The reporter that an argument `progress` asks for.

    Raises:
        UserError: True outside of IPython, or something else.
    """
    if progress is None or progress is False:
        return LibraryReporter()
    if isinstance(progress, Reporter):
        return progress
    if progress is True:
        if not _in_ipython():
            raise UserError(
                "progress=True draws a bar in a notebook, and this is none; progress=print prints a line "
                "for each epoch"
            )
        return NotebookReporter()
    if callable(progress):
        return CallbackReporter(progress)
    raise UserError(f"progress: expected True, a function or a Reporter, found {progress!r:.60}")


def _in_ipython() -> bool:
    """Whether this is a notebook or a console of IPython: it has been imported then."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def _numbers(row: EpochRow) -> str:
    text = f"loss {row['loss']:.4f}, accuracy {row['accuracy']:.2%}"
    if row["val_accuracy"] is not None:
        text += f", validation accuracy {row['val_accuracy']:.2%}"
    return text
