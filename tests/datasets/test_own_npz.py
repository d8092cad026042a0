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


RECORD = "write it again with numpy.savez(FILE, x_train=…, y_train=…, x_test=…, y_test=…)"
GREY = RNG.integers(1, 256, size=(30, 5, 5), dtype=np.uint8)
LABELS = np.arange(30) % 3

MISTAKES = {
    "missing": (
        {"x_train": None},
        "expected x_train, y_train, x_test, y_test, found no x_train",
        f"the file has y_train, x_test, y_test; {RECORD}",
    ),
    "other-names": (
        {**dict.fromkeys(("x_train", "y_train", "x_test", "y_test")), "images": GREY, "labels": LABELS},
        "expected x_train, y_train, x_test, y_test, found no x_train",
        f"the file has images, labels; {RECORD}",
    ),
    "floats-to-1": (
        {"x_train": np.linspace(0, 1, 750).reshape(30, 5, 5)},
        "expected x_train of uint8, pixels from 0 to 255, found float64 from 0 to 1",
        "save numpy.rint(x_train * 255).astype(numpy.uint8)",
    ),
    "floats-to-255": (
        {"x_test": np.linspace(0, 255, 225, dtype=np.float32).reshape(9, 5, 5)},
        "expected x_test of uint8, pixels from 0 to 255, found float32 from 0 to 255",
        "save numpy.rint(x_test).astype(numpy.uint8)",
    ),
    "floats-from-minus-1": (
        {"x_train": np.linspace(-1, 1, 750).reshape(30, 5, 5)},
        "expected x_train of uint8, pixels from 0 to 255, found float64 from -1 to 1",
        "save numpy.rint((x_train + 1) * 127.5).astype(numpy.uint8)",
    ),
    "floats-standardized": (
        {"x_train": np.linspace(-3, 3, 750).reshape(30, 5, 5)},
        "expected x_train of uint8, pixels from 0 to 255, found float64 from -3 to 3",
        "scale the values to 0 to 255 and save them as uint8",
    ),
    "integers": (
        {"x_train": GREY.astype(np.int64)},
        f"expected x_train of uint8, pixels from 0 to 255, found int64 from {GREY.min()} to {GREY.max()}",
        "save x_train.astype(numpy.uint8)",
    ),
    "booleans": (
        {"x_train": GREY > 100},
        "expected x_train of uint8, pixels from 0 to 255, found bool",
        "save x_train.astype(numpy.uint8) * 255",
    ),
    "objects": (
        {"x_train": np.array([None] * 30, dtype=object)},
        "expected x_train of uint8, pixels from 0 to 255, found Python objects",
        "images of one size: save numpy.stack(images); of several: save files and give dataset.folder",
    ),
    "flat": (
        {"x_train": GREY.reshape(30, 25)},
        "expected x_train of shape (N, height, width) or (N, height, width, channels), found (30, 25)",
        "save x_train.reshape(-1, 5, 5)",
    ),
    "no-images": (
        {"x_test": GREY[:0], "y_test": LABELS[:0]},
        "expected images in x_test, found none (shape (0, 5, 5))",
        "add some",
    ),
    "sizes": (
        {"x_test": np.zeros((9, 6, 7), dtype=np.uint8)},
        "expected images of one size, found 5×5 in x_train and 6×7 in x_test",
        "bring all images to one size and write the file again",
    ),
    "one-hot": (
        {"y_train": np.eye(3, dtype=np.int64)[LABELS]},
        "expected y_train of shape (N,) with whole numbers, found (30, 3), which looks one-hot",
        "save y_train.argmax(axis=1)",
    ),
    "column": (
        {"y_train": LABELS[:, None]},
        "expected y_train of shape (N,) with whole numbers, found a column, (30, 1)",
        "save y_train.reshape(-1)",
    ),
    "float-labels": (
        {"y_train": LABELS.astype(float)},
        "expected y_train of shape (N,) with whole numbers, found (30,) of float64",
        "save y_train.astype(numpy.int64)",
    ),
    "big-endian-labels": (
        {"y_train": LABELS.astype(">i8")},
        "expected y_train of shape (N,) with whole numbers, found (30,) of big-endian int64",
        "save y_train.astype(numpy.int64)",
    ),
    "names-as-labels": (
        {"y_train": np.array(["ant", "bee", "cow"] * 10)},
        "expected y_train of shape (N,) with whole numbers, found (30,) of text",
        "number the classes from 0, save the numbers, and give the names as dataset.names",
    ),
    "pickled-labels": (
        {"y_train": np.array(["ant", "bee", "cow"] * 10, dtype=object)},
        "expected y_train of shape (N,) with whole numbers, found (30,) of Python objects",
        "number the classes from 0, save the numbers, and give the names as dataset.names",
    ),
    "counts": (
        {"y_test": LABELS[:8]},
        "expected 9 labels, one per image, found 8 labels in y_test",
        "write the file again with one label for each image",
    ),
    "images-along-the-last-axis": (
        {"x_train": np.moveaxis(GREY, 0, -1)},
        "expected 5 labels, one per image, found 30 labels in y_train",
        "the images seem to lie along the last axis: save numpy.moveaxis(x_train, -1, 0)",
    ),
    "negative": (
        {"y_train": LABELS - 1},
        "expected labels from 0 to the number of classes - 1 in y_train, found -1",
        "number the classes from 0 and write the file again",
    ),
    "from-1": (
        {"y_train": LABELS + 1, "y_test": LABELS[:9] + 1},
        "expected labels from 0 on, found 1 to 3",
        "cnnlab numbers classes from 0; save y_train - 1 and y_test - 1",
    ),
    "half-a-validation-set": (
        {"x_val": GREY},
        "expected x_val and y_val, found no y_val",
        "add it",
    ),
    "two-validation-sets": (
        {"x_val": GREY, "y_val": LABELS, "x_dev": GREY, "y_dev": LABELS},
        "expected one array of validation images, found x_val and x_dev",
        "leave one of them out",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_cannot_be_a_set_is_found_when_the_config_is_read(file, name):
    changes, message, way_out = MISTAKES[name]
    given = {name: array for name, array in {**arrays(), **changes}.items() if array is not None}
    np.savez(file, **given)
    with pytest.raises(ValidationError) as caught:
        config(file)
    assert [(error["loc"], error["msg"]) for error in caught.value.errors()] == [
        (("npz",), f"{file}: {message}\n   {way_out}")
    ]


@pytest.mark.parametrize(
    ("changes", "fields", "message"),
    [
        pytest.param(
            {},
            {"names": ["a", "b"]},
            "expected labels from 0 to 1, found 2\n   give all names in dataset.names",
            id="range",
        ),
        pytest.param(
            {"y_train": LABELS + 1, "y_test": LABELS[:9] + 1},
            {"names": ["a", "b", "c"]},
            "expected labels from 0 to 2, found 3\n   cnnlab numbers classes from 0; save y_train - 1",
            id="from 1",
        ),
        pytest.param(
            {"y_train": LABELS % 2 * 2},
            {},
            "expected training images of every class, found none of class '1', but images to test\n"
            "   add some, or leave the class out with dataset.classes",
            id="class without training",
        ),
        pytest.param(
            {"y_train": LABELS % 2 * 2, "y_test": LABELS[:9] % 2 * 2},
            {},
            "expected training images of every class, found none of class '1'\n"
            "   number the classes from 0 and leave no number out, as numpy.unique(labels, "
            "return_inverse=True)[1] does",
            id="gap",
        ),
        pytest.param(
            {},
            {"shape": [5, 5, 3]},
            "expected images of 5×5×3, as dataset.shape says, found 5×5×1\n"
            "   leave dataset.shape out to take the file's",
            id="shape",
        ),
    ],
)
def test_what_does_not_fit_together_is_named(file, changes, fields, message):
    np.savez(file, **{**arrays(), **changes})
    with pytest.raises(UserError) as caught:
        load_dataset(config(file, **fields), None)
    assert str(caught.value) == f"{file}: {message}"


def test_arrays_in_fortran_order_are_read(file):
    given = {name: np.asfortranarray(array) for name, array in arrays(channels=3).items()}
    np.savez(file, **given)
    data = load_dataset(config(file), None)
    assert data.train.images.flags.c_contiguous
    np.testing.assert_array_equal(data.train.images, given["x_train"])


def channels_first():
    given = arrays(side=6, channels=3)
    return given, {
        name: np.moveaxis(array, -1, 1) if name.startswith("x") else array for name, array in given.items()
    }


def test_channels_that_seem_to_come_first_are_warned_of_until_somebody_says_so(file):
    _, stored = channels_first()
    np.savez(file, **stored)
    assert config(file).image_shape == (3, 6, 6)
    assert load_dataset(config(file), None).provenance.warning == (
        f"{file}: x_train of shape (30, 3, 6, 6) is read as images of height 3, width 6 and 6 channels; if "
        "it is (N, channels, height, width), set dataset.layout: channels_first, else dataset.layout: "
        "channels_last"
    )
    assert load_dataset(config(file, layout="channels_last"), None).provenance.warning is None
    again = OWN_DATA["npz"].model_validate(config(file).model_dump(mode="json"))
    assert load_dataset(again, None).provenance.warning is None


@pytest.mark.parametrize("shape", [(30, 6, 6), (30, 6, 6, 3), (30, 6, 6, 9), (30, 1, 6, 3)], ids=str)
def test_other_shapes_are_not_warned_of(file, shape):
    images = np.zeros(shape, dtype=np.uint8)
    np.savez(file, x_train=images, y_train=LABELS, x_test=images, y_test=LABELS)
    assert load_dataset(config(file), None).provenance.warning is None


def test_a_layout_of_channels_first_gives_the_same_images(file, tmp_path):
    given, stored = channels_first()
    np.savez(file, **stored)
    np.savez(tmp_path / "last.npz", **given)
    first, last = config(file, layout="channels_first"), config(tmp_path / "last.npz")
    assert first.image_shape == last.image_shape == (6, 6, 3)
    data, other = load_dataset(first, None), load_dataset(last, None)
    np.testing.assert_array_equal(data.train.images, given["x_train"])
    assert data.provenance.digest == other.provenance.digest
    assert data.provenance.warning is None


def test_a_layout_without_an_axis_for_channels_has_no_effect(file):
    np.savez(file, **arrays())
    with pytest.raises(ValidationError) as caught:
        config(file, layout="channels_first")
    assert [(error["loc"], error["type"], error["msg"]) for error in caught.value.errors()] == [
        (("layout",), "key", "has no effect: the images in the file have no axis of channels; leave it out")
    ]


@pytest.mark.parametrize("name", ["val", "valid", "validation", "dev"])
def test_validation_images_in_the_file_validate(file, name):
    given = {**arrays(), f"x_{name}": GREY[:6], f"y_{name}": LABELS[:6]}
    np.savez(file, **given)
    data = load_dataset(NpzFile(npz=str(file)), None)
    np.testing.assert_array_equal(data.validation.images, GREY[:6].reshape(6, 5, 5, 1))
    np.testing.assert_array_equal(data.train.images, given["x_train"].reshape(30, 5, 5, 1))
    np.testing.assert_array_equal(data.test.images, given["x_test"].reshape(9, 5, 5, 1))
    np.savez(file, **{**given, f"x_{name}": GREY[6:12]})
    assert load_dataset(NpzFile(npz=str(file)), None).provenance.digest != data.provenance.digest


def test_validation_images_and_a_size_of_the_cut_exclude_each_other(file):
    np.savez(file, **arrays(), x_val=GREY, y_val=LABELS)
    with pytest.raises(ValidationError) as caught:
        config(file, validation_size=0.1)
    [error] = caught.value.errors()
    assert (error["loc"], error["type"]) == (("validation_size",), "key")
    assert error["msg"] == (
        "has no effect: the array x_val has the validation images; leave this out, or remove the array x_val"
    )


def test_arrays_of_other_names_are_listed(file):
    np.savez(file, **arrays(), x_more=GREY, notes=np.arange(3))
    content = config(file).read(None)
    assert [str(each) for each in content.left_out] == [
        "notes: an array of another name",
        "x_more: an array of another name",
    ]
    assert content.provenance.warning == "left out: x_more: an array of another name"


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


def test_a_folder_is_no_npz(tmp_path):
    with pytest.raises(ValidationError) as caught:
        config(tmp_path)
    assert caught.value.errors()[0]["msg"].endswith(
        ": expected an .npz file, found a folder\n   dataset.name: folder reads folders of images"
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a"], "expected two names or more, found only 'a'"),
        ([], "expected two names or more, found none"),
        (5, None),
        ({"a": 1}, None),
    ],
)
def test_names_that_are_no_two_names(file, names, message):
    np.savez(file, **arrays())
    with pytest.raises(ValidationError) as caught:
        config(file, names=names)
    [error] = caught.value.errors()
    assert error["loc"] == ("names",)
    assert message is None or message in error["msg"]
