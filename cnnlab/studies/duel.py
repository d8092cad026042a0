"""Two or more experiments → their missing runs trained, then compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cnnlab.comparison import Comparison, compare, grouped
from cnnlab.comparison.comparing import Tested, check_same_data
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError, UserError
from cnnlab.jobs import Jobs, dataset_facts
from cnnlab.runs.records import Record, finished_seeds


def duel(
    configs: Sequence[ExperimentConfig],
    given: Sequence[Record],
    *,
    seeds: Sequence[int] | None,
    jobs: Jobs,
    asker: str = "compare",
) -> Comparison:
    """Compare experiments over the same seeds; what has not been trained yet is trained.

    Args:
        configs: experiments to train where they are not finished.
        given: finished runs that take part as they are.
        seeds: for `configs`; by default all seeds that they, and the given runs' experiments, have
            finished in common, else the one in each config.
        asker: the command that needs the comparison, for messages.

    Raises:
        UserError: fewer than two different experiments, or different test data; nothing is trained then.
        CnnlabError: a run failed; the others are trained and kept.
    """
    different = {(each.name, each.digest) for each in [*configs, *(record.config for record in given)]}
    if len(different) < 2:
        names = ", ".join(name for name, _ in different) or "none"
        raise UserError(f"{asker}: expected two or more different experiments, found {names}")
    check_same_data(
        [Tested(config.name, config.seed, dataset_facts(config, jobs.dataset(config))) for config in configs]
        + [Tested(record.name, record.seed, record.environment["dataset"]) for record in given]
    )
    chosen = seeds or common_seeds(configs, given, jobs.out)
    wanted = [config.with_seed(seed) for config in configs for seed in chosen or (config.seed,)]
    records, failures = jobs.finished(wanted)
    if failures:  # each has been told already
        raise CnnlabError(f"{asker}: {len(failures)} of {len(wanted)} runs failed; the others are kept")
    unique = {record.path.resolve(): record for record in [*records, *given]}
    return compare(grouped(unique.values()))


def common_seeds(configs: Sequence[ExperimentConfig], given: Sequence[Record], out: Path) -> tuple[int, ...]:
    """The seeds that all experiments have finished, ascending; empty where there is none."""
    finished = [finished_seeds(config, out) for config in configs]
    by_experiment: dict[str, set[int]] = {}
    for record in given:
        by_experiment.setdefault(f"{record.name}-{record.config.digest}", set()).add(record.seed)
    return tuple(sorted(set.intersection(*finished, *by_experiment.values())))
