"""An exported file in place of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.conversion.facts import read_facts
from cnnlab.conversion.formats import Format
from cnnlab.conversion.running import Answer, answers, opened
from cnnlab.errors import UserError
from cnnlab.files import absence


@dataclass(frozen=True)
class ExportedNetwork:
    """The network in a file, which prepares its pixels itself."""

    config: ExperimentConfig
    _answer: Answer

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """(N, height, width, channels) uint8 → (N, num_classes) float32."""
        return answers(self._answer, images)


def open_exported(path: Path, kind: Format) -> ExportedNetwork:
    """The network in a file that cnnlab has exported.

    Raises:
        UserError: there is no such file, it is damaged or not cnnlab's, or its runtime is not installed.
    """
    if not path.is_file():
        raise UserError(f"{path}: {absence(path)}")
    kind.check_runtime_installed()
    answer, text = opened(path, kind.name)
    return ExportedNetwork(read_facts(text, str(path)), answer)
