"""A figure → the bytes of a file, or the text of an SVG within a page."""

from __future__ import annotations

import html
import io
import re

import matplotlib
from matplotlib.figure import Figure

from cnnlab.pictures.kit.palette import LIGHT

_REWRITING = [
    (r'(?s)^.*?<svg [^>]*(viewBox="[^"]*").*?</style>\s*</defs>', r"<svg \1>"),  # no metadata, size, style
    (r'(?s)<!--.*?-->|<g id="[^"]*"/>|font-family: [^;"]*(; )?', ""),
    (r'<g id="[\w.]+_\d+">', "<g>"),
    (r'<g id="([^"]*)">', r'<g data-part="\1">'),
    ("xlink:href", "href"),
    (r"\s*\n\s*", "\n"),
    *((rf"(?i)(stroke|fill): {color}\b", rf"\1: var(--{variable})") for variable, color in LIGHT.items()),
]
"""Patterns of matplotlib's SVG, and what a page has instead."""


_CHANGING = {"svg": "Date", "pdf": "CreationDate", "png": "Software"}
"""By format what of its metadata differs from one day, or one version, to the next."""


def encode(figure: Figure, kind: str) -> bytes:
    """The file's content: svg, png or pdf. The same figure gives the same bytes, whenever it is drawn."""
    return _encode(figure, kind, salt="cnnlab")  # without a salt ids change from time to time


def inline_svg(figure: Figure, name: str, label: str) -> str:
    """The SVG of a figure for a page that defines the colours of `palette` as CSS variables.

    Text stays text. A group has no id, but `data-part`, where its artist was given one by `set_gid`.

    Args:
        name: unique in the page; all ids begin with it.
        label: what a screen reader says.
    """
    text = _encode(figure, "svg", salt=name, text="none").decode()
    for pattern, replacement in _REWRITING:
        text = re.sub(pattern, replacement, text)
    text = re.sub(r'(id="|#)([mp][0-9a-f]{10})\b', rf"\1{name}-\2", text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{html.escape(label)}" ', 1)


def _encode(figure: Figure, kind: str, *, salt: str, text: str = "path") -> bytes:
    content = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": salt, "svg.fonttype": text}):
        figure.savefig(content, format=kind, metadata={_CHANGING[kind]: None})
    return content.getvalue()
