"""The reader of .npz files against NumPy's own writer, and against files that lie."""

import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnlab.npz import NpzError, open_npz, read_npy, read_npz

ARRAYS = {
    "labels": np.arange(7),
    "probabilities": np.linspace(0, 1, 12, dtype=np.float16).reshape(3, 4),
    "epoch": np.array(3),
    "empty": np.zeros((0, 5), np.uint8),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big_endian": np.arange(4, dtype=">i4"),
    "flags": np.array([True, False]),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back_as_numpy_wrote_them(tmp_path, save):
    save(tmp_path / "it.npz", **ARRAYS)
    found = read_npz(tmp_path / "it.npz")
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
        assert found[name].flags.writeable


def test_headers_are_read_without_numpy(tmp_path):
    np.savez(tmp_path / "it.npz", **ARRAYS)
    program = (
        "import sys; from pathlib import Path; from cnnlab.npz import open_npz\n"
        f"with open_npz(Path({str(tmp_path / 'it.npz')!r})) as npz:\n"
        "    print(npz.header('probabilities'), 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "ArrayHeader(dtype='<f2', shape=(3, 4), fortran_order=False) False\n"


def claiming(shape, content=b"", *, file_size=None):
    """An archive with one array whose header claims a shape."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("it.npy", header.getvalue() + content)
        if file_size is not None:
            archive.infolist()[0].file_size = len(header.getvalue()) + file_size
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            b"", "expected a whole .npz file, found a damaged one (File is not a zip file)", id="empty"
        ),
        pytest.param(claiming((3,)), "expected 3 bytes after the header, found 0", id="short"),
        pytest.param(claiming((3,), b"1234"), "expected 3 bytes after the header, found 4", id="long"),
        pytest.param(
            claiming((10**12,)), "expected 1000000000000 bytes after the header, found 0", id="too much"
        ),
        pytest.param(
            claiming((10**9,), file_size=10**9), "expected 1000000000 bytes in it, found a file of 238 bytes",
            id="archive claims too much",
        ),
    ],
)  # fmt: skip
def test_a_file_that_lies_is_refused_before_memory_is_taken(tmp_path, content, message):
    (tmp_path / "it.npz").write_bytes(content)
    with pytest.raises(NpzError) as caught:
        read_npz(tmp_path / "it.npz")
    assert str(caught.value) == message


def test_a_pickle_is_never_run(tmp_path):
    np.savez(tmp_path / "it.npz", it=np.array([print, None], dtype=object))
    with pytest.raises(NpzError, match=r"^expected it to hold plain numbers, found type \|O$"):
        read_npz(tmp_path / "it.npz")


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_alone_comes_back_as_numpy_wrote_it(tmp_path, name):
    np.save(tmp_path / "it.npy", ARRAYS[name])
    found = read_npy(tmp_path / "it.npy", most=1000)
    np.testing.assert_array_equal(found, ARRAYS[name], strict=True)
    assert found.flags.writeable


def test_an_array_alone_that_is_damaged_or_too_large(tmp_path):
    path = tmp_path / "it.npy"
    np.save(path, np.arange(4.0))
    whole = path.read_bytes()
    for content, message in {
        whole[:-1]: "expected 32 bytes after the header, found 31",
        whole + b"1": "expected 32 bytes after the header, found 33",
        whole[:40]: "expected an array in NPY format 1.0, found something else",
        whole: "expected an array of at most 31 bytes, found 32",
    }.items():
        path.write_bytes(content)
        with pytest.raises(NpzError) as caught:
            read_npy(path, most=31)
        assert str(caught.value) == message
    np.save(path, np.array([print, None], dtype=object))
    with pytest.raises(NpzError, match=r"^expected an array of plain numbers, found Python objects$"):
        read_npy(path, most=1000)


def test_an_array_that_is_not_there(tmp_path):
    np.savez(tmp_path / "it.npz", **ARRAYS)
    with (
        open_npz(tmp_path / "it.npz") as npz,
        pytest.raises(NpzError, match=r"^expected an array x, found none$"),
    ):
        npz.array("x")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.floats(0, 0.9999), cut=st.booleans(), flip=st.integers(1, 255))
def test_a_file_cut_or_changed_anywhere_raises_nothing_else(tmp_path, place, cut, flip):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **ARRAYS)
    data = bytearray(buffer.getvalue())
    position = int(place * len(data))
    if cut:
        del data[position:]
    else:
        data[position] ^= flip
    (tmp_path / "it.npz").write_bytes(data)
    try:
        found = read_npz(tmp_path / "it.npz")
    except (NpzError, OSError):
        return
    assert not cut
    assert found.keys() <= ARRAYS.keys()  # a changed table of contents may lack some
    for name, array in found.items():
        np.testing.assert_array_equal(array, ARRAYS[name], strict=True)
