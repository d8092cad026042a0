"""`cnnlab explain xo`: no run, every number, one table."""

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import cnnlab
from cnnlab.analyses.letters import METHODS, as_they_are
from cnnlab.cli import run


@pytest.fixture(scope="module")
def explanation(tmp_path_factory):
    return cnnlab.explain("xo", figures=200, out=tmp_path_factory.mktemp("out"))


@pytest.fixture(scope="module")
def document(explanation):
    """The JSON document; pictures and arrays are in its folder."""
    explanation.save()
    return json.loads((explanation.folder / "xo.json").read_text(encoding="utf-8"))


def test_the_document_has_every_number_of_the_example(document):
    assert_array_equal(document["figure"], as_they_are()[0, ..., 0])
    first, second = document["first_layer"], document["second_layer"]
    shapes = {
        "first": [np.shape(first[step]) for step in ("patches", "mean_of_products", "max_pooling", "relu")],
        "second": [np.shape(second[step]) for step in ("patches", "mean_of_products", "max_pooling", "relu")],
    }
    assert shapes == {
        "first": [(3, 1, 3, 3), (3, 7, 7), (3, 4, 4), (3, 4, 4)],
        "second": [(8, 3, 3, 3), (8, 2, 2), (8, 1, 1), (8, 1, 1)],
    }
    assert round(first["mean_of_products"][0][0][0], 2) == 0.78
    for stages in (first, second):  # the scores can be worked out from what is given
        values = np.moveaxis(stages["relu"], 0, -1).ravel()
        for letter, score in stages["vote"]["scores"].items():
            assert_allclose(values @ stages["vote"]["weights"][letter], score)
    patch, maps = np.array(second["patches"][5]), np.array(first["relu"])
    assert_allclose((patch * maps[:, 1:, :3]).mean(), second["mean_of_products"][5][1][0])


def test_arrays_hold_the_same(document):
    with np.load(Path(document["folder"]) / document["arrays"]["file"]) as arrays:
        assert_array_equal(
            np.moveaxis(arrays["second_mean_of_products"], -1, 0),
            document["second_layer"]["mean_of_products"],
        )
        assert_array_equal(arrays["first_vote"].T[1], document["first_layer"]["vote"]["weights"]["O"])


def test_text_and_document_agree(explanation, document):
    text = explanation.text
    assert max(map(len, text.splitlines())) <= 80
    table = {
        re.split(r"  +", line)[0]: re.split(r"  +", line)[1:]
        for line in text.splitlines()
        if re.search(r"\d  .*%$", line)
    }
    for row in document["accuracy"]:
        figures, *shares = table[row["kind"]]
        assert figures == str(row["figures"])
        assert shares == [f"{row[method]:.1%}" for method in METHODS]
    scores = document["second_layer"]["vote"]["scores"]
    assert f"X: {scores['X']:.3f}, O: {scores['O']:.3f}. So it is an X." in " ".join(text.split())
    assert "(8 × 1 + 1 × −1) ÷ 9 = 0.78" in " ".join(text.split())
    assert f"X: {scores['X']:.3f}, O: {scores['O']:.3f};" in document["sentence"]


def test_pictures(document):
    assert document["pictures"] == [
        "xo.png", "xo-first-layer.png", "xo-one-patch-of-the-second-layer.png", "xo-second-layer.png",
        "xo-figures.png",
    ]  # fmt: skip
    for name in document["pictures"]:
        with Image.open(Path(document["folder"]) / name) as image:
            assert 1500 <= image.width <= 1900
            assert image.height < 950
            assert len(np.unique(np.asarray(image.convert("L")))) > 10


@pytest.mark.parametrize(("name", "numbers"), [("xo", 150), ("one-patch-of-the-second-layer", 60)])
def test_numbers_in_cells_keep_apart(explanation, name, numbers):
    figure = explanation.figures[name]
    renderer, inches = FigureCanvasAgg(figure).get_renderer(), figure.dpi_scale_trans.inverted()
    rows: dict[float, list[tuple[float, float]]] = {}
    for text in figure.axes[0].texts:
        box = text.get_window_extent(renderer).transformed(inches)
        rows.setdefault(round(text.get_position()[1], 3), []).append((box.x0, box.x1))
    gaps = [
        left - right for row in rows.values() for (_, right), (left, _) in itertools.pairwise(sorted(row))
    ]
    assert len(gaps) > numbers
    assert min(gaps) > 0.03


@pytest.mark.usefixtures("unrendered")
def test_the_command_prints_the_text(explanation, tmp_path, capsys):
    assert run(["explain", "xo", "--figures", "200", "--out", str(tmp_path), "--quiet"]) == 0
    stems = ("xo", "xo-first-layer", "xo-one-patch-of-the-second-layer", "xo-second-layer", "xo-figures")
    pictures = ", ".join(f"{stem}.png" for stem in stems)
    files = f"{tmp_path / 'explain'}: {pictures}, xo.npz, xo.json"
    assert capsys.readouterr().out == f"{explanation.text}\n\n{files}\n"


def test_the_other_letter_and_another_seed(tmp_path, document):
    other = cnnlab.explain("xo", letter="O", figures=200, seed=1, out=tmp_path)
    found, text = other.as_dict(), " ".join(other.text.split())
    assert_array_equal(found["figure"], as_they_are()[1, ..., 0])
    assert "(7 × 1 + 2 × −1) ÷ 9 = 0.56" in text
    assert "So it is an O." in text
    assert found["options"] == {"letter": "O", "figures": 200, "seed": 1}
    assert found["accuracy"] != document["accuracy"]
    assert found["first_layer"]["patches"] == document["first_layer"]["patches"]


def test_neither_keras_nor_its_backend_is_imported(tmp_path):
    program = (
        "import sys; from cnnlab.cli import run\n"
        f"run(['explain', 'xo', '--figures', '1', '--out', {str(tmp_path)!r}, '--quiet', '--json'])\n"
        "sys.stderr.write(' '.join({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (json.loads(done.stdout)["technique"], done.stderr) == ("xo", "")


def test_one_figure_of_each_kind_will_do(tmp_path):
    explanation = cnnlab.explain("xo", figures=1, out=tmp_path)
    assert [row["figures"] for row in explanation.as_dict()["accuracy"]] == [2, 16, 32, 1, 1, 1, 1]
    assert explanation.figures["figures"]


def test_every_sentence_below_the_table_follows_from_it(tmp_path):
    """What chance may turn around is only said of many figures."""
    few, many = (cnnlab.explain("xo", figures=count, out=tmp_path) for count in (499, 500))
    said = [" ".join(each.text.split()) for each in (few, many)]
    assert ["all four distortions" in each for each in said] == [False, True]
    found = {row["kind"]: row for row in many.as_dict()["accuracy"]}
    votes = ("one_layer", "two_layers")
    assert all(
        "both votes tell all letters that are shifted by one, and equal pixels do not" in each
        for each in said
    )
    by_one, by_two = found["shifted by 1 pixel"], found["shifted by 2 pixels"]
    assert {by_one[each] for each in votes} == {1}
    assert max(by_one["identical_pixels"], by_one["most_equal_pixels"]) < 1
    assert max(by_two[each] for each in votes) < 1
    assert "One layer tells all smaller and all thicker letters. Two layers miss many" in said[1]
    for kind in ("scaled to 50–100%", "thickened to up to 2 pixels"):
        assert found[kind]["one_layer"] == 1
        assert found[kind]["two_layers"] < 0.8
    assert "Two layers tell more of the turned letters than one, but not all." in said[1]
    turned, together = found["rotated by up to 45°"], found["all four at once"]
    assert turned["one_layer"] < turned["two_layers"] < 1
    assert "Where all four distortions come together, both do worse than equal pixels." in said[1]
    assert max(together[each] for each in votes) < together["most_equal_pixels"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--letter Z", "--letter: expected X or O, found 'Z'"),
        ("--figures 0", "--figures: expected 1 or more, found 0"),
        ("--figures 1000000", "--figures: expected 20000 or less, found 1000000"),
        ("cnn", "Got unexpected extra argument (cnn)"),
        ("--backend jax", "No such option '--backend'"),
    ],
)
def test_mistakes(tmp_path, capsys, arguments, message):
    assert run(["explain", "xo", *arguments.split(), "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
