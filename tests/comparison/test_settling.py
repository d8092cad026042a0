"""Seeds that are added until a question is settled: which ones, and what ends it. Nothing is trained here."""

import pytest

from cnnlab.comparison.stopping import StoppingRule
from cnnlab.errors import CnnlabError, OptionError
from cnnlab.reporting import Reporter
from cnnlab.run_outcomes import RunsFailed
from cnnlab.studies.settling import stopping_rule, train_until_settled

SECOND_LOOK = [0.02, 0.018, 0.022, -0.017, 0.021, 0.019, 0.02, 0.022]
OPEN = [0.01, -0.012, 0.004, -0.003, 0.011, -0.008, 0.002, -0.001, 0.003, -0.004]


class Notes(Reporter):
    def __init__(self):
        self.notes = []

    def note(self, message):
        self.notes.append(message)


class FinishedRuns:
    """Stands in for jobs that train: cnn is so much better than dnn with each seed; some runs fail."""

    def __init__(self, record, differences, failing=()):
        self.reporter = Notes()
        self.asked = []
        self._record, self._differences, self._failing = record, differences, set(failing)

    def finished(self, configs, *, runs_at_first):
        self.asked.append(([(config.name, config.seed) for config in configs], runs_at_first))
        failed = [each for each in configs if (each.name, each.seed) in self._failing]
        records = [self._trained(each) for each in configs if each not in failed]
        if failed:
            raise RunsFailed(records, [(each, CnnlabError("it diverged")) for each in failed])
        return records

    def _trained(self, config):
        better = self._differences[config.seed] if config.name == "cnn" else 0.0
        return self._record(config.name, config.seed, 0.96 + better)


@pytest.fixture
def settle(record):
    def call(differences, *, rule=StoppingRule(10), failing=()):  # noqa: B008 - frozen
        jobs = FinishedRuns(record, differences, failing)
        configs = [record(name).config for name in ("cnn", "dnn")]
        records, failures = train_until_settled(configs, rule, jobs)
        seeds = {name: [each.seed for each in records if each.config.name == name] for name in ("cnn", "dnn")}
        assert seeds["cnn"] == seeds["dnn"]
        return seeds["cnn"], failures, jobs

    return call


def test_seeds_are_added_from_look_to_look(settle):
    seeds, failures, jobs = settle(SECOND_LOOK)
    assert (seeds, failures) == (list(range(8)), ())
    assert [sorted(runs) for runs, _ in jobs.asked] == [
        [(name, seed) for name in ("cnn", "dnn") for seed in asked] for asked in (range(6), range(6, 8))
    ]
    assert {at_first for _, at_first in jobs.asked} == {12}  # later runs get the threads of the first
    assert jobs.reporter.notes == ["not settled after 6 seeds; the next look comes after 8"]


def test_what_is_settled_at_once_asks_once(settle):
    seeds, _, jobs = settle([0.02, 0.021, 0.019, 0.022, 0.02, 0.018])
    assert (seeds, len(jobs.asked), jobs.reporter.notes) == (list(range(6)), 1, [])


def test_an_open_question_ends_at_the_maximum(settle):
    seeds, _, jobs = settle(OPEN)
    assert (seeds, len(jobs.asked)) == (list(range(10)), 3)
    assert settle(OPEN, rule=StoppingRule(7))[0] == list(range(7))


@pytest.mark.parametrize(
    ("failing", "seeds"),
    [
        pytest.param([("dnn", 7)], range(6), id="after-a-look"),
        pytest.param([("cnn", 4), ("dnn", 2)], range(2), id="before-the-first-look"),
    ],
)
def test_a_run_that_fails_ends_the_sequence(settle, failing, seeds):
    found, failures, jobs = settle(OPEN, failing=failing)
    assert found == list(seeds)
    assert sorted((config.name, config.seed) for config, _ in failures) == sorted(failing)
    assert all(seed < 8 for runs, _ in jobs.asked for _, seed in runs)


def test_without_the_first_seed_nothing_is_known(settle):
    with pytest.raises(RunsFailed, match="1 of 12 runs failed"):
        settle(OPEN, failing=[("dnn", 0)])


@pytest.mark.parametrize(("experiments", "fewest"), [(2, 6), (3, 8), (4, 9)])
def test_a_maximum_that_allows_no_look_is_refused(experiments, fewest):
    assert stopping_rule(experiments, fewest, None).looks[0].pairs == fewest
    with pytest.raises(OptionError) as caught:
        stopping_rule(experiments, fewest - 1, None)
    assert str(caught.value) == (
        f"max_seeds={fewest - 1}: expected {fewest} or more for {experiments} experiments, because fewer "
        "seeds cannot show a significant difference"
    )
