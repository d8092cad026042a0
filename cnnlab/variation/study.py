"""Two experiments and the settings that vary → their runs, found or trained, compared at every value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from cnnlab.comparison import ComparedOutcomes, compare, grouped
from cnnlab.comparison.advantages import TIE_TOLERANCE
from cnnlab.comparison.comparing import RunDataset, check_same_data, distortion_of
from cnnlab.comparison.pairs import Pair
from cnnlab.comparison.significance import holm
from cnnlab.config.axes import Axis, overlap, points, value_text
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import OptionError, UserError
from cnnlab.jobs import Jobs
from cnnlab.language.fields import as_written
from cnnlab.run_folders.records import Record
from cnnlab.run_outcomes import RunsFailed
from cnnlab.studies.comparing import common_seeds
from cnnlab.trainer import dataset_facts

MOST_AXES = 2
"""More cannot be drawn."""

Both = tuple[ExperimentConfig, ExperimentConfig]
"""The two experiments that are compared."""

Derive = Callable[[dict[str, Any]], Both]
"""Settings → the two experiments with these."""


class Steps(NamedTuple):
    """How long the two experiments train at one value: epochs, and steps of the optimizer."""

    epochs: tuple[int, int]
    steps: tuple[int, int]


@dataclass(frozen=True)
class Point:
    """The two experiments at one value of each setting."""

    place: tuple[int, ...]  # of its value on each axis
    values: tuple[Any, ...]  # one per axis
    comparison: ComparedOutcomes
    steps: Steps

    @property
    def pair(self) -> Pair | None:
        """None where the two have no seed in common."""
        return self.comparison.pairs[0] if self.comparison.pairs else None

    @property
    def lead(self) -> int | None:
        """1 where the second experiment is better on average, −1 where the first one is, 0 for a tie.

        None where the two have no seed in common.
        """
        if self.pair is None:
            return None
        mean = self.pair.difference.mean
        return 0 if abs(mean) <= TIE_TOLERANCE else -1 if mean > 0 else 1


class Failure(NamedTuple):
    """Seeds of an experiment that did not finish at one value."""

    place: tuple[int, ...]
    values: tuple[Any, ...]
    name: str
    seeds: tuple[int, ...]
    reason: str  # of the first


@dataclass(frozen=True)
class Variation:
    """Two experiments at several values of one setting or two."""

    names: tuple[str, str]
    base: Both
    """Where nothing varies."""

    axes: tuple[Axis, ...]
    points: tuple[Point, ...]  # the last axis changes fastest; without those where a network has no run
    failures: tuple[Failure, ...]
    seeds: tuple[int, ...]  # asked for
    equal_steps: bool

    @property
    def p_holm(self) -> tuple[float | None, ...]:
        """The p of each point's sign-flip test, adjusted for the number of points (Holm)."""
        tests = [None if each.pair is None else each.pair.sign_flip for each in self.points]
        given = [None if test is None else test.p for test in tests]
        adjusted = iter(holm([p for p in given if p is not None]))
        return tuple(None if p is None else next(adjusted) for p in given)

    @property
    def lead_changes(self) -> tuple[tuple[int, int], ...]:
        """Neighboring points, by their places, between which the better experiment becomes the worse one.

        Neighbors differ along one axis. Ties are passed over: the lead changes from the last point before
        them to the first one after them.
        """
        numbers = {each.place: number for number, each in enumerate(self.points)}
        found = []
        for line in self._lines():
            last: int | None = None
            for place in line:
                number = numbers.get(place)
                if number is None or not self.points[number].lead:
                    continue
                if last is not None and self.points[last].lead != self.points[number].lead:
                    found.append((last, number))
                last = number
        return tuple(sorted(found))

    def _lines(self) -> Iterator[list[tuple[int, ...]]]:
        """The places along every axis for all places on the other axis: numbers ascending, else as given."""
        sizes = [_in_order(axis.values) for axis in self.axes]
        for number, size in enumerate(sizes):
            for rest in product(*sizes[:number], *sizes[number + 1 :]):
                yield [(*rest[:number], each, *rest[number:]) for each in size]


def _in_order(values: Sequence[Any]) -> Sequence[int]:
    """The places of values: ascending where all are numbers, as a curve is drawn."""
    are_numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)
    return sorted(range(len(values)), key=lambda place: values[place] if are_numbers else place)


def vary(
    derive: Derive,
    axes: Sequence[Axis],
    *,
    seeds: Sequence[int] | None,
    jobs: Jobs,
    equal_steps: bool = False,
) -> Variation:
    """Train what is missing of two experiments at all values, and compare them at each.

    Args:
        derive: the two experiments with settings changed.
        seeds: by default all that have been finished at all values, else the one in each config.
        equal_steps: change the epochs, so that the optimizer takes as many steps at every value as where
            nothing varies, rounded to whole epochs.

    Raises:
        UserError: the two cannot be compared at some value, or a setting does not apply; nothing is trained
            then.
        RunsFailed: no value has runs of both that finished.
    """
    if len(axes) > MOST_AXES:
        raise OptionError("vary", f"expected at most {MOST_AXES} settings, found {len(axes)}")
    base = derive({})
    if base[0].name == base[1].name:
        raise UserError(f"expected experiments of different names, found {base[0].name} twice")
    if equal_steps:
        _check_equal_steps(axes)
    counts = _StepCounts(jobs)
    planned: dict[tuple[int, ...], Both] = {}
    for place, settings in points(axes):  # all configs before any images: a wrong value is said at once
        planned[place] = derive(settings)
        _check_different(planned[place], settings)
    _check_distinct(planned, axes, jobs)
    for place, settings in points(axes):
        check_same_data(
            RunDataset(each.name, each.seed, dataset_facts(each, jobs.dataset(each)), distortion_of(each))
            for each in planned[place]
        )
        if equal_steps:
            planned[place] = counts.equalized(base, planned[place], derive, settings)
    chosen = seeds or common_seeds([each for both in planned.values() for each in both], [], jobs.out)
    records, failed = _finished(planned.values(), chosen, jobs)
    found, failures = [], []
    for place, configs in planned.items():
        values = tuple(axis.values[each] for axis, each in zip(axes, place, strict=True))
        of_both = [records.get(_identity(each), []) for each in configs]
        failures += [Failure(place, values, *each) for each in _failures(configs, failed)]
        if all(of_both):
            comparison = compare(grouped(record for each in of_both for record in each))
            found.append(Point(place, values, comparison, counts.both(configs)))
    if not found and failed is not None:
        raise failed
    return Variation(
        names=(base[0].name, base[1].name), base=base, axes=tuple(axes), points=tuple(found),
        failures=tuple(failures), seeds=tuple(chosen or sorted({each.seed for each in base})),
        equal_steps=equal_steps,
    )  # fmt: skip


def _finished(
    planned: Iterable[Both], seeds: Sequence[int], jobs: Jobs
) -> tuple[dict[tuple[str, str], list[Record]], RunsFailed | None]:
    """The runs of all experiments, and what failed of them; what values have in common is trained once."""
    configs = {
        (*_identity(each), seed): each.with_seed(seed)
        for both in planned
        for each in both
        for seed in seeds or (each.seed,)
    }
    failed: RunsFailed | None = None
    try:
        records: Sequence[Record] = jobs.finished(list(configs.values()))
    except RunsFailed as error:
        failed, records = error, error.records
    by_experiment: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        by_experiment.setdefault(_identity(record.config), []).append(record)
    return by_experiment, failed


def _failures(configs: Both, failed: RunsFailed | None) -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Of each of two experiments with failed seeds its name, the seeds, and why the first of them failed."""
    for config in configs:
        theirs = [
            (each.seed, str(error).splitlines()[0])
            for each, error in (failed.failures if failed else ())
            if _identity(each) == _identity(config)
        ]
        if theirs:
            yield config.name, tuple(seed for seed, _ in theirs), theirs[0][1]


def _identity(config: ExperimentConfig) -> tuple[str, str]:
    return config.name, config.digest


def _check_different(configs: Both, settings: dict[str, Any]) -> None:
    if configs[0].digest == configs[1].digest:
        where = ", ".join(f"{key}={as_written(value)}" for key, value in settings.items())
        raise UserError(f"with {where}, {configs[0].name} and {configs[1].name} are the same experiment")


def _check_distinct(planned: Mapping[tuple[int, ...], Both], axes: Sequence[Axis], jobs: Jobs) -> None:
    """Every value makes experiments of its own.

    Raises:
        UserError: two values make the same ones, or their data has the same name, so that runs of the one
            would be taken for those of the other.
    """
    known: dict[tuple[str, ...], tuple[int, ...]] = {}
    contents: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {}
    for place, configs in planned.items():
        for config in configs:
            digest = jobs.dataset(config).provenance.digest
            before, other = contents.setdefault(_identity(config), (digest, place))
            if before != digest:
                raise UserError(
                    f"--vary: {config.name} would have the same runs with {_values_at(axes, other)} and "
                    f"{_values_at(axes, place)}, whose data has one name; rename one of them"
                )
        other = known.setdefault(tuple(each.digest for each in configs), place)
        if other != place:
            raise UserError(
                f"--vary: {_values_at(axes, other)} and {_values_at(axes, place)} make the same experiments; "
                "leave one out"
            )


def _values_at(axes: Sequence[Axis], place: tuple[int, ...]) -> str:
    return ", ".join(
        f"{axis.key}={value_text(axis.values[each])}" for axis, each in zip(axes, place, strict=True)
    )


def _check_equal_steps(axes: Sequence[Axis]) -> None:
    for axis in axes:
        if overlap(axis.key, "training.epochs"):
            raise OptionError(
                "equal_steps", f"it changes training.epochs, and {axis.key} varies; leave one out"
            )


class _StepCounts:
    """How many steps of the optimizer experiments take, told by the number of their training images."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def per_epoch(self, config: ExperimentConfig) -> int:
        return config.training.steps_per_epoch(len(self._jobs.dataset(config).train.labels))

    def both(self, configs: Both) -> Steps:
        one, other = (each.training.epochs for each in configs)
        return Steps((one, other), (one * self.per_epoch(configs[0]), other * self.per_epoch(configs[1])))

    def equalized(self, base: Both, configs: Both, derive: Derive, settings: dict[str, Any]) -> Both:
        """Two experiments with so many epochs that they take about as many steps as where nothing varies."""
        changed = []
        for place, (plain, config) in enumerate(zip(base, configs, strict=True)):
            steps = plain.training.epochs * self.per_epoch(plain)
            epochs = max(1, round(steps / max(1, self.per_epoch(config))))
            changed.append(derive(settings | {"training.epochs": epochs})[place])
        return changed[0], changed[1]
