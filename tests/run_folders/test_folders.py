"""A disk that is full or read-only: one line, and nothing half done."""

import errno

import pytest

from cnnlab.config.experiment import load_config
from cnnlab.errors import CnnlabError
from cnnlab.run_folders.holding import hold, remove_run, start_over
from cnnlab.run_folders.identity import run_path


def read_only(*arguments, **named):
    raise OSError(errno.EROFS, "Read-only file system")


@pytest.fixture
def config():
    return load_config("colors_cnn")


def message_of(caught):
    assert caught.value.exit_code == 1
    return str(caught.value)


def test_a_lock_that_cannot_be_made(config, tmp_path):
    path = run_path(config, tmp_path)
    (path.parent / f".{path.name}.lock").mkdir(parents=True)
    with pytest.raises(CnnlabError) as caught, hold(run_path(config, tmp_path), tmp_path):
        pass
    assert message_of(caught).startswith(f"{path}: cannot be written: ")
    assert "\n" not in message_of(caught)


def test_a_lock_on_a_read_only_disk(config, tmp_path, monkeypatch):
    monkeypatch.setattr("filelock.FileLock.acquire", read_only)
    with pytest.raises(CnnlabError) as caught, hold(run_path(config, tmp_path), tmp_path):
        pass
    assert message_of(caught) == f"{run_path(config, tmp_path)}: cannot be written: Read-only file system"


def test_fresh_on_a_read_only_disk(config, make_run, tmp_path, monkeypatch):
    path = make_run(tmp_path, "colors_cnn")
    monkeypatch.setattr("shutil.rmtree", read_only)
    with pytest.raises(CnnlabError) as caught, hold(path, tmp_path):
        start_over(path, config)
    assert message_of(caught) == f"{path}: cannot be written: Read-only file system"


@pytest.mark.parametrize("call", ["shutil.rmtree", "filelock.FileLock.acquire", "pathlib.Path.rename"])
def test_removing_on_a_read_only_disk(make_run, tmp_path, monkeypatch, call):
    path = make_run(tmp_path, "colors_cnn")
    monkeypatch.setattr(call, read_only)
    with pytest.raises(CnnlabError) as caught:
        remove_run(path)
    assert message_of(caught) == f"{path}: cannot be removed: Read-only file system"


def test_a_held_run_is_held_and_no_disk_error(make_run, tmp_path):
    path = make_run(tmp_path, "colors_cnn")
    with hold(path, tmp_path):
        with (
            pytest.raises(CnnlabError, match="another process is training this run"),
            hold(path, tmp_path),
        ):
            pass
        with pytest.raises(CnnlabError, match="a process is training this run; nothing was removed"):
            remove_run(path)
