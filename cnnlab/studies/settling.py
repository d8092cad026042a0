"""Seeds from 0 on, for two or more experiments, until each of their questions is settled."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, count, takewhile

from cnnlab.comparison.stopping import StoppingRule
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError, OptionError
from cnnlab.jobs import Jobs
from cnnlab.run_folders.records import Record
from cnnlab.run_outcomes import Identity, RunsFailed, identity_of


def stopping_rule(experiments: int, max_seeds: int, margin: float | None) -> StoppingRule:
    """The rule for so many different experiments, each two of which are a pair.

    Raises:
        OptionError: its first look comes after more seeds than there may be.
    """
    rule = StoppingRule(max_seeds, pairs=experiments * (experiments - 1) // 2, margin=margin)
    if max_seeds < rule.first_look:
        raise OptionError(
            "max_seeds",
            f"expected {rule.first_look} or more for {experiments} experiments, because fewer seeds cannot "
            "show a significant difference",
            value=max_seeds,
        )
    return rule


def train_until_settled(
    configs: Sequence[ExperimentConfig], rule: StoppingRule, jobs: Jobs
) -> tuple[list[Record], tuple[tuple[ExperimentConfig, CnnlabError], ...]]:
    """Find or train seeds, as many as the next look needs, until the rule stops for every pair.

    A run that fails ends the sequence. The seeds up to the last look count then; before the first look, those
    below the one that failed.

    Args:
        configs: different experiments.

    Returns:
        The runs of the seeds that count, and the runs that failed with the reasons.

    Raises:
        UserError: the experiments cannot be trained here.
        RunsFailed: so did seed 0 of an experiment; nothing is known then.
    """
    runs: dict[Identity, Record] = {}
    seeds = 0
    for look in rule.looks:
        if seeds:
            jobs.reporter.note(f"not settled after {seeds} seeds; the next look comes after {look.pairs}")
        wanted = [config.with_seed(seed) for config in configs for seed in range(seeds, look.pairs)]
        try:
            records = jobs.finished(wanted, runs_at_first=len(configs) * rule.looks[0].pairs)
        except RunsFailed as error:
            runs |= {identity_of(each.config): each for each in error.records}
            known = _known_seeds(configs, runs)
            if not known:
                raise
            return _of_seeds(configs, runs, seeds or known), error.failures
        runs |= {identity_of(each.config): each for each in records}
        seeds = look.pairs
        if all(rule.stopped(_differences(a, b, runs, seeds)) for a, b in combinations(configs, 2)):
            break
    return _of_seeds(configs, runs, seeds), ()


def _known_seeds(configs: Sequence[ExperimentConfig], runs: dict[Identity, Record]) -> int:
    """How many seeds from 0 on all experiments have finished."""

    def are_known(seed: int) -> bool:
        return all(identity_of(config.with_seed(seed)) in runs for config in configs)

    return len(list(takewhile(are_known, count())))


def _of_seeds(configs: Sequence[ExperimentConfig], runs: dict[Identity, Record], seeds: int) -> list[Record]:
    return [runs[identity_of(config.with_seed(seed))] for config in configs for seed in range(seeds)]


def _differences(
    a: ExperimentConfig, b: ExperimentConfig, runs: dict[Identity, Record], seeds: int
) -> list[float]:
    """By how much the test accuracy of `a` lies above that of `b`, with each seed from 0 on."""
    of_a, of_b = (_of_seeds([each], runs, seeds) for each in (a, b))
    return [
        above.result.test_accuracy - below.result.test_accuracy
        for above, below in zip(of_a, of_b, strict=True)
    ]
