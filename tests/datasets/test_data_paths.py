from pathlib import Path

import pytest

from cnnlab.datasets import DataPaths
from cnnlab.errors import UserError


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    for name in ("CNNLAB_DATA_DIR", "CNNLAB_CACHE", "KERAS_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_without_options_the_caches_are_searched(tmp_path):
    data_paths = DataPaths.from_environment()
    assert data_paths.data_dir is None
    assert data_paths.keras_cache == tmp_path / ".keras" / "datasets"
    assert data_paths.cache.name == "datasets"
    assert data_paths.searched == (data_paths.cache, data_paths.keras_cache)


def test_variables_move_every_place(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLAB_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CNNLAB_CACHE", "/some/cache")
    monkeypatch.setenv("KERAS_HOME", "/some/keras")
    assert DataPaths.from_environment().searched == (
        tmp_path,
        Path("/some/cache"),
        Path("/some/keras/datasets"),
    )


def test_the_option_beats_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLAB_DATA_DIR", "/nowhere")
    assert DataPaths.from_environment(tmp_path).data_dir == tmp_path


def test_an_empty_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("CNNLAB_DATA_DIR", "")
    assert DataPaths.from_environment().data_dir is None


@pytest.mark.parametrize("given_by", ["--data-dir", "CNNLAB_DATA_DIR"])
@pytest.mark.parametrize("found", ["nothing", "a file"])
def test_a_data_folder_that_is_none_is_the_users_error(monkeypatch, tmp_path, given_by, found):
    folder = tmp_path / "folder"
    if found == "a file":
        folder.touch()
    if given_by == "CNNLAB_DATA_DIR":
        monkeypatch.setenv(given_by, str(folder))
    with pytest.raises(UserError) as caught:
        DataPaths.from_environment(folder if given_by == "--data-dir" else None)
    assert caught.value.exit_code == 2
    assert str(caught.value) == (
        f"{given_by}: expected a folder, found {found} at {folder}\n"
        f"   create it, or leave {given_by} out to use the cache and the network"
    )
