"""Names and texts that others chose, as each medium can show them: terminals, Markdown, CSV files.

Classes are called after folders, which may be called anything. Pages escape by themselves
(`report/templates.py`); pictures take letters that their fonts have (`pictures/kit/lettering.py`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_JOINERS = "\u200c\u200d"
"""They join letters, of Persian and of emoji, and do nothing else."""


def printable(text: str, keep: str = "\n") -> str:
    """A text as a terminal may show it: control characters and the like written as escapes, but for `keep`.

    So are marks that turn the direction of writing, which would rearrange what stands around a name.

    >>> printable("red: \\x1b[31m")
    'red: \\\\x1b[31m'
    """
    if (text.replace("\n", "") if "\n" in keep else text).isprintable():
        return text
    return "".join(
        each
        if each in keep
        or each in _JOINERS
        or each.isprintable()
        or unicodedata.category(each) == "Zs"  # spaces of any width
        else each.encode("unicode_escape").decode()
        for each in text
    )


def one_line(text: str) -> str:
    """A name within a sentence or a table: line breaks are escapes, too."""
    return printable(text, keep="")


def columns(text: str) -> int:
    """How many columns of a terminal a line takes: a Chinese letter takes two, an accent none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def shortened(name: str, length: int = 60) -> str:
    """A name of at most so many columns, its middle left out: names mostly differ at their ends."""
    if columns(name) <= length:
        return name
    tail = 2 * length // 5
    return f"{_beginning(name, length - tail - 1)}…{_beginning(name[::-1], tail)[::-1]}"


def _beginning(text: str, room: int) -> str:
    taken, size = 0, 0
    for letter in text:
        size += columns(letter)
        if size > room:
            break
        taken += 1
    return text[:taken]


_IN_MARKDOWN = re.compile(
    r"[\\`*|$]"  # anywhere
    r"|(?<![^\W_])_|_(?![^\W_])"  # within a word an underscore is one
    r"|~(?=~)|(?<=~)~"
    r"|<(?=[A-Za-z/!?])"  # a tag
    r"|&(?=#?\w+;)"
    r"|\](?=[(\[:])"  # a link
)


def markdown(text: str) -> str:
    r"""A text in a cell or a sentence of Markdown, as it is: no mark-up, no HTML, no mathematics.

    >>> markdown("a|b <script> max_pooling2d_1")
    'a\\|b \\<script> max_pooling2d_1'
    """
    return _IN_MARKDOWN.sub(r"\\\g<0>", one_line(text))


_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?%?", re.IGNORECASE)


def csv_cell(value: Any) -> Any:
    """A cell of a CSV file. A spreadsheet would run a text that begins with = + - or @; ' marks it as text.

    >>> csv_cell("=1+1"), csv_cell("-0.5"), csv_cell(-0.5)
    ("'=1+1", '-0.5', -0.5)
    """
    if not isinstance(value, str):
        return value
    runs = value.lstrip()[:1] in tuple("=+-@＝＋－＠") or value[:1] in ("\t", "\r", "\n")
    text = printable(value)
    return f"'{text}" if runs and value and not _NUMBER.fullmatch(value) else text


_PLAIN_SIGNS = {
    "–": "-", "−": "-", "±": "+-", "×": "x", "÷": "/", "…": "...", "→": "->", "·": "*", "✓": "v", "✗": "x",
    "≤": "<=", "≥": ">=", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")", "²": "^2", "∂": "d", "’": "'",
    "“": '"', "”": '"', "\u00a0": " ", "•": "*", "━": "-",
}  # fmt: skip
"""What cnnlab's own sentences and tables hold beyond ASCII."""


def plain_signs(error: UnicodeError) -> tuple[str, int]:
    """For `codecs.register_error`: signs that an encoding lacks become plain ones, letters escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    shown = (_PLAIN_SIGNS.get(each) or each.encode("ascii", "backslashreplace").decode() for each in missing)
    return "".join(shown), error.end


def composed(name: str) -> str:
    """A name in Unicode's composed form (NFC): file systems also write é as e and an accent."""
    return unicodedata.normalize("NFC", name)
