"""Images turned, scaled and shifted at random.

After the first step all numbers are whole, so that the pixels are the same everywhere.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cnnlab.datasets.content import Content, PartName, Split, part_digests
from cnnlab.datasets.distortion import Distortion
from cnnlab.datasets.drawn.random_stream import RandomStream
from cnnlab.datasets.memory_mapped import room_for

ONE = 1 << 16
"""1 in the numbers that a map is made of."""

FINE = 8
"""Bits of a position between two pixels."""

PIXELS_AT_ONCE = 1 << 16
"""As many as stay in the processor's cache."""

_PARTS: dict[PartName, int] = {"train": 0, "test": 1, "validation": 2}
"""Each part draws random numbers of its own."""

_STREAM = 0xD157
"""Keeps these random numbers apart from those that generated images are drawn with."""


def distorted(content: Content, distortion: Distortion) -> Content:
    """All images of a set distorted, with digests of their own; labels stay.

    An image's distortion follows from the seed and its place in the source: it does not depend on how many
    images are used, nor on their classes.
    """
    parts = {
        name: Split(distorted_images(part.images, distortion, part=name), part.labels)
        for name, part in content.parts.items()
    }
    whole, tested = part_digests(parts)
    return replace(
        content,
        train_images=parts["train"].images,
        test_images=parts["test"].images,
        validation=parts.get("validation"),
        provenance=replace(content.provenance, digest=whole, test_digest=tested),
    )


def distorted_images(images: np.ndarray, distortion: Distortion, *, part: PartName) -> np.ndarray:
    """Each image by a map of its own.

    Args:
        images: (N, H, W, C) uint8.

    Returns:
        The same shape and type; what comes from beyond the edge is 0.
    """
    maps = random_maps(len(images), images.shape[1:3], distortion, part=part)
    changed = room_for(images, len(images))
    step = max(1, PIXELS_AT_ONCE // max(1, images[:1].size))
    for start in range(0, len(images), step):
        portion = slice(start, start + step)
        changed[portion] = resampled_images(np.asarray(images[portion]), maps[portion])
    return changed


def random_maps(
    count: int, spatial: tuple[int, ...], distortion: Distortion, *, part: PartName
) -> np.ndarray:
    """From positions in the distorted image to those in the original, both in pixels from the middle.

    Returns:
        (count, 6) int64 in units of 1 / ONE: a b c d e f, with x' = a·x + b·y + c and y' = d·x + e·y + f.
    """
    height, width = spatial
    turn, size, right, down = RandomStream(distortion.seed, _PARTS[part], _STREAM).uniform((count, 4)).T
    angle = np.deg2rad(distortion.rotation) * (2 * turn - 1)
    low, high = distortion.scale
    factor = low + (high - low) * size
    cosine, sine = np.cos(angle) / factor, np.sin(angle) / factor
    right = (2 * right - 1) * distortion.shift * width
    down = (2 * down - 1) * distortion.shift * height
    numbers = (
        cosine, sine, -(cosine * right + sine * down),
        -sine, cosine, sine * right - cosine * down,
    )  # fmt: skip
    return np.asarray(np.rint(np.stack(numbers, axis=1) * ONE), np.int64)


def resampled_images(images: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Bilinear interpolation at the mapped positions; positions are rounded to 1/256 of a pixel.

    Args:
        images: (N, H, W, C) uint8.
        maps: (N, 6) int64, as `random_maps` gives them.
    """
    count, height, width, channels = images.shape
    x = 2 * np.arange(width) - (width - 1)  # in half pixels: whole numbers
    y = (2 * np.arange(height) - (height - 1))[:, None]
    a, b, c, d, e, f = (maps[:, index, None, None] for index in range(6))  # (N, 1, 1) each
    left, right_share = _pixels(a * x + (b * y + 2 * c), width)  # (N, H, W)
    top, lower_share = _pixels(d * x + (e * y + 2 * f), height)
    framed = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    row = framed.shape[2]
    pixels = framed.reshape(-1, channels)
    first = np.arange(count)[:, None, None] * (framed.shape[1] * row) + top * row + left
    # Of the four pixels around, the upper two and the lower two, then these.
    upper, lower = (
        _between(pixels.take(start, axis=0), pixels.take(start + 1, axis=0), right_share)
        for start in (first, first + row)
    )
    total = _between(upper, lower, lower_share) + (1 << (2 * FINE - 1))
    return np.asarray(total >> (2 * FINE), np.uint8)


def _between(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """256 times the value between two, of the second that share: (N, H, W, C), shares (N, H, W) int32."""
    nearer = one.astype(np.int32)
    return np.asarray((nearer << FINE) + (other - nearer) * share[..., None])


def _pixels(doubled: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions from the middle, doubled, in units of 1 / ONE → pixels of the framed image, and what is left.

    Returns:
        int64, the pixel before each position; int32, how far behind it the position is, in units of 1/256.
    """
    bits = (2 * ONE >> FINE).bit_length() - 1
    position = (doubled + ((size - 1) * ONE + (1 << (bits - 1)))) >> bits
    pixel = (position >> FINE).clip(-2, size)  # from there on, both neighbors are in the frame of zeros
    return pixel + 2, (position & ((1 << FINE) - 1)).astype(np.int32)
