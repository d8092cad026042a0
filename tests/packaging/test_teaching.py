"""The exercises of docs/teaching.md have the results that it says."""

import json
import re
from pathlib import Path

import pytest

import cnnlab

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "teaching.md").read_text(encoding="utf-8")


def test_the_parameters_are_those_of_the_solution():
    rows = re.findall(r"^\| `(\w+)` \| ([\d×]+) \| ([\d,]+) \|", PAGE, flags=re.MULTILINE)
    found = [
        (row.name, "×".join(map(str, row.output_shape)), f"{row.params:,}")
        for row in cnnlab.load(DOCS / "teaching" / "cnn.yaml").config.architecture.rows
    ]
    assert rows == found
    assert "| total | | 27,237 |" in PAGE


def test_a_number_behind_the_second_pooling_sees_10_pixels():
    rows = {row.name: row for row in cnnlab.load(DOCS / "teaching" / "cnn.yaml").config.architecture.rows}
    assert rows["max_pooling2d_2"].receptive_field == (10, 10)


def cells():
    notebook = json.loads((DOCS / "teaching" / "notebook.ipynb").read_text(encoding="utf-8"))
    return ["".join(each["source"]) for each in notebook["cells"] if each["cell_type"] == "code"]


def test_the_notebook_is_python():
    for number, source in enumerate(cells()):
        compile(source, f"cell {number}", "exec")


@pytest.mark.slow
def test_the_notebook_runs(monkeypatch, tmp_path, backend):
    """With fewer seeds and epochs, in a folder that holds nothing but the hand-outs."""
    for name in ("dnn.yaml", "cnn.yaml"):
        text = (DOCS / "teaching" / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("epochs: 20", "epochs: 1"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for source in cells():
        short = source.replace("range(6)", "range(2)").replace("progress=True", "progress=False")
        short = short.replace('"training.epochs": 40', '"training.epochs": 2')
        exec(compile(short, "notebook", "exec"), names)  # cnnlab's own
    assert {run.name for run in names["comparison"].runs} == {"dnn", "cnn"}


def compared(tmp_path, **settings):
    """The mean of cnn − dnn, test accuracies in points, and in how many of six seeds it is positive."""
    files = [DOCS / "teaching" / name for name in ("dnn.yaml", "cnn.yaml")]
    comparison = cnnlab.compare(files, seeds=range(6), set=settings, out=tmp_path, progress=False)
    accuracy = {(run.name, run.seed): run.result.test_accuracy for run in comparison.runs}
    differences = [100 * (accuracy["cnn", seed] - accuracy["dnn", seed]) for seed in range(6)]
    return sum(differences) / 6, sum(each > 0 for each in differences)


@pytest.mark.slow
def test_with_few_images_the_cnn_is_far_ahead(tmp_path, backend):
    """The page says 18.3 to 22.1 points; another machine's arithmetic may move the mean a little."""
    mean, ahead = compared(tmp_path)
    assert ahead == 6
    assert 16 < mean < 24


@pytest.mark.slow
def test_on_permuted_pixels_the_dnn_is_ahead(tmp_path, backend):
    """The page says 5.5 to 11.6 points."""
    mean, ahead = compared(tmp_path, **{"dataset.permute_pixels": 0})
    assert ahead == 0
    assert -13 < mean < -4
