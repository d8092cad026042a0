"""Runs of one config, gathered over their seeds, and over the folds of a cross-validation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import UserError
from cnnlab.run_folders.records import Record


@dataclass(frozen=True)
class ExperimentRuns:
    """One config and its finished runs, one per seed, in the order of the seeds.

    Made by `of` or `of_folds`.
    """

    name: str
    records: tuple[Record, ...]
    folds: int | None = None
    """With folds, there is a run for each seed and fold: seed by seed, fold by fold."""

    @classmethod
    def of(cls, records: Iterable[Record]) -> Self:
        """The experiment that these runs belong to, in whatever order they come.

        Raises:
            ValueError: no runs, or runs of different configs.
            UserError: two runs have the same seed.
        """
        ordered = tuple(sorted(records, key=lambda record: record.seed))
        if len({(record.name, record.config.digest) for record in ordered}) != 1:
            raise ValueError("an experiment is one or more runs of one config")
        for before, after in pairwise(ordered):
            if before.seed == after.seed:
                paths = f"{before.path} and {after.path}"
                raise UserError(f"{before.name}: two runs with seed {before.seed}, {paths}; leave one out")
        return cls(ordered[0].name, ordered)

    @classmethod
    def of_folds(cls, records: Iterable[Record], folds: int) -> Self:
        """The experiment whose runs these are, each tested on one of so many folds.

        Raises:
            ValueError: runs of different configs, or not one for each seed and fold.
        """
        ordered = tuple(sorted(records, key=lambda record: (record.seed, record.config.fold or 0)))
        seeds = sorted({record.seed for record in ordered})
        if len({(each.name, each.config.with_fold(None).digest) for each in ordered}) != 1 or [
            (each.seed, each.config.fold) for each in ordered
        ] != [(seed, fold) for seed in seeds for fold in range(folds)]:
            raise ValueError("expected runs of one config, one for each seed and fold")
        return cls(ordered[0].name, ordered, folds)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(record.seed for record in self.records))

    @property
    def config(self) -> ExperimentConfig:
        """What all runs have in common, seed and fold aside."""
        config = self.records[0].config
        return config if self.folds is None else config.with_fold(None)

    @property
    def digest(self) -> str:
        return self.config.digest


def grouped(records: Iterable[Record]) -> tuple[ExperimentRuns, ...]:
    """All runs, gathered by config, in the order in which each config first appears."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.name, record.config.digest), []).append(record)
    return tuple(ExperimentRuns.of(group) for group in groups.values())


def grouped_folds(records: Iterable[Record], folds: int) -> tuple[ExperimentRuns, ...]:
    """All runs of cross-validations, gathered by config, in the order in which each config first appears."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.name, record.config.with_fold(None).digest), []).append(record)
    return tuple(ExperimentRuns.of_folds(group, folds) for group in groups.values())


def seeds_named(seeds: Sequence[int]) -> str:
    """(0,) → "seed 0"; (0, 1, 2) → "seeds 0-2"."""
    return f"seed{'s' * (len(seeds) > 1)} {seeds_text(seeds)}"


def seeds_text(seeds: Sequence[int]) -> str:
    """(0, 1, 2, 5) → "0-2,5", as --seeds takes it."""
    ranges: list[list[int]] = []
    for seed in sorted(seeds):
        if ranges and seed == ranges[-1][1] + 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges)
