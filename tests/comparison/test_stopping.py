"""When seeds stop being added, and what is said then."""

import json

import numpy as np
import pytest

from cnnlab.comparison import compare, conclusion
from cnnlab.comparison.sequential import repeated_interval
from cnnlab.comparison.spread import spread
from cnnlab.comparison.stopping import StoppingRule
from cnnlab.comparison.verdicts import is_significant, verdict
from tests.comparison.test_verdicts import without_conditions

DNN = 0.96
CLEAR = [0.02, 0.021, 0.019, 0.022, 0.02, 0.018]
SECOND_LOOK = [0.02, 0.018, 0.022, -0.017, 0.021, 0.019, 0.02, 0.022]
EQUAL = [0.001, -0.001, 0.0005, 0.0, -0.0005, 0.001]
OPEN = [0.01, -0.012, 0.004, -0.003, 0.011, -0.008, 0.002, -0.001]


@pytest.fixture
def pair(experiment):
    """cnn minus dnn, with a rule."""

    def make(differences, max_seeds=30, margin=None):
        rule = StoppingRule(max_seeds, margin=margin)
        cnn = experiment("cnn", [DNN + each for each in differences])
        return compare([cnn, experiment("dnn", [DNN] * len(differences))], rule=rule).pairs[0]

    return make


@pytest.mark.parametrize(
    ("differences", "margin", "stopped"),
    [
        pytest.param(CLEAR, None, (6, "difference"), id="at-the-first-look"),
        pytest.param(CLEAR[:5], None, None, id="too-few-seeds"),
        pytest.param(SECOND_LOOK, None, (8, "difference"), id="at-the-second"),
        pytest.param(SECOND_LOOK[:7], None, None, id="between-looks"),
        pytest.param(CLEAR + OPEN, None, (6, "difference"), id="later-seeds-change-nothing"),
        pytest.param(EQUAL, 0.005, (6, "equivalence"), id="equal"),
        pytest.param(EQUAL, None, None, id="equal-but-nobody-asked"),
        pytest.param(CLEAR, 0.05, (6, "difference"), id="different-and-yet-within-the-margin"),
        pytest.param(OPEN, 0.005, None, id="open"),
    ],
)
def test_when_a_rule_stops(differences, margin, stopped):
    assert StoppingRule(30, margin=margin).stopped(differences) == stopped


def test_the_last_look_stops_in_any_case():
    assert StoppingRule(8).stopped(OPEN) == (8, "max_seeds")
    assert StoppingRule(8).stopped(SECOND_LOOK) == (8, "difference")


def test_document(pair):
    made = pair(SECOND_LOOK + OPEN)
    document = json.loads(json.dumps(made.as_dict(), allow_nan=False))
    low, high = repeated_interval(SECOND_LOOK, StoppingRule(30).looks, alpha=0.05)
    assert document["stopping"] == {
        "rule": "group-sequential sign-flip test",
        "alpha": 0.05,
        "looks": [6, 8, 10, 12, 15, 20, 25, 30],
        "seeds_used": list(range(8)),
        "max_seeds": 30,
        "p": 2 / 64 + 2 / 256,
        "interval": pytest.approx([low, high]),
        "stopped_by": "difference",
    }
    assert "equivalence" not in document
    assert document["seeds"] == list(range(8))  # what came later is not used
    assert document["difference"]["mean"] == pytest.approx(np.mean(SECOND_LOOK))
    assert document["difference"]["ci95"] == document["stopping"]["interval"]
    for key in ("sign_flip", "mcnemar_majority_p", "power"):  # they take the number of seeds as given
        assert document[key] is None


def test_equivalence_of_the_document(pair):
    made = pair(EQUAL, margin=0.005)
    document = made.as_dict()
    assert document["stopping"]["stopped_by"] == "equivalence"
    found = document["equivalence"]
    assert {key: found[key] for key in ("margin", "p_lower", "p_upper", "p_holm", "shown")} == {
        "margin": 0.005, "p_lower": 1 / 64, "p_upper": 1 / 64, "p_holm": 1 / 64, "shown": True,
    }  # fmt: skip
    low, high = found["ci90"]
    assert -0.005 < low < np.mean(EQUAL) < high < 0.005


TEST = "group-sequential sign-flip test"


@pytest.mark.parametrize(
    ("differences", "options", "sentences"),
    [
        pytest.param(
            CLEAR, {},
            "cnn outperforms dnn in 6 of 6 seeds, by 2.00 percentage points on average (95% confidence "
            "interval 1.80 to 2.20), with 15% of its parameters. Settled after 6 seeds: the difference is "
            f"statistically significant ({TEST} with one look, after 6 of at most 30 seeds, p = 0.031).",
            id="difference",
        ),
        pytest.param(
            [-each for each in SECOND_LOOK], {},
            "dnn outperforms cnn in 7 of 8 seeds, by 1.56 percentage points on average (95% confidence "
            "interval 0.05 to 3.06), with 6.5 times its parameters. Settled after 8 seeds: the difference is "
            f"statistically significant ({TEST} with looks after 6 and 8 of at most 30 seeds, p = 0.039).",
            id="the-other-way-round",
        ),
        pytest.param(
            EQUAL, {"margin": 0.005},
            "cnn outperforms dnn by 0.02 percentage points on average, but only in 3 of 6 seeds (95% "
            "confidence interval −0.10 to 0.13), with 15% of its parameters. Settled after 6 seeds: they are "
            f"equal within 0.5 points (two one-sided {TEST}s with one look, after 6 of at most 30 seeds, "
            "p = 0.016; 90% confidence interval of cnn − dnn: −0.08 to 0.11).",
            id="equivalence",
        ),
        pytest.param(
            CLEAR, {"margin": 0.05},
            "It is shown to be smaller than 5 points (p = 0.016; 90% confidence interval of cnn − dnn: 1.84 "
            "to 2.16).",
            id="difference-within-the-margin",
        ),
        pytest.param(
            OPEN, {"max_seeds": 8, "margin": 0.005},
            "Not settled after 8 seeds, the maximum. The difference is not statistically significant "
            f"({TEST} with looks after 6 and 8 of at most 8 seeds, p = 0.93). It is not shown that they "
            "are equal within 0.5 points (p = 0.085; 90% confidence interval of cnn − dnn: −0.53 to 0.60). "
            "Detecting a difference of 0.04 percentage points takes about 3,653 seeds; showing that they are "
            "equal within 0.5 points, about 25 seeds (80% power).",
            id="max-seeds",
        ),
        pytest.param(
            OPEN, {},
            "Not settled: a run failed, and the sequence ended after 8 seeds. The difference is not "
            f"statistically significant ({TEST} with looks after 6 and 8 of at most 30 seeds, p = 0.93). "
            "Detecting a difference of 0.04 percentage points takes about 3,653 seeds (80% power).",
            id="failure",
        ),
        pytest.param(
            CLEAR[:3], {},
            "cnn outperforms dnn in 3 of 3 seeds, by 2.00 percentage points on average, with 15% of its "
            "parameters. Not settled: a run failed, and the sequence ended after 3 seeds. The first look "
            "comes after 6 seeds.",
            id="failure-before-the-first-look",
        ),
    ],
)  # fmt: skip
def test_verdict(pair, differences, options, sentences):
    made = pair(differences, **options)
    assert sentences in without_conditions(verdict(made))
    assert is_significant(made) == (made.stopping.stopped_by == "difference")


def test_students_interval_is_not_printed(pair):
    made = pair(SECOND_LOOK)
    low, high = (f"{100 * end:.2f}" for end in spread(SECOND_LOOK).ci95)
    assert f"{low} to {high}" not in verdict(made)


def test_three_experiments_share_the_error_rate(experiment):
    """Each of three pairs is tested at 5/3%, first after eight seeds; a settled one keeps its seeds."""
    rng = np.random.default_rng(1)
    dnn = [0.95 + each for each in rng.normal(0, 0.001, 12)]
    cnn = [0.98 + each for each in rng.normal(0, 0.001, 12)]
    near = [each + change for each, change in zip(cnn, [0.003] * 7 + [-0.002] + [0.0035] * 4, strict=True)]
    compared = compare(
        [experiment("dnn", dnn), experiment("cnn", cnn), experiment("colors_cnn", near)],
        rule=StoppingRule(12, pairs=3),
    )
    first, second, third = (pair.stopping for pair in compared.pairs)
    assert {each.alpha for each in (first, second, third)} == {0.05 / 3}
    assert first.looks == (8, 10, 12)
    assert (first.stopped_by, len(first.seeds_used)) == ("difference", 8)
    assert (third.stopped_by, len(third.seeds_used)) == ("difference", 10)
    text = verdict(compared.pairs[0])
    assert "(95% confidence interval, joint for 3 pairs, " in text
    assert f"p = {3 * first.p:.2g}, adjusted for 3 pairs)" in text
    assert "train more seeds" not in " ".join(conclusion(compared))


@pytest.mark.parametrize(
    ("differences", "sentence"),
    [
        pytest.param(
            EQUAL,
            "They are equal within 0.5 points (two one-sided t tests, p < 0.001; 90% confidence interval of "
            "cnn − dnn: −0.05 to 0.08).",
            id="shown",
        ),
        pytest.param(
            OPEN,
            "It is not shown that they are equal within 0.5 points (two one-sided t tests, p = 0.075; 90% "
            "confidence interval of cnn − dnn: −0.50 to 0.58); it takes about 25 seeds (80% power, --seeds "
            "0-24).",
            id="more-seeds",
        ),
        pytest.param(
            CLEAR,
            "It is not shown that they are equal within 0.5 points (two one-sided t tests, p = 1; 90% "
            "confidence interval of cnn − dnn: 1.88 to 2.12): the observed difference is not smaller than "
            "that.",
            id="beyond",
        ),
    ],
)
def test_a_margin_with_seeds_chosen_beforehand(experiment, differences, sentence):
    cnn = experiment("cnn", [DNN + each for each in differences])
    (pair,) = compare([cnn, experiment("dnn", [DNN] * len(differences))], margin=0.005).pairs
    assert sentence in verdict(pair)
    assert "stopping" not in pair.as_dict()
    assert pair.as_dict()["sign_flip"]["p_holm"] == pair.p
