"""Sweeps over a function instead of networks: what a run reaches is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cnnlab.api.experiment import load
from cnnlab.config.axes import space_of
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.given import given_by
from cnnlab.errors import CnnlabError, Pruned
from cnnlab.reporting import Reporter
from cnnlab.run_outcomes import RunsFailed
from cnnlab.search.carrying_out import carry_out
from cnnlab.search.plan import Plan
from cnnlab.search.study import Study
from cnnlab.search.watching import Watching

EXPERIMENT = {
    "name": "function",
    "dataset": {"name": "colors", "train_size": 200, "validation_size": 100},
    "model": {"layers": ["Flatten", {"Dense": {"units": 6, "activation": "softmax"}}]},
    "training": {"epochs": 4, "batch_size": 50},
}

Reached = Callable[[ExperimentConfig], float | CnnlabError]


@dataclass
class Function:
    """Stands for `Jobs`: a run reaches what a function of its config says, a quarter of it each epoch.

    trained: the runs that were trained, in their order. stop_after: so many epochs are the last before
    Ctrl-C. done: runs that have finished, by digest and seed.
    """

    out: Path
    reached: Reached
    watching: Watching
    done: dict[tuple[str, int], Any]
    fresh: bool = False
    stop_after: int | None = None
    trained: list[ExperimentConfig] = field(default_factory=list)
    epochs: int = 0

    def check(self, config: ExperimentConfig) -> None:
        """All can be trained."""

    def check_one_runtime(self, configs: Any) -> set[str]:
        """All are for one backend."""
        return set()

    def dataset(self, config: ExperimentConfig) -> Any:
        return SimpleNamespace(validation=[0])

    def feed(self, source: Any, *, most: int) -> None:
        while (config := source.next()) is not None:
            source.ended(config, self._outcome(config))

    def finished(self, configs: list[ExperimentConfig]) -> list[Any]:
        records, failures = [], []
        for config in configs:
            outcome = self._outcome(config)
            if isinstance(outcome, CnnlabError):
                self.watching.failed(config, outcome)
                failures.append((config, outcome))
            else:
                self.watching.finished(config, outcome)
                records.append(outcome)
        if failures:
            raise RunsFailed(records, failures)
        return records

    def _outcome(self, config: ExperimentConfig) -> Any:
        key = (config.digest, config.seed)
        if key not in self.done or self.fresh:
            outcome = self._train(config)
            if isinstance(outcome, CnnlabError):
                return outcome
            self.done[key] = outcome
        return self.done[key]

    def _train(self, config: ExperimentConfig) -> Any:
        self.trained.append(config)
        reached = self.reached(config)
        if isinstance(reached, CnnlabError):
            return reached
        last, history = config.training.epochs, []
        for epoch in range(1, last + 1):
            if self.epochs == self.stop_after:
                raise KeyboardInterrupt
            self.epochs += 1
            row = {"epoch": epoch, "val_accuracy": reached * epoch / last}
            history.append(row)
            try:
                self.watching.epoch_ended(config, row)
            except Pruned as error:
                return error
        result = SimpleNamespace(seed=config.seed, validation_accuracy=reached, test_accuracy=reached)
        return SimpleNamespace(config=config, result=result, history=history)


@dataclass
class Sweeping:
    """A sweep over a function, which can be carried out again and again."""

    out: Path
    vary: dict[str, Any]
    reached: Reached
    search: str = "tpe"
    trials: int | None = None
    prune: bool = False
    seeds: tuple[int, ...] = (0,)
    reporter: Reporter = field(default_factory=Reporter)
    trained: list[ExperimentConfig] = field(default_factory=list)
    done: dict[tuple[str, int], Any] = field(default_factory=dict)

    def __call__(self, *, stop_after: int | None = None, fresh: bool = False) -> Study:
        base = load(EXPERIMENT).config

        def derive(changes: Any) -> ExperimentConfig:
            given = {key: given_by("--vary", key, value) for key, value in changes.items()}
            return load(EXPERIMENT, given).config

        plan = Plan(base, space_of(self.vary, {}), self.search, self.seeds, self.trials, self.prune)  # type: ignore[arg-type]
        watching = Watching(self.reporter)
        jobs = Function(self.out, self.reached, watching, self.done, fresh=fresh, stop_after=stop_after)
        try:
            return carry_out(plan, derive, jobs, watching)  # type: ignore[arg-type]
        finally:
            self.trained = jobs.trained
