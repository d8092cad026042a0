"""What came of the runs of a command: records and failures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError, UserError
from cnnlab.run_folders.integrity import DamagedRun
from cnnlab.run_folders.records import Record

if TYPE_CHECKING:
    from cnnlab.reporting import Reporter

Identity = tuple[str, str, int]


def identity_of(config: ExperimentConfig) -> Identity:
    """Two configs that agree in this are of one run."""
    return config.name, config.digest, config.seed


class RunsFailed(CnnlabError):
    """Some of several runs failed; what finished is kept.

    Attributes:
        records: of the runs that finished.
        failures: the configs of the others.
        errors: why these did not; the message names them.
    """

    def __init__(
        self, records: Sequence[Record], failures: Sequence[tuple[ExperimentConfig, CnnlabError]]
    ) -> None:
        self.records = tuple(records)
        self.failures = tuple(failures)
        self.errors = tuple(error for _, error in failures)
        self.exit_code = self.errors[0].exit_code
        total = len(records) + len(failures)
        self._count = "the run failed" if total == 1 else f"{len(failures)} of {total} runs failed"
        reasons = [f"{config.run_title}: {error}" for config, error in failures]
        super().__init__("\n   ".join([f"{self._count}; finished runs are kept", *reasons]))

    def on_command_line(self) -> str:
        # The reasons have been reported when they occurred.
        return f"{self._count}; finished runs are kept"


class Outcomes:
    """What came of the runs of several configs."""

    def __init__(self, reporter: Reporter, *, one_runtime: bool) -> None:
        self._reporter = reporter
        self._one_runtime = one_runtime
        self._records: dict[Identity, Record] = {}
        self._failures: dict[Identity, tuple[ExperimentConfig, CnnlabError]] = {}

    def finished(self, config: ExperimentConfig, record: Record) -> None:
        self._records[identity_of(config)] = record

    def ended(self, config: ExperimentConfig, outcome: Record | CnnlabError) -> None:
        """A run finished or failed; see `failed`."""
        if isinstance(outcome, CnnlabError):
            self.failed(config, outcome)
        else:
            self.finished(config, outcome)

    def known(self, config: ExperimentConfig) -> bool:
        """Whether a run has finished or failed."""
        return identity_of(config) in self._records or identity_of(config) in self._failures

    def failed(self, config: ExperimentConfig, error: CnnlabError) -> None:
        """A run failed.

        Raises:
            UserError: the first one, such as that a backend is not installed, where it would be the same for
                all.
        """
        of_all = self._one_runtime and isinstance(error, UserError) and not isinstance(error, DamagedRun)
        if of_all and not self._records and not self._failures:
            raise error
        self._reporter.failed(config, error)
        self._failures[identity_of(config)] = (config, error)

    def records(self, configs: Sequence[ExperimentConfig]) -> list[Record]:
        """The records of all configs, in their order.

        Raises:
            RunsFailed: there are failures.
        """
        keys = [identity_of(config) for config in configs]
        records = [self._records[key] for key in keys if key in self._records]
        if failures := [self._failures[key] for key in keys if key in self._failures]:
            raise RunsFailed(records, failures)
        return records
