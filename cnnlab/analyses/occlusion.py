"""Cover a part of the image, watch the class's probability, for every position."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np

from cnnlab.analyses.map_places import interpolation
from cnnlab.analyses.network import image_channel_axis, probabilities_of, take_class
from cnnlab.errors import UserError
from cnnlab.gradients import BATCH_SIZE, evaluated


class Occlusion(NamedTuple):
    """probabilities: (N, rows, columns) float32, of the class with the patch at each position.

    uncovered: (N,) float32, of the class in the image as it is. tops, lefts: (rows,), (columns,) int,
    where the patch starts, in pixels.
    """

    probabilities: np.ndarray
    uncovered: np.ndarray
    tops: np.ndarray
    lefts: np.ndarray


def occlusion(
    model: keras.Model,
    images: np.ndarray,
    classes: np.ndarray,
    *,
    patch: int = 5,
    stride: int = 2,
    fill: np.ndarray,
) -> Occlusion:
    """The probability of a class with a square patch over each part of the image.

    Zeiler & Fergus 2013 (arXiv 1311.2901). The patch is itself something to see: an edge or a grey
    square may speak for another class. What is there twice shows nowhere.

    Args:
        images: (N, *input_shape) float32.
        classes: (N,) int.
        patch: side of the square, in pixels.
        stride: pixels between two positions; the last position always touches the far edge.
        fill: float32, broadcastable to one image: what covers.

    Raises:
        UserError: the patch is larger than the image, or the stride.
    """
    channel_axis = image_channel_axis(model)
    height, width = (size for axis, size in enumerate(images.shape) if axis not in (0, channel_axis))
    if patch > min(height, width):
        raise UserError(
            f"a {patch}×{patch} patch does not fit the {height}×{width} image; choose a smaller patch"
        )
    if stride > max(height, width):
        raise UserError(
            f"a stride of {stride} pixels leaves the {height}×{width} image; choose a smaller stride"
        )
    tops, lefts = _starts(height, patch, stride), _starts(width, patch, stride)
    covers = _covers(tops, lefts, patch, (height, width))  # (positions, H, W)
    covers = np.expand_dims(covers, channel_axis)  # (positions, H, W, 1), or (positions, 1, H, W)
    probabilities = probabilities_of(model)
    answer = evaluated(lambda x, wanted: (take_class(probabilities(x, training=False), wanted),))
    fill = np.asarray(fill, np.float32)

    # Image by image and position by position in one long batch, cut into portions that fit the cache.
    count, positions = len(images), len(covers)
    answers = np.empty(count * positions, np.float32)
    classes = classes.astype(np.int32)
    for start in range(0, len(answers), BATCH_SIZE):
        image_of, position_of = np.divmod(np.arange(start, min(start + BATCH_SIZE, len(answers))), positions)
        covered = np.where(covers[position_of], fill, images[image_of])
        (answers[start : start + BATCH_SIZE],) = answer(covered, classes[image_of])
    (uncovered,) = answer(images, classes)
    return Occlusion(answers.reshape(count, len(tops), len(lefts)), uncovered, tops, lefts)


def under_the_patch(found: Occlusion, patch: int, size: tuple[int, int]) -> np.ndarray:
    """The probabilities at the pixels: of the patch whose middle is there, interpolated between positions.

    Returns:
        (N, H, W) float32, NaN at the rim, where no patch has its middle.
    """
    along = [
        (starts + (patch - 1) / 2, length)
        for starts, length in zip((found.tops, found.lefts), size, strict=True)
    ]
    rows, columns = (interpolation(middles, length) for middles, length in along)
    spread = np.asarray(rows @ found.probabilities @ columns.T, np.float32)
    above, left = (_beyond(middles, length) for middles, length in along)
    return np.where(above[:, None] | left, np.float32(np.nan), spread)


def worst_covered(found: Occlusion, pictures: np.ndarray, *, patch: int, brightness: float) -> np.ndarray:
    """The pictures with the patch where it costs most, the first of such places.

    Args:
        pictures: (N, H, W, C) float32, as they are drawn, channels last.
        patch: the side with which `found` was made. brightness: what covers, in the pictures' units.

    Returns:
        Covered copies, of the same shape.
    """
    covered = pictures.copy()
    for picture, (top, left, bottom, right) in zip(covered, worst_boxes(found, patch), strict=True):
        picture[top:bottom, left:right] = brightness
    return covered


def worst_boxes(found: Occlusion, patch: int) -> np.ndarray:
    """Where the patch costs most: (N, 4) int, top, left, bottom and right, the last two not covered."""
    lowest = found.probabilities.reshape(len(found.probabilities), -1).argmin(axis=1)
    rows, columns = np.divmod(lowest, len(found.lefts))
    tops, lefts = found.tops[rows], found.lefts[columns]
    return np.stack([tops, lefts, tops + patch, lefts + patch], axis=1)


def _beyond(middles: np.ndarray, length: int) -> np.ndarray:
    """(length,) bool: which pixels lie outside of all the middles."""
    pixels = np.arange(length)
    return np.asarray((pixels < np.floor(middles[0])) | (pixels > np.ceil(middles[-1])))


def _starts(size: int, patch: int, stride: int) -> np.ndarray:
    last = size - patch
    return np.unique(np.append(np.arange(0, last + 1, stride), last))


def _covers(tops: np.ndarray, lefts: np.ndarray, patch: int, size: tuple[int, int]) -> np.ndarray:
    """(positions, H, W) bool: True where the patch lies."""
    rows, columns = np.arange(size[0]), np.arange(size[1])
    in_rows = (rows >= tops[:, None]) & (rows < tops[:, None] + patch)
    in_columns = (columns >= lefts[:, None]) & (columns < lefts[:, None] + patch)
    return (in_rows[:, None, :, None] & in_columns[None, :, None, :]).reshape(-1, *size)
