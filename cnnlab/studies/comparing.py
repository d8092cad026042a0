"""Two or more experiments → their missing runs trained, then compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cnnlab.comparison import Comparison, compare, grouped
from cnnlab.comparison.comparing import Tested, check_same_data
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError, UserError
from cnnlab.jobs import Jobs, dataset_facts
from cnnlab.run_folders.records import Record, finished_seeds


def train_and_compare(
    entries: Sequence[ExperimentConfig | Record],
    *,
    seeds: Sequence[int] | None,
    jobs: Jobs,
    asker: str = "compare",
) -> Comparison:
    """Compare experiments over the same seeds; what has not been trained yet is trained.

    Args:
        entries: experiments, to be trained where they are not finished, and finished runs, which take part
            as they are; the comparison has them in this order.
        seeds: of the experiments; by default all seeds that they, and the given runs' experiments, have
            finished in common, else the one in each config.
        asker: the command that needs the comparison, for messages.

    Raises:
        UserError: fewer than two different experiments, or different test data; nothing is trained then.
        CnnlabError: a run failed; the others are trained and kept.
    """
    configs = [entry for entry in entries if isinstance(entry, ExperimentConfig)]
    given = [entry for entry in entries if isinstance(entry, Record)]
    places = {_identity(entry): place for place, entry in reversed(list(enumerate(entries)))}
    if len(places) < 2:
        names = ", ".join(name for name, _ in places) or "none"
        raise UserError(f"{asker}: expected two or more different experiments, found {names}")
    check_same_data(
        [Tested(config.name, config.seed, dataset_facts(config, jobs.dataset(config))) for config in configs]
        + [Tested(record.name, record.seed, record.dataset) for record in given]
    )
    chosen = seeds or common_seeds(configs, given, jobs.out)
    wanted = [config.with_seed(seed) for config in configs for seed in chosen or (config.seed,)]
    records, failures = jobs.finished(wanted)
    if failures:  # each has been told already
        raise CnnlabError(f"{asker}: {len(failures)} of {len(wanted)} runs failed; the others are kept")
    unique = {record.path.resolve(): record for record in [*records, *given]}
    return compare(sorted(grouped(unique.values()), key=lambda each: places[each.name, each.digest]))


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
