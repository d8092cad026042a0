"""Figures → files: in which formats, for which page, and under which name. The one place for all commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from cnnlab.errors import OptionError
from cnnlab.pictures.kit.figures import LazyFigures
from cnnlab.pictures.kit.page import ASPECTS, AUTO, FONT_SCALES, FORMATS, Format, Page
from cnnlab.user_files import check_folder_of, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class FigureFolder(Protocol):
    """What a folder has to be able to do: `cnnlab.run_folders.folders.Folder` is one."""

    def write_figure(self, name: str, figure: Figure) -> None: ...
    def save_with(self, name: str, save: Callable[[Path], object]) -> None: ...


@dataclass(frozen=True)
class PictureFiles:
    """How figures become files.

    output: the name that they get instead of their own, as a path without an ending; None: their own, in the
    folder of what they belong to.
    """

    formats: tuple[Format, ...] = ("png",)
    page: Page = AUTO
    output: Path | None = None

    @classmethod
    def of(
        cls,
        *,
        format: str | Iterable[str] | None = None,
        aspect: str = "auto",
        font_scale: float = 1.0,
        output: str | PathLike[str] | None = None,
    ) -> PictureFiles:
        """From options as users give them.

        Args:
            format: "png,svg" or a list of formats; by default the ending of `output`, or png.

        Raises:
            OptionError: a format or an aspect that there is not, a scale out of its range, an output that is
                a folder.
            UserError: the folder of the output is not there.
        """
        path, ending = None if output is None else _output(output), ""
        if path is not None and path.suffix[1:].lower() in FORMATS:
            path, ending = path.with_suffix(""), path.suffix[1:].lower()
        chosen = _formats(format if format is not None else ending or "png")
        if ending and ending not in chosen:
            raise OptionError("output", f"ends in .{ending}, but format is {','.join(chosen)}; leave one out")
        if aspect not in ASPECTS:
            raise OptionError("aspect", f"expected {' or '.join(ASPECTS)}, found {aspect!r:.40}")
        least, most = FONT_SCALES
        if isinstance(font_scale, bool) or not isinstance(font_scale, int | float):
            raise OptionError("font_scale", f"expected a number, found {font_scale!r:.40}")
        if not least <= font_scale <= most:
            raise OptionError("font_scale", f"expected {least:g} to {most:g}, found {font_scale:g}")
        return cls(chosen, Page(aspect, float(font_scale)), path)

    def names(self, stem: str) -> list[str]:
        """The names of the files of one figure."""
        return [f"{stem}.{each}" for each in self.formats]

    def write(self, folder: FigureFolder, figures: LazyFigures) -> list[str]:
        """Write figures, whose names are those of their files without the ending.

        Returns:
            The files' names in the folder or, where there is an output, their paths.

        Raises:
            CnnlabError: the disk is full, or the folder cannot be written.
            UserError: the output cannot be written.
        """
        if self.output is not None:
            return self.write_here(figures)
        drawn = self._on_page(figures)
        files = [(f"{stem}.{kind}", stem, kind) for stem in drawn for kind in self.formats]
        for name, stem, kind in files:
            _write_into(folder, name, kind, drawn[stem])
        return [name for name, _, _ in files]

    def write_here(self, figures: LazyFigures) -> list[str]:
        """Write figures where the output says; without one, to the current directory under their names.

        Returns:
            The files' paths.

        Raises:
            CnnlabError: the disk is full.
            UserError: a file cannot be written there.
        """
        drawn = self._on_page(figures)
        files = [(self._path(stem, kind, len(drawn)), stem, kind) for stem in drawn for kind in self.formats]
        for path, stem, kind in files:
            with written(path):
                path.write_bytes(_content(drawn[stem], kind))
        return [str(path) for path, _, _ in files]

    def _on_page(self, figures: LazyFigures) -> LazyFigures:
        return figures if self.page == AUTO else figures.on(self.page)

    def _path(self, stem: str, kind: Format, count: int) -> Path:
        if self.output is None:
            return Path(f"{stem}.{kind}")
        name = self.output.name if count == 1 else f"{self.output.name}-{stem}"
        return self.output.with_name(f"{name}.{kind}")


PNG = PictureFiles()
"""As commands write pictures where nobody asks for anything else."""


def _output(given: str | PathLike[str]) -> Path:
    path = Path(given)
    if not str(given).strip():
        raise OptionError("output", f"expected a name, found {str(given)!r:.40}")
    if path.is_dir() or not path.name or str(given).endswith("/"):
        raise OptionError("output", f"expected the name of pictures, found the folder {path}")
    check_folder_of(path)
    return path


def _formats(given: str | Iterable[str]) -> tuple[Format, ...]:
    names = given.split(",") if isinstance(given, str) else list(given)
    names = [str(name).strip().lower() for name in names]
    for name in names:
        if name not in FORMATS:
            raise OptionError("format", f"expected {', '.join(FORMATS)}, found {name!r:.40}")
    if not names:
        raise OptionError("format", f"expected {', '.join(FORMATS)}, found nothing")
    return cast(tuple[Format, ...], tuple(dict.fromkeys(names)))


def _write_into(folder: FigureFolder, name: str, kind: Format, figure: Figure) -> None:
    if kind == "png":
        folder.write_figure(name, figure)
    else:
        folder.save_with(name, lambda path: path.write_bytes(_content(figure, kind)))


def _content(figure: Figure, kind: Format) -> bytes:
    from cnnlab.pictures.kit.encoding import encode

    return encode(figure, kind)
