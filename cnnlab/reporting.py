"""What is told while runs are trained and networks explained.

The command line shows a bar or lines, a notebook its own bar, the library nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnlab.config.experiment import ExperimentConfig
    from cnnlab.errors import CnnlabError, Pruned
    from cnnlab.run_folders.records import EpochRow, Record


@dataclass(frozen=True)
class Tried:
    """A point of a sweep that has ended.

    number: of those that have ended. planned: how many are tried, at most.
    state: finished, pruned or failed. accuracy: on the validation images, over all seeds, if it finished.
    best: the settings of the best so far and their validation accuracy.
    """

    number: int
    planned: int
    settings: str
    state: str
    accuracy: float | None
    best: tuple[str, float] | None

    def __str__(self) -> str:
        reached = self.state if self.accuracy is None else f"{self.accuracy:.2%} of the validation images"
        return f"point {self.number} of {self.planned}: {self.settings}: {reached}"

    @property
    def best_so_far(self) -> str:
        """best so far: 96.20%, training.batch_size=50"""
        if self.best is None:
            return "none has finished so far"
        settings, accuracy = self.best
        is_this = settings == self.settings
        return "the best so far" if is_this else f"best so far: {accuracy:.2%}, {settings}"


class Reporter:
    """Is told how the work goes, and does nothing; subclasses show what they like.

    Several runs may be trained at the same time; from its start to its end, a run has one `config`, the same
    object each time.
    """

    def check_interruption(self) -> None:
        """Raise the KeyboardInterrupt that a library may have swallowed, or have made another error of."""

    def note(self, message: str) -> None:
        """Something good to know, such as the device."""

    def warn(self, message: str) -> None:
        """Something the result may suffer from, such as unverified data."""

    def downloading(self, name: str, done: int, total: int | None) -> None:
        """So many bytes of a dataset's file are here; `total` is None where the server does not say."""

    def side_by_side(self, runs: int) -> None:
        """From here on, up to so many runs are trained at the same time."""

    def started(self, config: ExperimentConfig, *, done: int, resumed: bool) -> None:
        """Training begins after `done` epochs that a resumed run has behind it."""

    def stepped(
        self, config: ExperimentConfig, epoch: int, step: int, steps: int, *, loss: float, accuracy: float
    ) -> None:
        """So many of the epoch's steps are done; loss and accuracy are means over them."""

    def epoch_ended(self, config: ExperimentConfig, row: EpochRow) -> None:
        """One row of the history. The epoch is saved.

        Raises:
            Pruned: the run is not worth its remaining epochs.
        """

    def reused(self, record: Record) -> None:
        """A run was already finished, and is not trained again."""

    def finished(self, config: ExperimentConfig, record: Record) -> None:
        """A run has been trained to its end."""

    def pruned(self, config: ExperimentConfig, error: Pruned) -> None:
        """A run was stopped, because others are better; the others go on."""

    def failed(self, config: ExperimentConfig, error: CnnlabError) -> None:
        """A run failed; the others go on."""

    def searching(self, planned: int) -> None:
        """From here on, runs are those of a sweep with so many points, which chooses by validation accuracy.

        What they reach on the test images is not to be shown: whoever looks at it chooses by it.
        """

    def tried(self, tried: Tried) -> None:
        """All runs of a point of a sweep have ended."""


SILENT = Reporter()
"""For those who want to be told nothing."""
