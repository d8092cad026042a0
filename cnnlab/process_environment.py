"""Environment variables that cnnlab sets for libraries in its process, and the environment without them."""

from __future__ import annotations

import os

_CHANGED: dict[str, tuple[str | None, str]] = {}
"""By name: what there was before, and what cnnlab has set."""


def set_variable(name: str, value: str) -> None:
    """Set a variable for this process; the processes that cnnlab starts do not get it."""
    before, _ = _CHANGED.get(name, (os.environ.get(name), ""))
    _CHANGED[name] = before, value
    os.environ[name] = value


def set_default(name: str, value: str) -> None:
    """The same, unless the user has set it."""
    if name not in os.environ:
        set_variable(name, value)


def environment_of_the_user() -> dict[str, str]:
    """This process's variables without what cnnlab has set, for a process that starts as this one did."""
    environment = dict(os.environ)
    for name, (before, own) in _CHANGED.items():
        if environment.get(name) != own:  # the user has changed it since
            continue
        if before is None:
            del environment[name]
        else:
            environment[name] = before
    return environment
