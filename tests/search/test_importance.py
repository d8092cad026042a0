"""How much each setting matters: against the analysis of variance, and where nothing can be said."""

from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.formula.api import ols

from cnnlab.config.axes import Axis, Span
from cnnlab.search.importance import LEAST, importance_of, main_effects
from cnnlab.search.sentences import importance_text

A, B = Axis("a", (1, 2, 3)), Axis("b", ("x", None))


def grid(accuracy, *axes):
    return [
        (dict(zip((axis.key for axis in axes), values, strict=True)), accuracy(*values))
        for values in product(*(axis.values for axis in axes))
    ]


def test_a_grid_is_decomposed_as_an_analysis_of_variance_does():
    import pandas as pd

    rng = np.random.default_rng(0)
    axes = (A, B, Axis("c", ([3, 3], [5, 5], [7, 7], [9, 9])))
    points = grid(lambda *_: float(rng.uniform(0.8, 1)), *axes)
    found = importance_of(axes, points)
    assert found.method == "exact"
    table = pd.DataFrame(
        [{key: str(value) for key, value in settings.items()} | {"y": y} for settings, y in points]
    )
    anova = sm.stats.anova_lm(ols("y ~ C(a) + C(b) + C(c)", table).fit())["sum_sq"]
    expected = {key: anova[f"C({key})"] / anova.sum() for key in "abc"}
    assert found.shares == pytest.approx(expected)


@given(arrays(float, (3, 4), elements=st.floats(0, 1, width=32)))
def test_the_shares_add_up_to_at_most_one(table):
    if table.max() - table.min() > 1e-6:
        shares = main_effects(table)
        assert min(shares) >= 0
        assert sum(shares) <= 1 + 1e-9


@given(
    arrays(float, 3, elements=st.floats(0, 1, width=16)), arrays(float, 4, elements=st.floats(0, 1, width=16))
)
def test_effects_that_add_up_leave_nothing(rows, columns):
    table = rows[:, None] + columns
    if table.max() - table.min() > 1e-3:
        assert main_effects(table) == pytest.approx([rows.var() / table.var(), columns.var() / table.var()])
        assert sum(main_effects(table)) == pytest.approx(1)


def test_what_only_two_settings_do_together_is_of_neither():
    assert main_effects(np.array([[0.0, 1.0], [1.0, 0.0]])) == [0, 0]


def test_true_is_not_1():
    axes = (Axis("a", (1, True)), Axis("b", (0, 1)))
    found = importance_of(axes, grid(lambda a, b: 0.9 if a is True else 0.5, *axes))
    assert found.shares == pytest.approx({"a": 1, "b": 0})


def drawn(count, accuracy):
    rng = np.random.default_rng(1)
    rates, sizes = 10 ** rng.uniform(-5, -1, count), rng.integers(8, 257, count)
    return [
        ({"rate": float(rate), "size": int(size)}, accuracy(rate, size))
        for rate, size in zip(rates, sizes, strict=True)
    ]


SPACE = (Span("rate", 1e-5, 1e-1), Span("size", 8, 256))


def test_of_points_drawn_at_random_the_setting_that_decides_has_nearly_all():
    found = importance_of(SPACE, drawn(40, lambda rate, size: 0.9 + np.log10(rate) / 100))
    assert found.method == "fanova"
    assert found.shares["rate"] > 0.9
    assert found.shares["size"] < 0.1
    again = importance_of(SPACE, drawn(40, lambda rate, size: 0.9 + np.log10(rate) / 100))
    assert again == found


def test_a_logarithmic_range_counts_by_its_logarithm():
    """Where only small rates differ, these are most of the range, not a thousandth of it."""

    def accuracy(rate, size):
        return (0.9 if rate < 1e-3 else 0.5) + size / 5000

    shares = importance_of(SPACE, drawn(60, accuracy)).shares
    assert shares["rate"] > 0.9


def test_values_that_are_no_numbers_in_a_search_at_random():
    space = (Axis("kernel", ([1, 1], [3, 3], None)), SPACE[0])
    rng = np.random.default_rng(2)
    kernels = [space[0].values[place] for place in rng.integers(0, 3, 30)]
    points = [
        ({"kernel": kernel, "rate": float(10 ** rng.uniform(-5, -1))}, 0.9 if kernel is None else 0.5)
        for kernel in kernels
    ]
    assert importance_of(space, points).shares["kernel"] > 0.9


@pytest.mark.parametrize(
    ("space", "points", "problem"),
    [
        ((A,), grid(lambda a: a / 3, A), "only one setting varies"),
        ((A, B), grid(lambda a, b: 0.9, A, B), "all points are equally accurate"),
        ((A, B), grid(lambda a, b: a / 3, A, B)[:-1], "at least 10 points must have finished, and 5 have"),
        (
            SPACE,
            drawn(LEAST - 1, lambda rate, size: rate),
            "at least 10 points must have finished, and 9 have",
        ),
        (SPACE, [], "at least 10 points must have finished, and none has"),
    ],
    ids=["one setting", "no variance", "a gap", "few points", "no points"],
)
def test_where_it_cannot_be_said_the_reason_is(space, points, problem):
    found = importance_of(space, points)
    assert (found.method, found.shares, found.problem) == (None, None, problem)
    said = importance_text(found, len(points))
    assert said == f"How much each setting matters is not computed: {problem}."


def test_nothing_is_printed_and_optuna_is_left_as_it_was(capfd):
    from optuna import logging

    before = logging.get_verbosity()
    importance_of(SPACE, drawn(12, lambda rate, size: rate))
    assert capfd.readouterr() == ("", "")
    assert logging.get_verbosity() == before
