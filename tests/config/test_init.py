"""`cnnlab init`: whatever it writes is a config that reads, in an editor too, and nothing is overwritten."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from PIL import Image

from cnnlab.cli import run
from cnnlab.config.experiment import known_configs, load_config, shipped_configs
from cnnlab.config.starters import STARTERS
from cnnlab.datasets import DATASETS
from cnnlab.language.source import read_yaml

EXPERIMENTS = sorted(path.stem for path in shipped_configs().glob("*.yaml"))


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def validator():
    schema = json.loads((shipped_configs() / "schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("like", STARTERS)
def test_every_starter_with_every_dataset(like, dataset, validator, capsys):
    assert run(["init", "mine", "--like", like, "--dataset", dataset]) == 0
    assert "cnnlab train mine.yaml" in capsys.readouterr().out
    config = load_config("mine.yaml")
    assert (config.name, config.dataset.name) == ("mine", dataset)
    assert config.architecture.output_shape == (config.dataset.num_classes,)
    assert validator.is_valid(read_yaml(Path("mine.yaml")).plain())


@pytest.mark.parametrize("like", STARTERS)
def test_starters_are_commented_and_fit_the_page(like):
    run(["init", "mine", "--like", like])
    lines = Path("mine.yaml").read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) <= 110
    assert sum("#" in line for line in lines) >= 15
    [schema] = [line.split("=")[1] for line in lines if line.startswith("# yaml-language-server: $schema=")]
    assert Path(schema).is_file()


@pytest.mark.parametrize("like", [name for name in EXPERIMENTS if name not in STARTERS])
def test_every_experiment_can_be_copied(like):
    assert run(["init", "mine", "--like", like]) == 0
    mine, original = load_config("mine.yaml"), load_config(like)
    assert mine.name == "mine"
    assert mine.digest == original.digest


def test_next_to_a_schema_the_config_names_that_one():
    Path("configs").mkdir()
    Path("configs/schema.json").touch()
    run(["init", "configs/mine"])
    assert "$schema=schema.json" in Path("configs/mine.yaml").read_text(encoding="utf-8")
    assert "mine" in known_configs()


def test_nothing_is_overwritten_without_force(capsys):
    Path("mine.yaml").write_text("precious", encoding="utf-8")
    assert run(["init", "mine"]) == 2
    assert capsys.readouterr().err == "mine.yaml already exists; use --force to overwrite it\n"
    assert Path("mine.yaml").read_text(encoding="utf-8") == "precious"
    assert run(["init", "mine.yaml", "--force"]) == 0
    assert load_config("mine.yaml").name == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["my net"], "expected a name of letters, digits, - and _", id="name"),
        pytest.param(["mine", "--like", "vg16"], "did you mean vgg16?", id="like"),
        pytest.param(["mine", "--dataset", "mnsit"], "did you mean mnist?", id="dataset"),
        pytest.param(["mine", "--like", "vgg16", "--dataset", "mnist"], "which has a dataset", id="both"),
        pytest.param(["nowhere/mine"], "there is no folder nowhere", id="folder"),
    ],
)
def test_mistakes(arguments, message, capsys):
    assert run(["init", *arguments]) == 2
    assert re.search(message.replace("?", r"\?"), capsys.readouterr().err)
    assert not list(Path().glob("*.yaml"))


def test_json(capsys):
    assert run(["init", "mine", "--like", "dnn", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": "mine.yaml", "name": "mine", "like": "dnn"}


def test_for_a_folder_of_pictures(validator, capsys):
    for name, color in {"cat": (200, 30, 30), "dog's": (20, 30, 220)}.items():
        (Path("my photos") / name).mkdir(parents=True)
        for number in range(6):
            Image.new("RGB", (200, 150), color).save(Path("my photos") / name / f"{number}.png")
    Path("sub").mkdir()
    assert run(["init", "sub/mine", "--for", "my photos"]) == 0
    config = load_config("sub/mine.yaml")
    assert config.dataset.image_shape == (48, 64, 3)
    assert config.architecture.output_shape == (2,)
    assert "the first image is 200×150 (width × height)" in Path("sub/mine.yaml").read_text(encoding="utf-8")
    assert max(map(len, Path("sub/mine.yaml").read_text(encoding="utf-8").splitlines())) <= 110
    capsys.readouterr()
    assert run(["data", "check", "sub/mine.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["image_shape"] == [48, 64, 3]
    for like in STARTERS:
        assert run(["init", "mine", "--force", "--like", like, "--for", "my photos"]) == 0
        assert validator.is_valid(read_yaml(Path("mine.yaml")).plain())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--for", "nowhere"], "--for: expected a folder of images, found 'nowhere'"),
        (["--for", "empty", "--dataset", "mnist"], "--dataset and --for exclude each other"),
        (["--for", "empty", "--like", "vgg16"], "--for: expected --like cnn, dnn, resnet, inception, found"),
        (["--for", "empty"], "empty"),
    ],
)
def test_a_folder_that_cannot_be_used(options, message, capsys):
    Path("empty").mkdir()
    assert run(["init", "mine", *options]) == 2
    assert message in capsys.readouterr().err
    assert not Path("mine.yaml").exists()


def test_the_schema_is_beside_the_config_and_stays_as_it_is():
    Path("schema.json").write_text("mine", encoding="utf-8")
    assert run(["init", "mine"]) == 0
    assert Path("schema.json").read_text(encoding="utf-8") == "mine"
    Path("other").mkdir()
    assert run(["init", "other/mine"]) == 0
    assert json.loads(Path("other/schema.json").read_text(encoding="utf-8"))["properties"]
    assert "$schema=schema.json" in Path("other/mine.yaml").read_text(encoding="utf-8")
