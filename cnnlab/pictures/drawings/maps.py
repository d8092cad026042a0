"""Maps beside their images: saliency, occlusion, and every stage of a network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from cnnlab.datasets.appearance import PLAIN, Appearance
from cnnlab.pictures.kit.lettering import width as text_width
from cnnlab.pictures.kit.page import SMALLEST_TEXT
from cnnlab.pictures.kit.palette import GREY, INK, MARK
from cnnlab.pictures.kit.scales import ColorScale, displayable
from cnnlab.pictures.kit.sheet import Sheet
from cnnlab.pictures.rendering import UNMARKED, Move, drawn, legend, turned, turned_box


@dataclass(frozen=True, eq=False)
class MapColumn:
    """One method's maps of all images, drawn on one scale, or each divided by its own largest value."""

    title: str
    values: np.ndarray  # (N, h, w)
    unit: str
    signed: bool = False
    each: bool = False
    scale: ColorScale | None = None
    over: bool = False
    """Laid over the image, the stronger, the larger its values."""
    empty: str = ""
    """What stands in the place of a map that is 0 everywhere."""

    @property
    def head(self) -> str:
        """The title above the column, which may be broken between words: Smooth Grad."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.title)

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
    names = ["image", *(column.head for column in columns), *([] if last is None else [last[0]])]
    words = [word for name in names for word in name.split()]
    sheet = Sheet(
        len(images), len(names), title=title, subtitle=legend(subtitle, appearance), cell=(1.25, 1.25),
        text=max(text_width(word, SMALLEST_TEXT) for word in words),
        gap=(0.1, 0.1), heads=2 if any(" " in name for name in names) else 1, bars=1 if columns else 0,
        heading=0.22, caption=0.0 if last is None else 0.2, axis_names=appearance.axis_names, wraps=True,
    )  # fmt: skip
    sheet.column_head(0, "image")
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        sheet.row_heading(row, label, color=MARK if wrong is not None and wrong[row] else INK)
        sheet.picture(row, 0, drawn(image, appearance, moves[row]))
    for index, column in enumerate(columns, start=1):
        maps, scale = column.drawn()
        sheet.column_head(index, column.head)
        sheet.colorbar(scale, column=index)
        for row, values in enumerate(maps):
            if column.empty and not column.values[row].any():
                _blank(sheet, row, index, column.empty, shape=turned(values, appearance).shape)
                continue
            shown, below = turned(values, appearance), displayable(drawn(images[row], appearance, moves[row]))
            if column.over and below.shape[:2] == shown.shape:
                shown = _laid_over(below, shown, scale)
            sheet.values(row, index, shown, scale)
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


def _laid_over(image: np.ndarray, values: np.ndarray, scale: ColorScale) -> np.ndarray:
    """(H, W, 3) in [0, 1]: the image where the values are 0, and more of their colors the larger they are.

    Args:
        image: (H, W) or (H, W, 3), uint8 or in [0, 1]. values: (H, W), from 0 to the end of the scale.
    """
    below = image / 255 if image.dtype == np.uint8 else image
    below = np.repeat(below[..., None], 3, axis=-1) if below.ndim == 2 else below
    cover = _COVER * np.clip(values / scale.high, 0, 1)[..., None]
    colors = np.asarray(scale.mappable.to_rgba(values))[..., :3]
    return np.asarray((1 - cover) * below + cover * colors)


_COVER = 0.7
"""How much of the image the largest value covers."""


def _blank(sheet: Sheet, row: int, column: int, reason: str, *, shape: tuple[int, ...]) -> None:
    """The frame of a map without a value, and why it has none: all dark, it would look like a result."""
    x, y, wide, tall = sheet.frame(row, column, shape)
    sheet.text(
        x + wide / 2, y + tall / 2, "all 0", size=SMALLEST_TEXT, color=GREY, across="center", up="center"
    )
