"""Any image → the pixels that a dataset would have made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cnnlab.datasets.base import DatasetConfig
from cnnlab.datasets.reading.images import Prepared, decode, fitted, fitting, load, resized
from cnnlab.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

DIGIT_SIDE = 20
"""MNIST's digits are scaled to fit 20×20 points of their 28×28."""

FAINT = 0.2
"""What is darker than this share of the brightest point counts as background."""


def prepare(source: Path | bytes, config: DatasetConfig) -> Prepared:
    """Bring an image to the size, the colours and the look of a dataset.

    Photographs are cropped to the size, or as a folder's `resize` says. Where the dataset shows something
    bright on black, an image with a light rim is inverted; digits are scaled to 20×20 points and centered
    by their mass, as MNIST's are, unless the image is of the dataset's size already.

    Raises:
        BadImage: the file cannot be used.
        UserError: the dataset's images are no pictures.
    """
    if config.image_kind == "other":
        raise UserError(f"{config.title}: its networks do not accept image files; use a dataset of pictures")
    height, width, channels = config.image_shape
    if channels not in (1, 3):
        raise UserError(f"{config.title}: its networks expect {channels} channels; image files have 1 or 3")
    size = (height, width)
    if config.image_kind == "photograph":
        return decode(source, size=size, channels=channels, resize=config.resize_mode)
    return _figure(load(source, channels=channels), size, channels, centered=config.image_kind == "digit")


def _figure(image: Image, size: tuple[int, int], channels: int, *, centered: bool) -> Prepared:
    """Something bright on black, from an image that may be dark on light."""
    from PIL import Image as Images
    from PIL import ImageOps

    notes: list[str] = []
    if _light_rim(np.asarray(image.convert("L"))):
        image = ImageOps.invert(image)
        notes.append("dark on light: inverted")
    if image.size != (size[1], size[0]):
        if centered:
            notes.append(resized("scaled and centered", image, size))
            image = Images.fromarray(_centered(image, size))
        else:
            notes.append(fitting(image, size, "pad"))
            image = fitted(image, size, "pad")
    return Prepared(np.asarray(image, dtype=np.uint8).reshape(*size, channels), tuple(notes))


def _light_rim(grey: np.ndarray) -> bool:
    """Whether the points on the rim of (H, W) are lighter than middle grey, by their median."""
    rim = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return bool(np.median(rim) > 127)


def _centered(image: Image, size: tuple[int, int]) -> np.ndarray:
    """The brightest part, scaled to fit 20×20 of 28×28 points, its centre of mass in the middle: uint8."""
    from PIL import Image as Images
    from PIL.Image import Resampling

    grey = np.asarray(image, dtype=np.float64)
    grey = np.clip(grey - np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])), 0, None)
    canvas = np.zeros(size, dtype=np.uint8)
    if not grey.any():
        return canvas
    ink = grey > FAINT * grey.max()
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    stretched = Images.fromarray(np.rint(grey * (255 / grey.max())).astype(np.uint8)).crop(box)
    scale = DIGIT_SIDE / 28 * min(size) / max(stretched.size)
    target = [max(1, round(side * scale)) for side in stretched.size]
    digit = np.asarray(stretched.resize((target[0], target[1]), Resampling.BILINEAR), dtype=np.float64)
    if not digit.any():  # so little light that shrinking has lost it
        return canvas
    digit *= 255 / digit.max()
    places = []
    for axis, side in enumerate(size):
        along = digit.sum(axis=1 - axis)
        middle = float((along * (np.arange(len(along)) + 0.5)).sum() / along.sum())
        places.append(int(np.clip(round(side / 2 - middle), 0, side - len(along))))
    top, left = places
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] = np.rint(digit)
    return canvas
