"""Images with captions → one picture of all of them. Knows nothing of files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnlab.foreign_text import columns as columns_of
from cnnlab.foreign_text import printable, shortened
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
        font = _font(TEXT + 2, title)
        draw.text((MARGIN, MARGIN), _fitting(title, font, sheet.width - 2 * MARGIN), fill=INK, font=font)
    for index, (pixels, caption) in enumerate(zip(images, captions, strict=True)):
        left = index % columns * step_x + (step_x - width * factor) // 2
        upper = index // columns * step_y + top + MARGIN
        shown = pixels if channels == 3 else pixels[..., 0]
        image = Image.fromarray(np.ascontiguousarray(to_white(shown, brightest)))
        enlarged = image.resize((width * factor, height * factor), Image.Resampling.NEAREST)
        sheet.paste(enlarged, (left, upper))
        for number, line in enumerate(caption.split("\n")):
            place = (index % columns * step_x + MARGIN, upper + height * factor + 2 + number * (TEXT + 3))
            font = _font(TEXT, line)
            draw.text(place, _fitting(line, font, step_x - MARGIN), fill=INK, font=font)
    return sheet


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
    lengths = range(columns_of(text), 2, -1)
    candidates = (shortened(text, length) for length in lengths)
    return next((each for each in candidates if font.getlength(each) <= width), text[:1])
