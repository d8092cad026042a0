"""Techniques as a notebook calls them: options, lazy pictures, errors of both doors, other techniques."""

import base64
import html
import io
import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

import cnnlab
from cnnlab.cli import run
from cnnlab.datasets import DataPaths
from cnnlab.errors import CnnlabError, UserError
from cnnlab.explanations import TECHNIQUES
from cnnlab.explanations.explaining import explain, explain_all
from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.finding import open_subject
from cnnlab.explanations.occlusion import Occlusion
from cnnlab.explanations.saliency import Saliency
from cnnlab.explanations.technique import Technique
from cnnlab.plugins import Distribution, Plugin

DATA = DataPaths.from_environment(None)


@pytest.fixture(scope="module")
def out(tmp_path_factory, backend):
    """One small run."""
    folder = tmp_path_factory.mktemp("runs")
    small = ["--set=dataset.train_size=100", "--set=dataset.validation_size=20", "--set=training.epochs=1"]
    assert run(["train", "colors_cnn", *small, "--quiet", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def found(out):
    return explain("saliency", "colors_cnn", out=out, data_paths=DATA, image=[3, 1], method="gradient")


def test_every_technique_runs_without_the_command_line(out, tmp_path):
    """What each of them draws and writes is what the command writes, see `everything` in test_command.py."""
    (folder,) = out.glob("colors_cnn-*/seed-0")
    script = Path(__file__).parent / "scripts" / "every_technique_from_python.py"
    done = subprocess.run(
        [sys.executable, script, folder, tmp_path], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == {
        "made": [name for name, each in TECHNIQUES.items() if each.takes_network != "never"],
        "saved": ["filters.json", "filters.npz", "filters.png"],
        "commands": [],
    }


def test_the_document_is_what_the_command_prints_and_the_file_holds(found, out, capsys):
    document = found.save()
    capsys.readouterr()
    options = ["--image", "3", "--image", "1", "--method", "gradient"]
    assert run(["explain", "saliency", "colors_cnn", *options, "--out", str(out), "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out) == document == found.as_dict()
    assert json.loads((found.folder / "saliency.json").read_text(encoding="utf-8")) == document
    assert document["options"] == {
        "image": [3, 1], "picture": None, "method": ["gradient"], "class": None, "samples": 25, "noise": 0.15,
        "steps": 50, "layer": None, "seed": 0,
    }  # fmt: skip


def test_it_is_saved_where_one_likes(found, tmp_path):
    before = set(found.folder.rglob("*"))
    document = found.save(tmp_path / "elsewhere")
    assert document == found.as_dict() | {"folder": str(tmp_path / "elsewhere")}
    names = {each.name for each in (tmp_path / "elsewhere").iterdir()}
    assert names == {"saliency.png", "saliency.npz", "saliency.json"}
    assert set(found.folder.rglob("*")) == before


def test_pictures_are_drawn_once_and_only_if_someone_looks(out, monkeypatch):
    from cnnlab.pictures.drawings import maps

    drawn = []
    draw = maps.pixel_maps
    monkeypatch.setattr(
        maps, "pixel_maps", lambda *given, **named: drawn.append(given) or draw(*given, **named)
    )
    found = explain(Saliency(image=0, method="gradient"), "colors_cnn", out=out, data_paths=DATA)
    assert list(found.figures) == ["saliency"]
    assert found.arrays["gradient"].shape == (1, 28, 28)
    assert not drawn
    assert found.figures["saliency"] is found.figures["saliency"]
    assert len(drawn) == 1


def test_a_notebook_shows_the_sentence_and_the_pictures(found):
    shown = found._repr_html_()
    assert f"<p>{found.sentence}</p>" in shown
    (content,) = re.findall(r'src="data:image/png;base64,([^"]+)"', shown)
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        assert image.format == "PNG"
        assert min(image.size) > 300
    assert str(found) == found.sentence == "2 images of colors_cnn, seed 0: gradient"


def test_a_notebook_keeps_the_lines_of_a_longer_text(tmp_path):
    found = cnnlab.explain("xo", out=tmp_path)
    found.figures = {}
    assert found.text.count("\n") > 3
    assert found._repr_html_() == f'<pre style="white-space: pre-wrap">{html.escape(found.text)}</pre>'


def test_options_are_what_python_has():
    wanted = Saliency(image=(0, 1, 2), class_name="5", method=("gradient",), picture=(Path("a.png"),))
    assert Saliency(image=range(3), class_name=5, method="gradient", picture="a.png") == wanted
    assert (
        Saliency(image=np.array([0, 1, 2, 1]), method=["gradient"], picture=[Path("a.png")], **{"class": 5})
        == wanted
    )
    assert Occlusion(image=np.int64(3), patch=np.int32(4)) == Occlusion(image=[3], patch=4)


WRONG = {
    "range": ("saliency", {"image": [2, -1]}, "{image}: expected 0 or more, found -1"),
    "share": ("occlusion", {"fill": 1.5}, "{fill}: expected 1 or less, found 1.5"),
    "open range": ("dream", {"octave_scale": 0.5}, "{octave_scale}: expected more than 1, found 0.5"),
    "choice": (
        "saliency",
        {"method": ["gradien"]},
        "{method}: unknown value 'gradien'; did you mean gradient?",
    ),
    "unused": (
        "saliency",
        {"method": ["gradient"], "samples": 25},
        "{samples}: has no effect without method smoothgrad; leave it out",
    ),
    "weights": (
        "style",
        {"weights": "vgg.h5"},
        "{weights}: expected network vgg16 or vgg19 with it, found own",
    ),
    "together": ("kernels", {"image": 1, "picture": "a.png"}, "image and picture exclude each other"),
    "no such file": ("features", {"picture": [""]}, "{picture}: expected a file, found ''"),
    "too high": ("equivalence", {"filter": 99}, "{filter 99}: conv2d_1 has 8 filters, 0 to 7"),
    "no such image": (
        "features",
        {"image": [1000]},
        "{image 1000}: expected 0 to 999, the test images of colors_cnn, seed 0",
    ),
    "class": ("saliency", {"class_name": "gren"}, "{class}: unknown class 'gren'; did you mean green?"),
}  # fmt: skip


@pytest.mark.parametrize(("technique", "options", "message"), WRONG.values(), ids=WRONG)
def test_mistakes_read_alike_from_python_and_on_the_command_line(out, capsys, technique, options, message):
    with pytest.raises(UserError) as error:
        explain(technique, "colors_cnn", out=out, data_paths=DATA, **options)
    assert str(error.value) == re.sub(
        r"\{(\w+)( ?)(\w*)\}", lambda m: m[1] + m[2].replace(" ", "=") + m[3], message
    )
    capsys.readouterr()
    given = [
        f"--{name.removesuffix('_name').replace('_', '-')}={value}"
        for name, values in options.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    assert run(["explain", technique, "colors_cnn", *given, "--out", str(out), "--quiet"]) == 2
    typed = re.sub(r"\{([^}]+)\}", lambda match: "--" + match[1].replace("_", "-"), message)
    assert capsys.readouterr().err == f"{typed}\n"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("salience", "colors_cnn", {}), "unknown technique 'salience'; did you mean saliency?"),
        (("saliency", "colors_cnn", {"imagee": 3}), "unknown option 'imagee'; did you mean image?"),
        (("saliency", "colors_cnn", {"backend": "jaxx"}), "backend: unknown value 'jaxx'; did you mean jax?"),
        (("saliency", ["colors_cnn"] * 2, {}), "saliency: expected one run, found 2"),
        (("invariance", [], {}), "expected at least one run, found none"),
        (
            (Occlusion(patch=4), "colors_cnn", {"patch": 3}),
            "occlusion: options are already set in the technique; remove patch",
        ),
    ],
)  # fmt: skip
def test_mistakes_that_only_python_can_make(out, call, message):
    technique, runs, options = call
    with pytest.raises(UserError) as error:
        explain(technique, runs, out=out, data_paths=DATA, **options)
    assert str(error.value) == message


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_technique_says_what_it_and_its_options_are(name):
    technique = TECHNIQUES[name]
    assert technique.name == name
    assert technique.summary.endswith((".", "?"))
    for field in technique.model_fields.values():
        assert field.description.endswith(".")


def test_all_techniques_of_a_file(out, tmp_path):
    """What needs test images is an error beside the explanations of the others."""
    (model,) = out.glob("colors_cnn-*/seed-0/model.keras")
    file = shutil.copy(model, tmp_path / "alone.keras")
    subject = open_subject(file, out=out, data_paths=DATA)
    subject.start()
    found = dict(itertools.islice(explain_all(subject), 3))
    assert isinstance(found["kernels"], CnnlabError)
    assert str(found["kernels"]).startswith(f"{file}: a .keras file has no test images")
    assert found["filters"].sentence == "8 kernels of 1×1×3 in conv2d_1 of alone"


class Mean(Technique):
    """A technique from elsewhere."""

    name = "mean"
    summary = "The mean test image."
    images: int = 10
    names: ClassVar[list[str]] = []

    def explain(self, subject):
        mean = subject.to_display(subject.data.test.images[: self.images]).mean(axis=0)
        return Explanation(
            self,
            subject.explained,
            sentence=f"brightness {mean.mean():.2f}",
            figures={},
            arrays={"mean": mean},
        )


class FailsToExplain(Mean):
    name = "fails_to_explain"

    def explain(self, subject):
        return 1 / 0


class FailsToDraw(Mean):
    name = "fails_to_draw"

    def explain(self, subject):
        figures = {"mean": lambda: [][0]}
        return Explanation(self, subject.explained, sentence="brightness", figures=figures, arrays={})


@pytest.fixture
def failing_techniques(monkeypatch):
    """A table of one of cnnlab's techniques, then those that fail; calling it says of which distribution."""

    def failing(distribution):
        places = {"filters": TECHNIQUES._places["filters"]}
        kinds = {each.name: each for each in (FailsToExplain, FailsToDraw)}
        if distribution is None:
            places |= {name: f"{__name__}:{kind.__name__}" for name, kind in kinds.items()}
        else:
            monkeypatch.setattr(TECHNIQUES, "_plugins", dict.fromkeys(kinds, Plugin(distribution, None)))
            monkeypatch.setattr(TECHNIQUES, "_loaded", kinds)
        monkeypatch.setattr(TECHNIQUES, "_places", places)

    return failing


def test_the_technique_of_a_plugin_that_fails_is_left_out(out, failing_techniques, capsys):
    failing_techniques(Distribution("fake-one", "1.0"))
    assert run(["explain", "all", "colors_cnn", "--out", str(out), "--json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["technique"] for each in document["techniques"]] == ["filters"]
    assert document["left_out"] == {
        "fails_to_explain": "plug-in fake-one 1.0: ZeroDivisionError: division by zero",
        "fails_to_draw": "plug-in fake-one 1.0: IndexError: list index out of range",
    }


def test_a_bug_of_cnnlabs_own_is_not_left_out(out, failing_techniques):
    failing_techniques(None)
    subject = open_subject("colors_cnn", out=out, data_paths=DATA)
    subject.start()
    with pytest.raises(ZeroDivisionError):
        list(explain_all(subject))


def test_a_technique_from_elsewhere_is_one_class(out):
    found = explain(Mean(images=3), "colors_cnn", out=out, data_paths=DATA)
    assert found.as_dict()["arrays"] == {"file": "mean.npz", "shapes": {"mean": [28, 28, 3]}}
    assert found.options == {"images": 3}
