"""What all pages are made of: templates, style and scripts that lie beside this file."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from cnnlab.foreign_text import printable
from cnnlab.pictures.kit.palette import COLORS, DARK, LIGHT, PRINT, Theme
from cnnlab.version import __version__

if TYPE_CHECKING:
    import jinja2


def pages(room: str = "cnnlab.report") -> jinja2.Environment:
    """The templates. What they write out is text, never tags, and a missing name is an error.

    Args:
        room: a package with templates and scripts of its own, which may use those that lie here.
    """
    import jinja2

    def resource(name: str) -> str:
        own = files(room) / name
        return (own if own.is_file() else files("cnnlab.report") / name).read_text(encoding="utf-8")

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(resource),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
    )
    environment.globals |= {"resource": resource, "version": __version__, "series": len(COLORS)}
    environment.globals |= {
        "light": _variables(LIGHT),
        "dark": _variables(DARK),
        "printed": _variables(PRINT),
    }
    return environment


def _shown(value: Any) -> Any:
    """A text without what would turn the direction of its line, or what no page may hold."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return printable(value, keep="\n\t") if is_text else value


def _variables(theme: Theme) -> str:
    return " ".join(f"--{name}: {color};" for name, color in theme.items())
