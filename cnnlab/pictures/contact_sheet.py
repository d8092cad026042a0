"""Images with captions → one picture of all of them. Knows nothing of files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnlab.datasets.appearance import PLAIN, Appearance
from cnnlab.foreign_text import columns as columns_of
from cnnlab.foreign_text import printable, shortened
from cnnlab.pictures.kit.palette import GREY, INK, PAPER
from cnnlab.pictures.rendering import UNMARKED, Move, drawn

if TYPE_CHECKING:
    from PIL.Image import Image

CELL = 112
"""Pixels that an image takes on the sheet, at least; small images are enlarged by a whole number."""

MARGIN = 8
TEXT = 14
AXIS = 11
"""Pixels of the name of an axis."""


def contact_sheet(
    images: np.ndarray,
    captions: Sequence[str],
    *,
    title: str = "",
    columns: int = 8,
    appearance: Appearance = PLAIN,
    moves: Sequence[Move] | None = None,
) -> Image:
    """Draw images side by side, each with a caption below it.

    Args:
        images: (N, H, W, C) uint8; one channel is grey, three are red, green, blue; of others the first.
        captions: one for each; \\n begins a second line.
        appearance: how they are drawn. moves: what is marked on them, where they are boards.
    """
    from PIL import Image, ImageDraw

    moves = moves or [UNMARKED] * len(images)
    pictures = [drawn(each, appearance, move) for each, move in zip(images, moves, strict=True)]
    count = len(images)
    height, width = pictures[0].shape[:2] if pictures else images.shape[1:3]
    factor = max(1, round(CELL / max(height, width)))
    columns = max(1, min(columns, count))
    lines = max((caption.count("\n") + 1 for caption in captions), default=1)
    beside = AXIS + 3 if appearance.axis_names else 0
    step_x = max(width * factor, CELL) + 2 * MARGIN + beside
    step_y = height * factor + lines * (TEXT + 3) + 2 * MARGIN + beside
    key = appearance.key_with(
        played=any(move.played is not None for move in moves),
        predicted=any(move.predicted is not None for move in moves),
    )
    key_lines = _lines_of(key.replace("−", "-"), columns * step_x - 2 * MARGIN)
    top = (TEXT + 2 * MARGIN if title else 0) + (len(key_lines) * (TEXT + 3) + MARGIN if key else 0)
    sheet = Image.new("RGB", (columns * step_x, math.ceil(count / columns) * step_y + top), PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        font = _font(TEXT + 2, title)
        draw.text((MARGIN, MARGIN), _fitting(title, font, sheet.width - 2 * MARGIN), fill=INK, font=font)
    for number, line in enumerate(reversed(key_lines), start=1):
        draw.text((MARGIN, top - number * (TEXT + 3)), line, fill=GREY, font=_font(TEXT, line))
    for index, (pixels, caption) in enumerate(zip(pictures, captions, strict=True)):
        left = index % columns * step_x + (step_x - width * factor + beside) // 2
        upper = index // columns * step_y + top + MARGIN
        shown = pixels if pixels.shape[-1] == 3 else pixels[..., 0]
        image = Image.fromarray(np.ascontiguousarray(shown))
        enlarged = image.resize((width * factor, height * factor), Image.Resampling.NEAREST)
        sheet.paste(enlarged, (left, upper))
        if appearance.axis_names:
            _name_axes(sheet, appearance.axis_names, (left, upper, width * factor, height * factor))
        for number, line in enumerate(caption.split("\n")):
            place = (
                index % columns * step_x + MARGIN,
                upper + height * factor + beside + 2 + number * (TEXT + 3),
            )
            font = _font(TEXT, line)
            draw.text(place, _fitting(line, font, step_x - MARGIN), fill=INK, font=font)
    return sheet


def _name_axes(sheet: Image, names: tuple[str, str], box: tuple[int, int, int, int]) -> None:
    """Write below an image what lies across it, and beside it, from bottom to top, what goes upwards."""
    from PIL import Image, ImageDraw

    left, upper, width, height = box
    for name, turned, length in zip(names, (False, True), (width, height), strict=True):
        strip = Image.new("RGB", (length, AXIS + 3), PAPER)
        text = f"{name} >"  # Pillow's own font has neither an arrow nor a minus sign
        font = _font(AXIS, text)
        ImageDraw.Draw(strip).text(((length - font.getlength(text)) / 2, 0), text, fill=GREY, font=font)
        if turned:
            sheet.paste(strip.rotate(90, expand=True), (left - AXIS - 3, upper))
        else:
            sheet.paste(strip, (left, upper + height))


def _lines_of(text: str, width: int) -> list[str]:
    """A sentence in lines of at most so many pixels."""
    lines: list[str] = []
    font = _font(TEXT, text)
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _font(size: int, text: str):  # type: ignore[no-untyped-def]  # Pillow has two classes without a common base
    from PIL import ImageFont

    if text.isascii():
        return ImageFont.load_default(size)
    from cnnlab.pictures.kit.lettering import font_file

    return ImageFont.truetype(font_file(text), size)


def _fitting(text: str, font: Any, width: int) -> str:
    """The text as it can be shown, its middle left out where it would run into its neighbour."""
    text = printable(text)
    if not text.isascii():
        from cnnlab.pictures.kit.lettering import legible

        text = legible(text)
    if font.getlength(text) <= width:
        return text
    candidates = (shortened(text, length) for length in range(columns_of(text) - 1, 2, -1))
    return next((each for each in candidates if font.getlength(each) <= width), "…")
