"""Finished runs → one HTML file with their weights, in which one draws and all layers answer."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnlab.datasets.reading.preprocessing import DIGIT_SIDE
from cnnlab.errors import UserError
from cnnlab.report.templates import pages

if TYPE_CHECKING:
    from cnnlab.datasets import DatasetConfig
    from cnnlab.datasets.content import Dataset

SCRIPTS = (
    "activations.js", "tensors.js", "kernels.js", "network.js", "picture.js", "colors.js", "changes.js",
    "drawing.js", "board.js", "layers.js", "inspector.js", "answers.js", "epochs.js", "live.js",
)  # fmt: skip
"""In the order in which they need each other."""

MOST_EXAMPLES = 20
EXAMPLE_BYTES = 400_000
"""Test images in a page, and how much of it they may take."""


@dataclass(frozen=True)
class LivePage:
    """A page that was written: its file, the size of it, and the runs' folders."""

    page: Path
    bytes: int
    runs: tuple[Path, ...]

    def as_dict(self) -> dict[str, Any]:
        """What `cnnlab live --json` prints."""
        return {"page": str(self.page), "bytes": self.bytes, "runs": [str(run) for run in self.runs]}


def mode_of(dataset: DatasetConfig) -> str:
    """How one draws such images: "gray", "color", or "stones" on a board.

    Raises:
        UserError: they are no pictures.
    """
    if dataset.appearance.points is not None:
        return "stones"
    channels = dataset.image_shape[2]
    if channels not in (1, 3):
        raise UserError(f"{dataset.title}: a page shows images of 1 or 3 channels, and these have {channels}")
    return "gray" if channels == 1 else "color"


def examples_of(data: Dataset, dataset: DatasetConfig) -> np.ndarray:
    """Which test images a page begins with, by position: the first of each class, then the second.

    Where there are more classes than images in a page, test images at even distances.
    """
    size = int(np.prod(dataset.image_shape))
    count = max(1, min(MOST_EXAMPLES, EXAMPLE_BYTES // size, len(data.test.labels)))
    labels = np.asarray(data.test.labels)
    if dataset.num_classes > count:  # the first classes alone would be much alike
        return np.linspace(0, len(labels) - 1, count).astype(np.int64)
    occurrence = np.empty(len(labels), np.int64)  # the how many-th image of its class each one is
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        occurrence[of_class] = np.arange(len(of_class))
    return np.lexsort((labels, occurrence))[:count]


def render(
    runs: Sequence[Mapping[str, Any]],
    dataset: DatasetConfig,
    examples: tuple[np.ndarray, np.ndarray],
    *,
    epochs: Mapping[str, Any] | None = None,
) -> str:
    """The page as text: HTML with its style, scripts and weights inside. The same input gives the same text.

    Args:
        runs: as `LiveNetwork.as_dict` gives them, of the same data.
        examples: test images, (N, H, W, C) uint8 as they are before anything is done for a network, and their
            labels.
        epochs: the weights of the one run after each epoch.
    """
    mode, appearance = mode_of(dataset), dataset.appearance
    height, width, channels = dataset.image_shape
    names = [str(run["title"]) for run in runs]
    data: dict[str, Any] = {
        "title": dataset.full_title if len(runs) == 1 else dataset.title,
        "kind": dataset.image_kind,
        "mode": mode,
        "size": [height, width],
        "channels": channels,
        "brightest": appearance.brightest,
        "resize": dataset.resize_mode if dataset.image_kind == "photograph" else None,
        "turned": None if appearance.axes is None else {"exchanged": appearance.axes.rows_across},
        "points": None
        if appearance.points is None
        else [list(appearance.points[name]) for name in dataset.class_names],
        "examples": [
            {"label": int(label), "pixels": base64.b64encode(image.tobytes()).decode()}
            for image, label in zip(*examples, strict=True)
        ],
        "runs": list(runs),
        "epochs": epochs,
    }
    heading = " and ".join(names)
    return (
        pages("cnnlab.live_page")
        .get_template("page.html")
        .render(
            data=data, mode=mode, heading=heading, title=f"{heading}: draw and watch",
            introduction=_introduction(mode, several=len(runs) > 1), keys=_keys(mode),
            input_title="Position" if mode == "stones" else "Picture",
            drawing_label="Board: set stones here" if mode == "stones" else "Drawing: paint here",
            brush=4, digit_side=DIGIT_SIDE, scripts=SCRIPTS,
        )
    )  # fmt: skip


def _introduction(mode: str, *, several: bool) -> str:
    do = {"gray": "Draw", "color": "Paint", "stones": "Set stones"}[mode]
    who = "both networks" if several else "the network"
    return (
        f"{do}, and see every layer of {who} answer. Everything is computed in this page: nothing is sent "
        "anywhere."
    )


def _keys(mode: str) -> str:
    if mode == "stones":
        return "Click a point to set a stone, click again to remove it. Keyboard: arrow keys and space bar."
    return (
        "Mouse, pen or finger. Keyboard: arrow keys move the cursor, the space bar paints, Shift with an "
        "arrow key draws a line, Ctrl+Z takes a stroke back."
    )
