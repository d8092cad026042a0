"""Texts in figures: as they are written, in fonts that have their letters, as long as their room."""

import itertools
import re
import warnings
from io import BytesIO

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from PIL import Image

from cnnlab.errors import CnnlabWarning
from cnnlab.pictures.drawings.sets import embedding_plane, mistakes
from cnnlab.pictures.drawings.stages import stages
from cnnlab.pictures.kit import lettering
from cnnlab.pictures.kit.lettering import all_fitted, families, fitted, legible, width, wrapped
from cnnlab.pictures.kit.style import PIXELS_PER_INCH, new_figure
from cnnlab.pictures.plots import (
    PredictedImages,
    accuracy_against_parameters,
    answer_sheet,
    confusion_matrices,
    confusion_matrix,
)
from cnnlab.pictures.plots.accuracy import Measured

FAMILY = "Letters for tests"
HOSTILE = ("$$", "5$ bill $", r"\frac{1}{2}$x^2$", "a\nb\x1b[31m", "العربية", "x" * 120, "日本")
OWN = "中"
"""A letter that matplotlib's own fonts lack."""


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    """What was looked up and said before does not count; the only fonts are those that matplotlib brings."""
    monkeypatch.setattr(lettering, "_families", {})
    monkeypatch.setattr(lettering, "_noted", [])
    own = [font for font in font_manager.fontManager.ttflist if font.name.startswith("DejaVu")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)


@pytest.fixture
def installed(forgetful, tmp_path):
    """A font that has OWN, as a black square."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 1000), (1000, 1000), (1000, 0)):
        pen.lineTo(corner)
    pen.closePath()
    square, names = pen.glyph(), [".notdef", "own"]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({ord(OWN): "own"})
    font.setupGlyf(dict.fromkeys(names, square))
    font.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    font.setupHorizontalHeader(ascent=1000, descent=0)
    font.setupNameTable({"familyName": FAMILY, "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(tmp_path / "letters.ttf")

    font_manager.fontManager.addfont(tmp_path / "letters.ttf")
    return tmp_path / "letters.ttf"


def png(figure):
    """The size of a figure's file; whatever warns, fails."""
    content = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(content, format="png")
    return Image.open(content)


def test_letters_are_drawn_in_a_font_that_has_them(installed):
    assert legible(f"a{OWN}") == f"a{OWN}"
    assert families(f"a{OWN}")[1:] == [FAMILY]
    figure = new_figure(1.0, width=1.0, layout=False)
    figure.text(0.5, 0.5, OWN, fontsize=36, ha="center", va="center")
    dark = np.asarray(png(figure).convert("L")) < 128
    assert dark.sum() == pytest.approx((PIXELS_PER_INCH / 2) ** 2, rel=0.1)  # 36 points are half an inch


def test_a_font_that_was_installed_since_is_found(installed, monkeypatch):
    known = font_manager.fontManager.ttflist
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [each for each in known if each.name != FAMILY])
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(installed)])
    assert families(OWN)[1:] == [FAMILY]


def test_letters_that_no_font_has_are_said_once():
    texts = ("a中 b", "国", "\ue000")
    with pytest.warns(CnnlabWarning) as said:
        shown = [legible(text) for text in texts]
    assert shown == [r"a\u4e2d b", r"\u56fd", r"\ue000"]
    assert [str(each.message) for each in said] == [
        r"no installed font has letters such as 中; pictures show \u4e2d instead. To see them, install a "
        "font that has them, such as Noto Sans CJK for Chinese, Japanese and Korean"
    ]


def test_width_is_that_of_the_drawn_text():
    figure = new_figure(1.0, width=9.0, layout=False)
    said = "west_highland_white_terrier, 97.3%"
    for weight in ("normal", "bold"):
        drawn = figure.text(0, 0.5, said, fontsize=10, fontweight=weight).get_window_extent()
        measured = width(said, 10, bold=weight == "bold")
        assert measured == pytest.approx(drawn.width / PIXELS_PER_INCH, rel=0.03)


def test_texts_fit_their_room():
    shown = fitted("west_highland_white_terrier, 97.3%\ntrue: cat", 1.4, 8.5)
    assert re.fullmatch(r"west_\w+…\w*, 97\.3%\ntrue: cat", shown)
    assert width(shown, 8.5) <= 1.4
    assert fitted("wide", 0.01, 10) == "…"
    lines = wrapped(f"one two three    four {'x' * 40}", 1.0, 9.5)
    assert lines[0] == "one two three"
    assert "".join(lines[1:]).replace("four", "") == "x" * 40
    assert max(width(line, 9.5) for line in lines) <= 1.0


def test_shortened_names_still_differ():
    names = [f"{'a' * 40} {number} {'z' * 40}" for number in range(12)]
    shown = all_fitted([*names, "cat"], 1.5, 10)
    assert len(set(shown)) == 13
    assert shown[3].startswith("3: aaa")
    assert shown[12] == "cat"


@pytest.mark.parametrize("number", [200, 600])
def test_labels_that_are_left_carry_the_numbers_of_their_classes(number):
    names = [f"{'a' * 40} {index} {'z' * 40}" for index in range(number)]
    figure = confusion_matrix(np.eye(number, dtype=int), names, title="", subtitle="")
    axis = figure.axes[0].yaxis
    shown = [label.get_text() for label in axis.get_ticklabels()]
    together = 2 if number > 512 else 1  # rows counted as one
    expected = [int(place) * together for place in axis.get_ticklocs()]
    assert expected[1] > 1
    assert [int(text.split(":")[0]) for text in shown] == expected


def counts(number):
    return np.random.default_rng(0).integers(0, 3, (number, number)) + 40 * np.eye(number, dtype=int)


@pytest.mark.filterwarnings("ignore:no installed font has letters")
def test_hostile_names_in_all_pictures_that_name_classes():
    number = len(HOSTILE)
    rng = np.random.default_rng(0)
    labels = np.arange(70) % number
    legible("".join(HOSTILE))
    figure = confusion_matrix(counts(number), HOSTILE, title="$$", subtitle=f"{HOSTILE[1]} taken for\n$$")
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[:4] == ["$$", "5$ bill $", r"\frac{1}{2}$x^2$", r"a\nb\x1b[31m"]
    assert png(figure)
    assert not any(text.get_parse_math() for text in figure.axes[0].get_yticklabels())
    png(confusion_matrices({"a": counts(number), "b": counts(number)}, HOSTILE))
    png(embedding_plane(rng.normal(size=(70, 2)), labels, HOSTILE, title="$$", subtitle="$$"))
    images = rng.integers(0, 255, (70, 4, 4, 1), dtype=np.uint8)
    png(answer_sheet(PredictedImages(images, labels, {"a": labels[::-1]}, HOSTILE), title="$$"))
    png(mistakes(images[:7] / 255, [f"{name}, 97.3%\ntrue: $$" for name in HOSTILE], title="", subtitle=""))
    probabilities = [(name, 1 / number) for name in HOSTILE]
    png(stages(images[0] / 255, [], [("a · relu", np.ones((2, 2, 3)))], probabilities, title="", subtitle=""))


def test_powers_of_ten_stay_mathematics():
    measured = {"a$": Measured((0.5,), 0.5, None), "b": Measured((0.6,), 0.6, None)}
    figure = accuracy_against_parameters(measured, {"a$": 10, "b": 10_000})
    axes = figure.axes[0]
    axes.set_xscale("log")  # whose ticks matplotlib writes as powers
    png(figure)
    labels = [label for label in axes.get_xticklabels() if label.get_text()]
    assert labels
    assert all(label.get_parse_math() and "mathdefault" in label.get_text() for label in labels)


@pytest.mark.parametrize(
    ("number", "most_pixels", "named"),
    [(3, 1000, 3), (30, 1900, 15), (361, 1900, 23)],
)
def test_matrices_of_any_size_stay_within_bounds(number, most_pixels, named):
    names = [f"a class called {place}" for place in range(number)]
    figure = confusion_matrix(counts(number), names, title="", subtitle="")
    picture = png(figure)
    assert max(picture.size) <= most_pixels
    axes = figure.axes[0]
    box = axes.get_window_extent()
    assert box.width > 0.4 * max(picture.size)
    labels = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(above.y0 > below.y0 + 0.7 * below.height for above, below in itertools.pairwise(labels))
    assert min(label.x0 for label in labels) > 0
    assert len(labels) == named


def test_more_classes_than_cells_are_counted_together():
    matrix = counts(1030)
    names = [str(place) for place in range(1030)]
    figure = confusion_matrix(matrix, names, title="", subtitle="about")
    shares = np.asarray(figure.axes[0].images[0].get_array())
    assert shares.shape == (344, 344)
    errors = matrix - np.diag(np.diag(matrix))
    assert shares[1, 1] == pytest.approx(errors[3:6, 3:6].sum() / matrix[3:6].sum())
    assert shares[2, 343] == pytest.approx(errors[6:9, 1029:].sum() / matrix[6:9].sum())
    assert max(figure.get_size_inches() * PIXELS_PER_INCH) < 1900
    assert any("3 × 3 classes" in text.get_text() for text in figure.texts)


def test_long_names_leave_the_matrix_its_size():
    short = confusion_matrix(counts(5), list("abcde"), title="", subtitle="")
    long = confusion_matrix(counts(5), [f"{'long ' * 30}{each}" for each in "abcde"], title="", subtitle="")
    for figure in (short, long):
        png(figure)
    sides = [figure.axes[0].get_window_extent().width for figure in (short, long)]
    assert sides[0] == pytest.approx(sides[1])
