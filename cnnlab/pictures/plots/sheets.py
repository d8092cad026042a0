"""Sheets of test images with what networks take them for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from cnnlab.pictures.brightness import to_white
from cnnlab.pictures.plots.look import GREY, INK, WRONG, empty_figure, shortened

ON_A_SHEET = 32
_COLUMNS = 8
_IMAGE = 1.05  # inches


class Answers(NamedTuple):
    """Test images and what each experiment takes them for.

    images: (N, H, W, C) uint8, C = 1 or 3. labels: (N,) int. predicted: by experiment (N,) int.
    brightest: the pixel value that a picture shows as white.
    """

    images: np.ndarray
    labels: np.ndarray
    predicted: Mapping[str, np.ndarray]
    class_names: Sequence[str]
    brightest: int = 255

    def picture(self, index: int) -> np.ndarray:
        """One image as it is shown: (H, W, C) uint8, up to 255."""
        return to_white(self.images[index], self.brightest)


def sheet(answers: Answers, *, title: str) -> Figure:
    """The first 32 images in rows of eight; below each, its class and every experiment's answer.

    Wrong answers are marked by a cross and their colour; an image that anyone gets wrong has a frame.
    """
    number = min(len(answers.images), ON_A_SHEET)
    rows = max(1, -(-number // _COLUMNS))
    lines = 1 + len(answers.predicted)
    names, key = _short_names(list(answers.predicted))
    head = 0.7 + 0.25 * bool(key)
    height = head + rows * _row_height(lines)
    figure = empty_figure(height, title, arranged=False)
    figure.suptitle(title, fontsize=15, fontweight="bold", color=INK, parse_math=False, y=1 - 0.3 / height)
    figure.text(0.5, 1 - 0.62 / height, key, ha="center", fontsize=10, color=GREY, parse_math=False)
    grid = _grid(figure, rows, _COLUMNS, lines=lines, height=height, head=head)
    for place, axes in enumerate(grid):
        if place < number:
            _answered(axes, answers, place, names)
        else:
            axes.set_visible(False)
    return figure


def only_one_right(answers: Answers, *, title: str, each: int = 16) -> Figure:
    """Images that only one of two experiments gets right, up to 16 for each, in their order.

    Raises:
        ValueError: not the answers of two experiments.
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
    head = 1.15
    height = head + rows * _row_height(2)
    figure = empty_figure(height, title, arranged=False)
    figure.suptitle(title, fontsize=15, fontweight="bold", color=INK, parse_math=False, y=1 - 0.25 / height)
    parts = figure.subfigures(1, 2, squeeze=False)[0]
    for part, (name, found) in zip(parts, blocks.items(), strict=True):
        other = second if name == first else first
        part.suptitle(
            f"Only {shortened(name, 40)} is right: {len(found):,}\n"
            "below: the class, and the wrong answer of the other",
            fontsize=12,
            color=INK,
            parse_math=False,
            y=1 - 0.5 / height,
            va="top",
        )
        grid = _grid(part, rows, columns, lines=2, height=height, head=head)
        for place, axes in enumerate(grid):
            if place >= min(len(found), each):
                axes.set_visible(False)
                continue
            index = int(found[place])
            _image(axes, answers.picture(index))
            _line(axes, 0, answers.class_names[answers.labels[index]], INK)
            _line(axes, 1, f"{_class(answers, other, index)} ✗", WRONG)
    return figure


def _short_names(names: list[str]) -> tuple[list[str], str]:
    """What stands before each answer, and the key to it: numbers, where names would not fit."""
    if len(names) == 1:
        return [""], ""
    if max(map(len, names)) <= 8:
        return [f"{name}: " for name in names], ""
    key = "    ".join(f"{number}: {shortened(name, 40)}" for number, name in enumerate(names, start=1))
    return [f"{number}: " for number in range(1, len(names) + 1)], key


def _row_height(lines: int) -> float:
    """Inches of an image with its lines of text."""
    return _IMAGE + 0.2 + 0.17 * lines


def _grid(
    figure: Figure | SubFigure, rows: int, columns: int, *, lines: int, height: float, head: float
) -> list[Axes]:
    """Axes for images, row by row, with room for the lines below each."""
    gap = _row_height(lines) - _IMAGE
    figure.subplots_adjust(
        left=0.02,
        right=0.98,
        top=1 - head / height,
        bottom=gap / height,
        wspace=0.12,
        hspace=gap / _IMAGE,
    )
    return list(figure.subplots(rows, columns, squeeze=False).ravel())


def _answered(axes: Axes, answers: Answers, index: int, names: Sequence[str]) -> None:
    _image(axes, answers.picture(index))
    label = answers.labels[index]
    _line(axes, 0, answers.class_names[label], INK)
    for line, (name, predicted) in enumerate(answers.predicted.items(), start=1):
        wrong = predicted[index] != label
        mark = "✗" if wrong else "✓"
        text = f"{names[line - 1]}{_class(answers, name, index)} {mark}"
        _line(axes, line, text, WRONG if wrong else GREY)
    if any(predicted[index] != label for predicted in answers.predicted.values()):
        for spine in axes.spines.values():
            spine.set(visible=True, color=WRONG, linewidth=2.5)


def _class(answers: Answers, name: str, index: int) -> str:
    return answers.class_names[int(answers.predicted[name][index])]


def _image(axes: Axes, image: np.ndarray) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    if image.shape[-1] == 3:
        axes.imshow(image)
    else:
        axes.imshow(image[..., 0], cmap="gray", vmin=0, vmax=255)


def _line(axes: Axes, line: int, text: str, color: str) -> None:
    """A line of text below an image."""
    axes.annotate(
        text,
        (0.5, 0),
        xycoords="axes fraction",
        xytext=(0, -3 - 12 * line),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=8.5,
        fontweight="bold" if line == 0 else "normal",
        color=color,
        parse_math=False,
    )
