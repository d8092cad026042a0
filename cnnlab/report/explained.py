"""What a network has learned: the pictures of all techniques on one self-contained page."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cnnlab.errors import CnnlabError
from cnnlab.explanations import TECHNIQUES
from cnnlab.explanations.explaining import explain_all
from cnnlab.explanations.subject import Subject
from cnnlab.pictures.kit.files import PNG, PictureFiles
from cnnlab.plugins import PluginError, failures_of
from cnnlab.report.templates import pages
from cnnlab.run_folders.folders import Folder


@dataclass(frozen=True)
class TechniqueSection:
    """One technique: its name, what it shows at all, what it showed here, and the files of its pictures.

    text: what to read instead of the sentence, where there is more to say. data: the file of its arrays.
    """

    name: str
    about: str
    sentence: str
    pictures: Sequence[Path]
    text: str = ""
    data: str = ""


@dataclass(frozen=True)
class ExplanationsPage:
    """What `write_explanations` left behind.

    Attributes:
        path: of the page.
        documents: by technique, as `Explanation.as_dict` gives them.
        left_out: by technique the reason why it has nothing to show.
    """

    path: Path
    documents: Mapping[str, Mapping[str, Any]]
    left_out: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """What `cnnlab explain all --json` prints."""
        techniques = list(self.documents.values())
        return {"folder": str(self.path.parent), "techniques": techniques, "left_out": dict(self.left_out)}


def write_explanations(
    subject: Subject, pictures: Sequence[Path] = (), *, how: PictureFiles = PNG
) -> ExplanationsPage:
    """Save what every technique finds, one after the other, then a page of all of them.

    Args:
        subject: opened and started.
        pictures: see `explain_all`.
        how: the files of the pictures, which are PNG in any case: the page holds them.

    Raises:
        UserError: the model cannot be read.
        CnnlabError: the folder cannot be written.
    """
    how = replace(how, formats=tuple(dict.fromkeys(("png", *how.formats))))
    documents: dict[str, Mapping[str, Any]] = {}
    sections, left_out = [], {}
    for name, found in explain_all(subject, pictures=pictures):
        if not isinstance(found, CnnlabError):
            try:
                with failures_of(TECHNIQUES.distribution(name)):  # pictures are drawn only now
                    documents[name] = found.saved(how)
            except PluginError as error:
                found = error
        if isinstance(found, CnnlabError):
            left_out[name] = found.on_command_line()
            subject.reporter.warn(f"{name}: left out: {left_out[name]}")
            continue
        files = documents[name]["pictures"]
        drawn = [found.folder / file for file in files if file.endswith(".png")]
        about = TECHNIQUES[name].summary
        data = documents[name]["arrays"]["file"]
        sections.append(TechniqueSection(name, about, found.sentence, drawn, found.text, data))
        subject.reporter.note(f"{name}: {found.sentence}")
    folder = Folder(subject.folder, inside=subject.folder.parent)
    page = render_explanations(subject.name, subject.run, sections, left_out=left_out)
    folder.write_text("index.html", page)
    return ExplanationsPage(folder.path / "index.html", documents, left_out)


def render_explanations(
    subject: str, run: str, sections: Sequence[TechniqueSection], *, left_out: Mapping[str, str]
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


def _picture(section: TechniqueSection, path: Path) -> _Picture:
    content = path.read_bytes()
    width, height = struct.unpack(">II", content[16:24])  # of every PNG's first chunk
    part = path.stem.removeprefix(section.name).removeprefix("-")
    name = f"{section.name}, {part}" if part else section.name
    uri = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return _Picture(uri, f"{name}: {section.sentence}", width, height)
