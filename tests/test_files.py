import errno
import os

import pytest

from cnnlab.files import absence, can_be_path, expanded, name_problem, open_regular, read_bytes


def test_a_file_is_read_up_to_its_bound(tmp_path):
    path = tmp_path / "facts"
    path.write_bytes(b"12345")

    assert read_bytes(path, most=5) == b"12345"
    with pytest.raises(OSError, match="Larger than 4 bytes") as caught:
        read_bytes(path, most=4)
    assert caught.value.errno == errno.EFBIG


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OSError, match="Not a regular file"):
        open_regular(tmp_path / "pipe")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no devices here")  # noqa: PTH110
def test_a_device_is_refused():
    with pytest.raises(OSError, match="Not a regular file"):
        open_regular("/dev/zero")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)


def test_home_is_written_out_and_an_unknown_user_stays(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")

    assert str(expanded("~/data")) == "/home/ann/data"
    assert str(expanded("~nobody-of-this-name/x")) == "~nobody-of-this-name/x"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("a", None),
        ("", None),
        ("a\udcff", None),
        ("a" * 300, "a name that is too long"),
        ("a\0b", "a name with a NUL character"),
        ("a\ud800", "a name that is not valid text"),
    ],
)
def test_names_that_no_file_can_have(name, problem):
    assert name_problem(name) == problem
    assert can_be_path(name) is (problem is None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_what_is_there_is_not_said_to_be_missing(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")

    assert absence(tmp_path / "pipe") == "not a regular file"
    assert absence(tmp_path / "link") == "not a regular file"
    assert absence(tmp_path / "nothing") == absence("a" * 300) == absence("a\0b") == "no such file"
