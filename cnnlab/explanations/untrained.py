"""What stands in for a trained network: a config that is not trained yet, or nothing at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets import DataPaths
from cnnlab.errors import OptionError
from cnnlab.explanations.explanation import Explained
from cnnlab.reporting import Reporter


@dataclass(frozen=True, eq=False)
class Untrained:
    """A technique's examples without a run: Keras is not needed, and its backend is not started.

    Args:
        out: the folder of all runs.
        config: None where no experiment was named.
    """

    out: Path
    data_paths: DataPaths
    reporter: Reporter
    config: ExperimentConfig | None = None

    def reject_data_dir(self, reason: str) -> None:
        """Say that no images are looked at, where the user says where they are.

        Raises:
            UserError: --data-dir was given; `reason` follows "has no effect".
        """
        if self.data_paths.by_option:
            raise OptionError("data_dir", f"has no effect {reason}; leave it out")

    @property
    def explained(self) -> Explained:
        """What an explanation says of it: it goes to OUT/explain/, that of a config to OUT/explain/NAME/."""
        folder = self.out / "explain"
        if self.config is None:
            return Explained(None, None, None, None, folder)
        dataset = self.config.dataset
        title = dataset.title if dataset else None
        return Explained(self.config.name, None, title, None, folder / self.config.name)
