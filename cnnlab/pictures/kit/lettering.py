"""Text in figures: in fonts that have its letters, as long as its room, and never taken for mathematics."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from functools import cache

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter

from cnnlab.errors import CnnlabWarning
from cnnlab.foreign_text import columns, printable, shortened

_PREFERRED = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC",
    "Hiragino Sans GB", "Microsoft YaHei", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "Droid Sans Fallback", "Noto Sans CJK JP", "Noto Sans JP", "Noto Sans KR", "Malgun Gothic", "Noto Sans",
)  # fmt: skip
"""Families that are looked into first: of others that have the letters, some are made for headlines."""

_INVISIBLE = ("\u200b", "\u200c", "\u200d", "\ufe0e", "\ufe0f", "\ufeff")
"""Joiners and selectors: a font without them draws what they stand between all the same."""

_families: dict[str, str | None] = {}
"""By letter that the usual font lacks: the family that has it; None: there is none."""

_noted: list[str] = []
"""The letter of the note that some cannot be drawn; it is given once in a process."""

_LONGEST = 240


def legible(text: str) -> str:
    """A text as figures can show it; a letter that no installed font has, is its number: \\u4e2d.

    Warns once in a process of such letters.
    """
    text = printable(text)
    if text.isascii():
        return text
    _look_up(text)
    missing = [letter for letter in text if letter in _families and _families[letter] is None]
    if not missing:
        return text
    visible = [letter for letter in missing if letter not in _INVISIBLE]
    if visible and not _noted:
        _noted.append(visible[0])
        number = visible[0].encode("unicode_escape").decode()
        warnings.warn(
            f"no installed font has letters such as {visible[0]}; pictures show {number} instead. To see "
            "them, install a font that has them, such as Noto Sans CJK for Chinese, Japanese and Korean",
            CnnlabWarning, stacklevel=2,
        )  # fmt: skip
    return "".join(_drawn(letter) for letter in text)


def families(text: str) -> list[str]:
    """The font families that a text is drawn in: the usual one, and those that have what it lacks."""
    if text.isascii():
        return [_usual_family()]
    _look_up(text)
    others = (_families.get(letter) for letter in text)
    return [_usual_family(), *dict.fromkeys(family for family in others if family is not None)]


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Inches that the longest line of a text takes in a font of so many points."""
    lines = text.split("\n")
    return max(sum(_advance(letter, bold) for letter in line) for line in lines) * size / 72


def fitted(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """A text that figures can show, the middle of a line left out where it takes more than `room` inches."""
    return "\n".join(_fitted(line, room, size, bold) for line in legible(text).split("\n"))


def wrapped(text: str, room: float, size: float) -> list[str]:
    """The lines of a text, broken between words, or within one that is longer than `room` inches."""
    lines: list[str] = []
    for paragraph in legible(text).split("\n"):
        line = ""
        for word in re.findall(r" *[^ ]+", paragraph):
            if line and width(line + word, size) > room:
                lines.append(line)
                line = ""
            line = line + word if line else word.lstrip()
            while len(line) > 1 and width(line, size) > room:
                ends = (end for end in range(len(line) - 1, 1, -1) if width(line[:end], size) <= room)
                cut = next(ends, 1)
                lines.append(line[:cut])
                line = line[cut:]
        if line:
            lines.append(line)
    return lines


def all_fitted(
    names: Sequence[str], room: float, size: float, *, numbers: Sequence[int] | None = None
) -> list[str]:
    """Each name `fitted`; names that only differ in what was left out have their number in front.

    Args:
        numbers: of the names; by default their places.
    """
    short = [fitted(name, room, size) for name in names]
    counts: dict[str, int] = {}
    for each in short:
        counts[each] = counts.get(each, 0) + 1
    return [
        each if counts[each] == 1 else fitted(f"{number}: {name}", room, size)
        for each, number, name in zip(short, numbers or range(len(names)), names, strict=True)
    ]


def letter_figure(figure: Figure) -> None:
    """Give every text of a figure fonts that have its letters, and take none for mathematics.

    Powers of ten at the ticks of an axis stay what they are.
    """
    powers = {
        id(label)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for minor, formatter in enumerate((axis.get_major_formatter(), axis.get_minor_formatter()))
        if isinstance(formatter, LogFormatter)
        for label in axis.get_ticklabels(minor=bool(minor))
    }
    for text in figure.findobj(Text):
        if id(text) in powers:
            continue
        text.set_parse_math(False)
        said = text.get_text()
        if not said.isascii():
            if (shown := legible(said)) != said:
                text.set_text(shown)
            text.set_fontfamily(families(shown))


def _fitted(line: str, room: float, size: float, bold: bool) -> str:
    if width(line, size, bold=bold) <= room:
        return line
    line = shortened(line, _LONGEST)
    lengths = range(columns(line) - 1, 2, -1)
    candidates = (shortened(line, length) for length in lengths)
    return next((each for each in candidates if width(each, size, bold=bold) <= room), "…")


def _drawn(letter: str) -> str:
    if letter not in _families or _families[letter] is not None:
        return letter
    return "" if letter in _INVISIBLE else letter.encode("unicode_escape").decode()


def _usual(bold: bool = False) -> str:
    """The file of the font that figures are written in."""
    return font_manager.findfont(FontProperties(weight="bold" if bold else "normal"))


def _usual_family() -> str:
    return font_manager.get_font(_usual()).family_name


@cache
def _advance(letter: str, bold: bool) -> float:
    """The width of a letter in the size of the font."""
    font = font_manager.get_font(_usual(bold))
    if not font.get_char_index(ord(letter)):
        return 0.55 * columns(letter)
    font.set_size(100, 72)
    return font.load_char(ord(letter)).linearHoriAdvance / 65536 / 100


def _look_up(text: str) -> None:
    """Find a family for each letter that the usual font lacks."""
    usual = font_manager.get_font(_usual())
    unknown = {
        letter
        for letter in text
        if letter != "\n" and letter not in _families and not usual.get_char_index(ord(letter))
    }
    if unknown:
        unknown = _found_among(font_manager.fontManager.ttflist, unknown)
    if unknown:  # matplotlib keeps a list of fonts and does not notice new ones
        before = {entry.fname for entry in font_manager.fontManager.ttflist}
        for path in set(font_manager.findSystemFonts()).difference(before):
            try:
                font_manager.fontManager.addfont(path)
            except (OSError, RuntimeError):  # of a kind that matplotlib cannot draw
                continue
        new = [entry for entry in font_manager.fontManager.ttflist if entry.fname not in before]
        unknown = _found_among(new, unknown)
    _families.update(dict.fromkeys(unknown))


def _found_among(fonts: Sequence[font_manager.FontEntry], letters: set[str]) -> set[str]:
    """Look for letters in fonts, the preferred ones first; returns those that none of them has."""
    upright = {
        font.name: font.fname
        for font in fonts
        if font.style == "normal" and "LastResort" not in font.name.replace(" ", "")
    }  # that one has boxes for all letters
    left = set(letters)
    for family in sorted(upright, key=lambda name: (_rank(name), name)):
        if not left:
            break
        try:
            font = font_manager.get_font(upright[family])
        except (OSError, RuntimeError):  # removed since, or of a kind that matplotlib cannot draw
            continue
        if not font.scalable:  # a font of small pictures, as of coloured emoji
            continue
        here = {letter for letter in left if font.get_char_index(ord(letter))}
        _families.update(dict.fromkeys(here, family))
        left -= here
    return left


def _rank(family: str) -> int:
    return _PREFERRED.index(family) if family in _PREFERRED else len(_PREFERRED)
