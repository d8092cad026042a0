"""X or O? Patches compared with every place of a figure, and whole figures compared pixel by pixel.

The example of Rohrer (2016), "How do convolutional neural networks work?": nothing is trained. All that is
known of the letters is three patches, and one X and one O as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from cnnlab.datasets.drawn.letters import letters
from cnnlab.datasets.drawn.random_stream import RandomStream
from cnnlab.scratch.activations import relu
from cnnlab.scratch.convolution import correlate

LETTERS = ("X", "O")
SIDE = 9
"""Pixels of a figure's side; a letter as it is takes the inner 7."""

UNDECIDED = -1

_DIAGONAL = 2 * np.eye(3) - 1
PATCHES: Mapping[str, np.ndarray] = {
    "diagonal": _DIAGONAL,
    "cross": np.maximum(_DIAGONAL, _DIAGONAL[:, ::-1]),
    "other diagonal": _DIAGONAL[:, ::-1],
}
"""By name (3, 3): 1 on the strokes and −1 beside them."""

SHIFTS: Mapping[str, int] = {"as it is": 0, "shifted by 1 pixel": 1, "shifted by 2 pixels": 2}
"""By name how many whole pixels: along one axis, or along both, so many along one of them and up to so many
along the other. With 2, strokes are cut at the edge."""

DISTORTIONS: Mapping[str, Mapping[str, float]] = {
    "scaled to 50–100%": {"scale": 1},
    "rotated by up to 45°": {"rotation": 1},
    "thickened to up to 2 pixels": {"thickness": 1},
    "all four at once": {"shift": 1, "scale": 1, "rotation": 1, "thickness": 1},
}
"""By name what the dataset xo calls so at a size of 9, which shifts by parts of a pixel."""

KINDS = (*SHIFTS, *DISTORTIONS)


def as_they_are() -> np.ndarray:
    """An X and an O, thin, upright and in the middle: (2, 9, 9, 1) float64, 1 on the strokes, −1 beside."""
    return _drawn(np.arange(2), RandomStream(0), {})


def figures_of(kind: str, count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Figures of one of KINDS, half of them X: all that are shifted, of the others as many as asked.

    Returns:
        (N, 9, 9, 1) float64 of ±1; (N,) int64, 0: X, 1: O. N is 2, 16 and 32 for SHIFTS, else `count`.
    """
    if kind in SHIFTS:
        return _shifted(SHIFTS[kind])
    stream = RandomStream(seed, KINDS.index(kind))
    labels = stream.balanced(count, len(LETTERS))
    return _drawn(labels, stream, DISTORTIONS[kind]), labels


def _shifted(pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """X and O by turns, at every place that is `pixels` away: (N, 9, 9, 1), (N,)."""
    around = np.pad(as_they_are(), ((0, 0), *2 * ((pixels, pixels),), (0, 0)), constant_values=-1)
    windows = np.lib.stride_tricks.sliding_window_view(around, (SIDE, SIDE), axis=(1, 2))
    down, across = np.indices(windows.shape[1:3]) - pixels
    away = np.maximum(abs(down), abs(across)) == pixels
    figures = np.concatenate(list(np.moveaxis(windows[:, away], 1, 0)))  # (N, 1, 9, 9)
    return np.moveaxis(figures, 1, -1), np.arange(len(figures)) % len(LETTERS)


def _drawn(labels: np.ndarray, stream: RandomStream, amounts: Mapping[str, float]) -> np.ndarray:
    return letters(labels, stream, size=SIDE, **amounts) / 127.5 - 1


def mean_of_products(images: np.ndarray, patches: np.ndarray) -> np.ndarray:
    """How well each patch matches at every place: of ±1, 1 is a full match and −1 its opposite.

    output[n, i, j, k] = mean over u, v, c of images[n, i + u, j + v, c] · patches[k, u, v, c]

    Args:
        images: (N, H, W, C). patches: (K, h, w, C).

    Returns:
        (N, H − h + 1, W − w + 1, K)
    """
    return np.asarray(correlate(images, np.moveaxis(patches, 0, -1)) / patches[0].size)


def pooled(maps: np.ndarray) -> np.ndarray:
    """The largest of each 2×2, with zeros beyond an odd edge: (N, H, W, K) → (N, ⌈H/2⌉, ⌈W/2⌉, K).

    Keras's `padding="same"` takes nothing from beyond the edge: the same but where all values are negative.
    """
    count, height, width, channels = maps.shape
    padded = np.pad(maps, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
    windows = padded.reshape(count, -(-height // 2), 2, -(-width // 2), 2, channels)
    return np.asarray(windows.max(axis=(2, 4)))


@dataclass(frozen=True, eq=False)
class Stages:
    """What one layer makes of images, step by step: (N, height, width, patches) each."""

    matches: np.ndarray
    pooled: np.ndarray
    rectified: np.ndarray


def layer(images: np.ndarray, patches: np.ndarray) -> Stages:
    """Mean of products, then 2×2 max pooling, then ReLU."""
    matches = mean_of_products(images, patches)
    small = pooled(matches)
    return Stages(matches, small, relu(small)[0])


def cut_out(maps: np.ndarray) -> np.ndarray:
    """Every 3×3 piece of some maps as a patch, less its mean: what is alike everywhere counts nothing.

    Args:
        maps: (N, H, W, C), in which a piece spans all channels.

    Returns:
        (N · (H − 2) · (W − 2), 3, 3, C)
    """
    windows = np.lib.stride_tricks.sliding_window_view(maps, (3, 3), axis=(1, 2))  # (N, H', W', C, 3, 3)
    pieces = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 3, 3, maps.shape[-1])
    return np.asarray(pieces - pieces.mean(axis=(1, 2, 3), keepdims=True))


@dataclass(frozen=True, eq=False)
class Vote:
    """A fully connected layer: a letter's score is a weighted mean of the values that speak for it.

    weights: (values, 2) ≥ 0; each column adds up to 1.
    """

    weights: np.ndarray

    @classmethod
    def of_letters(cls, values: np.ndarray) -> Self:
        """Each value speaks for the letter whose figure has more of it, with the difference as its weight.

        Args:
            values: (2, values), those of the X and of the O as they are.
        """
        more = values[0] - values[1]
        weights = np.stack([more, -more], axis=1).clip(min=0)
        return cls(weights / weights.sum(axis=0))

    def scores(self, values: np.ndarray) -> np.ndarray:
        """(N, values) → (N, 2)"""
        return np.asarray(values @ self.weights)


@dataclass(frozen=True, eq=False)
class LetterNetwork:
    """Two layers of patches, and a vote on what each of them has found.

    patches: of the first layer (3, 3, 3, 1), of the second (8, 3, 3, 3).
    """

    patches: tuple[np.ndarray, np.ndarray]
    votes: tuple[Vote, Vote]

    @classmethod
    def of_letters(cls) -> Self:
        """The second layer's patches are cut out of what the first makes of the letters as they are."""
        figures = as_they_are()
        first = np.stack(list(PATCHES.values()))[..., None]
        below = layer(figures, first).rectified  # (2, 4, 4, 3)
        second = cut_out(below)
        above = layer(below, second).rectified  # (2, 1, 1, 8)
        return cls((first, second), (Vote.of_letters(_rows(below)), Vote.of_letters(_rows(above))))

    def stages(self, images: np.ndarray) -> tuple[Stages, Stages]:
        """Both layers on (N, 9, 9, 1) images of ±1."""
        first = layer(images, self.patches[0])
        return first, layer(first.rectified, self.patches[1])

    def scores(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For X and for O, by the vote on the first layer and by that on the second: (N, 2) each."""
        first, second = self.stages(images)
        return self.votes[0].scores(_rows(first.rectified)), self.votes[1].scores(_rows(second.rectified))


def chosen(scores: np.ndarray) -> np.ndarray:
    """The letter with the higher score, (N, 2) → (N,); UNDECIDED where they are equal."""
    tied = np.isclose(scores[:, 0], scores[:, 1], rtol=0, atol=1e-9)
    return np.where(tied, UNDECIDED, scores.argmax(axis=1))


def identical(images: np.ndarray) -> np.ndarray:
    """The letter whose figure an image equals in every pixel; UNDECIDED where there is none: (N,)."""
    return chosen((_equal_pixels(images) == SIDE * SIDE).astype(float))


def most_equal_pixels(images: np.ndarray) -> np.ndarray:
    """The letter with whose figure more pixels agree; UNDECIDED where it is as many with both: (N,)."""
    return chosen(_equal_pixels(images).astype(float))


def _equal_pixels(images: np.ndarray) -> np.ndarray:
    return np.asarray((images[:, None] == as_they_are()[None]).sum(axis=(2, 3, 4)))


def _rows(maps: np.ndarray) -> np.ndarray:
    return maps.reshape(len(maps), -1)


METHODS = ("identical_pixels", "most_equal_pixels", "one_layer", "two_layers")


@dataclass(frozen=True, eq=False)
class Told:
    """Figures of one kind, and what each method takes them for.

    images: (N, 9, 9, 1) of ±1. labels: (N,). answers: by method (N,), UNDECIDED where it cannot tell.
    """

    kind: str
    images: np.ndarray
    labels: np.ndarray
    answers: Mapping[str, np.ndarray]

    def right(self, method: str) -> np.ndarray:
        """Which figures a method tells; an undecided one is wrong: (N,) bool."""
        return np.asarray(self.answers[method] == self.labels)

    @property
    def accuracies(self) -> dict[str, float]:
        """By method the share of figures that it tells."""
        return {method: float(self.right(method).mean()) for method in METHODS}


def told_letters(network: LetterNetwork, count: int, *, seed: int) -> list[Told]:
    """Both comparisons and both votes on figures of every kind; of `DISTORTIONS` so many of each."""
    told = []
    for kind in KINDS:
        images, labels = figures_of(kind, count, seed=seed)
        found = (identical(images), most_equal_pixels(images), *map(chosen, network.scores(images)))
        told.append(Told(kind, images, labels, dict(zip(METHODS, found, strict=True))))
    return told
