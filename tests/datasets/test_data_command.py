"""cnnlab data, as a user calls it."""

import hashlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cnnlab.cli import run
from cnnlab.datasets import DATASETS
from cnnlab.datasets.content import Content, Provenance
from cnnlab.datasets.inspection import find_duplicates, inspect_content
from cnnlab.datasets.reading import cifar10_files


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder of its own, an empty data folder and empty caches."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("CNNLAB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CNNLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(capsys):
    def call(*arguments):
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_list_shows_every_dataset_and_what_is_missing(call):
    code, out, _ = call("data", "list", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    assert list(rows) == list(DATASETS)
    assert rows["mnist"]["status"] == "missing"
    assert rows["mnist"]["urls"][0].startswith("https://")
    assert rows["xo"] == {
        "name": "xo", "title": "X or O", "image_shape": [16, 16, 1], "num_classes": 2, "train_count": 2000,
        "test_count": 1000, "source": "drawn", "urls": [], "status": "generated", "path": None,
        "problem": None,
    }  # fmt: skip
    table = call("data", "list")[1]
    assert "missing" in table
    assert "cnnlab data fetch" in table


def test_list_tells_unverified_from_broken_files(here, call, tiny, write_idx):
    write_idx(here / "data" / "mnist", tiny)
    (here / "data" / "fashion_mnist.npz").write_bytes(b"broken")
    rows = {row["name"]: row for row in json.loads(call("data", "list", "--json")[1])}
    assert rows["mnist"]["status"] == "unverified"
    assert rows["mnist"]["path"] == str(here / "data" / "mnist")
    assert rows["fashion_mnist"]["status"] == "broken"
    assert "expected a whole .npz file" in rows["fashion_mnist"]["problem"]
    assert "expected a whole .npz file" in call("data", "list")[1]


def test_list_recognises_files_by_their_checksums(here, call, monkeypatch):
    """Stand-ins for the published files: what counts are the checksums in the tables."""
    (here / "data" / "mnist.npz").write_bytes(npz := keras_npz())
    layout = replace(DATASETS["mnist"].layout, npz_checksum=hashlib.sha256(npz).hexdigest())
    monkeypatch.setattr(DATASETS["mnist"], "layout", layout)
    (here / "data" / "cifar-10-batches-py").mkdir()
    official = {}
    for name in cifar10_files.BATCHES:
        (here / "data" / "cifar-10-batches-py" / name).write_bytes(name.encode())
        official[name] = hashlib.md5(name.encode()).hexdigest()
    monkeypatch.setattr(cifar10_files, "OFFICIAL_MD5", official)

    def status():
        rows = {row["name"]: row["status"] for row in json.loads(call("data", "list", "--json")[1])}
        return rows["mnist"], rows["cifar10"]

    assert status() == ("official", "official")
    (here / "data" / "mnist.npz").write_bytes(npz + b" ")
    (here / "data" / "cifar-10-batches-py" / "test_batch").write_bytes(b"other")
    assert status() == ("unverified", "unverified")
    (here / "data" / "cifar-10-batches-py" / "test_batch").unlink()
    assert status() == ("unverified", "broken")


def keras_npz():
    buffer = io.BytesIO()
    images, labels = np.zeros((2, 28, 28), np.uint8), np.arange(2)
    np.savez(buffer, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return buffer.getvalue()


def test_fetch_takes_what_is_here(here, call, tiny, write_idx):
    write_idx(here / "data" / "mnist", tiny)
    code, out, err = call("data", "fetch", "mnist", "--json")
    assert code == 0
    assert [(row["name"], row["status"]) for row in json.loads(out)] == [("mnist", "different")]
    assert "is not the official content" in err


def test_fetch_refuses_an_unknown_name_before_it_fetches(call):
    assert call("data", "fetch", "mnist", "cifra10") == (
        2, "", "unknown dataset 'cifra10'; did you mean cifar10?\n"
    )  # fmt: skip


def test_check_counts_classes_values_and_duplicates(here, call):
    rng = np.random.default_rng(0)
    train, test = (rng.integers(1, 255, size=(count, 4, 4), dtype=np.uint8) for count in (40, 10))
    train[7], test[3] = train[2], train[5]  # 2 and 7 differ in class
    np.savez(
        here / "mine.npz",
        x_train=train, y_train=np.repeat([0, 1, 2], [30, 5, 5])[np.r_[7, :7, 8:40, 39]][:40],
        x_test=test, y_test=np.arange(10) % 2,
    )  # fmt: skip
    code, out, _ = call("data", "check", "mine.npz", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["name"] == "npz"
    assert [each["name"] for each in document["classes"]] == ["0", "1", "2"]
    assert sum(each["train"] for each in document["classes"]) == 40
    assert document["duplicates"]["train"] == 1
    assert document["duplicates"]["test_in_train"] == 1
    assert document["duplicates"]["examples"] == [[3, 5]]
    assert document["duplicates"]["pairs"] == [
        {"part": "train", "place": 7, "earlier_part": "train", "earlier_place": 2, "same_class": True},
        {"part": "test", "place": 3, "earlier_part": "train", "earlier_place": 5, "same_class": False},
    ]
    assert (document["left_out"], document["notes"]) == ([], [])
    assert (document["lowest"], document["highest"]) == (int(train.min()), int(train.max()))
    assert document["mean"] == [pytest.approx(train.mean())]
    assert document["std"] == [pytest.approx(train.std())]
    text = call("data", "check", "mine.npz")[1]
    assert (
        "duplicates: 1 in training, 0 in test, 1 in both\n   test 3 = training 5 (of different classes)\n"
        "   training 7 = training 2\n"
    ) in text
    assert "warning: no test images of 2" in text
    assert "warning: classes differ in size: 30 training images of 0, 5 of 1" in text
    assert "warning: test images that are also training images: 1; the test accuracy will be too high" in text


def test_check_of_a_folder_names_its_classes(here, call, write_images):
    write_images(here / "pets", {"Käfer": 10, "猫": 10})
    code, out, _ = call("data", "check", "pets")
    assert code == 0
    assert "Käfer" in out
    assert "猫" in out
    assert "total 16 4" in " ".join(out.split())


def test_check_lists_odd_sizes_all_at_once_and_takes_a_size(here, call, write_images):
    write_images(here / "pets", {"cat": 5, "dog": 5})
    for number, side in enumerate((10, 11), start=1):
        Image.new("RGB", (side, 9)).save(here / "pets" / "dog" / f"odd{number}.png")
    code, _, err = call("data", "check", "pets")
    assert code == 2
    assert err.splitlines() == [
        "pets: 2 of 12 images are not of 8×6 pixels (width × height)",
        "   pets/dog/odd1.png: 10×9",
        "   pets/dog/odd2.png: 11×9",
        "   to bring all images to one size, by cropping or as dataset.resize says, set dataset.size: [6, 8] "
        "([height, width]), or for a check --size 8x6",
    ]
    code, out, _ = call("data", "check", "pets", "--size", "8x6", "--json")
    assert code == 0
    assert json.loads(out)["image_shape"] == [6, 8, 3]
    for size in ("0", "8x", "big", "8x6x3"):
        code, _, err = call("data", "check", "pets", "--size", size)
        assert (code, "expected a size in pixels such as 32x24" in err) == (2, True)
    code, _, err = call("data", "check", "xo", "--size", "8")
    assert (code, err) == (2, "--size: expected a folder of images, found 'xo'\n")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("mnits", "unknown dataset, folder or config 'mnits'; did you mean mnist?"),
        ("no.yaml", "no.yaml: no such file"),
        ("no.npz", "no.npz: expected an .npz file, found nothing at 'no.npz'"),
    ],
)
def test_a_source_that_is_none_is_the_users_error(call, source, message):
    code, out, err = call("data", "check", source)
    assert (code, out) == (2, "")
    assert err.startswith(message)


def test_a_folder_without_classes_is_the_users_error(here, call):
    (here / "empty").mkdir()
    code, _, err = call("data", "check", "empty")
    assert code == 2
    assert err.startswith("empty: expected two folders or more in 'empty', one for each class, found none")


def test_show_draws_a_labelled_sheet(here, call):
    code, out, _ = call("data", "show", "xo_cnn", "--count", "6", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["picture"] == "xo_cnn.png"
    assert sorted(document["labels"]) == ["O", "O", "O", "X", "X", "X"]
    assert document["files"] == ["xo_cnn.png"]
    with Image.open(here / "xo_cnn.png") as sheet:
        width, height = sheet.size
        black = (np.asarray(sheet.convert("L"))[height // 3 :] == 0).sum()
    cell = 1.05 * 160
    assert width == pytest.approx(6 * cell, rel=0.3)
    assert 2 * cell**2 < black < 5 * cell**2  # paper is white, and so are the strokes, which are a third


def test_show_writes_where_it_is_told_and_says_where_it_cannot(here, call):
    assert call("data", "show", "xo", "--count", "3", "-o", "some.png")[:2] == (0, "some.png\n")
    code, _, err = call("data", "show", "xo", "-o", "no/such/folder.png")
    assert (code, err) == (2, "no/such/folder.png: cannot be written: there is no folder no\n")
    assert call("data", "show", "xo", "-o", "slide", "--format", "png,svg", "--aspect", "16:9")[:2] == (
        0, "slide.png\nslide.svg\n"
    )  # fmt: skip
    with Image.open(here / "slide.png") as slide:
        assert slide.width / slide.height == pytest.approx(16 / 9, rel=0.01)


def test_a_sheet_of_hundreds_is_larger_than_a_slide(here, call):
    for count in ("40", "300"):
        assert call("data", "show", "xo", "--count", count, "-o", count)[0] == 0
    with Image.open(here / "40.png") as few, Image.open(here / "300.png") as many:
        assert many.width > 1.5 * few.width


AUGMENTED = """
dataset: {name: xo, validation_size: 0}
model:
  layers:
    - RandomFlip: {mode: horizontal}
    - RandomTranslation: {height_factor: 0.2, width_factor: 0.2, fill_mode: constant, fill_value: -1}
    - Flatten
    - Dense: {units: 2, activation: softmax}
"""


def test_show_augmented_draws_what_the_network_sees(here, call, backend):
    (here / "mine.yaml").write_text(AUGMENTED)
    assert call("data", "show", "mine.yaml", "--count", "8", "-o", "plain.png")[0] == 0
    assert call("data", "show", "mine.yaml", "--count", "8", "--augmented") == (0, "mine-augmented.png\n", "")
    with Image.open(here / "plain.png") as plain, Image.open(here / "mine-augmented.png") as changed:
        assert plain.height == changed.height
        pixels = [np.asarray(sheet)[200:, :800] for sheet in (plain, changed)]
    assert not np.array_equal(*pixels)
    assert pixels[1].min() == 0


def test_show_augmented_of_a_network_without_random_layers_says_so(call):
    code, _, err = call("data", "show", "xo_cnn", "--augmented")
    assert (code, err) == (2, "xo_cnn: the network has no augmentation layer, such as RandomFlip\n")


def test_check_names_files_and_indices_as_they_are_in_the_source(here, call):
    """Not in the order of training, and with dataset.classes not in that of what is left."""
    images = np.arange(40, dtype=np.uint8).reshape(40, 1, 1).repeat(4, axis=1).repeat(4, axis=2)
    test = images[[3, 31]]
    np.savez(
        here / "mine.npz", x_train=images, y_train=np.arange(40) % 4, x_test=test, y_test=np.array([3, 3])
    )
    (here / "some.yaml").write_text(
        "dataset: {npz: mine.npz, classes: ['1', '3']}\n"
        "model: {layers: [Flatten, Dense: {units: 2, activation: softmax}]}\n"
    )
    assert "   test 0 = training 3, test 1 = training 31\n" in call("data", "check", "some.yaml")[1]


def test_check_of_a_set_with_validation_images_counts_them_apart(here, call):
    images = np.arange(30, dtype=np.uint8).reshape(30, 1, 1).repeat(4, axis=1).repeat(4, axis=2)
    labels = np.arange(30) % 3
    np.savez(
        here / "mine.npz",
        x_train=images[:15], y_train=labels[:15], x_val=images[[15, 16, 2, 16]], y_val=labels[[0, 1, 2, 1]],
        x_test=images[[20, 15, 3, 5]], y_test=labels[[2, 0, 0, 2]],
    )  # fmt: skip
    code, out, _ = call("data", "check", "mine.npz", "--json")
    document = json.loads(out)
    assert code == 0
    assert [(each["train"], each["validation"], each["test"]) for each in document["classes"]] == [
        (5, 1, 2), (5, 2, 0), (5, 1, 2)
    ]  # fmt: skip
    counted = {name: value for name, value in document["duplicates"].items() if isinstance(value, int)}
    assert counted == {
        "train": 0, "validation": 1, "test": 0, "validation_in_train": 1, "test_in_train": 2,
        "test_in_validation": 1, "contradicting": 0,
    }  # fmt: skip
    assert document["warnings"] == [
        "no test images of 1",
        "test images that are also training images: 2; the test accuracy will be too high",
        "test images that are also validation images: 1; the test accuracy will be too high",
        "validation images that are also training images: 1; the validation accuracy will be too high",
    ]
    text = call("data", "check", "mine.npz")[1]
    assert "Class  Training  Validation  Test" in text
    assert (
        "duplicates: 0 in training, 0 in test, 1 in validation, 2 in training and test, 1 in training and "
        "validation, 1 in validation and test\n"
        "   validation 2 = training 2\n"
        "   test 1 = validation 0\n"
        "   test 2 = training 3, test 3 = training 5\n"
        "   validation 3 = validation 1\n"
    ) in text


def test_an_archive_is_named_as_one(here, call):
    for name in ("pets.zip", "pets.tar.gz"):
        (here / name).write_bytes(b"PK")
        assert call("data", "check", name) == (
            2, "", f"{name}: expected a folder, found an archive\n   unpack it, and give the folder\n"
        )  # fmt: skip


def content(train, train_labels, test, test_labels):
    def images(values):
        return np.array(values, dtype=np.uint8).reshape(-1, 1, 1, 1).repeat(2, axis=1)

    arrays = images(train), np.array(train_labels), images(test), np.array(test_labels)
    return Content(*arrays, Provenance("", "generated", "", ""))


def test_duplicates_are_counted_within_and_between_the_parts():
    found = find_duplicates(content([1, 2, 1, 1, 3], [0, 0, 0, 1, 1], [2, 4, 4, 3], [0, 0, 0, 0]))
    assert (found.train, found.test, found.test_in_train) == (2, 1, 2)
    assert found.contradicting == 2  # the fourth training image, and the last test image
    assert found.examples == ((0, 1), (3, 4))


def test_a_set_without_anything_odd_has_no_warnings():
    def warnings(*arrays):
        looked_at = content(*arrays)
        return inspect_content(looked_at, ("a", "b"), find_duplicates(looked_at)).warnings

    assert warnings(range(10), [0, 1] * 5, range(100, 104), [0, 1] * 2) == []
    assert warnings([5, 5, 5, 5], [0, 1] * 2, [5, 5], [0, 1]) == [
        "test images that are also training images: 2; the test accuracy will be too high",
        "equal images of different classes: 3",
        "all pixels have the value 5",
    ]
