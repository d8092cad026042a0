"""The example distribution, built and installed as a user would, and used from the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "tests" / "plugin_example"

CONFIG = """\
dataset: {name: stripes, train_count: 100, test_count: 20}
model:
  layers:
    - Residual:
        layers: [CenterCrop: {height: 16, width: 16}]
    - CenterCrop: {height: 8, width: 6}
    - Flatten
    - Dense: {units: 2, activation: softmax}
training: {epochs: 1}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the example is installed into, without a network."""
    target = tmp_path_factory.mktemp("site")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install")
    offline = ("--no-deps", "--no-build-isolation", "--no-index")
    subprocess.run([*pip, *offline, "--target", target, EXAMPLE], check=True, capture_output=True)
    return target


@pytest.fixture
def cnnlab(site: Path, tmp_path: Path):
    """Runs the command line where the example is installed, in a folder with a config that uses it."""
    (tmp_path / "mine.yaml").write_text(CONFIG, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}

    def call(*arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "cnnlab.cli", *arguments],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    return call


def test_a_config_names_its_layer_and_dataset(cnnlab):
    code, out, err = cnnlab("summary", "mine.yaml", "--json")
    assert (code, err) == (0, "")
    rows = {row["name"]: row["output_shape"] for row in json.loads(out)["layers"]}
    assert rows["center_crop_1"] == [8, 6, 1]
    assert rows["residual_1/center_crop_1"] == [16, 16, 1]
    code, _, err = cnnlab("summary", "mine.yaml", "--set", "model.layers[1].height=17")
    assert code == 2
    assert "CenterCrop: cannot crop 17×6 pixels out of 16×16" in err


def test_its_layer_is_explained(cnnlab):
    code, out, err = cnnlab("summary", "mine.yaml", "--explain", "center_crop_1")
    assert (code, err) == (0, "")
    text = " ".join(out.split())
    assert "What it does Keep the middle 8×6 pixels of an image. No weights." in text
    assert "Receptive field: 1×1 pixels" in text


def test_a_run_records_the_distribution(cnnlab, tmp_path):
    code, out, err = cnnlab("train", "mine.yaml", "--quiet", "--json")
    assert code == 0, err
    run = Path(json.loads(out)["run"])
    environment = json.loads((tmp_path / run / "environment.json").read_text(encoding="utf-8"))
    assert environment["plugins"] == {"cnnlab-example": "1.2"}
    assert environment["dataset"]["title"] == "Stripes"


def test_lists_and_the_schema_include_it(cnnlab):
    rows = {row["name"]: row for row in json.loads(cnnlab("data", "list", "--json")[1])}
    assert (rows["stripes"]["status"], rows["stripes"]["train_count"]) == ("generated", 5000)
    schema = json.loads(cnnlab("schema")[1])
    valid = jsonschema.Draft202012Validator(schema).is_valid
    assert schema["$defs"]["CenterCrop"]["properties"]["height"]["description"] == "Rows that are kept."
    assert schema["$defs"]["Stripes"]["description"].startswith("Horizontal or vertical stripes")
    layers = [{"CenterCrop": {"height": 2, "width": 3}}]
    assert valid({"dataset": {"name": "stripes"}, "model": {"layers": layers}})
    assert not valid({"dataset": {"name": "stripes", "size": 3}, "model": {"layers": layers}})
    assert not valid({"dataset": "stripes", "model": {"layers": [{"CenterCrop": {"height": 2}}]}})


def test_its_technique_is_a_command(cnnlab, tmp_path):
    assert "means        The mean test image of each class." in cnnlab("explain", "--help")[1]
    assert cnnlab("train", "mine.yaml", "--quiet")[0] == 0
    code, out, err = cnnlab("explain", "means", "mine", "--images", "10", "--quiet", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["options"] == {"images": 10}
    assert document["arrays"]["shapes"] == {"means": [2, 16, 16, 1]}
    assert (tmp_path / document["folder"] / "means.png").is_file()
    assert cnnlab("explain", "means", "mine", "--images", "0")[2] == "--images: expected 1 or more, found 0\n"


def test_its_names_are_suggested(cnnlab):
    assert cnnlab("train", "mine.yaml", "--set", "dataset.name=stripe")[2] == (
        "--set dataset.name: unknown dataset 'stripe'; did you mean stripes?\n"
    )


def test_the_guide_shows_the_example_as_it_is():
    guide = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```(?:python|toml)\n(.*?)^```$", guide, re.M | re.S)
    files = [
        path.read_text(encoding="utf-8") for path in EXAMPLE.rglob("*.*") if path.suffix in (".py", ".toml")
    ]
    assert len(shown) >= 3
    for block in shown:
        assert any(block in text for text in files), block
