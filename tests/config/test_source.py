"""YAML's core schema and nothing more, with the place of everything."""

import contextlib
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cnnlab.errors import UserError
from cnnlab.foreign_text import printable
from cnnlab.language.source import dotted, parse_value, parse_yaml, read_yaml, write_in_line, write_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, None) for word in ("null", "Null", "NULL", "~", "")),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, False) for word in ("false", "False", "FALSE")),
        # What YAML 1.1 took for booleans are words.
        *((word, word) for word in ("no", "No", "NO", "yes", "on", "off", "y", "n", "nUll", "tRUE")),
        ("0", 0),
        ("12", 12),
        ("+12", 12),
        ("-12", -12),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        *(
            (word, word)
            for word in ("0b11", "1_000", "1,000", "0o8", "0xg", "-0x1", "12:30", "1:2:3", "1.2.3")
        ),
        ("1e-4", 1e-4),
        ("1E5", 1e5),
        ("1e+5", 1e5),
        ("-1.5e3", -1500.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("+.5", 0.5),
        (".inf", math.inf),
        ("+.Inf", math.inf),
        ("-.INF", -math.inf),
        *((word, word) for word in (".", "+", "e5", "1e", "inf", "nan", "infinity", ".e5", "--1")),
        *((word, word) for word in ("2024-01-01", "2024-01-01T10:00:00Z", "=", "<<")),
        ('"12"', "12"),
        ("'true'", "true"),
        ('"null"', "null"),
        ('""', ""),
        ("|-\n  12", "12"),
        (">-\n  12\n  13", "12 13"),
        ("mnist # a comment", "mnist"),
        ("[1, two, 3.0]", [1, "two", 3.0]),
        ("{a: 1, 'b c': {}, d: []}", {"a": 1, "b c": {}, "d": []}),
        ("[&a 1, *a, &b {c: *a}, *b]", [1, 1, {"c": 1}, {"c": 1}]),
        ("{1: a, true: b, null: c, 1.5: d}", {"1": "a", "true": "b", "null": "c", "1.5": "d"}),
    ],
)
def test_scalars_of_the_core_schema(text: str, value: Any) -> None:
    found = parse_yaml(f"key: {text}\n", "file").plain()["key"]
    assert (found, type(found)) == (value, type(value))


def test_not_a_number() -> None:
    assert math.isnan(parse_yaml(".nan", "file").plain())


def places(text: str) -> dict[str, tuple[str, str]]:
    """Where each key and each value of a text stands, by its dotted path."""
    found = {}

    def walk(node: Any, path: tuple[Any, ...]) -> None:
        if isinstance(node.value, dict):
            for key, entry in node.value.items():
                found[dotted((*path, key))] = entry.place, entry.node.place
                walk(entry.node, (*path, key))
        elif isinstance(node.value, tuple):
            for index, child in enumerate(node.value):
                found[dotted((*path, index))] = "", child.place
                walk(child, (*path, index))

    walk(parse_yaml(text, "f"), ())
    return found


def test_places_are_line_and_column_counted_from_one() -> None:
    text = """\
# é
name: ünï
model:
  layers:
    - Conv2D: {filters: 8, "kernel_size": [3, 5]}
    - Flatten
'seed':
  0
"""
    assert places(text) == {
        "name": ("f:2:1", "f:2:7"),
        "model": ("f:3:1", "f:4:3"),
        "model.layers": ("f:4:3", "f:5:5"),
        "model.layers[0]": ("", "f:5:7"),
        "model.layers[0].Conv2D": ("f:5:7", "f:5:15"),
        "model.layers[0].Conv2D.filters": ("f:5:16", "f:5:25"),
        "model.layers[0].Conv2D.kernel_size": ("f:5:28", "f:5:43"),
        "model.layers[0].Conv2D.kernel_size[0]": ("", "f:5:44"),
        "model.layers[0].Conv2D.kernel_size[1]": ("", "f:5:47"),
        "model.layers[1]": ("", "f:6:7"),
        "seed": ("f:7:1", "f:8:3"),
    }


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: a\n")
    node = read_yaml(path)
    assert node.plain() == {"name": "a"}
    assert node.place_of_key(("name",)) == f"{path}:1:1"


def test_lines_may_end_as_on_windows() -> None:
    assert places("a: 1\r\nb: 2\r\n") == {"a": ("f:1:1", "f:1:4"), "b": ("f:2:1", "f:2:4")}


def test_a_value_of_the_command_line_has_one_place() -> None:
    node = parse_value("{a: [1, {b: 2}]}", "--set x")
    assert node.plain() == {"a": [1, {"b": 2}]}
    assert node.find(("a", 1, "b")).place == "--set x"
    assert node.place_of_key(("a", 1, "b")) == "--set x"
    assert parse_value("  ", "--set x").plain() is None


def test_with_value_changes_a_copy() -> None:
    node = parse_yaml("a: {b: [1, 2]}\n", "f")
    changed = node.with_value(("a", "b", 1), parse_value("3", "--set a.b[1]"))
    assert (node.plain(), changed.plain()) == ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}})
    assert changed.find(("a", "b", 0)).place == "f:1:9"
    assert changed.find(("a", "b", 1)).place == "--set a.b[1]"
    scalar = node.with_value(("a", "b", 0, "c"), parse_value("4", "--set a.b[0].c"))
    assert scalar.plain() == {"a": {"b": [{"c": 4}, 2]}}
    assert scalar.find(("a", "b", 0)).place == "--set a.b[0].c"
    made = node.with_value(("c", "d"), parse_value("4", "--set c.d"))
    assert made.plain() == {"a": {"b": [1, 2]}, "c": {"d": 4}}


def test_what_is_there() -> None:
    node = parse_yaml("a: {b: [1, null]}\n", "f")
    assert all(node.has(path) for path in ((), ("a",), ("a", "b"), ("a", "b", 1)))
    assert not any(
        node.has(path) for path in (("b",), ("a", "b", 2), ("a", 0), ("c", "b"), ("a", "b", 1, "c"))
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"units": 10}, "{units: 10}"),
        ({"dims": [3, 1, 2], "name": "a b"}, "{dims: [3, 1, 2], name: a b}"),
        ({"word": "1e-4", "long": "x " * 100}, '{word: "1e-4", long: \'' + "x " * 100 + "'}"),
        ({"\x1b": "\x07"}, '{"\\e": "\\a"}'),
    ],
)
def test_a_mapping_in_one_line(data: dict[str, Any], text: str) -> None:
    assert write_in_line(data) == text
    assert parse_yaml(text, "f").plain() == data


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("28×28×1 → ⌊a⌋ é 漢字 🙂", "28×28×1 → ⌊a⌋ é 漢字 🙂"),
        ("two\n   lines", "two\n   lines"),
        ("\x1b[31m\r\x07\x9b", r"\x1b[31m\r\x07\x9b"),
        ("\u202eback\u2028", r"\u202eback\u2028"),
        ("\udcff", r"\udcff"),
        ("a\xa0b", "a\xa0b"),
    ],
)
def test_what_a_message_quotes_does_not_steer_the_terminal(text: str, shown: str) -> None:
    assert str(UserError(text)) == printable(text) == printable(printable(text)) == shown


def test_a_path_has_no_line_breaks() -> None:
    assert dotted(("a\nb", 0, "\x1b", "é")) == r"a\nb[0].\x1b.é"


def test_a_shared_anchor_is_cheap_up_to_the_limit() -> None:
    """19,000 values written out from a few hundred bytes: no error, and no time."""
    text = "a: &a [" + ", ".join("1" * 100) + "]\nb: [" + ", ".join(["*a"] * 185) + "]\n"
    assert len(parse_yaml(text, "f").plain()["b"]) == 185


def test_sixty_levels_are_allowed() -> None:
    depth = 60
    parse_yaml("[" * depth + "]" * depth, "f")
    with pytest.raises(UserError, match=r"^f:1:62: nested more than 60 levels deep$"):
        parse_yaml("[" * 62 + "]" * 62, "f")


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")) | st.sampled_from("\n\t\x85\u2028")
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**238), 10**238)
    | st.floats(allow_nan=False)
    | TEXT
    | st.from_regex(r"[-+]?[0-9._]{1,4}([eE:xo][-+]?[0-9]{0,3})?", fullmatch=True)
    | st.sampled_from(
        ["no", "yes", "~", "null", "", " ", "-", "? a", "a: b", "a #b", "&a", "*a", "!a", "2024-01-01"]
    )
)
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def exact(data: Any) -> Any:
    """Tells 1 from 1.0 and from True."""
    if isinstance(data, dict):
        return {key: exact(value) for key, value in data.items()}
    if isinstance(data, list):
        return [exact(value) for value in data]
    return repr(data)


@given(PLAIN)
@example("1e-4")
@example({"0o17": "0o17", "1": 1, "": ""})
@example([1e-7, 1e16, -0.0, 1e22, 5e-324, math.inf, -math.inf])
@example("a" * 300 + " " + "b" * 300)
@example({"k" * 300: "v"})
@example({"\x85": "a\x85b", "\u2028": "\u2029 c"})
def test_what_is_written_is_read_back(data: Any) -> None:
    assert exact(parse_yaml(write_yaml(data), "f").plain()) == exact(data)


def assert_data_or_user_error(text: str) -> None:
    """Whatever else is raised is a bug."""
    with contextlib.suppress(UserError):
        parse_yaml(text, "f").plain()


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_data_or_a_user_error(text: str) -> None:
    assert_data_or_user_error(text)


@given(st.text("ab:{}[],-&*!|>'\"\n #?%@`~", max_size=40))
def test_any_punctuation_is_data_or_a_user_error(text: str) -> None:
    assert_data_or_user_error(text)
