"""What a technique found: a sentence, pictures, arrays and numbers, to look at or to write down."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cnnlab.pictures.kit.figures import LazyFigures
from cnnlab.pictures.kit.files import PictureFiles
from cnnlab.run_folders.folders import Folder
from cnnlab.run_folders.records import read_json

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Explained:
    """The network that is explained, as the document names it; or the networks, where they are compared."""

    name: str | None
    """None where there is no network."""

    run: str | None
    """What the commands take for it; None where it is several networks, or none that is trained."""

    dataset: str | None
    """The title of its images, where they are known."""

    dataset_of: str | None
    """The experiment that was said to have its images."""

    folder: Path
    """Where its explanations go."""


class Settled(Protocol):
    """What an explanation takes from the technique that made it."""

    @property
    def name(self) -> str: ...

    def options_used(self, taken: Mapping[str, Any]) -> dict[str, Any]: ...


class Explanation:
    """What a technique found.

    Attributes:
        technique: the technique's name.
        sentence: the result in words.
        text: all that there is to read: the sentence, unless the technique explains more.
        figures: name → matplotlib Figure, drawn when it is first looked at.
        arrays: name → array, in full precision.
        facts: the technique's own numbers and names, as the JSON document has them.
        options: the technique's options with the values that were used.
        folder: where `save` writes.
    """

    def __init__(
        self,
        technique: Settled,
        explained: Explained,
        *,
        sentence: str,
        figures: Mapping[str, Callable[[], Figure]],
        arrays: Mapping[str, np.ndarray],
        facts: Mapping[str, Any] | None = None,
        taken: Mapping[str, Any] | None = None,
        variant: str = "",
        text: str = "",
    ) -> None:
        """Pictures are given as functions that draw them.

        Args:
            figures: by the technique's name, or by what tells them apart in the names of their files.
            taken: by field, what the technique took where an option was left open.
            text: what to read instead of the sentence alone, its lines no longer than a terminal's.
            variant: tells the files of another view of the same from the usual ones: NAME-VARIANT.png.
        """
        self.technique = technique.name
        self.explained = explained
        self.sentence, self.text = sentence, text or sentence
        self.figures = LazyFigures(figures)
        self.arrays = arrays
        self.facts = facts or {}
        self.options = technique.options_used(taken or {})
        self.folder = explained.folder
        self._stem = f"{self.technique}-{variant}" if variant else self.technique

    def as_dict(self) -> dict[str, Any]:
        """The JSON document."""
        return self._document(
            self.folder, self._stem, [f"{name}.png" for name in self._names(self._stem).values()]
        )

    def save(
        self,
        folder: str | Path | None = None,
        *,
        format: str | Iterable[str] | None = None,
        aspect: str = "auto",
        font_scale: float = 1.0,
        output: str | PathLike[str] | None = None,
    ) -> dict[str, Any]:
        """Write pictures, arrays and the document to a folder, by default to `self.folder`.

        Pictures that the technique left there before with the same options, and has not made anew, are
        removed. What it found with other options stays: the files get a name of their own then,
        TECHNIQUE-XXXXXX.

        Args:
            format: of the pictures: png, svg, pdf, or several with commas between.
            aspect: of their sides: auto, 16:9, 4:3.
            font_scale: how much larger their text is, 0.5 to 2.
            output: the name that pictures get instead of their own, as a path.

        Returns:
            The document, as `as_dict`, with the folder that was written to.

        Raises:
            CnnlabError: the folder cannot be written.
            UserError: there is no such format or aspect, or the output cannot be written.
        """
        how = PictureFiles.of(format=format, aspect=aspect, font_scale=font_scale, output=output)
        return self.saved(how, folder)

    def saved(self, how: PictureFiles, folder: str | Path | None = None) -> dict[str, Any]:
        """The same, with the options as one value."""
        path = self.folder if folder is None else Path(folder)
        written = Folder(path, inside=path.parent if folder is None else None)
        with written.alone() if folder is None else nullcontext():  # other folders are the user's own
            stem = self._stem_in(path)
            named = self.figures if how.output is not None else self.figures.renamed(self._names(stem))
            pictures = how.write(written, named)
            document = self._document(path, stem, pictures)
            written.write_arrays(f"{stem}.npz", **self.arrays)
            if how.output is None:
                for file in self._pictures_before(path, stem).difference(pictures):
                    written.remove(file)
            written.write_json(f"{stem}.json", document)
        return document

    def _stem_in(self, folder: Path) -> str:
        """What the names of the files begin with: one of its own where other options have the usual one."""
        settings = json.dumps([self.options, self.explained.dataset_of], sort_keys=True, default=str)
        there = read_json(folder / f"{self._stem}.json")
        if there is None or "options" not in there:
            return self._stem
        known = json.dumps([there["options"], there.get("dataset_of")], sort_keys=True, default=str)
        if known == settings:
            return self._stem
        return f"{self._stem}-{hashlib.sha256(settings.encode()).hexdigest()[:6]}"

    def _pictures_before(self, folder: Path, stem: str) -> set[str]:
        """The names of the pictures that the technique has left in a folder, as its document has them."""
        listed = (read_json(folder / f"{stem}.json") or {}).get("pictures")
        name = re.compile(re.escape(stem) + r"[\w.-]*\.(png|svg|pdf)")
        return {
            file
            for file in (listed if isinstance(listed, list) else ())
            if isinstance(file, str) and name.fullmatch(file)
        }

    def _names(self, stem: str) -> dict[str, str]:
        """By figure the name of its files, without the ending."""
        return {name: stem if name == self.technique else f"{stem}-{name}" for name in self.figures}

    def _document(self, folder: Path, stem: str, pictures: list[str]) -> dict[str, Any]:
        return {
            "technique": self.technique,
            "run": self.explained.run,
            "subject": self.explained.name,
            "dataset": self.explained.dataset,
            "dataset_of": self.explained.dataset_of,
            "folder": str(folder),
            "sentence": self.sentence,
            "options": dict(self.options),
            "pictures": pictures,
            "arrays": {
                "file": f"{stem}.npz",
                "shapes": {key: list(array.shape) for key, array in self.arrays.items()},
            },
            **self.facts,
        }

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        of = f" of {self.explained.name}" if self.explained.name else ""
        return f"<Explanation: {self.technique}{of}>"

    def _repr_html_(self) -> str:
        """The text and the pictures, for notebooks."""
        said = html.escape(self.text)
        if self.text == self.sentence:
            said = f"<p>{said.replace(chr(10), '<br>')}</p>"
        else:  # set in lines, with indents and tables
            said = f'<pre style="white-space: pre-wrap">{said}</pre>'
        pictures = [
            f'<img src="data:image/png;base64,{_png(figure)}" alt="{html.escape(name)}">'
            for name, figure in self.figures.items()
        ]
        return "\n".join([said, *pictures])


def _png(figure: Figure) -> str:
    content = BytesIO()
    figure.savefig(content, format="png")
    return base64.b64encode(content.getvalue()).decode()
