"""A reporter that passes all on to the user's, and lets a sweep see what becomes of its runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cnnlab.errors import CnnlabError, Pruned
from cnnlab.reporting import Reporter, Tried

if TYPE_CHECKING:
    from cnnlab.config.experiment import ExperimentConfig
    from cnnlab.run_folders.records import EpochRow, Record
    from cnnlab.search.trials import Trials


class Watching(Reporter):
    """Passes all on; `trials`, once it is set, hears of epochs, and may stop a run then.

    Args:
        reporter: the user's.

    Attributes:
        hears_outcomes: whether `trials` hears from here what has come of a run, or from elsewhere.
    """

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self.trials: Trials | None = None
        self.hears_outcomes = False

    def check_interruption(self) -> None:
        self.reporter.check_interruption()

    def note(self, message: str) -> None:
        self.reporter.note(message)

    def warn(self, message: str) -> None:
        self.reporter.warn(message)

    def downloading(self, name: str, done: int, total: int | None) -> None:
        self.reporter.downloading(name, done, total)

    def side_by_side(self, runs: int) -> None:
        self.reporter.side_by_side(runs)

    def started(self, config: ExperimentConfig, *, done: int, resumed: bool) -> None:
        self.reporter.started(config, done=done, resumed=resumed)
        if self.trials and resumed:
            with self._no_failure_of_the_run():
                self.trials.resumed(config)

    def stepped(
        self, config: ExperimentConfig, epoch: int, step: int, steps: int, *, loss: float, accuracy: float
    ) -> None:
        self.reporter.stepped(config, epoch, step, steps, loss=loss, accuracy=accuracy)

    def epoch_ended(self, config: ExperimentConfig, row: EpochRow) -> None:
        self.reporter.epoch_ended(config, row)
        if self.trials:
            with self._no_failure_of_the_run():
                self.trials.epoch_ended(config, row)

    def reused(self, record: Record) -> None:
        self.reporter.reused(record)
        self._ended(record.config, record)

    def finished(self, config: ExperimentConfig, record: Record) -> None:
        self.reporter.finished(config, record)
        self._ended(config, record)

    def pruned(self, config: ExperimentConfig, error: Pruned) -> None:
        self.reporter.pruned(config, error)

    def failed(self, config: ExperimentConfig, error: CnnlabError) -> None:
        self.reporter.failed(config, error)
        self._ended(config, error)

    def searching(self, planned: int) -> None:
        self.reporter.searching(planned)

    def tried(self, tried: Tried) -> None:
        self.reporter.tried(tried)

    @contextmanager
    def _no_failure_of_the_run(self) -> Iterator[None]:
        """A study that cannot be written is no failure of the run; it ends the sweep after the run."""
        try:
            yield
        except Pruned:
            raise
        except CnnlabError as error:
            assert self.trials is not None
            self.trials.broken = error

    def _ended(self, config: ExperimentConfig, outcome: Record | CnnlabError) -> None:
        if self.trials and self.hears_outcomes:
            self.trials.run_ended(config, outcome)
