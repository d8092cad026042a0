"""What was learned, drawn: no text lies on a picture, on another text or outside the sheet."""

import re
from functools import partial
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import cnnlab
from cnnlab.explanations.worked_examples import all_examples
from cnnlab.explanations.worked_examples.own import OwnConvolution
from cnnlab.layers.window import Window
from cnnlab.pictures.drawings.maps import MapColumn, pixel_maps
from cnnlab.pictures.drawings.sets import embedding_plane, mistakes
from cnnlab.pictures.drawings.stages import stages
from cnnlab.pictures.drawings.units import best_images, curve_detector, curve_response, strongest_examples

LONG = {"title": "A title", "subtitle": "What is shown, in a sentence that takes more than one line. " * 3}
NAMES = ("airplane", "automobile", "ankle boot", "ship")
LAYER = "residual_12/shortcut/batch_normalization_12"
rng = np.random.default_rng(0)

FIGURES = {
    "mistakes": lambda: mistakes(
        rng.random((12, 6, 6, 3)), ["automobile 99.9%\ntrue: airplane, #123"] * 12, **LONG
    ),
    "best images": lambda: best_images(
        [(group, rng.random((4, 6, 6, 1)), [f"{name}\n> 99.9%" for name in NAMES]) for group in "ab"],
        **LONG,
    ),
    "strongest examples": lambda: strongest_examples(
        rng.random((3, 4, 6, 6, 1)), np.tile([1, 1, 4, 4], (3, 4, 1)), [["0.123"] * 4] * 3,
        [f"{LAYER}\nunit 12"] * 3, patterns=rng.normal(size=(3, 4, 6, 6, 1)), **LONG,
    ),
    "curve detector": lambda: curve_detector(
        rng.normal(size=(7, 7)),
        [("A: strongest place of test image 1234", rng.random((7, 7)),
          "5.79 on the curve − 0.15 × 11.04 beside it = −4.14")] * 2,
        **LONG,
    ),
    "curve response": lambda: curve_response(
        rng.random((9, 12, 1)), rng.normal(size=(7, 7)), rng.normal(size=(3, 6)),
        ("B: weakest place of test image 1234", rng.random((7, 7)),
         "5.79 on the curve − 0.15 × 11.04 beside it = −4.14"),
        [], **LONG,
    ),
    "pixel maps": lambda: pixel_maps(
        rng.random((2, 6, 6, 1)), ["test image 1234\nautomobile, seen as\nankle boot, > 99.9%"] * 2,
        [MapColumn("grad × input", rng.normal(size=(2, 6, 6)), "score", signed=True)] * 3, **LONG,
    ),
    "stages": lambda: stages(
        rng.random((6, 6, 3)), [(LAYER, rng.normal(size=(4, 3, 3)))],
        [(f"{LAYER} · relu", rng.normal(size=(6, 6, 20))), ("dense_1 · Dense", rng.normal(size=5))],
        [(name, 0.25) for name in NAMES], **LONG,
    ),
    "plane": lambda: embedding_plane(
        rng.normal(size=(40, 2)) * [10, 1], np.arange(40) % 4, NAMES, **LONG,
    ),
}  # fmt: skip


def worked_on(size: int, channels: int, kernel: int | tuple[int, int], window: Window) -> OwnConvolution:
    """A convolution with long numbers."""
    image = -rng.random((size, size, channels))
    sides = (kernel, kernel) if isinstance(kernel, int) else kernel
    weights = -10 * rng.random((*sides, channels, 2))
    picture = rng.random((size, size, channels))
    return OwnConvolution(
        LAYER, image, weights, -rng.random(2), window, 1, 1, "test image 1234", picture
    )  # fmt: skip


FIGURES |= {f"worked example: {each.name}": each.draw for each in all_examples()} | {
    f"worked example on {name}: {each.name}": each.draw
    for name, own, count in (
        ("3×3", worked_on(12, 1, 3, Window((3, 3))), 7),
        ("5×5×3", worked_on(28, 3, 5, Window((5, 5), (2, 2), "same")), 4),
        ("2×2", worked_on(12, 1, 2, Window((2, 2))), 7),
        ("3×3×3", worked_on(32, 3, 3, Window((3, 3))), 1),
        ("1×7", worked_on(12, 1, (1, 7), Window((1, 7))), 7),
        ("1×1×3", worked_on(6, 3, 1, Window((1, 1))), 2),
        ("11×11×4", worked_on(60, 4, 11, Window((11, 11), (4, 4))), 4),
    )
    for each in own.examples()[:count]
}


def of_letters(name):
    """Drawn anew each time, for the page of that time."""
    return cnnlab.explain("xo", letter="O", figures=10).figures[name]


FIGURES |= {
    f"worked example of letters: {name}": partial(of_letters, name)
    for name in ("xo", "first-layer", "one-patch-of-the-second-layer", "second-layer", "figures")
}


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_covers_anything(name):
    figure = FIGURES[name]()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [(text.get_text(), text.get_window_extent(canvas.get_renderer()))
             for axes in figure.axes[:1] for text in axes.texts if text.get_text()]  # fmt: skip
    images = [image.get_window_extent(canvas.get_renderer()) for image in figure.axes[0].images]
    width, height = canvas.get_width_height()
    assert len(texts) > 3
    for text, box in texts:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text
        if name.startswith("curve") and re.fullmatch(r"−?[\d.]+", text):
            continue  # the numbers are written on their pixels
        assert not [image for image in images if image.padded(-1).overlaps(box.padded(-1))], text
    shown = [(image, box) for image, box in zip(figure.axes[0].images, images, strict=True)]
    for _, box in shown:
        assert box.x0 >= -1, name
        assert box.x1 <= width + 1, name
    if name.startswith("worked"):
        for (_, box), (_, another) in combinations(shown, 2):
            assert not box.padded(-1).overlaps(another.padded(-1)), name
    for (one, box), (other, another) in combinations(texts, 2):
        assert not box.padded(-1).overlaps(another.padded(-1)), (one, other)
