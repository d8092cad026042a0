"""OUT/sweeps/NAME/study.db: what was tried and what came of it, as Optuna keeps it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.errors import CnnlabError, UserError, first_sentence
from cnnlab.run_folders.folders import Folder, disk, refuse_links
from cnnlab.run_folders.states import held
from cnnlab.search.identity import STUDY, seed_of_search, sweep_digest, sweep_path
from cnnlab.search.points import State
from cnnlab.search.space import distributions, params_of, settings_of, suggested

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

    from cnnlab.search.plan import Plan

STARTUP_TRIALS = 5
"""Finished points that there must be before one is pruned."""

SEED_STEPS = 1_000_000
"""Steps from one seed's epochs to the next one's: Optuna has one line of steps for all seeds of a point."""

_STATES: Mapping[str, State] = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}


@dataclass
class Attempt:
    """A trial of the study: a point that was tried.

    Attributes:
        number: in the study.
        state: None: it had begun when the process ended.
        curve: validation accuracies by step; see `SEED_STEPS`.
        is_repeated: it proposed what an earlier one had tried.
    """

    number: int
    settings: dict[str, Any]
    state: State | None = None
    value: float | None = None
    error: str | None = None
    curve: dict[int, float] = field(default_factory=dict)
    is_repeated: bool = False


class StudyFile:
    """Optuna's study of a sweep, held by this process."""

    def __init__(self, path: Path, plan: Plan) -> None:
        """Open the study, or begin it.

        Raises:
            UserError: the file is damaged, or of another version of Optuna.
            CnnlabError: it cannot be written.
        """
        self._path = path
        self._space = plan.space
        self._seed = seed_of_search(plan)
        self._trials: dict[int, Trial] = {}
        with _database(path, opening=True):
            self._storage, self._study = _opened(path, sweep_digest(plan))
            self._frozen()

    def close(self) -> None:
        """Let go of the file."""
        self._storage.engine.dispose()

    def attempts(self) -> Iterator[Attempt]:
        """All trials, in their order; those that others have added with other parameters are left out."""
        from optuna.trial import Trial

        keys = {axis.key for axis in self._space}
        with _database(self._path):
            for frozen in self._frozen():
                if frozen.state.name == "RUNNING":
                    trial = self._trials[frozen.number] = Trial(self._study, frozen._trial_id)
                    self._complete(trial)
                    yield Attempt(trial.number, settings_of(self._space, trial.params), curve=_curve(frozen))
                elif frozen.state.name in _STATES and frozen.params.keys() == keys:
                    yield Attempt(
                        frozen.number,
                        settings_of(self._space, frozen.params),
                        _STATES[frozen.state.name],
                        frozen.value if frozen.state.name == "COMPLETE" else None,  # Optuna has a last one
                        frozen.user_attrs.get("error"),
                        _curve(frozen),
                        "repeats" in frozen.user_attrs,
                    )

    def proposed(self) -> Attempt:
        """A new trial, its settings proposed by TPE from what came of the others."""
        with _database(self._path):
            trial = self._study.ask()
            self._trials[trial.number] = trial
            self._complete(trial)
            return Attempt(trial.number, settings_of(self._space, trial.params))

    def begun(self, settings: Mapping[str, Any]) -> Attempt:
        """A new trial with settings that are known."""
        from optuna.trial import Trial, TrialState

        with _database(self._path):
            self._add(settings, TrialState.RUNNING)
            frozen = self._frozen()[-1]
            self._trials[frozen.number] = Trial(self._study, frozen._trial_id)
            return Attempt(frozen.number, dict(settings))

    def report(self, number: int, step: int, accuracy: float) -> None:
        """Keep the validation accuracy of an epoch of a trial that was begun."""
        with _database(self._path):
            self._trials[number].report(accuracy, step)

    def end(self, attempt: Attempt) -> None:
        """Say what came of a trial that was begun."""
        from optuna.trial import TrialState

        with _database(self._path):
            if attempt.error is not None:
                self._trials[attempt.number].set_user_attr("error", attempt.error)
            state = next(TrialState[each] for each, ours in _STATES.items() if ours == attempt.state)
            value = attempt.value if attempt.state == "finished" else None
            self._study.tell(attempt.number, value, state=state)

    def repeats(self, attempt: Attempt, earlier: Attempt) -> None:
        """Say of a trial that an earlier one has tried the same; its value, if it has one, is told again."""
        with _database(self._path):
            self._trials[attempt.number].set_user_attr("repeats", earlier.number)
        attempt.state = "finished" if earlier.state == "finished" else "failed"
        attempt.value = earlier.value
        self.end(attempt)

    def add(self, attempt: Attempt) -> None:
        """Keep what came of settings, as a trial that has ended."""
        from optuna.trial import TrialState

        state = next(TrialState[each] for each, ours in _STATES.items() if ours == attempt.state)
        with _database(self._path):
            self._add(attempt.settings, state, attempt)

    def is_poor(self, accuracies: Mapping[int, float], *, offset: int, epochs: int) -> bool:
        """Whether a seed of a point is to be stopped after its last epoch so far.

        Args:
            accuracies: on the validation images, by step.
            offset: the step before the seed's first one.
            epochs: of the whole run.
        """
        from optuna.pruners import MedianPruner
        from optuna.trial import TrialState, create_trial

        pruner = MedianPruner(
            STARTUP_TRIALS, n_warmup_steps=offset + warmup_epochs(epochs) + 1, n_min_trials=STARTUP_TRIALS
        )  # of so many, the accuracy at this epoch is known, too
        with _database(self._path):
            trial = create_trial(state=TrialState.RUNNING, intermediate_values=dict(accuracies))
            return pruner.prune(self._study, trial)

    def _complete(self, trial: Trial) -> None:
        from optuna.samplers import TPESampler

        suggested(trial, self._space, TPESampler, self._seed)

    def _add(self, settings: Mapping[str, Any], state: Any, ended: Attempt | None = None) -> None:
        from optuna.trial import create_trial

        self._study.add_trial(
            create_trial(
                state=state,
                params=params_of(self._space, settings),
                distributions=distributions(self._space),
                value=ended.value if ended else None,
                intermediate_values=ended.curve if ended else None,
                user_attrs={"error": ended.error} if ended and ended.error else None,
            )
        )

    def _frozen(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)


def warmup_epochs(epochs: int) -> int:
    """The epochs of a run after which it is not judged yet: a fifth of them, at least one."""
    return max(1, epochs // 5)


@contextmanager
def study_file(plan: Plan, out: Path, *, fresh: bool) -> Iterator[StudyFile]:
    """The study of a sweep, in its folder, which no other process has meanwhile.

    Args:
        fresh: begin it anew.

    Raises:
        UserError: the file is damaged, or of another version of Optuna.
        CnnlabError: another process has it, or it cannot be written.
    """
    import filelock

    folder = Folder(sweep_path(plan, out), inside=out)
    path = folder.path / STUDY
    with ExitStack() as stack:
        with disk(folder.path):
            try:
                stack.enter_context(held(folder.path))
            except filelock.Timeout:
                raise CnnlabError(
                    f"{folder.path}: another process is carrying out this sweep; wait until it has ended"
                ) from None
        refuse_links(path, inside=out)
        if fresh:
            for name in (STUDY, f"{STUDY}-journal"):
                folder.remove(name)
        stack.enter_context(_quiet())
        file = StudyFile(path, plan)
        stack.callback(file.close)
        yield file


def _opened(path: Path, name: str) -> tuple[RDBStorage, Study]:
    from optuna import create_study
    from optuna.storages import RDBStorage

    # By a function, since not every path can be written as an address.
    storage = RDBStorage(
        f"sqlite:///{STUDY}",
        engine_kwargs={"creator": lambda: sqlite3.connect(path, check_same_thread=False)},
    )
    study = create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
    return storage, study


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna tells of every trial otherwise."""
    from optuna import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(before)


@contextmanager
def _database(path: Path, *, opening: bool = False) -> Iterator[None]:
    """Errors of the database in the user's words.

    Args:
        opening: what is odd is the file's content then, of which little is known yet.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import OperationalError, SQLAlchemyError

    odd = (RuntimeError, ValueError, KeyError, AssertionError, TypeError) if opening else ()
    try:
        yield
    except (SQLAlchemyError, StorageInternalError, *odd) as error:
        reason: BaseException = error
        while isinstance(reason, SQLAlchemyError | StorageInternalError) and (
            (cause := getattr(reason, "orig", None) or reason.__cause__) is not None
        ):
            reason = cause
        of_disk = isinstance(error, OperationalError | StorageInternalError)
        if not opening or (of_disk and "no such" not in str(reason)):
            raise CnnlabError(
                f"{path}: cannot be read or written: {first_sentence(reason)}\n"
                "   finished runs are kept; run the same command again once it can be written"
            ) from None
        from optuna.version import __version__

        raise UserError(
            f"{path}: expected a study that Optuna {__version__} can read, found another file "
            f"({first_sentence(reason)})\n"
            "   remove the file and run the same command again: finished runs are kept and found again"
        ) from None


def _curve(frozen: FrozenTrial) -> dict[int, float]:
    return dict(sorted(frozen.intermediate_values.items()))
