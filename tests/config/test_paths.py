"""Where relative paths of the user's own data start: at the config's folder, or at the current directory."""

import numpy as np
import pytest

import cnnlab
from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.errors import UserError

CONFIG = """\
dataset: {{{key}: {path}}}
model: {{layers: [Flatten, Dense: {{units: 2, activation: softmax}}]}}
"""
PINNED = {
    "npz": "15fd723a90958e38611d9647e963b27930cb2ac6d3a5f5e1594a79bb699227c3",
    "folder": "2ea64a09b06e95fc21c57eba9732e6971f99fe16f78b93ab0e59dbb6a0b9d7e0",
}
"""The digests that data in the current directory had when every path counted as it was written."""

MODEL = {"layers": ["Flatten", {"Dense": {"units": 2, "activation": "softmax"}}]}


@pytest.fixture(params=["npz", "folder"])
def data(request, tmp_path):
    """(key, the path of the data without its folder, a function that makes it in a folder)."""

    def make(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if request.param == "npz":
            images, labels = np.arange(8 * 16, dtype=np.uint8).reshape(8, 4, 4), np.arange(8) % 2
            np.savez(folder / "mine.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
            return
        from PIL import Image

        for name in ("cat", "dog"):
            (folder / "pets" / name).mkdir(parents=True)
            Image.new("RGB", (4, 4)).save(folder / "pets" / name / "0.png")

    return request.param, {"npz": "mine.npz", "folder": "pets"}[request.param], make


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project with a folder for configs, entered."""
    (tmp_path / "configs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder, key, path):
    (folder / "mine.yaml").write_text(CONFIG.format(key=key, path=path), encoding="utf-8")
    return str(folder / "mine.yaml")


def place(config, key):
    return getattr(config.dataset, key)


def test_a_path_in_a_config_starts_at_its_folder(here, data, monkeypatch):
    key, name, make = data
    make(here / "data")
    file = written(here / "configs", key, f"../data/{name}")
    expected = str(here / "data" / name)
    assert place(load_config(file), key) == expected
    assert place(cnnlab.load(file)._config, key) == expected
    assert place(load_config("configs/mine.yaml"), key) == expected
    monkeypatch.chdir(here / "configs")
    assert place(load_config("mine.yaml"), key) == expected


def test_a_path_given_by_set_or_in_python_starts_at_the_current_directory(here, data):
    key, name, make = data
    make(here / "data")
    file = written(here / "configs", key, "nowhere")
    expected = str(here / "data" / name)
    assert place(load_config(file, [f"dataset.{key}=data/{name}"]), key) == expected
    assert place(cnnlab.load(file, {f"dataset.{key}": f"data/{name}"})._config, key) == expected
    mapping = {"dataset": {key: f"data/{name}"}, "model": MODEL}
    assert place(cnnlab.load(mapping)._config, key) == expected


def test_a_home_folder_and_absolute_paths_stay(here, data, monkeypatch):
    key, name, make = data
    make(here / "data")
    monkeypatch.setenv("HOME", str(here))
    for path in (f"~/data/{name}", str(here / "data" / name)):
        assert place(load_config(written(here / "configs", key, path)), key) == str(here / "data" / name)


def test_what_is_only_in_the_current_directory_is_pointed_at(here, data):
    key, name, make = data
    make(here)
    with pytest.raises(UserError) as caught:
        load_config(written(here / "configs", key, name))
    expected = {"npz": "an .npz file", "folder": "a folder"}[key]
    assert str(caught.value) == (
        f"{here}/configs/mine.yaml:1:{13 + len(key)}: dataset.{key}: expected {expected}, found nothing at "
        f"'{here}/configs/{name}'\n"
        f"   relative paths in a config start at its folder, {here}/configs\n"
        f"   {here}/{name} exists; to name it, write ../{name}"
    )


def test_of_two_the_one_beside_the_config_is_taken(here, data):
    key, name, make = data
    make(here)
    make(here / "configs")
    assert place(load_config(written(here / "configs", key, name)), key) == str(here / "configs" / name)


def test_the_config_of_a_run_leads_to_the_data_from_everywhere(here, data, tmp_path_factory, monkeypatch):
    key, name, make = data
    make(here / "configs")
    config = load_config(written(here / "configs", key, name))
    run = tmp_path_factory.mktemp("run")
    (run / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    monkeypatch.chdir("/")
    again = load_config(str(run / "config.yaml"))
    assert place(again, key) == str(here / "configs" / name)
    assert again == config
    assert again.digest == config.digest


def test_in_the_config_of_an_older_run_paths_start_where_they_did(here, data):
    """It has the path as it was written, relative to the directory in which it was trained."""
    key, name, make = data
    make(here / "data")
    (here / "run").mkdir()
    (here / "run" / "run.json").write_text("{}", encoding="utf-8")
    assert place(load_config(written(here / "run", key, f"data/{name}")), key) == str(here / "data" / name)


def test_where_the_data_lies_does_not_count_in_the_digest(here, data):
    key, name, make = data
    make(here / "data")
    first = load_config(written(here / "configs", key, f"../data/{name}")).digest
    assert first == PINNED[key]
    (here / "data").rename(here / "elsewhere")
    assert load_config(written(here / "configs", key, f"../elsewhere/{name}")).digest == first
    other = {"npz": "other.npz", "folder": "other"}[key]
    (here / "elsewhere" / name).rename(here / "elsewhere" / other)
    assert load_config(written(here / "configs", key, f"../elsewhere/{other}")).digest != first


def test_an_empty_path_is_refused(here, data):
    key, _, _ = data
    with pytest.raises(UserError, match=rf"dataset\.{key}: expected a path, found ''"):
        load_config(written(here / "configs", key, "''"))


@pytest.mark.parametrize("quote", ["", "'", '"'], ids=["plain", "single", "double"])
def test_a_copied_config_leads_to_the_same_data(here, data, quote):
    key, name, make = data
    make(here / "data")
    written(here / "configs", key, f"{quote}../data/{name}{quote}")
    assert run(["init", "copy", "--like", "configs/mine.yaml"]) == 0
    assert run(["init", "configs/beside", "--like", "configs/mine.yaml"]) == 0
    copies = [load_config(file) for file in ("copy.yaml", "configs/beside.yaml")]
    assert [place(copy, key) for copy in copies] == [str(here / "data" / name)] * 2
    assert f'{{{key}: "data/{name}"}}' in (here / "copy.yaml").read_text(encoding="utf-8")
