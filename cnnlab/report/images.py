"""Test images → pictures inside the page, with what each experiment takes them for."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np

from cnnlab.pictures.plots import PredictedImages

EACH = 32
"""The largest number of images in a group; the page must stay below 3 MB."""

_LARGEST = 96  # pixels; larger images are scaled down
_LARGEST_BOARD = 190  # the lines and the marks of a board must survive it


@dataclass(frozen=True)
class ClassifiedImage:
    """One image: its PNG as a data URI, its class, each experiment's prediction."""

    uri: str
    index: int
    label: str
    predictions: tuple[tuple[str, str, bool], ...]  # experiment, class, correct

    @property
    def alternative(self) -> str:
        """What a screen reader says."""
        predictions = "; ".join(
            f"{name} predicts {predicted}" + ("" if correct else ", which is wrong")
            for name, predicted, correct in self.predictions
        )
        return f"Test image {self.index}: {self.label}. {predictions}."


@dataclass(frozen=True)
class Group:
    """Images of one kind, the first EACH of them."""

    title: str
    count: int
    images: tuple[ClassifiedImage, ...]


def groups(answers: PredictedImages) -> tuple[Group, ...]:
    """The first images; for two experiments those that one alone gets right; those that all get wrong."""
    names = list(answers.predicted)
    right = np.array([answers.predicted[name] == answers.labels for name in names])  # (experiments, images)
    chosen = {f"The first {EACH} test images": np.arange(min(EACH, len(answers.labels)))}
    if len(names) == 2:
        chosen[f"Only {names[0]} is correct"] = np.flatnonzero(right[0] & ~right[1])
        chosen[f"Only {names[1]} is correct"] = np.flatnonzero(right[1] & ~right[0])
        chosen["Both are wrong"] = np.flatnonzero(~right.any(axis=0))
    else:
        chosen["All are wrong"] = np.flatnonzero(~right.any(axis=0))
    return tuple(
        Group(title, len(found), tuple(_classified(answers, int(index)) for index in found[:EACH]))
        for title, found in chosen.items()
    )


def _classified(answers: PredictedImages, index: int) -> ClassifiedImage:
    return ClassifiedImage(
        png_uri(answers.picture(index), _LARGEST if answers.appearance.points is None else _LARGEST_BOARD),
        index,
        answers.label(index),
        tuple((name, *answers.prediction(name, index)) for name in answers.predicted),
    )


def png_uri(image: np.ndarray, largest: int = _LARGEST) -> str:
    """An image (H, W, 1 or 3) uint8 as data:image/png;base64,…, no side above `largest`."""
    from PIL import Image

    pixels = image if image.shape[-1] == 3 else image[..., 0]
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((largest, largest))
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
