"""Images with captions → one picture of all of them. Knows nothing of files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnnlab.pictures.brightness import to_white
from cnnlab.pictures.kit.palette import INK, PAPER

if TYPE_CHECKING:
    from PIL.Image import Image

CELL = 112
"""Pixels that an image takes on the sheet, at least; small images are enlarged by a whole number."""

MARGIN = 8
TEXT = 14


def contact_sheet(
    images: np.ndarray,
    captions: Sequence[str],
    *,
    title: str = "",
    columns: int = 8,
    brightest: int = 255,
) -> Image:
    """Draw images side by side, each with a caption below it.

    Args:
        images: (N, H, W, C) uint8; one channel is grey, three are red, green, blue; of others the first.
        captions: one for each; \\n begins a second line.
        brightest: the pixel value that becomes white.
    """
    from PIL import Image, ImageDraw

    count, height, width, channels = images.shape
    factor = max(1, round(CELL / max(height, width)))
    columns = max(1, min(columns, count))
    lines = max((caption.count("\n") + 1 for caption in captions), default=1)
    step_x = max(width * factor, CELL) + 2 * MARGIN
    step_y = height * factor + lines * (TEXT + 3) + 2 * MARGIN
    top = TEXT + 2 * MARGIN if title else 0
    sheet = Image.new("RGB", (columns * step_x, math.ceil(count / columns) * step_y + top), PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((MARGIN, MARGIN), title, fill=INK, font=_font(TEXT + 2))
    for index, (pixels, caption) in enumerate(zip(images, captions, strict=True)):
        left = index % columns * step_x + (step_x - width * factor) // 2
        upper = index // columns * step_y + top + MARGIN
        shown = pixels if channels == 3 else pixels[..., 0]
        image = Image.fromarray(np.ascontiguousarray(to_white(shown, brightest)))
        enlarged = image.resize((width * factor, height * factor), Image.Resampling.NEAREST)
        sheet.paste(enlarged, (left, upper))
        for number, line in enumerate(caption.split("\n")):
            draw.text(
                (index % columns * step_x + MARGIN, upper + height * factor + 2 + number * (TEXT + 3)),
                _fitting(line, step_x - MARGIN),
                fill=INK,
                font=_font(TEXT),
            )
    return sheet


def _font(size: int):  # type: ignore[no-untyped-def]  # Pillow has two classes for it, and no common base
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _fitting(text: str, width: int) -> str:
    """The text, cut off where it would run into its neighbour."""
    font = _font(TEXT)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"
