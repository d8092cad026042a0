"""Two or more experiments → their missing runs trained, then compared."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cnnlab.comparison import ComparedOutcomes, compare, grouped, grouped_folds
from cnnlab.comparison.comparing import RunDataset, check_same_data, distortion_of
from cnnlab.comparison.stopping import StoppingRule
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets.fold import Fold
from cnnlab.errors import CnnlabError, UserError
from cnnlab.jobs import Jobs
from cnnlab.run_folders.arithmetic import of_other_arithmetic
from cnnlab.run_folders.identity import find_finished, finished_seeds
from cnnlab.run_folders.integrity import DamagedRun
from cnnlab.run_folders.records import Record
from cnnlab.studies.matching import Budget, Match, match_budget
from cnnlab.studies.settling import stopping_rule, train_until_settled
from cnnlab.trainer import dataset_facts

if TYPE_CHECKING:
    from cnnlab.pictures.plots import PredictedImages


@dataclass(frozen=True)
class ComparedExperiments:
    """A comparison with what belongs to it besides."""

    comparison: ComparedOutcomes
    answers: PredictedImages | None
    """Test images with what each network takes them for; None where they are not here."""

    matched: Match | None
    """The network that was resized to the other's budget."""


def compare_experiments(
    entries: Sequence[ExperimentConfig | Record],
    *,
    seeds: Sequence[int] | None,
    jobs: Jobs,
    match: Budget | None = None,
    resize: str | None = None,
    folds: int | None = None,
    left_out: Sequence[DamagedRun] = (),
    max_seeds: int | None = None,
    margin: float | None = None,
) -> ComparedExperiments:
    """Resize one network where a budget is to be met, train what is missing, compare.

    Args:
        entries, seeds, folds, left_out, margin: see `train_and_compare`.
        match: what both networks are to cost alike; see `match_budget`.
        resize: the name of the network to resize.
        max_seeds: add seeds from 0 on until the question is settled, at most so many.

    Raises:
        UserError: the experiments cannot be compared, or not matched; nothing is trained then.
        RunsFailed: a run failed; the others are trained and kept.
    """
    configs = [entry for entry in entries if isinstance(entry, ExperimentConfig)]
    given = [entry for entry in entries if isinstance(entry, Record)]
    if resize is not None and match is None:
        raise UserError("--resize needs --match")
    if match is not None and given:
        raise UserError(f"--match: {given[0].path} is a finished run; give the config instead")
    if folds is not None and given:
        raise UserError(f"--folds: {given[0].path} is a finished run; give the config instead")
    rule = None
    if max_seeds is not None:
        if given:
            raise UserError(
                f"--until-settled: {given[0].path} is a finished run, and more seeds have to be trained; "
                "give the config instead"
            )
        rule = stopping_rule(max(2, len({_identity(entry) for entry in entries})), max_seeds, margin)
    matched = None
    if match is not None:
        runs = len(configs) * (rule.first_look if rule is not None else len(seeds or (None,))) * (folds or 1)
        with jobs.cost_estimates(runs=runs) as estimate_cost:
            matched = match_budget(configs, match, estimate_cost=estimate_cost, resize=resize)
        jobs.reporter.note(str(matched))
        entries = [matched.config if each is matched.original else each for each in entries]
    comparison = train_and_compare(
        entries, seeds=seeds, jobs=jobs, folds=folds, left_out=left_out, rule=rule, margin=margin
    )
    if matched is not None:
        comparison = replace(comparison, notes=(str(matched), *comparison.notes))
    from cnnlab.studies.pictures import answers_on_images

    return ComparedExperiments(comparison, answers_on_images(comparison, jobs), matched)


def train_and_compare(
    entries: Sequence[ExperimentConfig | Record],
    *,
    seeds: Sequence[int] | None,
    jobs: Jobs,
    folds: int | None = None,
    left_out: Sequence[DamagedRun] = (),
    rule: StoppingRule | None = None,
    margin: float | None = None,
) -> ComparedOutcomes:
    """Compare experiments over the same seeds; what has not been trained yet is trained.

    Args:
        entries: experiments, to be trained where they are not finished, and finished runs, which take part
            as they are; the comparison has them in this order.
        seeds: of the experiments; by default all seeds that they, and the given runs' experiments, have
            finished in common, else the one in each config.
        folds: train each experiment once for each of so many folds, and seed; entries are configs then, that
            have these folds.
        left_out: damaged runs that were asked for and are not among the entries; the comparison names them.
        rule: decides how many seeds are trained, in place of `seeds`; all entries are configs then.
        margin: within which two experiments count as equal, as a share.

    Raises:
        UserError: fewer than two different experiments, or different test data; nothing is trained then.
        RunsFailed: a run failed; the others are trained and kept.
    """
    configs = [entry for entry in entries if isinstance(entry, ExperimentConfig)]
    given = [entry for entry in entries if isinstance(entry, Record)]
    places = {_identity(entry): place for place, entry in reversed(list(enumerate(entries)))}
    if len(places) < 2:
        names = ", ".join(name for name, _ in places) or "none"
        raise UserError(f"expected two or more different experiments, found {names}")
    by_fold = [configs] if folds is None else [in_fold(configs, fold, folds) for fold in range(folds)]
    for tested_alike in by_fold:
        check_same_data(
            [
                *(
                    RunDataset(
                        each.name, each.seed, dataset_facts(each, jobs.dataset(each)), distortion_of(each)
                    )
                    for each in tested_alike
                ),
                *(
                    RunDataset(each.name, each.seed, each.dataset, distortion_of(each.config))
                    for each in given
                ),
            ]
        )
    damaged = list(left_out)
    failures: Sequence[tuple[ExperimentConfig, CnnlabError]] = ()
    if rule is not None:
        different = [config for config in configs if config is entries[places[_identity(config)]]]
        trained, failures = train_until_settled(different, rule, jobs)
    else:
        chosen = seeds or common_seeds([each for alike in by_fold for each in alike], given, jobs.out)
        wanted = [
            config.with_seed(seed)
            for of_one in zip(*by_fold, strict=True)
            for seed in chosen or (of_one[0].seed,)
            for config in of_one
        ]
        if not jobs.fresh and folds is None:  # a seed without one of its folds could not be compared
            wanted, problems = whole(
                wanted, read=lambda each: _not_damaged(each, jobs.out), experiment_of=_identity
            )
            damaged += problems
        trained = jobs.finished(wanted)
    unique = {record.path.resolve(): record for record in [*trained, *given]}
    if folds is None:
        groups = grouped(unique.values())
    else:
        groups = grouped_folds(unique.values(), folds)
        places = {(name, digest): place for place, (name, digest) in enumerate(map(_without_fold, configs))}
    ordered = sorted(groups, key=lambda each: places[each.name, each.digest])
    compared = compare(ordered, rule=rule, margin=margin)
    warnings = [*compared.warnings, *(f"left out: {problem}" for problem in damaged)]
    told = list(warnings)
    if other := of_other_arithmetic(list(unique.values())):
        warnings.append(other)
        if of_other_arithmetic(given):  # of all others the jobs have warned already
            told.append(other)
    for warning in told:
        jobs.reporter.warn(warning)
    failed = [
        f"{config.name}, seed {config.seed}, {'is damaged' if isinstance(error, DamagedRun) else 'failed'}: "
        f"{str(error).splitlines()[0]}"
        for config, error in failures
    ]
    return replace(compared, warnings=tuple(warnings), notes=(*compared.notes, *failed))


def in_fold(configs: Sequence[ExperimentConfig], fold: int, folds: int) -> list[ExperimentConfig]:
    """The same experiments, each tested on one of so many folds."""
    return [each.with_fold(Fold(of=folds, index=fold)) for each in configs]


def _without_fold(config: ExperimentConfig) -> tuple[str, str]:
    return _identity(config.with_fold(None))


_Asked = TypeVar("_Asked")
_Found = TypeVar("_Found")


def whole(
    runs: Iterable[_Asked],
    *,
    read: Callable[[_Asked], _Found],
    experiment_of: Callable[[_Asked], Hashable],
) -> tuple[list[_Found], list[DamagedRun]]:
    """What reading runs gives, damaged ones left out, and what is wrong with these.

    Raises:
        DamagedRun: no run of its experiment is left.
    """
    found: list[_Found] = []
    left: set[Hashable] = set()
    damaged: list[tuple[Hashable, DamagedRun]] = []
    for run in runs:
        try:
            found.append(read(run))
            left.add(experiment_of(run))
        except DamagedRun as error:
            damaged.append((experiment_of(run), error))
    for experiment, problem in damaged:
        if experiment not in left:
            raise problem
    return found, [problem for _, problem in damaged]


def _not_damaged(config: ExperimentConfig, out: Path) -> ExperimentConfig:
    find_finished(config, out)
    return config


def _identity(entry: ExperimentConfig | Record) -> tuple[str, str]:
    """Name and digest of the experiment: seeds do not count."""
    config = entry.config if isinstance(entry, Record) else entry
    return config.name, config.digest


def common_seeds(configs: Sequence[ExperimentConfig], given: Sequence[Record], out: Path) -> tuple[int, ...]:
    """The seeds that all experiments have finished, ascending; empty where there is none."""
    finished = [finished_seeds(config, out) for config in configs]
    by_experiment: dict[tuple[str, str], set[int]] = {}
    for record in given:
        by_experiment.setdefault(_identity(record), set()).add(record.seed)
    return tuple(sorted(set.intersection(*finished, *by_experiment.values())))
