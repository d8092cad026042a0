"""What the results of all studies have in common: their verdict, their text, their files."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from cnnlab.comparison import Style
    from cnnlab.pictures.kit.files import PictureFiles
    from cnnlab.run_folders.folders import Folder


class StudyResult(ABC):
    """A study that has been carried out. Everything it says stands in its document, which JSON can hold."""

    @property
    @abstractmethod
    def _document(self) -> Mapping[str, Any]: ...

    @property
    @abstractmethod
    def _reading_table(self) -> pd.DataFrame:
        """The table as people read it: percentages, points."""

    @abstractmethod
    def _text(self, style: Style) -> str:
        """Caption, table and verdict."""

    @abstractmethod
    def saved(self, how: PictureFiles | None = None) -> Folder:
        """Write the study's files; the folder knows what was written to it."""

    def as_text(self, style: Style = "terminal") -> str:
        """Caption, table and verdict as text, in one of three styles.

        Raises:
            UserError: there is no such style.
        """
        from cnnlab.comparison.formats import check_style

        check_style(style)
        return self._text(style)

    def as_dict(self) -> dict[str, Any]:
        """What the command prints with `--json`."""
        return dict(self._document)

    def save(
        self,
        *,
        format: str | Iterable[str] | None = None,
        aspect: str = "auto",
        font_scale: float = 1.0,
        output: str | PathLike[str] | None = None,
    ) -> Path:
        """Write the study's tables, picture and JSON; their folder.

        Args:
            format: of the pictures: png, svg, pdf, or several with commas between.
            aspect: of their sides: auto, 16:9, 4:3.
            font_scale: how much larger their text is, 0.5 to 2.
            output: the name that pictures get instead of their own, as a path.

        Raises:
            UserError: there is no such format or aspect, or the output cannot be written.
            CnnlabError: the folder cannot be written.
        """
        from cnnlab.pictures.kit.files import PictureFiles

        how = PictureFiles.of(format=format, aspect=aspect, font_scale=font_scale, output=output)
        return self.saved(how).path

    def __str__(self) -> str:
        return self.as_text()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._document['verdict']}>"

    def _repr_html_(self) -> str:
        from cnnlab.summary_tables.text import html_text

        return f"{html_text(self._reading_table)}<p>{html.escape(self._document['verdict'])}</p>"
