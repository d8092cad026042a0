"""All pictures, with names that are long or odd: no text is cut off, covered, touched or too small."""

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

import cnnlab
from cnnlab.pictures.drawings.letters import FigureRow, told_figures
from cnnlab.pictures.drawings.matrices import dense_matrix
from cnnlab.pictures.drawings.pictures import side_by_side
from cnnlab.pictures.drawings.sets import Panel, invariance_curves
from cnnlab.pictures.drawings.units import filter_weights, kernel_effects, pipeline_stages
from cnnlab.pictures.kit.figures import LazyFigures
from cnnlab.pictures.kit.page import ASPECTS, Page
from cnnlab.pictures.plots import (
    Measured,
    PredictedImages,
    accuracy_against_parameters,
    accuracy_bars,
    answer_sheet,
    confusion_matrices,
    confusion_matrix,
    contact_sheet,
    history_curves,
    only_one_right,
    overlaid_curves,
)
from cnnlab.pictures.plots.difference import difference_intervals
from cnnlab.pictures.plots.importance import importance_bars
from cnnlab.pictures.plots.ladder import RungBar, ladder_bars
from cnnlab.pictures.plots.parallel import parallel_coordinates
from cnnlab.pictures.plots.setting_map import setting_map
from cnnlab.pictures.plots.settings import Setting, TriedPoint
from cnnlab.pictures.plots.slices import setting_slices
from cnnlab.pictures.plots.speeds import speed_bars
from cnnlab.pictures.plots.variation import VariedPoint, variation_maps, variation_panels
from tests.pictures.legibility import SMALLEST, drawn_texts, illegible
from tests.pictures.test_drawings import FIGURES as DRAWINGS

CLASSES = ("dreieck", "$x^2$", "ein sehr langer Name, der nicht aufhören will", "0")
DIGITS = tuple(map(str, range(10)))
EXPERIMENTS = ("dnn_with_as_many_parameters_as_the_network_it_is_compared_with", "cnn")
TITLES = {"title": "A title of some length: cnn, seed 2", "subtitle": "What is shown, in two sentences. " * 4}


def measured(mean: float, count: int = 3) -> Measured:
    return Measured((mean - 0.01, mean, mean + 0.01)[:count], mean, (mean - 0.02, mean + 0.02))


def answers(classes: tuple[str, ...]) -> PredictedImages:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % len(classes)
    wrong = {name: np.where(rng.random(60) < 0.5, labels, labels[::-1]) for name in EXPERIMENTS}
    return PredictedImages(rng.integers(0, 255, (60, 8, 8, 1), np.uint8), labels, wrong, classes)


def counts(number: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 40, (number, number)) + 900 * np.eye(number, dtype=int)


def history(epochs: int = 5) -> list[dict[str, float]]:
    return [
        {"epoch": each, "loss": 1 / each, "accuracy": 1 - 1 / (each + 1), "val_loss": 1.1 / each,
         "val_accuracy": 0.9 - 1 / (each + 1)}
        for each in range(1, epochs + 1)
    ]  # fmt: skip


SETTINGS = (
    Setting("training.optimizer.learning_rate", None, 1e-4, 1e-1, True),
    Setting("model.layers[0].filters", ("8", "16", "32")),
)
POINTS = [
    TriedPoint((10.0**-each, float(each % 3)), 0.7 + each / 50, rank=5 - each, is_tied=each > 3)
    for each in range(1, 5)
]
VARIED = [
    VariedPoint((str(10**each),), (measured(0.8), measured(0.9)), (0.1, 0.2), (0.01, 0.02), measured(0.1))
    for each in range(2, 6)
]


def rungs(number: int) -> list[RungBar]:
    return [
        RungBar(
            f"locally_connected_strided_{each}",
            f"the first value of {each}",
            0.05,
            measured(0.9),
            each % 2 == 0,
        )
        for each in range(number)
    ]


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


KERNELS = {name: noise(3, 3).round(2) for name in ("sharpness", "horizontal line", "Sobel x", "a" * 40)}

PLOTS = {
    "history": lambda: history_curves(history(), title=EXPERIMENTS[0]),
    "curves": lambda: overlaid_curves({name: [history(), history()] for name in EXPERIMENTS}),
    "accuracy": lambda: accuracy_bars({name: measured(0.9) for name in EXPERIMENTS}),
    "accuracies of ten": lambda: accuracy_bars({f"{EXPERIMENTS[0]}{n}": measured(0.9) for n in range(10)}),
    "differences": lambda: difference_intervals(
        {"cnn − dnn": measured(0.01), f"cnn − {EXPERIMENTS[0]}": measured(-0.2), "a − b": measured(0.2, 1)}
    ),
    "parameters": lambda: accuracy_against_parameters(
        {name: measured(0.9) for name in EXPERIMENTS}, dict(zip(EXPERIMENTS, (8000, 12000), strict=True))
    ),
    "matrices": lambda: confusion_matrices({name: counts(10) for name in EXPERIMENTS}, DIGITS),
    "matrices of names": lambda: confusion_matrices({name: counts(4) for name in EXPERIMENTS}, CLASSES),
    "matrix": lambda: confusion_matrix(counts(10), DIGITS, **TITLES),
    "matrix of names": lambda: confusion_matrix(counts(4), CLASSES, **TITLES),
    "matrix of many": lambda: confusion_matrix(counts(100), [f"class {n}" for n in range(100)], **TITLES),
    "answers": lambda: answer_sheet(answers(DIGITS), title=TITLES["title"]),
    "answers of names": lambda: answer_sheet(answers(CLASSES), title=TITLES["title"]),
    "contact sheet": lambda: contact_sheet(
        answers(DIGITS).images[:40], [str(each % 10) for each in range(40)], title=TITLES["title"]
    ),
    "contact sheet of names": lambda: contact_sheet(
        answers(CLASSES).images[:12], [f"{CLASSES[each % 4]}\ntrue: {CLASSES[2]}" for each in range(12)],
        title=TITLES["title"],
    ),
    "only one": lambda: only_one_right(answers(DIGITS), title=TITLES["title"]),
    "only one of names": lambda: only_one_right(answers(CLASSES), title=TITLES["title"]),
    "ladder": lambda: ladder_bars({"the first part": rungs(4), "the second part": rungs(5)}, title="Why"),
    "ladder of many": lambda: ladder_bars(
        {"from dnn to cnn": rungs(3), "one thing changed": rungs(6), "pixels permuted": rungs(6)}, title="Why"
    ),
    "importance": lambda: importance_bars(
        {setting.key: 0.3 for setting in SETTINGS}, note="How it was computed. " * 5, title="T"
    ),
    "parallel": lambda: parallel_coordinates(SETTINGS, POINTS, title="T"),
    "map": lambda: setting_map(
        (Setting("training.batch_size", ("10", "20", "30", "40", "50")), SETTINGS[1]),
        [TriedPoint((row, column), 0.9, rank=row + column, is_tied=row == 0) for row in range(5)
         for column in range(3)], title="T",
    ),
    "slices": lambda: setting_slices(SETTINGS, POINTS, title="T"),
    "speeds": lambda: speed_bars(
        {work: {name: 0.01, "loops": 2.0} for name in ("numpy",) for work in ("forwards", "backwards")},
        baseline="loops", title="T",
    ),
    "variation": lambda: variation_panels(VARIED, EXPERIMENTS, "dataset.train_size", title="T"),
    "variation of two": lambda: variation_maps(
        [((row, column), VARIED[row]) for row in range(4) for column in range(3)],
        (("100", "1000", "10000", "100000"), ("8", "16", "32")), EXPERIMENTS,
        ("dataset.train_size", "model.layers[0].filters"), title="T",
    ),
    "invariance": lambda: invariance_curves(
        [Panel(name, "pixels to the right", 0, np.arange(-2, 3), {each: np.full((2, 5), 0.5) for each in
         EXPERIMENTS}) for name in ("shift", "rotation", "scale")], title="T", accuracy_of="1,000 images",
    ),
    "filters": lambda: filter_weights(noise(25, 3, 3, 1), noise(25, 12, 12, 1), **TITLES),
    "kernels": lambda: kernel_effects(
        np.abs(noise(12, 12, 1)) / 4, KERNELS, {name: noise(10, 10) for name in KERNELS},
        {"sharpness": noise(10, 10)}, **TITLES,
    ),
    "pipeline": lambda: pipeline_stages(
        np.abs(noise(12, 12, 1)) / 4, "Sobel x",
        {"convolution": noise(10, 10), "ReLU": noise(10, 10), "max pooling": noise(5, 5)}, **TITLES,
    ),
    "matrix of a convolution": lambda: dense_matrix(
        noise(200, 400), noise(14, 48), np.arange(14 * 48).reshape(14, 48) % 10, zoomed="its first 14",
        **TITLES,
    ),
    "side by side": lambda: side_by_side(
        [[(name, noise(8, 8, 3).clip(0, 1)) for name in ("a" * 80, "b")]], **TITLES
    ),
    "figures told": lambda: told_figures(
        [FigureRow(f"scaled to 50–100% {n}", np.sign(noise(6, 9, 9)), np.ones((6, 4), bool), (0.5,) * 4)
         for n in range(7)],
        ("identical\npixels", "most equal\npixels", "one\nlayer", "two\nlayers"), **TITLES,
    ),
}  # fmt: skip

FIGURES = PLOTS | DRAWINGS


def test_a_sheet_of_images_has_larger_text_where_that_is_asked_for():
    def share(scale: float) -> float:
        images = answers(DIGITS).images[:40]
        sheet = LazyFigures({"sheet": lambda: contact_sheet(images, ["1"] * 40)}).on(Page("16:9", scale))[
            "sheet"
        ]
        return drawn_texts(sheet)[-1].line / (sheet.get_size_inches()[1] * sheet.dpi)

    assert share(1.5) > 1.15 * share(1.0)  # cells have a least size, too


@pytest.mark.parametrize("count", [1, 41, 1000])
def test_images_of_a_sheet_have_a_least_size(count):
    figure = contact_sheet(np.zeros((count, 8, 8, 1), np.uint8), ["a"] * count)
    left, right, bottom, top = figure.axes[0].images[-1].get_extent()
    assert min(right - left, abs(bottom - top)) >= 0.5
    width, height = figure.get_size_inches()
    assert 0.5 < width / height < 6


@pytest.mark.parametrize("aspect", ["auto", "16:9"])
@pytest.mark.parametrize("name", ["cnn", "dnn", "lenet5", "xo_cnn"])
def test_shallow_networks_are_drawn_for_the_last_row(name, aspect):
    assert illegible(cnnlab.load(name).draw(aspect=aspect).figure) == []


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("name", ["cifar10_vgg", "mnist_maxout", "resnet18"])
def test_no_text_of_a_deep_network_is_covered(name, aspect):
    drawing = cnnlab.load(name).draw(aspect=aspect)
    assert illegible(drawing.figure, smallest=0) == []
    assert drawing.smallest_text < SMALLEST


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("name", FIGURES)
def test_every_text_can_be_read(name, aspect):
    figure = LazyFigures({name: FIGURES[name]}).on(Page(aspect))[name]
    # What is worked out with every number is laid out for a slide of 16:9, and for kernels that are not long.
    narrow = name.startswith("worked") and (aspect == "4:3" or "1×7" in name)
    assert illegible(figure, smallest=0.013 if narrow else SMALLEST) == []
    if aspect != "auto" and name != "differences":  # which is part of a page
        width, height = figure.get_size_inches()
        assert width / height == pytest.approx({"16:9": 16 / 9, "4:3": 4 / 3}[aspect])


@pytest.mark.parametrize("font_scale", [1.3, 2.0])
@pytest.mark.parametrize(
    "name", [name for name in DRAWINGS if re.match("worked example(:| of| on [35])", name)]
)
def test_worked_examples_with_larger_text(name, font_scale):
    """As large as there is room for, and never smaller than without the wish."""
    assert illegible(LazyFigures(DRAWINGS).on(Page("16:9", font_scale))[name]) == []


def test_what_is_wrong_is_seen():
    figure = Figure(figsize=(4, 3), dpi=100)
    figure.text(0.9, 0.5, "cut off at the right", fontsize=12)
    figure.text(0.2, 0.8, "one", fontsize=12)
    figure.text(0.22, 0.8, "over it", fontsize=12)
    figure.text(0.2, 0.2, "side", fontsize=20)
    beside = drawn_texts(figure)[-1].highest[0]
    figure.text((beside + 1) / 400, 0.2, "by side", fontsize=20)
    figure.text(0.5, 0.6, "small", fontsize=3)
    found = illegible(figure)
    assert [each for each in found if "cut off" in each] == ["cut off at the edge: 'cut off at the right'"]
    assert [each for each in found if "meets" in each] == ["'one' meets 'over it'", "'side' meets 'by side'"]
    assert [each for each in found if "height" in each and "small" in each]


def test_turned_texts_are_measured_along_their_lines():
    figure = Figure(figsize=(4, 3), dpi=100)
    for place in range(5):
        figure.text(
            0.2 + 0.1 * place, 0.5, "a turned label", fontsize=12, rotation=40, rotation_mode="anchor"
        )
    assert illegible(figure) == []
    figure.text(0.22, 0.5, "another", fontsize=12, rotation=40, rotation_mode="anchor")
    assert len(illegible(figure)) == 1
