"""Runs of one config, gathered over their seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from cnnlab.errors import UserError
from cnnlab.run_folders.records import Record


@dataclass(frozen=True)
class ExperimentRuns:
    """One config and its finished runs, one per seed, in the order of the seeds. Made by `of`."""

    name: str
    records: tuple[Record, ...]

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

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(record.seed for record in self.records)

    @property
    def digest(self) -> str:
        return self.records[0].config.digest


def grouped(records: Iterable[Record]) -> tuple[ExperimentRuns, ...]:
    """All runs, gathered by config, in the order in which each config first appears."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.name, record.config.digest), []).append(record)
    return tuple(ExperimentRuns.of(group) for group in groups.values())


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
