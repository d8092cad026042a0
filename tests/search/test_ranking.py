"""Which point is best, and which cannot be told from it, against plain rules."""

from itertools import pairwise
from types import SimpleNamespace

import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.config.axes import Span, parse_axis, space_of, value_text
from cnnlab.search.points import Point, ranking, tied
from cnnlab.search.space import params_of, settings_of, size, untried

SHARES = st.floats(0, 1).map(lambda value: round(value, 2))


@st.composite
def swept(draw):
    """Points with the same number of seeds, and with few different accuracies, so that some are equal."""
    seeds = draw(st.integers(1, 4))
    points = []
    for _ in range(draw(st.integers(0, 6))):
        config = SimpleNamespace(architecture=SimpleNamespace(total_params=draw(st.integers(1, 3))))
        state = draw(st.sampled_from(["finished", "finished", "pruned", "failed"]))
        values = draw(st.lists(SHARES, min_size=seeds, max_size=seeds))
        records = tuple(
            SimpleNamespace(result=SimpleNamespace(validation_accuracy=value, test_accuracy=1 - value))
            for value in values
        )
        points.append(Point({}, config, tuple(range(seeds)), records, state))
    return points


@given(swept())
def test_the_best_comes_first(points):
    ranked = ranking(points)
    assert sorted(ranked) == [place for place, point in enumerate(points) if point.state == "finished"]
    for better, worse in pairwise(ranked):
        one, other = points[better], points[worse]
        assert one.validation_accuracy.mean >= other.validation_accuracy.mean
        if one.validation_accuracy.mean == other.validation_accuracy.mean:
            assert (one.params, better) < (other.params, worse)


@given(swept())
def test_tied_are_those_whose_intervals_overlap(points):
    ranked = ranking(points)

    def interval(point):
        values = [record.result.validation_accuracy for record in point.records]
        mean, error = sum(values) / len(values), scipy.stats.sem(values)
        half = scipy.stats.t.ppf(0.975, len(values) - 1) * error
        return mean - half, mean + half

    expected = []
    if ranked and len(points[0].seeds) > 1:
        low, high = interval(points[ranked[0]])
        for place in ranked[1:]:
            other = interval(points[place])
            if abs(other[1] - low) > 1e-9 and abs(other[0] - high) > 1e-9:
                if other[1] > low and other[0] < high:
                    expected.append(place)
            elif place in tied(points, ranked):
                expected.append(place)  # they touch, up to rounding
    assert tied(points, ranked) == expected


VALUES = st.one_of(
    st.sampled_from([True, False, None, 1, 0, 1.0, -5, 0.3, "same", "1", "true", "relu"]),
    st.lists(st.integers(1, 3), max_size=2),
    st.fixed_dictionaries({"name": st.sampled_from(["sgd", "adam"])}),
)  # fmt: skip


@given(st.lists(VALUES, min_size=2, max_size=5, unique_by=value_text), st.data())
def test_values_go_to_optuna_and_back(values, data):
    space = space_of({"training.x": values, "training.y": "3..9"}, {})
    assert size(space) == 7 * len(values)
    settings = {"training.x": data.draw(st.sampled_from(space[0].values)), "training.y": 4}
    back = settings_of(space, params_of(space, settings))
    assert repr(back) == repr(settings)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1), st.data())
def test_what_is_untried(first, second, seed, data):
    space = (Span("a", 0, first), Span("b", 1, 1 + second))
    every = [f"a={a}, b={b}" for a in range(first + 1) for b in range(1, second + 2)]
    assert size(space) == len(every)
    left = data.draw(st.lists(st.sampled_from(every), min_size=1, unique=True))
    settings = untried(space, set(every) - set(left), seed)
    assert f"a={settings['a']}, b={settings['b']}" in left


@given(st.integers(-100, 100), st.integers(1, 100))
def test_the_grammar_of_whole_ranges(low, width):
    span = parse_axis(f"model.x={low}..{low + width}")
    assert span == Span("model.x", low, low + width)
    assert span.is_whole
    assert parse_axis(f"model.x={span}") == span


@given(st.floats(1e-300, 1e300), st.floats(1.001, 1e6))
def test_the_grammar_of_logarithmic_ranges(low, factor):
    span = parse_axis(f"model.x={low!r}..{low * factor!r}")
    assert (span.low, span.high) == (low, low * factor)
    assert span.is_logarithmic == (not span.is_whole)
    assert parse_axis(f"model.x={span}") == span
