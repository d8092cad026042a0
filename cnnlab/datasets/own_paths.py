"""Where the user's own data lies: what a path starts from, and what to say where nothing is found."""

from __future__ import annotations

import os
from pathlib import Path

from cnnlab.files import expanded


class ConfigPath(str):
    """A relative path in a config, joined to the config's folder, from which it starts."""

    written: str
    folder: Path

    @classmethod
    def joined(cls, written: str, folder: Path) -> ConfigPath:
        path = cls(folder / written)
        path.written, path.folder = written, folder
        return path


def starting_in(folder: Path, path: str) -> str:
    """A path in a config that lies in `folder`; absolute ones, and those that begin with ~, stay."""
    is_relative = path and not path.startswith("~") and not Path(path).is_absolute()
    return ConfigPath.joined(path, folder) if is_relative else path


def placed(path: str) -> str:
    """A path as it holds in any current directory, ~ written out; what can be no path stays."""
    return os.path.abspath(expanded(path)) if path and "\0" not in path else path  # noqa: PTH100


def near(path: str) -> str:
    """A path as messages show it: from the current directory where it is inside of that."""
    here = Path.cwd()
    return os.path.relpath(path, here) if Path(path).is_relative_to(here) else path


def absent(path: str, expected: str, found: str = "nothing") -> str:
    """What to say where something else, or nothing, is at a path, with where it starts from."""
    message = f"expected {expected}, found {found} at {str(path)!r}"
    if not isinstance(path, ConfigPath):
        is_relative = not path.startswith("~") and not Path(path).is_absolute()
        start = f"\n   relative paths start at the current directory, {Path.cwd()}"
        return message + start if is_relative else message
    folder, elsewhere = placed(str(path.folder)), Path(placed(path.written))
    message += f"\n   relative paths in a config start at its folder, {folder}"
    if elsewhere.exists():
        message += f"\n   {elsewhere} exists; to name it, write {os.path.relpath(elsewhere, folder)}"
    return message
