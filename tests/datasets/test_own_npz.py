"""The user's own .npz files."""

import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from cnnlab.datasets import OWN_DATA, load_dataset
from cnnlab.datasets.sources.npz import NpzFile
from cnnlab.errors import UserError

RNG = np.random.default_rng(0)


def arrays(*, side=5, channels=None, classes=3, label_type=np.int64):
    def part(count):
        shape = (count, side, side) if channels is None else (count, side, side, channels)
        labels = (np.arange(count) % classes).astype(label_type)
        return RNG.integers(256, size=shape, dtype=np.uint8), labels

    (x_train, y_train), (x_test, y_test) = part(30), part(9)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "mine.npz"


def config(file, **fields):
    return NpzFile(npz=str(file), **{"validation_size": 0, **fields})


@pytest.mark.parametrize("channels", [None, 1, 3])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back_as_they_were(file, channels, save):
    given = arrays(channels=channels)
    save(file, **given)
    read = config(file)
    data = load_dataset(read, None)
    assert (read.title, read.image_shape) == ("mine", (5, 5, channels or 1))
    assert data.class_names == ("0", "1", "2")
    np.testing.assert_array_equal(data.train.images, given["x_train"].reshape(30, 5, 5, channels or 1))
    np.testing.assert_array_equal(data.test.labels, given["y_test"])


@pytest.mark.parametrize(
    "label_type", [np.uint8, np.int8, np.int16, np.uint32, np.int32, np.int64, np.uint64]
)
def test_labels_may_be_any_integers(file, label_type):
    np.savez(file, **arrays(label_type=label_type))
    assert load_dataset(config(file), None).train.labels.dtype == np.int64


def test_classes_have_the_names_that_are_given(file):
    np.savez(file, **arrays())
    data = load_dataset(config(file, names=["ant", "bee", "cow"], classes=["cow", "ant"]), None)
    assert data.class_names == ("cow", "ant")
    assert np.bincount(data.train.labels).tolist() == [10, 10]


def test_the_config_of_a_run_is_read_without_its_file(file):
    np.savez(file, **arrays(channels=3))
    written = config(file).model_dump(mode="json")
    file.unlink()
    again = OWN_DATA["npz"].model_validate(written)
    assert (again.class_names, again.image_shape) == (("0", "1", "2"), (5, 5, 3))
    with pytest.raises(UserError, match=r"dataset\.npz: expected a file, found nothing at"):
        load_dataset(again, None)


def test_reading_the_config_imports_no_numpy(file):
    np.savez(file, **arrays())
    program = (
        f"import sys; from cnnlab.datasets import OWN_DATA; OWN_DATA['npz'](npz={str(file)!r});"
        "print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"x_train": None}, "expected x_train, y_train, x_test, y_test, found no x_train", id="missing"
        ),
        pytest.param(
            {"x_train": np.zeros((30, 5, 5))},
            "expected x_train of shape (N, height, width) or (N, height, width, channels) and type uint8, "
            "found (30, 5, 5) of type <f8",
            id="floats",
        ),
        pytest.param(
            {"y_train": np.zeros((30, 3), dtype=np.int64)},
            "expected y_train of shape (N,) and an integer type, found (30, 3) of type <i8",
            id="one-hot",
        ),
        pytest.param(
            {"y_train": np.arange(30) % 3 - 1},
            "expected labels from 0 to the number of classes - 1 in y_train, found -1",
            id="negative",
        ),
        pytest.param(
            {"y_train": np.array(["cat", "dog"] * 15, dtype=object)},
            "expected y_train of shape (N,) and an integer type, found (30,) of type |O",
            id="pickled",
        ),
        pytest.param(
            {"y_test": np.arange(8) % 3},
            "expected 9 labels, one per image, found 8 labels in y_test",
            id="counts",
        ),
    ],
)
def test_what_cannot_be_a_set_is_found_when_the_config_is_read(file, changes, message):
    given = {name: array for name, array in {**arrays(), **changes}.items() if array is not None}
    np.savez(file, **given)
    with pytest.raises(ValidationError) as caught:
        config(file)
    assert [(error["loc"], error["msg"]) for error in caught.value.errors()] == [
        (("npz",), f"{file}: {message}")
    ]


@pytest.mark.parametrize(
    ("changes", "fields", "message"),
    [
        pytest.param(
            {"y_train": np.arange(29) % 3},
            {"names": ["a", "b", "c"], "shape": [5, 5, 1]},
            "expected 30 labels, one per image, found 29 labels",
            id="counts",
        ),
        pytest.param(
            {"y_test": np.arange(9) % 3},
            {"names": ["a", "b"]},
            "expected labels from 0 to 1, found 2",
            id="range",
        ),
        pytest.param(
            {"y_train": np.arange(30) % 2 * 2},
            {},
            "expected training images of every class, found none of class '1'",
            id="empty class",
        ),
        pytest.param(
            {"x_test": np.zeros((9, 6, 6), dtype=np.uint8)},
            {},
            "expected x_test of shape (N, 5, 5), found (9, 6, 6)",
            id="sizes",
        ),
    ],
)
def test_what_does_not_fit_together_is_named(file, changes, fields, message):
    np.savez(file, **{**arrays(), **changes})
    with pytest.raises(UserError) as caught:
        load_dataset(config(file, **fields), None)
    way_out = "count labels from 0 and leave no number out" if "every class" in message else "mend the file"
    assert str(caught.value).startswith(f"{file}: {message}\n   {way_out}")


def test_labels_of_one_class_are_refused(file):
    np.savez(file, **arrays(classes=1))
    with pytest.raises(ValidationError, match="expected two classes or more, found labels 0 only"):
        config(file)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_another_file_is_named(file, content):
    file.write_bytes(content)
    with pytest.raises(ValidationError, match=r"expected a whole \.npz file, found a damaged one"):
        config(file)


def test_a_set_larger_than_memory_is_refused_before_it_is_read(file, monkeypatch):
    np.savez(file, **arrays())
    monkeypatch.setattr("cnnlab.datasets.reading.npz_files.free_memory", lambda: 100)
    with pytest.raises(UserError, match="a folder's images stay on the disk"):
        load_dataset(config(file), None)
