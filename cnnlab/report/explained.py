"""What a network has learned: the pictures of all techniques on one self-contained page."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cnnlab.report.templates import pages


@dataclass(frozen=True)
class Section:
    """One technique: its name, what it shows at all, what it showed here, and the files of its pictures."""

    name: str
    about: str
    sentence: str
    pictures: Sequence[Path]


def render_explanations(
    subject: str, run: str, sections: Sequence[Section], *, left_out: Mapping[str, str]
) -> str:
    """The page as text: HTML with its style, script and pictures inside. The same input gives the same text.

    Args:
        subject: what the network is called. run: what its commands take.
        left_out: by technique the reason why it has nothing to show.
    """
    template = pages().get_template("explained.html")
    return template.render(
        subject=subject,
        run=run,
        sections=[(each, [_picture(each, path) for path in each.pictures]) for each in sections],
        left_out=left_out,
    )


@dataclass(frozen=True)
class _Picture:
    """A PNG inside the page; width, height: in pixels."""

    uri: str
    alternative: str
    width: int
    height: int


def _picture(section: Section, path: Path) -> _Picture:
    content = path.read_bytes()
    width, height = struct.unpack(">II", content[16:24])  # of every PNG's first chunk
    part = path.stem.removeprefix(section.name).removeprefix("-")
    name = f"{section.name}, {part}" if part else section.name
    uri = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return _Picture(uri, f"{name}: {section.sentence}", width, height)
