"""Figures → files: in which formats, for which page, and under which name. The one place for all commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from cnnlab.errors import OptionError
from cnnlab.files import name_problem
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

    output: the name that they get instead of their own, as a path, whose ending may be that of a format;
    None: their own, in the folder of what they belong to.
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
        called: str = "output",
    ) -> PictureFiles:
        """From options as users give them.

        Args:
            format: "png,svg" or a list of formats; by default the ending of `output`, or png.
            called: the name of the option that `output` comes from.

        Raises:
            OptionError: a format or an aspect that there is not, a scale out of its range, an output that is
                a folder, has the ending of another picture format, or cannot be a file's name.
            UserError: the folder of the output is not there.
        """
        path = None if output is None else _output(output, called)
        ending = _format_of(path) if path is not None else None
        chosen = _formats(format if format is not None else ending or "png")
        if ending and ending not in chosen:
            raise OptionError(called, f"ends in .{ending}, but format is {','.join(chosen)}; leave one out")
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

    def paths(self, stem: str, *, alone: bool = True) -> list[Path]:
        """Where the files of one figure go that is not for a folder: under its name, or as the output says.

        Args:
            alone: of several figures, each adds its name to the output's.
        """
        if self.output is None:
            return [Path(name) for name in self.names(stem)]
        base = self.output.with_suffix("") if _format_of(self.output) else self.output
        name = base.name if alone else f"{base.name}-{stem}"
        return [
            self.output if alone and _format_of(self.output) == kind else base.with_name(f"{name}.{kind}")
            for kind in self.formats
        ]

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
        files: list[str] = []
        for stem in drawn:
            for path, kind in zip(self.paths(stem, alone=len(drawn) == 1), self.formats, strict=True):
                with written(path):
                    path.write_bytes(_content(drawn[stem], kind))
                files.append(str(path))
        return files

    def _on_page(self, figures: LazyFigures) -> LazyFigures:
        return figures if self.page == AUTO else figures.on(self.page)


PNG = PictureFiles()
"""As commands write pictures where nobody asks for anything else."""


def _output(given: str | PathLike[str], called: str) -> Path:
    path = Path(given)
    if not str(given).strip():
        raise OptionError(called, f"expected a name, found {str(given)!r:.40}")
    if problem := name_problem(path):
        raise OptionError(called, f"expected a name, found {problem}")
    if path.is_dir() or not path.name or str(given).endswith("/"):
        raise OptionError(called, f"expected the name of pictures, found the folder {path}")
    if path.suffix.lower() in _OTHER_PICTURES:
        raise OptionError(
            called, f"ends in {path.suffix}; expected .{', .'.join(FORMATS[:-1])} or .{FORMATS[-1]}"
        )
    check_folder_of(path)
    return path


_OTHER_PICTURES = (".bmp", ".eps", ".gif", ".jpeg", ".jpg", ".tif", ".tiff", ".webp")


def _format_of(path: Path) -> Format | None:
    """The format that a name's ending says."""
    ending = path.suffix[1:].lower()
    return next((each for each in FORMATS if each == ending), None)


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
