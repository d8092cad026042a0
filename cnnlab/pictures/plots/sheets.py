"""Sheets of images: each with its class, or with what networks take it for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from cnnlab.datasets.appearance import PLAIN, Appearance
from cnnlab.foreign_text import one_line, shortened
from cnnlab.pictures.kit.fitting import CAPTION, cell_width, fitting_columns
from cnnlab.pictures.kit.lettering import fitted
from cnnlab.pictures.kit.page import Page, current_page, drawing_for
from cnnlab.pictures.kit.palette import GREY, INK, MARK
from cnnlab.pictures.kit.sheet import Sheet
from cnnlab.pictures.kit.style import PIXELS_PER_INCH
from cnnlab.pictures.rendering import UNMARKED, Move, drawn, legend

ON_A_SHEET = 32
_SMALLEST_CELL = 0.55  # inches, of an image on a contact sheet
_LARGEST_CELL = 2.0
_CELL = 1.05
_LINE = 0.17  # inches, of text below an image


class PredictedImages(NamedTuple):
    """Test images and what each experiment takes them for.

    images: (N, H, W, C) uint8, C = 1 or 3. labels: (N,) int. predicted: by experiment (N,) int.
    appearance: how they are drawn. whose: of which runs the answers are, such as seed 0.
    """

    images: np.ndarray
    labels: np.ndarray
    predicted: Mapping[str, np.ndarray]
    class_names: Sequence[str]
    appearance: Appearance = PLAIN
    whose: str = ""

    def picture(self, index: int) -> np.ndarray:
        """One image as it is drawn: (H', W', C') uint8, up to 255.

        On a board its class is marked, and what it is taken for where only one experiment says so.
        """
        taken = {int(predicted[index]) for predicted in self.predicted.values()}
        predicted = self.class_names[taken.pop()] if len(taken) == 1 else None
        return drawn(self.images[index], self.appearance, Move(self.label(index), predicted))

    def label(self, index: int) -> str:
        """The class that an image has."""
        return one_line(self.class_names[int(self.labels[index])])

    def prediction(self, name: str, index: int) -> tuple[str, bool]:
        """The class that an experiment takes an image for, and whether that is correct."""
        predicted = int(self.predicted[name][index])
        return one_line(self.class_names[predicted]), predicted == self.labels[index]


def contact_sheet(
    images: np.ndarray,
    captions: Sequence[str],
    *,
    title: str = "",
    appearance: Appearance = PLAIN,
    moves: Sequence[Move] | None = None,
) -> Figure:
    """All images side by side, each with its caption below; of very many, larger than a slide.

    Args:
        images: (N, H, W, C) uint8; one channel is grey, three are red, green, blue; of others the first.
        captions: one for each; \\n begins a second line.
        appearance: how they are drawn. moves: what is marked on them, where they are boards.
    """
    moves = moves or [UNMARKED] * len(images)
    pictures = [drawn(each, appearance, move) for each, move in zip(images, moves, strict=True)]
    lines = max((caption.count("\n") + 1 for caption in captions), default=1)
    longest = max((max(each.shape[:2]) for each in pictures), default=1)
    cell = min(max(_CELL, longest / PIXELS_PER_INCH), _LARGEST_CELL)
    text = cell_width(captions, least=0.5, most=1.3)
    around = (0.15, 0.2 + _LINE * lines)
    key = appearance.key_with(
        played=any(move.played is not None for move in moves),
        predicted=any(move.predicted is not None for move in moves),
    )
    page = current_page()
    smallest = max(0.5 * cell, _SMALLEST_CELL) / page.font_scale
    while not _room_for(len(images), page, smallest, text, around):
        page = replace(page, size=1.25 * page.size)
    with drawing_for(page):
        columns = fitting_columns(
            max(len(images), 1), (cell, cell), around=around, text=text, at_most=max(len(images), 1)
        )
        sheet = Sheet(
            math.ceil(max(len(images), 1) / columns), columns, title=title, subtitle=key, cell=(cell, cell),
            gap=(0.15, 0.14), text=text, below=0.06 + _LINE * lines, axis_names=appearance.axis_names,
        )  # fmt: skip
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        said = [(line, INK) for line in caption.split("\n")]
        _add(sheet, index // columns, index % columns, picture, said)
    return sheet.figure


def _room_for(count: int, page: Page, cell: float, text: float, around: tuple[float, float]) -> bool:
    """Whether so many images have a cell of this size on a page."""
    columns = int((page.widest - 0.7) / (max(cell, text) + around[0]))
    return columns * int((page.tallest - 1.9) / (cell + around[1])) >= count


def answer_sheet(answers: PredictedImages, *, title: str) -> Figure:
    """The first images in rows, 32 at most; below each, its class and every experiment's prediction.

    Wrong predictions are marked by a cross and their colour; an image that anyone gets wrong has a frame.
    """
    number = min(len(answers.images), ON_A_SHEET)
    names, key = _short_names(list(answers.predicted))
    said = legend("Below each image: its class, then the predictions.", answers.appearance)
    subtitle = f"{said} {key}".rstrip()
    text, around = _text(answers, 1.3), (0.15, 0.2 + _LINE * (1 + len(names)))
    while not (
        columns := fitting_columns(max(number, 1), (0.8 * _CELL, 0.8 * _CELL), around=around, text=text)
    ):
        if number <= 4:
            columns = max(number, 1)
            break
        number -= 4
    rows = max(1, -(-number // columns))
    sheet = _sheet(rows, columns, title, subtitle, answers, lines=1 + len(names))
    for index in range(number):
        lines = [(answers.label(index), INK)]
        for name, shown_as in names.items():
            predicted, right = answers.prediction(name, index)
            lines.append((f"{shown_as}{predicted} {'✓' if right else '✗'}", GREY if right else MARK))
        marked = any(color == MARK for _, color in lines)
        _add(sheet, index // columns, index % columns, answers.picture(index), lines, marked=marked)
    return sheet.figure


def only_one_right(answers: PredictedImages, *, title: str, each: int = 16) -> Figure:
    """Images that only one of two experiments gets right, up to 16 for each, in their order.

    Raises:
        ValueError: not the predictions of two experiments.
    """
    if len(answers.predicted) != 2:
        raise ValueError("only one of two can be the only one")
    first, second = answers.predicted
    right = {name: answers.predicted[name] == answers.labels for name in (first, second)}
    blocks = {
        first: np.flatnonzero(right[first] & ~right[second]),
        second: np.flatnonzero(right[second] & ~right[first]),
    }
    columns = 4
    rows = max(1, *(-(-min(len(found), each) // columns) for found in blocks.values()))
    subtitle = legend(
        "Below each image: its class, and the wrong prediction of the other network.", answers.appearance
    )
    sheet = _sheet(rows, 2 * columns + 1, title, subtitle, answers, lines=2, heads=True)
    for start, (name, found) in zip((0, columns + 1), blocks.items(), strict=True):
        other = second if name == first else first
        sheet.block_head(start, f"Only {shortened(name, 40)} is correct: {len(found):,}", columns)
        for place, index in enumerate(map(int, found[:each])):
            lines = [(answers.label(index), INK), (f"{answers.prediction(other, index)[0]} ✗", MARK)]
            _add(sheet, place // columns, start + place % columns, answers.picture(index), lines)
    return sheet.figure


def _short_names(names: list[str]) -> tuple[dict[str, str], str]:
    """What stands before each prediction, and the key to it: numbers, where names would not fit."""
    if len(names) == 1:
        return {names[0]: ""}, ""
    if max(map(len, names)) <= 8:
        return {name: f"{name}: " for name in names}, ""
    key = "    ".join(f"{number}: {shortened(name, 40)}" for number, name in enumerate(names, start=1))
    return {name: f"{number}: " for number, name in enumerate(names, start=1)}, key


def _sheet(
    rows: int, columns: int, title: str, subtitle: str, answers: PredictedImages, *, lines: int,
    heads: bool = False,
) -> Sheet:  # fmt: skip
    """Images are as far apart as the names of the classes want, within bounds."""
    most = min(0.95, (current_page().widest - 0.7) / columns - 0.15) if heads else 1.3
    return Sheet(
        rows, columns, title=title, subtitle=subtitle, cell=(_CELL, _CELL), gap=(0.15, 0.14),
        text=_text(answers, most), below=0.06 + _LINE * lines, heads=int(heads),
        axis_names=answers.appearance.axis_names,
    )  # fmt: skip


def _text(answers: PredictedImages, most: float) -> float:
    """Inches for what stands below an image."""
    names = (f"a: {one_line(name)} ✗" for name in answers.class_names)
    return cell_width(names, least=0.5, most=most)


def _add(
    sheet: Sheet, row: int, column: int, image: np.ndarray, lines: Sequence[tuple[str, str]],
    *, marked: bool = False,
) -> None:  # fmt: skip
    """An image and the lines of text below it, the first of which is bold."""
    x, y, wide, tall = sheet.picture(row, column, image)
    if marked:
        sheet.box(x, y, wide, tall, width=2.5)
    top = sheet.place(row, column)[1] + sheet.cell[1] + sheet.beside + 0.05
    for line, (text, color) in enumerate(lines):
        weight = "bold" if line == 0 else "normal"
        shown = fitted(text, sheet.cell[0] + 0.5 * sheet.gap[0], CAPTION, bold=line == 0)
        sheet.text(
            x + wide / 2, top + _LINE * line, shown, size=CAPTION, color=color, across="center", up="top",
            weight=weight,
        )  # fmt: skip
