"""One image on its way through a network: every stage as a block of tiles, then the answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from cnnlab.datasets.appearance import PLAIN, Appearance
from cnnlab.pictures.kit.formats import percent, short
from cnnlab.pictures.kit.lettering import fitted, wrapped
from cnnlab.pictures.kit.lettering import width as text_width
from cnnlab.pictures.kit.page import SMALLEST_TEXT, current_page
from cnnlab.pictures.kit.palette import GREY, MARK
from cnnlab.pictures.kit.scales import GREYS, SIGNED, ColorScale, displayable
from cnnlab.pictures.kit.sheet import Sheet
from cnnlab.pictures.kit.style import SMALL
from cnnlab.pictures.rendering import UNMARKED, Move, drawn, legend, turned_map

_MOST_CLASSES = 20  # whose names fit below their probabilities


def _as_maps(values: np.ndarray) -> np.ndarray:
    """(h, w, channels) → (channels, h, w); other axes before these count as more maps; (units,) stays."""
    if values.ndim < 3:
        return values[None] if values.ndim == 2 else values
    return np.moveaxis(values, -1, 0).reshape(-1, *values.shape[-3:-1])


@dataclass(frozen=True, eq=False)
class StageOfImage:
    """What a network holds at one place: maps, kernels or units, and the scale that they are drawn on.

    name: "LAYER · OPERATION". values: (maps, h, w), or (units,). shown: so many maps are drawn.
    """

    name: str
    values: np.ndarray
    scale: ColorScale
    shown: int = 0

    @property
    def label(self) -> str:
        """What it is, how many there are, and the ends of the values."""
        if self.values.ndim == 3:
            count = len(self.values)
            number = f"{count}" if self.shown == count else f"{self.shown} of {count}"
            what = f"{number} of {self.values.shape[1]}×{self.values.shape[2]}"
        else:
            what = f"{len(self.values)} units"
        if not self.values.any():
            return f"{what}, all values are 0"
        silent = sum(not each.any() for each in self.values) if self.values.ndim == 3 else 0
        ends = f"{short(float(self.values.min()))} to {short(float(self.values.max()))}"
        return f"{what}, {ends}" + (f"; {silent} all 0" if silent else "")


def stages(
    image: np.ndarray,
    kernels: Sequence[tuple[str, np.ndarray]],
    stages_: Sequence[tuple[str, np.ndarray]],
    probabilities: Sequence[tuple[str, float]],
    *,
    title: str,
    subtitle: str,
    scales: Sequence[int] | None = None,
    at_most: int = 32,
    appearance: Appearance = PLAIN,
    move: Move = UNMARKED,
    axes: Mapping[str, tuple[int, int] | None] | None = None,
) -> Figure:
    """One image on its way through a network: a block of tiles for each stage, then the answer.

    Args:
        image: (H, W, C) in [0, 1].
        kernels: by layer (filters, h, w), drawn before the stage of the same name.
        stages_: by name (h, w, channels), signed, or (units,); (steps, features) is drawn as one map. One
            that holds the same numbers as the one before it is left out.
        scales: for each stage a number; those of the same number share a color scale. None: each has its own.
        at_most: of a stage's maps so many are drawn; how many there are is written.
        axes: by layer, which axes of the image its maps and kernels run along; see `turned_map`. None: all
            lie as the image.
    """
    sequences = {name for name, values in stages_ if values.ndim == 2}  # of which no axis is the image's
    blocks = _stage_blocks(kernels, stages_, scales or range(len(stages_)), at_most)
    page = current_page()
    wide = page.widest - 0.7
    lines = len(wrapped(legend(subtitle, appearance), wide, SMALL))
    tall = page.tallest - 2.16 - 0.19 * lines - _ANSWER  # the title above, the bar below
    across, tile = _tiling(blocks, wide, tall)
    sheet = Sheet(
        1, 1, title=title, subtitle=legend(subtitle, appearance), cell=(wide, tall + _ANSWER), bars=1,
        rigid=True,
    )  # fmt: skip
    left, top = sheet.place(0, 0)
    column_width = (wide - (across - 1) * _BETWEEN_COLUMNS) / across
    x, y = left, top
    for index, block in enumerate([None, *blocks]):
        height = _block_height(block, column_width, tile)
        if index and y + height > top + tall + 1e-6:
            x, y = x + column_width + _BETWEEN_COLUMNS, top
        if block is None:
            side = _image_side(tile)
            sheet.text(x, y + 0.1, "image", weight="bold", size=SMALLEST_TEXT)
            shown_as = displayable(drawn(image, appearance, move))
            sheet.pixels(x, y + _LABEL, side, side, shown_as, ColorScale(0, 1, colormap=GREYS))
        else:
            turn = partial(turned_map, along=_along(block, sequences, axes), appearance=appearance)
            _draw_block(sheet, block, (x, y, column_width), tile, turn)
        y += height
    _answer(sheet, left, top + tall + 0.12, wide, probabilities)
    sheet.colorbar(ColorScale(-1, 1, "value ÷ largest magnitude on the scale", SIGNED))
    return sheet.figure


_LABEL, _STRIP, _AFTER, _TILE_GAP = 0.37, 0.2, 0.09, 0.05  # inches
_BETWEEN_COLUMNS, _ANSWER, _LARGEST_TILE = 0.35, 0.85, 0.62


def _stage_blocks(
    kernels: Sequence[tuple[str, np.ndarray]], stages_: Sequence[tuple[str, np.ndarray]],
    scales: Sequence[int], at_most: int,
) -> list[StageOfImage]:  # fmt: skip
    before = dict(kernels)
    largest: dict[int, float] = {}
    for (_, values), scale in zip(stages_, scales, strict=True):
        largest[scale] = max(largest.get(scale, 0.0), float(np.abs(values).max(initial=0.0)))
    blocks: list[StageOfImage] = []
    previous: np.ndarray | None = None
    for (name, values), scale in zip(stages_, scales, strict=True):
        layer = name.split(" · ")[0]
        if layer in before:
            own = before.pop(layer)
            blocks.append(
                StageOfImage(
                    f"{layer} · kernels", own[:at_most], ColorScale.signed(own), min(at_most, len(own))
                )
            )
        if previous is not None and np.array_equal(values, previous):
            continue  # such as Dropout, which does nothing here
        previous, maps = values, _as_maps(values)
        limit = largest[scale] or 1.0
        blocks.append(
            StageOfImage(name, maps, ColorScale(-limit, limit, colormap=SIGNED), min(at_most, len(maps)))
        )
    return blocks


def _tiling(blocks: Sequence[StageOfImage], wide: float, tall: float) -> tuple[int, float]:
    """In how many columns, and with tiles of which side, all blocks fit."""
    best = (1, 0.0)
    for across in (1, 2, 3, 4):
        column = (wide - (across - 1) * _BETWEEN_COLUMNS) / across
        for tile in np.linspace(_LARGEST_TILE, 0.08, 55).tolist():
            if _columns_needed(blocks, column, tall, tile) <= across:
                if tile > best[1]:
                    best = (across, tile)
                break
    return best if best[1] else (4, 0.08)


def _columns_needed(blocks: Sequence[StageOfImage], column: float, tall: float, tile: float) -> int:
    needed, y = 1, _block_height(None, column, tile)
    for block in blocks:
        height = _block_height(block, column, tile)
        if height > tall:
            return len(blocks) + 2  # it fits nowhere
        if y + height > tall + 1e-6:
            needed, y = needed + 1, 0.0
        y += height
    return needed


def _image_side(tile: float) -> float:
    return max(0.5, 1.6 * tile)


def _block_height(block: StageOfImage | None, wide: float, tile: float) -> float:
    if block is None:
        return _LABEL + _image_side(tile) + _AFTER
    if block.values.ndim != 3:
        return _LABEL + _STRIP + _AFTER
    rows = math.ceil(block.shown / _per_row(wide, tile))
    return _LABEL + rows * (tile + _TILE_GAP) + _AFTER


def _per_row(wide: float, tile: float) -> int:
    return max(1, int((wide + _TILE_GAP + 1e-6) / (tile + _TILE_GAP)))


def _along(
    block: StageOfImage, sequences: Collection[str], axes: Mapping[str, tuple[int, int] | None] | None
) -> tuple[int, int] | None:
    if block.name in sequences:
        return None
    return (0, 1) if axes is None else axes[block.name.split(" · ")[0]]


def _draw_block(
    sheet: Sheet, block: StageOfImage, place: tuple[float, float, float], tile: float,
    turn: Callable[[np.ndarray], np.ndarray],
) -> None:  # fmt: skip
    """The name, and the maps as tiles or the units as a strip of bars."""
    x, y, wide = place
    layer, _, operation = block.name.partition(" · ")
    name = fitted(f"{layer}, {operation}", wide, SMALLEST_TEXT, bold=True)
    sheet.text(x, y + 0.1, name, weight="bold", size=SMALLEST_TEXT)
    said = fitted(block.label, wide, SMALLEST_TEXT)
    sheet.text(x, y + 0.26, said, size=SMALLEST_TEXT, color=GREY)
    y += _LABEL
    if block.values.ndim != 3:
        sheet.pixels(x, y, wide, _STRIP, block.values[None], block.scale)
        return
    per_row = _per_row(wide, tile)
    for index, values in enumerate(block.values[: block.shown]):
        row, column = divmod(index, per_row)
        shown = turn(values)
        height, width = (tile * side / max(shown.shape) for side in shown.shape)
        left, top = x + column * (tile + _TILE_GAP), y + row * (tile + _TILE_GAP)
        sheet.pixels(left + (tile - width) / 2, top + (tile - height) / 2, width, height, shown, block.scale)


def _answer(
    sheet: Sheet, x: float, y: float, wide: float, probabilities: Sequence[tuple[str, float]]
) -> None:
    """The probabilities as bars over the names of their classes."""
    heading = "probabilities"
    if len(probabilities) > _MOST_CLASSES:
        least = sorted((probability for _, probability in probabilities), reverse=True)[_MOST_CLASSES - 1]
        heading += f", the highest of {len(probabilities)}"
        probabilities = [each for each in probabilities if each[1] >= least][:_MOST_CLASSES]
    sheet.text(x, y + 0.02, heading, weight="bold", size=SMALLEST_TEXT)
    step = wide / len(probabilities)
    best = max(range(len(probabilities)), key=lambda index: probabilities[index][1])
    bar: dict[str, Any] = {"width": 0.8 * step, "linewidth": 0}
    foot = y + 0.55
    numbered = text_width("> 99.9%", SMALLEST_TEXT) < 0.9 * step
    for index, (name, probability) in enumerate(probabilities):
        middle = x + (index + 0.5) * step
        color = MARK if index == best else GREY
        sheet.axes.bar(middle, -0.2 * probability, bottom=foot, color=color, **bar)
        shown = fitted(name, 0.92 * step, SMALLEST_TEXT)
        sheet.text(middle, foot + 0.1, shown, across="center", size=SMALLEST_TEXT, color=color)
        if numbered or index == best:
            sheet.text(
                middle, foot - 0.02 - 0.2 * probability, percent(probability), across="center", up="bottom",
                size=SMALLEST_TEXT, color=color,
            )  # fmt: skip
    sheet.axes.set_xlim(0, sheet.size[0])
    sheet.axes.set_ylim(sheet.size[1], 0)
