"""What was found of each hand-in, as the table to grade by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cnnlab.run_folders.listing.differences import format_value
from cnnlab.run_folders.states import State
from cnnlab.wording import counted

HandInState = State | Literal["damaged", "missing"]
"""That of the run; damaged: its files are not those that it finished with; missing: there is no run."""


class SettingDifference(NamedTuple):
    """A setting that decides the result; None where one of the two has no such setting."""

    key: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.key} is {format_value(self.found)}, expected {format_value(self.expected)}"


@dataclass(frozen=True)
class HandIn:
    """One run that was handed in. Accuracies are shares of the test images from 0 to 1.

    path: below the folder of hand-ins, through zips: "bob.zip/cnn-1a2b3c4d/seed-0".
    digest: of its config, 64 hex digits; None where that cannot be read.
    differences: from the config that was to be trained.
    claimed_accuracy: what its result.json says. measured_accuracy: what its model reaches here.
    reason: why it is not ok; None where it is.
    """

    path: str
    state: HandInState
    digest: str | None = None
    differences: tuple[SettingDifference, ...] = ()
    claimed_accuracy: float | None = None
    measured_accuracy: float | None = None
    reason: str | None = None

    @property
    def ok(self) -> bool:
        return self.reason is None

    def as_dict(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "state": self.state,
            "digest": self.digest,
            "differences": [each._asdict() for each in self.differences],
            "claimed_accuracy": self.claimed_accuracy,
            "measured_accuracy": self.measured_accuracy,
            "ok": self.ok,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class RunVerification:
    """All hand-ins of a folder, compared with what was asked for.

    against: what that is called. digest: of its config.
    """

    folder: Path
    against: str
    digest: str
    hand_ins: tuple[HandIn, ...]

    @property
    def ok(self) -> bool:
        return all(each.ok for each in self.hand_ins)

    def as_dict(self) -> dict[str, Any]:
        """What `cnnlab verify runs --json` prints."""
        return {"hand_ins": [each.as_dict() for each in self.hand_ins], "ok": self.ok}

    def __str__(self) -> str:
        good, number = sum(each.ok for each in self.hand_ins), len(self.hand_ins)
        return f"{good} of {counted(number, 'hand-in')} ok, checked against {self.against}"
