"""What all pages are made of: templates, style and scripts that lie beside this file."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from cnnlab.version import __version__

if TYPE_CHECKING:
    import jinja2


def pages() -> jinja2.Environment:
    """The templates. What they write out is text, never tags, and a missing name is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_resource),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals |= {"resource": _resource, "version": __version__}
    return environment


def _resource(name: str) -> str:
    return (files("cnnlab.report") / name).read_text(encoding="utf-8")
