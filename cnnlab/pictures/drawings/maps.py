"""Maps beside their images: saliency, occlusion, and every stage of a network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from cnnlab.datasets.appearance import PLAIN, Appearance
from cnnlab.pictures.kit.formats import percent, short
from cnnlab.pictures.kit.lettering import fitted
from cnnlab.pictures.kit.palette import GREY, INK, MARK
from cnnlab.pictures.kit.sheet import GREYS, SIGNED, ColorScale, Sheet, displayable, label_width
from cnnlab.pictures.rendering import UNMARKED, Move, drawn, legend, turned, turned_box, turned_map

_MOST_CLASSES = 20  # whose names fit below their probabilities


@dataclass(frozen=True, eq=False)
class MapColumn:
    """One method's maps of all images, drawn on one scale, or each divided by its own largest value."""

    title: str
    values: np.ndarray  # (N, h, w)
    unit: str
    signed: bool = False
    each: bool = False
    scale: ColorScale | None = None
    empty: str = ""
    """What stands in the place of a map that is 0 everywhere."""

    def drawn(self) -> tuple[np.ndarray, ColorScale]:
        """What is drawn, and how."""
        values, unit = self.values, self.unit
        if self.each:
            largest = np.abs(values).max(axis=(1, 2), keepdims=True)
            values, unit = values / np.where(largest, largest, 1), f"{unit} ÷ maximum"
        return values, self.scale or (ColorScale.signed if self.signed else ColorScale.positive)(values, unit)


def pixel_maps(
    images: np.ndarray,
    labels: Sequence[str],
    columns: Sequence[MapColumn],
    *,
    title: str,
    subtitle: str,
    wrong: Sequence[bool] | None = None,
    last: tuple[str, np.ndarray, Sequence[str]] | None = None,
    last_boxes: np.ndarray | None = None,
    appearance: Appearance = PLAIN,
    moves: Sequence[Move] | None = None,
) -> Figure:
    """A row for each image: the image, then its map by each method.

    Args:
        images: (N, H, W, C) in [0, 1].
        labels: what stands left of each row; `wrong` ones are coloured.
        last: one more column of images, (N, H, W, C) in [0, 1]: heading, images, captions.
        last_boxes: (N, 4) top, left, bottom, right in pixels: what is framed on them.
        moves: what is marked on the images, where these are boards.
    """
    moves = moves or [UNMARKED] * len(images)
    sheet = Sheet(
        len(images), 1 + len(columns) + (last is not None), title=title,
        subtitle=legend(subtitle, appearance), cell=(1.25, 1.25), heads=True, bars=1 if columns else 0,
        labels=label_width(labels, least=1.35),
        caption=0.0 if last is None else 0.2, axis_names=appearance.axis_names,
    )  # fmt: skip
    sheet.column_head(0, "image")
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        sheet.row_label(row, label, color=MARK if wrong is not None and wrong[row] else INK)
        sheet.picture(row, 0, drawn(image, appearance, moves[row]))
    for index, column in enumerate(columns, start=1):
        maps, scale = column.drawn()
        sheet.column_head(index, column.title)
        sheet.colorbar(scale, column=index)
        for row, values in enumerate(maps):
            if column.empty and not column.values[row].any():
                _blank(sheet, row, index, column.empty, shape=turned(values, appearance).shape)
            else:
                sheet.values(row, index, turned(values, appearance), scale)
    if last is not None:
        heading, pictures, captions = last
        sheet.column_head(1 + len(columns), heading)
        for row, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
            shown = drawn(picture, appearance, moves[row])
            x, y, wide, tall = sheet.picture(row, 1 + len(columns), shown, caption=caption)
            if last_boxes is not None:
                height, width = turned(picture, appearance).shape[:2]
                top, left, bottom, right = turned_box(last_boxes[row], picture.shape[:2], appearance)
                sheet.box(
                    x + left / width * wide, y + top / height * tall,
                    (right - left) / width * wide, (bottom - top) / height * tall, color=MARK,
                )  # fmt: skip
    return sheet.figure


def _blank(sheet: Sheet, row: int, column: int, reason: str, *, shape: tuple[int, ...]) -> None:
    """The frame of a map without a value, and why it has none: all dark, it would look like a result."""
    x, y, wide, tall = sheet.frame(row, column, shape)
    sheet.text(
        x + wide / 2, y + tall / 2, f"all 0:\n{reason}", size=8.5, color=GREY, across="center", up="center"
    )


def _as_maps(values: np.ndarray) -> np.ndarray:
    """(h, w, channels) → (channels, h, w); other axes before these count as more maps; (units,) stays."""
    if values.ndim < 3:
        return values[None] if values.ndim == 2 else values
    return np.moveaxis(values, -1, 0).reshape(-1, *values.shape[-3:-1])


def stages(
    image: np.ndarray,
    kernels: Sequence[tuple[str, np.ndarray]],
    stages_: Sequence[tuple[str, np.ndarray]],
    probabilities: Sequence[tuple[str, float]],
    *,
    title: str,
    subtitle: str,
    per_row: int = 16,
    at_most: int = 32,
    appearance: Appearance = PLAIN,
    move: Move = UNMARKED,
    axes: Mapping[str, tuple[int, int] | None] | None = None,
) -> Figure:
    """One image on its way through a network: a block of tiles for each stage, then the answer.

    Args:
        image: (H, W, C) in [0, 1].
        kernels: by layer (filters, h, w), drawn before the stage of the same name.
        stages_: by name (h, w, channels), signed, or (units,); (steps, features) is drawn as one map.
        at_most: of a stage's maps so many are drawn; how many there are is written.
        axes: by layer, which axes of the image its maps and kernels run along; see `turned_map`. None: all
            lie as the image.
    """
    shown_as = drawn(image, appearance, move)
    blocks: list[tuple[str, np.ndarray, bool]] = []
    before = dict(kernels)
    sequences = {name for name, values in stages_ if values.ndim == 2}  # of which no axis is the image's
    for name, values in stages_:
        layer = name.split(" · ")[0]
        if layer in before:
            blocks.append((f"{layer} · kernels", before.pop(layer), True))
        blocks.append((name, _as_maps(values), False))
    shown = [(name, values[:at_most] if values.ndim == 3 else values, of) for name, values, of in blocks]
    lines = [math.ceil(len(values) / per_row) if values.ndim == 3 else 1 for _, values, _ in shown]
    sheet = Sheet(
        2 + sum(lines) + 1, per_row, title=title, subtitle=legend(subtitle, appearance), cell=(0.56, 0.56),
        gap=(0.07, 0.1), bars=1,
        labels=label_width((name.split(" · ")[0] for name, _ in stages_), least=2.1, bold=True),
    )  # fmt: skip
    x, y = sheet.place(0, 0)
    sheet.axis_names = appearance.axis_names  # of the image; maps along the same axes lie as it does
    sheet.pixels(x, y, 1.2, 1.2, displayable(shown_as), ColorScale(0, 1, colormap=GREYS))
    sheet.name_axes(x, y, 1.2, 1.2)
    sheet.axis_names = None
    sheet.text(sheet.left - 0.12, y + 0.6, "image", across="right", weight="bold")
    row = 2
    for (name, values, of_kernels), (_, all_values, _), count in zip(shown, blocks, lines, strict=True):
        scale = ColorScale.signed(values)
        _label(sheet, row, name, all_values, len(values), scale, of_kernels)
        if values.ndim == 3:
            for index, tile in enumerate(values):
                layer = name.split(" · ")[0]
                along = None if name in sequences else (0, 1) if axes is None else axes[layer]
                tile = turned_map(tile, along, appearance)
                sheet.values(row + index // per_row, index % per_row, tile, scale)
        else:
            _units(sheet, row, values, scale, per_row)
        row += count
    _answer(sheet, row, probabilities, per_row)
    sheet.colorbar(ColorScale(-1, 1, "value ÷ largest magnitude of the stage", SIGNED), columns=per_row)
    return sheet.figure


def _label(
    sheet: Sheet, row: int, name: str, values: np.ndarray, shown: int, scale: ColorScale, of_kernels: bool
) -> None:
    _, y = sheet.place(row, 0)
    if values.ndim == 3:
        count = f"{len(values)}" if shown == len(values) else f"{shown} of {len(values)}"
        what = f"{count} of {values.shape[1]}×{values.shape[2]}"
    else:
        what = f"{len(values)} units"
    layer, _, operation = name.partition(" · ")
    x = sheet.left - 0.12
    sheet.text(x, y + 0.1, layer, across="right", weight="bold", size=9)
    sheet.text(x, y + 0.27, f"{operation}, {what}", across="right", size=8)
    span = f"colors: {short(scale.low)} to {short(scale.high)}" if values.any() else "all values are 0"
    silent = sum(not each.any() for each in values) if values.ndim == 3 and values.any() else 0
    span += f"; {silent} all 0" if silent else ""
    sheet.text(x, y + 0.43, span, across="right", size=7.5, color=GREY)


def _units(sheet: Sheet, row: int, values: np.ndarray, scale: ColorScale, per_row: int) -> None:
    """A strip of one bar for each unit, at most as many as are a pixel wide."""
    x, y = sheet.place(row, 0)
    wide = per_row * sheet.cell[0] + (per_row - 1) * sheet.gap[0]
    sheet.pixels(x, y + 0.06, wide, 0.36, values[None], scale)


def _answer(sheet: Sheet, row: int, probabilities: Sequence[tuple[str, float]], per_row: int) -> None:
    x, y = sheet.place(row, 0)
    wide = per_row * sheet.cell[0] + (per_row - 1) * sheet.gap[0]
    if len(probabilities) > _MOST_CLASSES:
        least = sorted((probability for _, probability in probabilities), reverse=True)[_MOST_CLASSES - 1]
        what = f"the highest of {len(probabilities)}"
        probabilities = [each for each in probabilities if each[1] >= least][:_MOST_CLASSES]
        sheet.text(sheet.left - 0.12, y + 0.36, what, across="right", size=8)
    step = wide / len(probabilities)
    best = max(range(len(probabilities)), key=lambda index: probabilities[index][1])
    sheet.text(sheet.left - 0.12, y + 0.2, "probabilities", across="right", weight="bold", size=9)
    bar: dict[str, Any] = {"width": 0.8 * step, "linewidth": 0}
    for index, (name, probability) in enumerate(probabilities):
        middle = x + (index + 0.5) * step
        color = MARK if index == best else GREY
        sheet.axes.bar(middle, -0.3 * probability, bottom=y + 0.36, color=color, **bar)
        shown = fitted(name, 0.95 * step, 8)
        sheet.text(middle, y + 0.46, shown, across="center", size=8, color=color)
        top = y + 0.33 - 0.3 * probability
        sheet.text(
            middle,
            top,
            percent(probability),
            across="center",
            up="bottom",
            size=min(7, 16 * step),
            color=color,
        )
    sheet.axes.set_xlim(0, sheet.size[0])
    sheet.axes.set_ylim(sheet.size[1], 0)
