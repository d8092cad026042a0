"""Names that others chose, in each medium: as they are written, and nothing that is acted on."""

import codecs
import csv
import io

import pandas as pd
import pytest

from cnnlab.foreign_text import columns, csv_cell, markdown, one_line, plain_signs, printable, shortened
from cnnlab.summary_tables.text import csv_text, html_text, text_table


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("\x1b[31mred\x07", r"\x1b[31mred\x07", id="ansi"),
        pytest.param("\x9b31mred", r"\x9b31mred", id="8-bit-ansi"),
        pytest.param("a\nb\tc\r", r"a\nb\tc\r", id="lines"),
        pytest.param("abc\u202edef\u2066", r"abc\u202edef\u2066", id="direction"),
        pytest.param("caf\udce9", r"caf\udce9", id="not-utf-8"),
        pytest.param("👨\u200d👩 中国 שלום", "👨\u200d👩 中国 שלום", id="letters"),
    ],
)
def test_one_line(name, shown):
    assert one_line(name) == shown
    assert printable(f"{name}\n") == (shown if "\n" not in name else shown.replace(r"\n", "\n")) + "\n"


@pytest.mark.parametrize(
    ("name", "length", "shown"),
    [
        ("short", 5, "short"),
        ("n" * 50 + "-deep", 20, "nnnnnnnnnnn…nnn-deep"),
        ("中国人民的很长的名字", 11, "中国人…名字"),
        ("中国", 4, "中国"),
    ],
)
def test_shortened_by_columns(name, length, shown):
    assert shortened(name, length) == shown
    assert columns(shown) <= length


def test_columns():
    assert [columns(text) for text in ("abc", "中国", "cafe\u0301", "é")] == [3, 4, 4, 1]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("max_pooling2d_1", "max_pooling2d_1"), ("_both_", r"\_both\_"), ("a|b", r"a\|b"),
        ("`rm`", r"\`rm\`"), ("[red]", "[red]"), ("**b**", r"\*\*b\*\*"),
        ("<script>x</script>", r"\<script>x\</script>"), ("3 < 4", "3 < 4"), ("$x$", r"\$x\$"),
        ("&lt;", r"\&lt;"), ("R&D", "R&D"), ("[a](b)", r"[a\](b)"),
        ("a\nb", r"a\\nb"), ("~~gone~~", r"\~\~gone\~\~"), ("c:\\d", r"c:\\d"),
    ],
)  # fmt: skip
def test_markdown(name, written):
    # A control character's escape is a backslash in the text, which Markdown wants twice.
    assert markdown(name) == written


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"), ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"), ("-x", "'-x"), ("@sum", "'@sum"),
        ("\t=1", r"'\t=1"), (" =1", "' =1"), ("＝1", "'＝1"), ("-0.5", "-0.5"), ("+1e-3", "+1e-3"), ("", ""),
        (-0.5, -0.5), (None, None), ("plain", "plain"), ("\x1b[1m", r"\x1b[1m"), ("-5%", "-5%"),
    ],
)  # fmt: skip
def test_csv_cell(value, cell):
    assert csv_cell(value) == cell


HOSTILE = ("=1+1", "@x", "a|b", "<b>", "$$", "a,b\nc")


def test_a_table_as_csv():
    table = pd.DataFrame({"class": HOSTILE, "=share": [0.1, -0.2, None, 1 / 3, 0.5, 0.6]})
    header, *rows = csv.reader(io.StringIO(csv_text(table)))
    assert header == ["class", "'=share"]
    assert [row[0] for row in rows] == ["'=1+1", "'@x", "a|b", "<b>", "$$", "a,b\nc"]
    assert [row[1] for row in rows] == ["0.1", "-0.2", "", repr(1 / 3), "0.5", "0.6"]


def test_a_table_in_a_notebook():
    text = html_text(pd.DataFrame({"class": HOSTILE}))
    assert "&lt;b&gt;" in text
    assert "tex2jax_ignore" in text


def test_a_table_on_a_terminal():
    rows = [("中国", "1"), ("\x1b[31mred\nline", "22"), ("[red]x[/red]", "3")]
    lines = text_table(["Class", "Images"], rows).splitlines()
    assert lines == [
        "Class              Images",
        "-----------------  ------",
        "中国                    1",
        r"\x1b[31mred\nline      22",
        "[red]x[/red]            3",
    ]
    assert {columns(line) for line in lines} == {25}


def test_a_table_in_markdown():
    lines = text_table(["Class"], [("a|b",), ("<script>",)], markdown=True).splitlines()
    assert [line.strip("| ") for line in lines[2:]] == [r"a\|b", r"\<script>"]


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", r"98 +- 1% x 2 -> \u4e2d\xe9..."),
        ("latin-1", r"98 ± 1% × 2 -> \u4e2dé..."),
        ("cp1252", r"98 ± 1% × 2 -> \u4e2dé…"),
    ],
)
def test_plain_signs(encoding, shown):
    codecs.register_error("plain_signs", plain_signs)
    assert "98 ± 1% × 2 → 中é…".encode(encoding, "plain_signs").decode(encoding) == shown
