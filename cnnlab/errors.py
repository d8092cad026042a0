"""The errors a user may see. Everything else that is raised is a bug."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable


class CnnlabError(Exception):
    """A failure that the user is told about in plain words: a run, a download or a disk failed."""

    exit_code = 1

    def __str__(self) -> str:
        # Whatever it quotes, a terminal is not to act on it.
        return printable(super().__str__())


class UserError(CnnlabError):
    """The user's input is wrong: a config, an option or a file. The message names the way out."""

    exit_code = 2


class ShapeError(UserError):
    """A layer cannot take the input it would get.

    Layers raise it without knowing where they stand; the config reader adds file, line and the
    shapes on the way there.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\n   {remedy}")
        self.problem = problem
        self.remedy = remedy


def printable(text: str, keep: str = "\n") -> str:
    """A text as a terminal may show it: control characters and the like written as escapes, but for `keep`.

    >>> printable("red: \\x1b[31m")
    'red: \\\\x1b[31m'
    """
    return "".join(
        each
        if each in keep or each.isprintable() or unicodedata.category(each) == "Zs"  # spaces of any width
        else each.encode("unicode_escape").decode()
        for each in text
    )


def first_sentence(error: BaseException, *, after: str = "") -> str:
    """The first sentence that an error says, behind `after` if it has that; its kind, if it says nothing."""
    said = str(error).rpartition(after)[2] if after else str(error)
    said = said.strip() or type(error).__name__
    return said.splitlines()[0].split(". ")[0]


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a user who typed `name` most likely meant, if one is close enough."""
    by_lowercase = {each.lower(): each for each in known}
    matches = difflib.get_close_matches(name.lower(), by_lowercase, n=1, cutoff=0.6)
    return by_lowercase[matches[0]] if matches else None


def suggestion(name: str, known: Iterable[str]) -> str:
    """`did you mean mnist?`, or without a close match the known names."""
    names = list(known)
    match = closest(name, names)
    return f"did you mean {match}?" if match else f"known: {', '.join(names)}" if names else "there are none"


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """unknown dataset 'mnsit'; did you mean mnist? Without a close match: the known names."""
    return UserError(f"unknown {kind} {name!r}; {suggestion(name, known)}")
