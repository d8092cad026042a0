import pytest

from cnnlab.comparison import compare, conclusion, ranking


@pytest.mark.parametrize(
    ("dnn", "cnn", "sentence"),
    [
        pytest.param(
            (0.955, 0.957, 0.961), (0.981, 0.979, 0.983),
            "cnn outperforms dnn in 3 of 3 seeds, by 2.33 percentage points on average, with 15% of its "
            "parameters.",
            id="every-seed",
        ),
        pytest.param(
            (0.981, 0.979, 0.983), (0.955, 0.957, 0.961),
            "dnn outperforms cnn in 3 of 3 seeds, by 2.33 percentage points on average, with 6.5 times its "
            "parameters.",
            id="the-other-way-round",
        ),
        pytest.param(
            (0.96,), (0.98,),
            "cnn outperforms dnn by 2.00 percentage points, with 15% of its parameters. "
            "A single seed proves little; train more seeds (--seeds 0-5).",
            id="one-seed",
        ),
        pytest.param(
            (0.97, 0.96, 0.96), (0.96, 0.98, 0.98),
            "cnn outperforms dnn in 2 of 3 seeds, by 1.00 percentage points on average, with 15% of its "
            "parameters. "
            "The seeds disagree; train more seeds before drawing a conclusion.",
            id="most-seeds",
        ),
        pytest.param(
            (0.97, 0.97, 0.90), (0.96, 0.96, 0.98),
            "cnn outperforms dnn by 2.00 percentage points on average, but only in 1 of 3 seeds, "
            "with 15% of its parameters. The seeds disagree; train more seeds before drawing a conclusion.",
            id="fewer-seeds-but-on-average",
        ),
        pytest.param(
            (0.96, 0.97), (0.96, 0.98),
            "cnn outperforms dnn by 0.50 percentage points on average, but only in 1 of 2 seeds, "
            "with 15% of its parameters. The seeds disagree; train more seeds before drawing a conclusion.",
            id="a-tie-is-no-win",
        ),
        pytest.param(
            (0.96, 0.97), (0.96002, 0.97002),
            "cnn outperforms dnn in 2 of 2 seeds, by less than 0.01 percentage points on average, "
            "with 15% of its parameters.",
            id="a-hair",
        ),
        pytest.param(
            (0.96, 0.98), (0.98, 0.96), "dnn and cnn are tied at 97.00% on average over 2 seeds.",
            id="tied",
        ),
        pytest.param(
            (0.96,), (0.96,),
            "dnn and cnn are tied at 96.00%. A single seed proves little; train more seeds (--seeds 0-5).",
            id="tied-in-one-seed",
        ),
        pytest.param(
            {0: 0.96, 1: 0.96}, {0: 0.97, 1: 0.98, 2: 0.10},
            "cnn outperforms dnn in 2 of 2 common seeds, by 1.50 percentage points on average, "
            "with 15% of its parameters.",
            id="common-seeds",
        ),
        pytest.param(
            {0: 0.96, 1: 0.96}, {1: 0.97, 2: 0.10},
            "cnn outperforms dnn by 1.00 percentage points, with 15% of its parameters. "
            "A single common seed proves little; train more seeds (--seeds 0-5).",
            id="one-common-seed",
        ),
        pytest.param(
            {0: 0.96, 1: 0.97}, {2: 0.98},
            "The experiments have no seed in common, so their runs cannot be paired; "
            "mean test accuracies: cnn (seed 2) 98.00%, dnn (seeds 0-1) 96.50%.",
            id="no-common-seed",
        ),
    ],
)  # fmt: skip
def test_two_experiments(experiment, dnn, cnn, sentence):
    assert ranking(compare([experiment("dnn", dnn), experiment("cnn", cnn)])) == sentence


def test_a_seed_that_disagrees_does_not_make_a_significant_difference_doubtful(experiment):
    better = (0.985, 0.984, 0.983, 0.986, 0.984, 0.983, 0.980)
    lower = (0.980, 0.979, 0.978, 0.981, 0.979, 0.978, 0.9801)
    accuracies = {"a": better, "b": lower, "c": [0.9] * 7}
    compared = compare([experiment("cnn", each, name=name) for name, each in accuracies.items()])
    said = ranking(compared)
    assert "it outperforms b in 6 of 7 seeds" in said
    assert "disagree" not in said
    assert "statistically significant across seeds" in " ".join(conclusion(compared)[1:])


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        pytest.param(
            [(0.96, 0.97), (0.95, 0.96)],
            "a is the best of 3: it outperforms b in 2 of 2 seeds, by 1.00 percentage points on average; "
            "it outperforms c in 2 of 2 seeds, by 2.00 percentage points on average.",
            id="clear",
        ),
        pytest.param(
            [(0.98, 0.95), (0.95, 0.96)],
            "a is the best of 3: it outperforms b by 1.00 percentage points on average, but only in 1 of 2 "
            "seeds; "
            "it outperforms c in 2 of 2 seeds, by 2.00 percentage points on average. "
            "The seeds disagree about b; train more seeds before drawing a conclusion.",
            id="one-in-doubt",
        ),
        pytest.param(
            [(0.95, 0.96), (0.98, 0.97)],
            "a is among the best of 3: it is tied with c; it outperforms b in 2 of 2 seeds, by 2.00 "
            "percentage points on average.",
            id="two-at-the-top",
        ),
        pytest.param(
            [(0.98, 0.97), (0.97, 0.98)],
            "a, b and c are tied at 97.50% on average over 2 seeds.",
            id="all-tied",
        ),
        pytest.param(
            [(0.96,), (0.95,)],
            "a is the best of 3: it outperforms b by 1.00 percentage points; it outperforms c by 2.00 "
            "percentage points. "
            "A single common seed proves little; train more seeds (--seeds 0-6).",
            id="one-seed",
        ),
    ],
)
def test_three_experiments(experiment, others, sentence):
    accuracies = zip("abc", [(0.97, 0.98), *others], strict=True)
    assert ranking(compare([experiment("cnn", each, name=name) for name, each in accuracies])) == sentence


def test_the_best_is_the_same_in_ranking_and_verdicts(experiment):
    """Over the common seeds a is best; b only has more, and luckier ones."""
    accuracies = {"a": {0: 0.97, 1: 0.98}, "b": {0: 0.96, 1: 0.97, 2: 0.999}, "c": {0: 0.95, 1: 0.96}}
    comparison = compare([experiment("cnn", each, name=name) for name, each in accuracies.items()])
    first, *verdicts = conclusion(comparison)
    assert first.startswith("a is the best of 3: it outperforms b in 2 of 2 common seeds")
    assert [text.split(" in ")[0] for text in verdicts] == ["a outperforms b", "a outperforms c"]


@pytest.mark.parametrize(
    ("better", "worse", "clause"),
    [
        pytest.param(100, 100, "with the same number of parameters", id="equal"),
        pytest.param(97, 100, "with about the same number of parameters", id="close"),
        pytest.param(50, 100, "with 50% of its parameters", id="half"),
        pytest.param(94, 1000, "with 9.4% of its parameters", id="a-tenth"),
        pytest.param(4, 1000, "with 0.4% of its parameters", id="tiny"),
        pytest.param(150, 100, "with 1.5 times its parameters", id="more"),
        pytest.param(1234, 100, "with 12 times its parameters", id="many-times"),
    ],
)
def test_parameters(experiment, better, worse, clause):
    comparison = compare(
        [experiment("dnn", (0.9, 0.9), params=worse), experiment("cnn", (0.95, 0.95), params=better)]
    )
    start = "cnn outperforms dnn in 2 of 2 seeds, by 5.00 percentage points on average, "
    assert ranking(comparison) == f"{start}{clause}."


def test_nothing_is_said_of_parameters_where_there_are_none(experiment):
    comparison = compare([experiment("dnn", (0.9, 0.9), params=0), experiment("cnn", (0.95, 0.95))])
    assert ranking(comparison) == "cnn outperforms dnn in 2 of 2 seeds, by 5.00 percentage points on average."
