"""The errors a user may see. Everything else that is raised is a bug."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cnnlab.foreign_text import printable


class CnnlabError(Exception):
    """A failure that the user is told about in plain words: a run, a download or a disk failed."""

    exit_code = 1

    def __str__(self) -> str:
        # Whatever it quotes, a terminal is not to act on it.
        return printable(super().__str__())

    def on_command_line(self) -> str:
        """The message, with options as the command line spells them."""
        return str(self)

    def __reduce__(self) -> Any:
        # Python would call the class with the message alone, which is not what subclasses take.
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[CnnlabError], arguments: tuple[Any, ...], state: dict[str, Any]) -> CnnlabError:
    """An error that another process raised."""
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class UserError(CnnlabError):
    """The user's input is wrong: a config, an option or a file. The message names the way out."""

    exit_code = 2


class OptionError(UserError):
    """An option has a value that is wrong. Python calls the option step_size, the command line --step-size.

    >>> error = OptionError("step_size", "expected more than 0", value=-1)
    >>> str(error), error.on_command_line()
    ('step_size=-1: expected more than 0', '--step-size -1: expected more than 0')
    """

    def __init__(self, option: str, problem: str, *, value: object = None) -> None:
        """`value`: as the user gave it; None where the problem quotes it or it says nothing."""
        super().__init__(f"{option if value is None else f'{option}={value}'}: {problem}")
        self.option = option
        self.problem = problem
        self.value = value

    def on_command_line(self) -> str:
        flag = f"--{self.option.replace('_', '-')}"
        return printable(f"{flag if self.value is None else f'{flag} {self.value}'}: {self.problem}")


class ShapeError(UserError):
    """A layer cannot take the input it would get.

    Layers raise it without knowing where they stand; the config reader adds file, line and the
    shapes on the way there.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\n   {remedy}")
        self.problem = problem
        self.remedy = remedy


class Pruned(CnnlabError):
    """A run was stopped because others are better; it can be resumed."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"pruned after epoch {epoch}: it was worse than others at that epoch")
        self.epoch = epoch


class CnnlabWarning(UserWarning):
    """What the user should know although the work goes on: such as unverified data."""

    def __str__(self) -> str:
        # As in errors, whatever it quotes.
        return printable(super().__str__())


def first_sentence(error: BaseException, *, after: str = "") -> str:
    """The first sentence that an error says, behind `after` if it has that; its kind, if it says nothing."""
    said = str(error).rpartition(after)[2] if after else str(error)
    said = said.strip() or type(error).__name__
    return said.splitlines()[0].split(". ")[0]


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a user who typed `name` most likely meant, if one is close enough."""
    import difflib

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
