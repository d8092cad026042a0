from dataclasses import replace

import numpy as np
import pytest

from cnnlab.comparison import compare, conclusion
from cnnlab.comparison.advantages import p_text
from cnnlab.comparison.power import smallest_difference
from cnnlab.comparison.significance import McNemar, majority_p, sign_flip
from cnnlab.comparison.spread import spread
from cnnlab.comparison.verdicts import is_significant, verdict

BY = "by 2.00 percentage points on average (95% confidence interval of dnn − cnn:"


TRAINED = "Both were trained on 10,000 images for 20 epochs. "


def without_conditions(text):
    """A verdict without the sentence behind its claim: what the experiments were trained on is alike here."""
    claim, told, rest = text.partition(TRAINED)
    assert told
    assert claim.endswith(". ")
    return claim + rest


@pytest.fixture
def pair(experiment):
    def make(dnn, cnn):
        return compare([experiment("dnn", dnn), experiment("cnn", cnn)]).pairs[0]

    return make


@pytest.mark.parametrize(
    ("dnn", "cnn", "shown", "paragraph"),
    [
        pytest.param(
            [0.96] * 6, [0.978, 0.979, 0.98, 0.98, 0.981, 0.982], True,
            f"cnn outperforms dnn in 6 of 6 seeds, {BY} −2.15 to −1.85), with 15% of its parameters. "
            "The difference is statistically significant across seeds (sign-flip test over 6 seeds, p = "
            "0.031).",
            id="shown",
        ),
        pytest.param(
            [0.978, 0.979, 0.98, 0.98, 0.981, 0.982], [0.96] * 6, True,
            f"dnn outperforms cnn in 6 of 6 seeds, {BY} 1.85 to 2.15), with 6.5 times its parameters. "
            "The difference is statistically significant across seeds (sign-flip test over 6 seeds, p = "
            "0.031).",
            id="the-other-way-round",
        ),
        pytest.param(
            [0.96] * 3, [0.979, 0.98, 0.981], False,
            f"cnn outperforms dnn in 3 of 3 seeds, {BY} −2.25 to −1.75), with 15% of its parameters. "
            "The confidence interval excludes 0, but it assumes normally distributed differences; the "
            "sign-flip test, which does not, has too few seeds (with 3 seeds its p-value cannot fall below "
            "0.25). The difference is likely, but not statistically significant. With 3 seeds, no difference "
            "can be detected reliably (80% power); detecting this one takes about 3 more seeds (--seeds "
            "0-5).",
            id="too-few-seeds",
        ),
        pytest.param(
            [0.96, 0.96], [0.95, 0.99], False,
            "cnn outperforms dnn by 1.00 percentage points on average, but only in 1 of 2 seeds "
            "(95% confidence interval of dnn − cnn: −26.41 to 24.41), with 15% of its parameters. "
            "The difference is not "
            "statistically significant: the confidence interval includes 0, and the sign-flip test has too "
            "few seeds (with 2 seeds its p-value cannot fall below 0.5). With 2 seeds, no difference can be "
            "detected reliably (80% power); detecting this one takes about 63 more seeds (--seeds 0-64).",
            id="two-that-disagree",
        ),
        pytest.param(
            [0.96] * 6, [0.95, 0.97, 0.962, 0.958, 0.965, 0.961], False,
            "cnn outperforms dnn in 4 of 6 seeds, by 0.10 percentage points on average "
            "(95% confidence interval of dnn − cnn: −0.81 to 0.61), with 15% of its parameters. The "
            "difference is not "
            "statistically significant: the confidence interval includes 0 (sign-flip test over 6 seeds, "
            "p = 0.75). With 6 seeds, no difference below 1.22 percentage points can be detected reliably "
            "(80% power); detecting this one takes about 354 more seeds (--seeds 0-359).",
            id="no-difference-to-speak-of",
        ),
        pytest.param(
            [0.96] * 3, [0.96] * 3, False,
            "dnn and cnn are tied at 96.00% on average over 3 seeds (95% confidence interval of "
            "dnn − cnn: 0.00 to 0.00). Both reach the same accuracy with each of the 3 seeds. "
            "Train more seeds (--seeds 0-5) to see whether this holds.",
            id="identical",
        ),
        pytest.param(
            [0.96, 0.98], [0.98, 0.96], False,
            "dnn and cnn are tied at 97.00% on average over 2 seeds (95% confidence interval of "
            "dnn − cnn: −25.41 to 25.41). The difference is not statistically significant: the confidence "
            "interval includes 0, and the sign-flip test has too few seeds (with 2 seeds its p-value cannot "
            "fall below 0.5). With 2 seeds, no difference can be detected reliably (80% power); "
            "none was observed.",
            id="tied",
        ),
        pytest.param(
            [0.96], [0.98], False,
            "cnn outperforms dnn by 2.00 percentage points, with 15% of its parameters. One seed cannot tell "
            "a difference from chance; train more seeds (--seeds 0-5).",
            id="one-seed",
        ),
        pytest.param(
            {3: 0.96, 4: 0.97}, {4: 0.98}, False,
            "cnn outperforms dnn by 1.00 percentage points in their only common seed, 4, with 15% of its "
            "parameters. One seed cannot tell a difference from chance; train more seeds (--seeds 0-5).",
            id="one-common-seed",
        ),
    ],
)  # fmt: skip
def test_verdict(pair, dnn, cnn, shown, paragraph):
    made = pair(dnn, cnn)
    assert is_significant(made) is shown
    assert without_conditions(verdict(made)) == paragraph


def with_answers(pair, *tests):
    return replace(pair, mcnemar=tests, mcnemar_majority_p=majority_p([each.p for each in tests]))


def test_one_seed_tells_what_the_images_say(pair):
    answers = with_answers(pair([0.96], [0.98]), McNemar(45, 1231, 1e-9))
    assert verdict(answers).split(". ")[2] == (
        "On these test images the two trained networks differ significantly (exact McNemar test, p < 0.001: "
        "45 images that only dnn classifies correctly, 1,231 that only cnn does)"
    )
    answers = with_answers(pair([0.96], [0.98]), McNemar(4, 5, 1.0))
    assert "networks do not differ significantly (exact McNemar test, p = 1: " in verdict(answers)


def test_several_seeds_tell_what_the_images_say(pair):
    clear, no = McNemar(10, 90, 1e-9), McNemar(10, 9, 1.0)
    text = verdict(with_answers(pair([0.96] * 3, [0.98, 0.97, 0.99]), clear, clear, no))
    assert (
        "On the test images, the trained networks differ significantly in 2 of 3 seeds "
        "(exact McNemar tests; combined p < 0.001). This compares the networks as they were trained, not "
        "their architectures."
    ) in text
    settled = pair([0.96] * 6, [0.978, 0.979, 0.98, 0.98, 0.981, 0.982])
    for made, *answers in ((settled, *[clear] * 6), (pair([0.96, 0.97], [0.97, 0.96]), no, no)):
        assert "as they were trained" not in verdict(with_answers(made, *answers))
    other = McNemar(90, 10, 1e-9)
    text = verdict(with_answers(pair([0.96] * 3, [0.98, 0.97, 0.95]), clear, clear, other))
    assert (
        "On the test images, the seeds contradict each other: dnn is significantly better in 1 and cnn in 2 "
        "of 3 seeds (exact McNemar tests)."
    ) in text


def test_several_pairs_make_it_harder(experiment):
    six = [0.978, 0.979, 0.98, 0.98, 0.981, 0.982]
    experiments = [
        experiment("cnn", six),
        experiment("dnn", [0.96] * 6),
        experiment("colors_cnn", [0.95] * 6),
    ]
    first, *verdicts = conclusion(compare(experiments))
    assert first.startswith("cnn is the best of 3: ")
    assert len(verdicts) == 2  # the best against each of the others
    for text in verdicts:
        assert text.endswith(
            "The confidence interval excludes 0, but it assumes normally distributed differences; the "
            "sign-flip test, which does not, has too few seeds (with 6 seeds its p-value cannot fall below "
            "0.094, adjusted for 3 pairs). The difference is likely, but not statistically significant. With "
            "6 seeds, no difference can be detected reliably (80% power); detecting this one takes about 1 "
            "more seed (--seeds 0-6)."
        )


def test_as_many_seeds_as_several_pairs_ask_for_do_settle_it(experiment):
    seven = [0.978, 0.979, 0.98, 0.98, 0.981, 0.982, 0.983]
    experiments = [
        experiment("cnn", seven),
        experiment("dnn", [0.96] * 7),
        experiment("colors_cnn", [0.95] * 7),
    ]
    pairs = compare(experiments).pairs
    assert all(is_significant(pair) for pair in pairs[:2])
    assert (
        "statistically significant across seeds (sign-flip test over 7 seeds, p = 0.047, "
        "adjusted for 3 pairs)"
    ) in verdict(pairs[0])


def test_a_pair_that_holm_lets_off_easily_is_not_told_of_a_floor(experiment):
    """Pairs with more seeds come first in Holm's order: the one with six then counts alone."""
    twelve = {seed: 0.98 + seed / 10_000 for seed in range(12)}
    six = {seed: 0.93 + seed / 10_000 for seed in range(6)}
    experiments = [experiment("cnn", twelve), experiment("dnn", dict.fromkeys(range(12), 0.96))]
    pairs = compare([*experiments, experiment("colors_cnn", six)]).pairs
    assert [len(pair.seeds) for pair in pairs] == [12, 6, 6]
    assert pairs[1].p == pytest.approx(2 / 2**5)
    assert "cannot fall below" not in verdict(pairs[1])
    assert "p = 0.062, adjusted for 3 pairs" in verdict(pairs[1])


def test_one_seed_of_three_experiments_asks_for_as_many_as_three_pairs_need(experiment):
    experiments = [experiment("cnn", [0.98]), experiment("dnn", [0.96]), experiment("colors_cnn", [0.95])]
    for text in conclusion(compare(experiments)):
        assert "train more seeds (--seeds 0-6)." in text


@pytest.mark.parametrize(("number", "comparisons"), [(6, 1), (7, 1), (10, 1), (16, 1), (7, 3), (9, 3)])
def test_what_is_called_visible_is_significant_four_times_in_five(pair, number, comparisons):
    """By simulation of the whole rule: interval and adjusted sign-flip test."""
    template, std = pair([0.96] * number, [0.98] * number), 0.004
    truth = smallest_difference(std, number, comparisons)
    shown = []
    for values in np.random.default_rng(1).normal(truth, std, size=(1000, number)):
        test = sign_flip(list(values))
        shown.append(
            is_significant(replace(template, difference=spread(list(values)), p=min(1, comparisons * test.p)))
        )
    assert np.mean(shown) == pytest.approx(0.8, abs=0.04)


def test_no_common_seed_leaves_the_ranking(experiment):
    (paragraph,) = conclusion(compare([experiment("dnn", {0: 0.9}), experiment("cnn", {1: 0.95})]))
    assert paragraph.startswith("The experiments have no seed in common")


@pytest.mark.parametrize(("p", "text"), [(0.03125, "p = 0.031"), (0.25, "p = 0.25"), (1e-5, "p < 0.001")])
def test_p_text(p, text):
    assert p_text(p) == text


def test_no_more_than_all_can_be_seen(pair):
    """A difference of 158 points is none that anyone could look for."""
    text = verdict(pair([0.1, 0.9] * 3, [0.9, 0.1] * 3))
    assert "With 6 seeds, no difference can be detected reliably (80% power)" in text
