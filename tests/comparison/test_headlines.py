import pytest

from cnnlab.comparison import compare, conclusion, headline


@pytest.mark.parametrize(
    ("dnn", "cnn", "sentence"),
    [
        pytest.param(
            (0.955, 0.957, 0.961), (0.981, 0.979, 0.983),
            "cnn is ahead of dnn in 3 of 3 seeds, by 2.33 points on average, with 15 % of its parameters.",
            id="every-seed",
        ),
        pytest.param(
            (0.981, 0.979, 0.983), (0.955, 0.957, 0.961),
            "dnn is ahead of cnn in 3 of 3 seeds, by 2.33 points on average, with 6.5 times its parameters.",
            id="the-other-way-round",
        ),
        pytest.param(
            (0.96,), (0.98,),
            "cnn is ahead of dnn by 2.00 points, with 15 % of its parameters; "
            "one seed: run more (--seeds 0-5) before you believe it.",
            id="one-seed",
        ),
        pytest.param(
            (0.97, 0.96, 0.96), (0.96, 0.98, 0.98),
            "cnn is ahead of dnn in 2 of 3 seeds, by 1.00 points on average, with 15 % of its parameters; "
            "the seeds disagree: run more before you believe it.",
            id="most-seeds",
        ),
        pytest.param(
            (0.97, 0.97, 0.90), (0.96, 0.96, 0.98),
            "cnn is ahead of dnn by 2.00 points on average, yet only in 1 of 3 seeds, "
            "with 15 % of its parameters; the seeds disagree: run more before you believe it.",
            id="fewer-seeds-but-on-average",
        ),
        pytest.param(
            (0.96, 0.97), (0.96, 0.98),
            "cnn is ahead of dnn by 0.50 points on average, yet only in 1 of 2 seeds, "
            "with 15 % of its parameters; the seeds disagree: run more before you believe it.",
            id="a-tie-is-no-win",
        ),
        pytest.param(
            (0.96, 0.97), (0.96002, 0.97002),
            "cnn is ahead of dnn in 2 of 2 seeds, by less than 0.01 points on average, "
            "with 15 % of its parameters.",
            id="a-hair",
        ),
        pytest.param(
            (0.96, 0.98), (0.98, 0.96), "dnn and cnn are level at 97.00 % on average over 2 seeds.",
            id="level",
        ),
        pytest.param(
            (0.96,), (0.96,),
            "dnn and cnn are level at 96.00 %; one seed: run more (--seeds 0-5) before you believe it.",
            id="level-in-one-seed",
        ),
        pytest.param(
            {0: 0.96, 1: 0.96}, {0: 0.97, 1: 0.98, 2: 0.10},
            "cnn is ahead of dnn in 2 of 2 common seeds, by 1.50 points on average, "
            "with 15 % of its parameters.",
            id="common-seeds",
        ),
        pytest.param(
            {0: 0.96, 1: 0.96}, {1: 0.97, 2: 0.10},
            "cnn is ahead of dnn by 1.00 points, with 15 % of its parameters; "
            "one common seed: run more (--seeds 0-5) before you believe it.",
            id="one-common-seed",
        ),
        pytest.param(
            {0: 0.96, 1: 0.97}, {2: 0.98},
            "No seed is common to all, so nothing is paired; "
            "mean test accuracies: cnn (seeds 2) 98.00 %, dnn (seeds 0-1) 96.50 %.",
            id="no-common-seed",
        ),
    ],
)  # fmt: skip
def test_two_experiments(experiment, dnn, cnn, sentence):
    assert headline(compare([experiment("dnn", dnn), experiment("cnn", cnn)])) == sentence


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        pytest.param(
            [(0.96, 0.97), (0.95, 0.96)],
            "a is best of 3: ahead of b in 2 of 2 seeds, by 1.00 points on average; "
            "ahead of c in 2 of 2 seeds, by 2.00 points on average.",
            id="clear",
        ),
        pytest.param(
            [(0.98, 0.95), (0.95, 0.96)],
            "a is best of 3: ahead of b by 1.00 points on average, yet only in 1 of 2 seeds; "
            "ahead of c in 2 of 2 seeds, by 2.00 points on average; "
            "the seeds disagree about b: run more before you believe it.",
            id="one-in-doubt",
        ),
        pytest.param(
            [(0.95, 0.96), (0.98, 0.97)],
            "a is among the best of 3: level with c; ahead of b in 2 of 2 seeds, by 2.00 points on average.",
            id="two-at-the-top",
        ),
        pytest.param(
            [(0.98, 0.97), (0.97, 0.98)],
            "a, b and c are level at 97.50 % on average over 2 seeds.",
            id="all-level",
        ),
        pytest.param(
            [(0.96,), (0.95,)],
            "a is best of 3: ahead of b by 1.00 points; ahead of c by 2.00 points; "
            "one common seed: run more (--seeds 0-6) before you believe it.",
            id="one-seed",
        ),
    ],
)
def test_three_experiments(experiment, others, sentence):
    accuracies = zip("abc", [(0.97, 0.98), *others], strict=True)
    assert headline(compare([experiment("cnn", each, name=name) for name, each in accuracies])) == sentence


def test_the_best_is_the_same_in_headline_and_verdicts(experiment):
    """Over the common seeds a is best; b only has more, and luckier ones."""
    accuracies = {"a": {0: 0.97, 1: 0.98}, "b": {0: 0.96, 1: 0.97, 2: 0.999}, "c": {0: 0.95, 1: 0.96}}
    comparison = compare([experiment("cnn", each, name=name) for name, each in accuracies.items()])
    first, *verdicts = conclusion(comparison)
    assert first.startswith("a is best of 3: ahead of b in 2 of 2 common seeds")
    assert [text.split(" in ")[0] for text in verdicts] == ["a is ahead of b", "a is ahead of c"]


@pytest.mark.parametrize(
    ("ahead", "behind", "clause"),
    [
        pytest.param(100, 100, "with as many parameters", id="equal"),
        pytest.param(97, 100, "with about as many parameters", id="close"),
        pytest.param(50, 100, "with 50 % of its parameters", id="half"),
        pytest.param(94, 1000, "with 9.4 % of its parameters", id="a-tenth"),
        pytest.param(4, 1000, "with 0.4 % of its parameters", id="tiny"),
        pytest.param(150, 100, "with 1.5 times its parameters", id="more"),
        pytest.param(1234, 100, "with 12 times its parameters", id="many-times"),
    ],
)
def test_parameters(experiment, ahead, behind, clause):
    comparison = compare(
        [experiment("dnn", (0.9, 0.9), params=behind), experiment("cnn", (0.95, 0.95), params=ahead)]
    )
    start = "cnn is ahead of dnn in 2 of 2 seeds, by 5.00 points on average, "
    assert headline(comparison) == f"{start}{clause}."


def test_nothing_is_said_of_parameters_where_there_are_none(experiment):
    comparison = compare([experiment("dnn", (0.9, 0.9), params=0), experiment("cnn", (0.95, 0.95))])
    assert headline(comparison) == "cnn is ahead of dnn in 2 of 2 seeds, by 5.00 points on average."
