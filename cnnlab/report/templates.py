"""What all pages are made of: templates, style and scripts that lie beside this file."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


def pages() -> jinja2.Environment:
    """Templates in which what is written out is text, never tags, and a missing name is an error."""
    import jinja2

    return jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )


def resource(name: str) -> str:
    """The text of a file in this folder."""
    return (files("cnnlab.report") / name).read_text(encoding="utf-8")
