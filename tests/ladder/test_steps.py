"""Differences between rungs, their tests, and what may be claimed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cnnlab.comparison.significance import holm, paired_t, sign_flip
from cnnlab.config.experiment import load_config
from cnnlab.ladder.rungs import Rung
from cnnlab.ladder.steps import contrasts_of, interactions_of, steps_of

CONFIG = load_config("cnn")
RUNGS = (
    Rung("dnn", CONFIG, None, "waterfall", ""),
    Rung("locally_connected", CONFIG, "dnn", "waterfall", "locality"),
    Rung("cnn", CONFIG, "locally_connected", "waterfall", "weight sharing"),
    Rung("cnn_strided", CONFIG, "cnn", "ablation", "the first value of each window"),
    Rung("locally_connected_strided", CONFIG, "locally_connected", "ablation", "the first value"),
    Rung("cnn_permuted", CONFIG, "cnn", "control", "permuted pixels"),
    Rung("dnn_permuted", CONFIG, "dnn", "control", "permuted pixels"),
)

BOTH = (RUNGS[0], Rung("cnn", CONFIG, "dnn", "waterfall", "all of it"))


@pytest.fixture
def outcomes(outcome):
    """About the figures of the real ladder on MNIST."""
    rng = np.random.default_rng(0)
    means = {
        "dnn": 0.9642, "locally_connected": 0.9776, "cnn": 0.9791, "cnn_strided": 0.9537,
        "locally_connected_strided": 0.9555, "cnn_permuted": 0.9398, "dnn_permuted": 0.9596,
    }  # fmt: skip
    return {key: outcome(*(mean + 0.002 * rng.standard_normal(6))) for key, mean in means.items()}


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=12).filter(lambda each: len(set(each)) > 1))
def test_paired_t_is_scipys(differences):
    values = [each / 1000 for each in differences]
    assert paired_t(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=1e-9, abs=1e-12)


def test_paired_t_of_equal_differences_claims_no_more_than_their_signs():
    assert paired_t([0.01] * 6) == sign_flip([0.01] * 6).p == pytest.approx(2 / 64)
    assert paired_t([0.0] * 6) == 1
    assert paired_t([0.01]) is None
    with pytest.raises(ValueError, match="at least one pair"):
        paired_t([])


def test_steps_lead_from_the_parent_to_the_rung(outcomes):
    steps = steps_of(RUNGS, outcomes)
    assert [(step.start, step.end) for step in steps] == [
        ("dnn", "locally_connected"), ("locally_connected", "cnn"), ("cnn", "cnn_strided"),
        ("locally_connected", "locally_connected_strided"), ("cnn", "cnn_permuted"),
        ("dnn", "dnn_permuted"),
    ]  # fmt: skip
    for step in steps:
        before, after = (np.array(outcomes[each].test_accuracy.values) for each in (step.start, step.end))
        np.testing.assert_allclose(step.difference.values, after - before)
        assert step.p == pytest.approx(stats.ttest_rel(after, before).pvalue)
    assert [step.p_holm for step in steps] == holm([step.p for step in steps])
    assert [step.shown for step in steps] == [step.p_holm < 0.05 for step in steps]
    shown = {step.end for step in steps if step.shown}
    assert {"locally_connected", "cnn_strided", "cnn_permuted"} <= shown
    assert "cnn" not in shown  # 0.15 points of 0.2 points' spread


def test_what_hangs_off_a_rung_without_runs_has_no_step(outcomes):
    del outcomes["locally_connected"]
    found = steps_of([rung for rung in RUNGS if rung.id in outcomes], outcomes)
    assert "locally_connected_strided" not in [step.end for step in found]
    assert "cnn_strided" in [step.end for step in found]


def test_only_common_seeds_are_paired(outcome):
    outcomes = {"dnn": outcome(0.90, 0.91, 0.92), "cnn": outcome(0.95, 0.97, seeds=(1, 2))}
    [step] = steps_of(BOTH, outcomes)
    assert step.seeds == (1, 2)
    np.testing.assert_allclose(step.difference.values, [0.04, 0.05])


def test_one_seed_supports_nothing(outcome):
    [step] = steps_of(BOTH, {"dnn": outcome(0.9), "cnn": outcome(0.99)})
    assert (step.p, step.p_holm, step.shown) == (None, None, False)


def test_contrasts_set_cnn_and_dnn_side_by_side(outcomes):
    found = {(each.start, each.end): each for each in contrasts_of(outcomes)}
    assert set(found) == {("dnn", "cnn_strided"), ("dnn_permuted", "cnn_permuted")}
    assert all(each.shown and each.difference.mean < 0 for each in found.values())


def test_an_interaction_is_a_difference_of_differences(outcomes, outcome):
    names = ("locally_connected", "cnn", "locally_connected_strided", "cnn_strided")
    [found] = interactions_of({name: outcomes[name] for name in names})
    local, shared, local_strided, shared_strided = (
        np.array(outcomes[each].test_accuracy.values) for each in names
    )
    wanted = (shared - local) - (shared_strided - local_strided)
    np.testing.assert_allclose(found.difference.values, wanted)
    assert found.p == pytest.approx(stats.ttest_1samp(wanted, 0).pvalue)
    assert interactions_of({"cnn": outcome(0.9)}) == ()
