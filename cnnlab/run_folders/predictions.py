"""predictions.npz: what a run answered on the test images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.npz import NpzError, open_npz
from cnnlab.run_folders.integrity import DamagedRun

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a run answered on the test images, in their order.

    labels, predicted: (N,) int64, class indices. probabilities: (N, num_classes) float16.
    """

    labels: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray

    @property
    def is_consistent(self) -> bool:
        """Whether the three are what they are meant to be, of the same images."""
        shape = self.probabilities.shape
        if len(shape) != 2 or not self.labels.shape == self.predicted.shape == shape[:1]:
            return False
        classes = range(shape[1])
        return (
            all(each.dtype.kind in "iu" for each in (self.labels, self.predicted))
            and all(
                index in classes for each in (self.labels, self.predicted) for index in set(each.tolist())
            )
            and self.probabilities.dtype.kind == "f"
            and bool(((self.probabilities >= 0) & (self.probabilities <= 1)).all())
        )

    @property
    def right(self) -> np.ndarray:
        """(N,) bool"""
        right: np.ndarray = self.predicted == self.labels
        return right


def joined(several: Sequence[Predictions]) -> Predictions:
    """The answers on several sets of images, one after the other."""
    import numpy as np

    return Predictions(
        labels=np.concatenate([each.labels for each in several]),
        predicted=np.concatenate([each.predicted for each in several]),
        probabilities=np.concatenate([each.probabilities for each in several]),
    )


def read_predictions(path: Path) -> Predictions | None:
    """A run's predictions.npz; None where there is none.

    Raises:
        UserError: the file is broken.
    """
    file = path / "predictions.npz"
    try:
        with open_npz(file) as npz:
            found = Predictions(npz.array("labels"), npz.array("predicted"), npz.array("probabilities"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, NpzError) as error:
        raise DamagedRun(path, f"predictions.npz cannot be read ({error})") from None
    if not found.is_consistent:
        raise DamagedRun(path, "predictions.npz does not hold labels, predicted classes and probabilities")
    return found
