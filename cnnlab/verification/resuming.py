"""Does a run that is killed and resumed end with the bits of one that is not? Tried with a user's config."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError, UserError
from cnnlab.jobs import Jobs
from cnnlab.reporting import Reporter
from cnnlab.run_folders.folders import disk
from cnnlab.user_files import temporary_folder
from cnnlab.verification.kill_points import KillPoint, draw_kill_points
from cnnlab.verification.same_bits import Difference, differences
from cnnlab.verification.training_process import (
    POLL_SECONDS,
    SAVE_POLL_SECONDS,
    TrainingProcess,
    run_folder,
    training_process,
)
from cnnlab.wording import counted

MOST_RUNS_IN_VAIN = 6
"""So many runs in a row that end before they could be killed; the last one was to be killed after 1/32 of the
time."""


@dataclass(frozen=True)
class Kill:
    """A process that was killed.

    `epoch`: how many epochs history.csv had. `after_seconds`: since the process had opened the run's folder.
    `first_save`: whether it was meant for the moment when the first checkpoint is written. `saving`: whether
    one was being written. `resumes`: whether there was one to go on from.
    """

    epoch: int
    after_seconds: float
    first_save: bool
    saving: bool
    resumes: bool

    def __str__(self) -> str:
        saving = " and a checkpoint half written" if self.saving else ""
        if self.first_save and not self.saving:
            saving = f", {'after' if self.resumes else 'before'} its first checkpoint was written"
        return (
            f"killed {self.after_seconds:.2f} s after the run had begun, with "
            f"{counted(self.epoch, 'epoch')}{saving}"
        )


@dataclass(frozen=True)
class ResumeVerification:
    """What came of killing a run and resuming it. `differences`: in the order in which files are written."""

    config: str
    digest: str
    seed: int
    epochs: int
    kill_seed: int
    kills: tuple[Kill, ...]
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        return not self.differences

    @property
    def resumed(self) -> int:
        """How often a process went on from a checkpoint."""
        return sum(kill.resumes for kill in self.kills)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        facts = asdict(self)
        found = facts.pop("differences")
        return facts | {"resumed": self.resumed, "equal": self.equal, "differences": list(found)}

    def __str__(self) -> str:
        times = counted(self.resumed, "time")
        resumed = f"resumed {times} from a checkpoint" if self.resumed else "never resumed from a checkpoint"
        what = f"{self.config}, seed {self.seed}: killed {counted(len(self.kills), 'time')}, {resumed}"
        if self.equal:
            return f"{what}; weights, history, predictions and result are equal, bit for bit"
        return "\n   ".join([f"{what}; the results differ", *map(str, self.differences)])


def verify_resume(
    config: ExperimentConfig, jobs: Jobs, *, kills: int, kill_seed: int, data_dir: Path | None
) -> ResumeVerification:
    """Train without interruption; train again, killed now and then, and resumed each time; compare the bits.

    Everything happens in a temporary folder, which is removed in the end, and in processes of their own.

    Args:
        jobs: loads the data first, so that a download is told of, and what is wrong with it.
        kills: how many times a process is killed (SIGKILL), in all.
        kill_seed: of the moments.
        data_dir: where dataset files are looked for first.

    Raises:
        UserError: the config cannot be trained.
        CnnlabError: the run that is not interrupted fails, or ends too soon to be killed so often.
    """
    jobs.dataset(config)
    with temporary_folder("cnnlab-verify-") as folder:
        trial = _Trial(config, folder, jobs.reporter, data_dir)
        trial.train_without_interruption()
        trial.train_killed(
            draw_kill_points(trial.segments, kills, first_save=trial.first_save, seed=kill_seed)
        )
    if not trial.differences and len(trial.kills) < kills:
        raise CnnlabError(
            f"{config.name}, seed {config.seed}: only {len(trial.kills)} of {counted(kills, 'kill')} came "
            "before the run had ended; increase training.epochs, or use fewer kills"
        )
    return ResumeVerification(
        config=config.name,
        digest=config.digest,
        seed=config.seed,
        epochs=len(trial.segments) - 1,
        kill_seed=kill_seed,
        kills=tuple(trial.kills),
        differences=tuple(trial.differences),
    )


@dataclass
class _Trial:
    """Two trainings of a config below a folder, and what came of them."""

    config: ExperimentConfig
    folder: Path
    reporter: Reporter
    data_dir: Path | None
    segments: list[float] = field(default_factory=list)
    """Seconds of the first training from its beginning to the first row of history.csv, from each row to the
    next, and from the last one to the end."""

    first_save: float = 0.0
    """Seconds from when its first checkpoint was seen to begin to the first row."""

    kills: list[Kill] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    haste: float = 1.0
    """What is left of the times that the first training took: it may have shared the machine."""

    def train_without_interruption(self) -> None:
        """Train to the end, and take the time.

        Raises:
            CnnlabError: the run failed.
        """
        self.reporter.note("training without interruption")
        with self._process("whole") as process:
            process.wait_until_begun()
            self.reporter.started(self.config, done=0, resumed=False)
            moments = [time.perf_counter()]
            process.wait_until_saving()
            saving = time.perf_counter()
            ended = False
            while not ended:
                process.wait_a_moment(SAVE_POLL_SECONDS if len(moments) == 1 else POLL_SECONDS)
                ended = process.finished or not process.running  # rows are read once more after that
                for row in process.history[len(moments) - 1 :]:
                    self.reporter.epoch_ended(self.config, row)
                    moments.append(time.perf_counter())
            moments.append(time.perf_counter())
            code = process.wait()
        if code != 0:
            kind = UserError if code == UserError.exit_code else CnnlabError
            raise kind(f"the run without interruption failed\n   {process.failure}")
        for warning in process.messages.splitlines():
            self.reporter.warn(warning)
        self.first_save = moments[1] - saving
        self.segments = [after - before for before, after in itertools.pairwise(moments)]

    def train_killed(self, points: Sequence[KillPoint]) -> None:
        """Train to the end, killed at each point, and compare.

        Where a process ends before it is killed, the machine is faster than it was in the first training.
        What is left is tried in another run, in half the time.
        """
        in_vain = 0
        for number in itertools.count():
            out = f"killed-{number}"
            missed = self._train_through(points, out)
            self._finish(out)
            in_vain = in_vain + 1 if len(missed) == len(points) else 0
            if self.differences or not missed or in_vain == MOST_RUNS_IN_VAIN:
                return
            points = missed
            self.haste /= 2

    def _train_through(self, points: Sequence[KillPoint], out: str) -> Sequence[KillPoint]:
        """Train on to each point in turn; returns those that are left where the run ends before one."""
        for index, point in enumerate(points):
            if not self._train_until(point, out):
                return points[index:]
            left = len(points) - index - 1
            self.reporter.note(f"{self.kills[-1]}; {left} more to come" if left else str(self.kills[-1]))
        return ()

    def _train_until(self, point: KillPoint, out: str) -> bool:
        """Train on and kill the process at a point; False where it had ended by itself."""
        with self._process(out) as process:
            process.wait_until_begun()
            began = time.perf_counter()
            seconds = point.seconds
            if 0 < point.epoch <= process.epochs:  # then it builds the network first, as it did at the start
                seconds += max(0.0, self.segments[0] - self.segments[1])
            while process.running and process.epochs < point.epoch:
                process.wait_a_moment()
            if point.saving:
                process.wait_until_saving()
            process.wait_a_moment(seconds * self.haste)
            took = time.perf_counter() - began
            killed = process.kill()
            if killed:
                self.kills.append(
                    Kill(process.epochs, took, point.saving, process.saving, process.has_checkpoint)
                )
        return killed

    def _finish(self, out: str) -> None:
        """Train to the end, and compare with the run without interruption."""
        with self._process(out) as process:
            if process.wait() != 0:
                self.differences.append(Difference("run.json", f"the run failed: {process.failure}"))
                return
        self.differences += differences(run_folder(self.folder / "whole"), run_folder(self.folder / out))

    def _process(self, out: str) -> AbstractContextManager[TrainingProcess]:
        file = self.folder / "config.yaml"
        with disk(file):
            file.write_text(self.config.to_yaml(), encoding="utf-8")
        return training_process(file, self.folder / out, self.data_dir)
