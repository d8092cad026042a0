"""--json prints what json.dumps would with an indent, however it is made."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.commands.output import print_json

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp", "Co", "Cn", "Zs"]))
VALUES = st.recursive(
    SCALARS | TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)
TABLES = st.lists(st.dictionaries(TEXTS, SCALARS | TEXTS, max_size=4), max_size=4)


@given(data=VALUES | TABLES)
def test_the_text_is_that_of_json_with_an_indent(data):
    import contextlib
    import io

    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        print_json(data)
    assert stream.getvalue() == json.dumps(data, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("table", [[{"a": float("nan"), "b": 1}], {"a": [float("inf")]}])
def test_what_json_lacks_is_null(table, capsys):
    print_json(table)
    printed = capsys.readouterr().out
    assert "null" in printed
    assert "NaN" not in printed
    assert "Infinity" not in printed
