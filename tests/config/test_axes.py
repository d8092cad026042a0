"""--vary KEY=V1,V2,…: how it is read, and what is refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.config.axes import Axis, Span, axes_of, parse_axis, points, space_of
from cnnlab.errors import UserError

SCALARS = st.one_of(
    st.integers(-(10**6), 10**6), st.booleans(), st.none(), st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.sampled_from(["seed", "block"]), SCALARS, max_size=2),
)


@given(st.lists(VALUES, min_size=2, max_size=5))
def test_values_are_read_as_yaml_has_them(values):
    text = ",".join(json.dumps(value) for value in values)
    assert parse_axis(f"dataset.key={text}") == Axis("dataset.key", tuple(values))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1,2", (1, 2)),
        ("a = 1e-3, 0.01 ", (0.001, 0.01)),
        ("a=same,valid", ("same", "valid")),
        ("a=[1, 3, 5]", (1, 3, 5)),
        ("a=[[3, 3], [5, 5]]", ([3, 3], [5, 5])),
        ("a=[3, 3],[5, 5]", ([3, 3], [5, 5])),
        ("a={seed: 0, block: 2},{seed: 0, block: 4}", ({"seed": 0, "block": 2}, {"seed": 0, "block": 4})),
        ("a=true,null", (True, None)),
    ],
)
def test_the_grammar(text, values):
    assert parse_axis(text) == Axis("a", values)


@pytest.mark.parametrize("text", ["", "a", "a=", "a= ", "=1,2", "a b=1,2", "a=[1,", "a={"])
def test_what_is_no_setting_with_values_is_refused(text):
    with pytest.raises(UserError, match=r"--vary"):
        parse_axis(text)


@pytest.mark.parametrize(
    ("vary", "fixed", "problem"),
    [
        ({}, {}, "expected a mapping"),
        ([("a", [1, 2])], {}, "expected a mapping"),
        ({"a": [1]}, {}, "a: expected two or more values, found 1"),
        ({"a": []}, {}, "a: expected two or more values, found none"),
        ({"a": "1"}, {}, "a: expected two or more values, found 1"),
        ({"a": ""}, {}, "a: expected a list of values"),
        ({"a": "1..2"}, {}, "a: expected values such as 8,16,32, found the range 1..2"),
        ({"a": 3}, {}, "a: expected a list of values"),
        ({"a": [1, 2, 1]}, {}, "a: expected different values, found 1 twice"),
        ({"a": [[3, 3], [3, 3]]}, {}, "a: expected different values, found a list twice"),
        ({"a": [1, 2]}, {"a": 3}, "a varies, and is set to 3 besides; leave one out"),
        ({"a.b": [1, 2]}, {"a": 3}, "a.b varies, and a, which decides about the same, is set to 3 besides"),
        (
            {"a": [{"b": 1}, {"b": 2}]},
            {"a.b": 3},
            "a varies, and a.b, which decides about the same, is set to 3 besides",
        ),
        (
            {"a[0].b": [1, 2], "a": [[], [1]]},
            {},
            "a varies, and a[0].b, which decides about the same, varies besides",
        ),
        ({"a": [1, object()]}, {}, "a"),
        ({"seed": [1, 2]}, {}, "the seeds are given by --seeds"),
        ({"name": ["a", "b"]}, {}, "expected another key than name"),
        ({"not a key": [1, 2]}, {}, "expected a key such as dataset.train_size"),
        ({3: [1, 2]}, {}, "expected a key such as dataset.train_size"),
    ],
)
def test_axes_that_make_no_sense_are_refused(vary, fixed, problem):
    with pytest.raises(UserError) as caught:
        axes_of(vary, fixed)
    assert problem in str(caught.value)


def test_numbers_of_numpy_are_those_of_python():
    (axis,) = axes_of({"a": np.array([100, 1000])}, {})
    assert axis == Axis("a", (100, 1000))
    assert [type(each) for each in axis.values] == [int, int]


def test_keys_that_only_begin_alike_do_not_overlap():
    assert len(axes_of({"a.rate": [1, 2], "a.rate_decay": [1, 2]}, {"a.ra": 3})) == 2


def test_1_and_true_are_different_values():
    assert axes_of({"a": [1, True]}, {}) == (Axis("a", (1, True)),)


def test_points_of_a_grid():
    axes = [Axis("a", (1, 2)), Axis("b", ("x", "y", "z"))]
    assert [(place, settings["a"], settings["b"]) for place, settings in points(axes)] == [
        ((0, 0), 1, "x"), ((0, 1), 1, "y"), ((0, 2), 1, "z"),
        ((1, 0), 2, "x"), ((1, 1), 2, "y"), ((1, 2), 2, "z"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "span", "whole", "logarithmic"),
    [
        ("a=8..64", Span("a", 8, 64), True, False),
        ("a=1e-4..1e-2", Span("a", 1e-4, 1e-2), False, True),
        ("a = 0.1 .. 0.5", Span("a", 0.1, 0.5), False, True),
        ("a=.5..2", Span("a", 0.5, 2), False, True),
        ("a=0..0.5", Span("a", 0, 0.5), False, False),
        ("a=-3..3", Span("a", -3, 3), True, False),
    ],
)
def test_ranges(text, span, whole, logarithmic):
    assert parse_axis(text) == span
    assert (span.is_whole, span.is_logarithmic) == (whole, logarithmic)
    assert space_of({"a": text.partition("=")[2]}, {}) == (span,)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a=1..1", "expected an ascending range, found 1..1"),
        ("a=5..1", "expected an ascending range, found 5..1"),
        ("a=-1.0..1.0", "expected a range from 0 or more, found -1.0..1.0"),
        ("a=1..many", "expected two numbers, such as 1e-4..1e-2, found 1..many"),
        ("a=1..2,5..6", "expected two numbers, such as 1e-4..1e-2, found 1..2,5..6"),
        ("a=1...inf", "expected two numbers"),
        ("a=true..2", "expected two numbers"),
    ],
)
def test_what_is_no_range_is_refused(text, problem):
    with pytest.raises(UserError) as caught:
        parse_axis(text)
    assert problem in str(caught.value)


def test_a_text_of_values_is_read_as_on_the_command_line():
    assert space_of({"a": "same,valid", "b": "1e-3..1e-1"}, {}) == (
        Axis("a", ("same", "valid")),
        Span("b", 0.001, 0.1),
    )
