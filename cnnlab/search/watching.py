"""A reporter that passes all on to the user's, and lets a sweep see what becomes of its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnlab.reporting import Reporter, Tried

if TYPE_CHECKING:
    from cnnlab.config.experiment import ExperimentConfig
    from cnnlab.errors import CnnlabError, Pruned
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
            self.trials.resumed(config)

    def stepped(
        self, config: ExperimentConfig, epoch: int, step: int, steps: int, *, loss: float, accuracy: float
    ) -> None:
        self.reporter.stepped(config, epoch, step, steps, loss=loss, accuracy=accuracy)

    def epoch_ended(self, config: ExperimentConfig, row: EpochRow) -> None:
        self.reporter.epoch_ended(config, row)
        if self.trials:
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

    def _ended(self, config: ExperimentConfig, outcome: Record | CnnlabError) -> None:
        if self.trials and self.hears_outcomes:
            self.trials.run_ended(config, outcome)
