"""Image folders, from the config to the arrays."""

import contextlib
import os
import re
import shutil

import numpy as np
import pytest
from pydantic import ValidationError

from cnnlab.datasets import OWN_DATA, DataPaths, load_dataset
from cnnlab.datasets.sources.folder import ImageFolder
from cnnlab.errors import CnnlabError, CnnlabWarning, UserError


def config(folder, **fields):
    return ImageFolder(folder=str(folder), **{"validation_size": 0, **fields})


def refused(folder, data_paths, **fields):
    with pytest.raises(UserError) as caught:
        load_dataset(config(folder, **fields), data_paths)
    assert caught.value.exit_code == 2
    return str(caught.value)


def mistakes(folder, **fields):
    with pytest.raises(ValidationError) as caught:
        config(folder, **fields)
    return [(error["loc"], error["msg"]) for error in caught.value.errors()]


def colors(split):
    """Label and file number of each image, from its colour."""
    return [(int(pixel[0] - 10) // 40, int(pixel[1])) for pixel in split.images[:, 0, 0]]


def test_train_and_test_folders_are_what_they_say(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets" / "train", {"cat": 5, "dog": 7})
    write_images(tmp_path / "pets" / "test", {"cat": 2, "dog": 3})
    given = config(tmp_path / "pets")
    assert (given.title, given.class_names, given.image_shape) == ("pets", ("cat", "dog"), (6, 8, 3))
    data = load_dataset(given, data_paths)
    assert sorted(colors(data.train)) == [(0, index) for index in range(5)] + [
        (1, index) for index in range(7)
    ]
    assert colors(data.test) == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    assert [label for label, _ in colors(data.train)] == data.train.labels.tolist()
    assert data.class_names == ("cat", "dog")
    assert data.provenance.origin == str(tmp_path / "pets")
    assert data.provenance.status == "unverified"


def test_a_flat_folder_is_split_stratified_by_the_datasets_seed(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 20, "dog": 30})
    first, again, other = (
        load_dataset(config(tmp_path / "pets", seed=seed), data_paths) for seed in (0, 0, 1)
    )
    assert np.bincount(first.test.labels).tolist() == [4, 6]
    assert np.bincount(first.train.labels).tolist() == [16, 24]
    assert not set(colors(first.train)) & set(colors(first.test))
    assert colors(first.test) == colors(again.test)
    assert colors(first.train) == colors(again.train)
    assert colors(first.test) != colors(other.test)
    assert len(load_dataset(config(tmp_path / "pets", test_size=5), data_paths).test) == 5


def test_the_first_images_are_of_all_classes(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 40, "dog": 40})
    data = load_dataset(config(tmp_path / "pets", train_size=20), data_paths)
    assert 5 <= data.train.labels.sum() <= 15


def test_names_that_are_not_ascii_and_links_to_folders_work(tmp_path, data_paths, write_images):
    write_images(tmp_path / "Tiere", {"Käfer": 5, "猫": 5})
    (tmp_path / "more").mkdir()
    write_images(tmp_path / "more", {"собака": 5})
    (tmp_path / "Tiere" / "собака").symlink_to(tmp_path / "more" / "собака")
    data = load_dataset(config(tmp_path / "Tiere"), data_paths)
    assert data.class_names == ("Käfer", "собака", "猫")
    assert np.bincount(data.test.labels).tolist() == [1, 1, 1]


def test_other_files_and_hidden_ones_are_left_out(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("no image")
    (tmp_path / "pets" / "cat" / ".hidden.png").write_text("no image")
    (tmp_path / "pets" / ".git").mkdir()
    (tmp_path / "pets" / "README.md").write_text("no class")
    assert config(tmp_path / "pets").class_names == ("cat", "dog")
    assert len(load_dataset(config(tmp_path / "pets"), data_paths).train) == 8


def test_size_colour_and_classes_are_as_asked(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"ant": 5, "cat": 5, "dog": 5}, size=(30, 40))
    asked = config(tmp_path / "pets", size=16, color_mode="grayscale", classes=["dog", "ant"], resize="pad")
    data = load_dataset(asked, data_paths)
    assert data.train.images.shape == (8, 16, 16, 1)
    assert data.class_names == ("dog", "ant")
    assert data.train.images[:, :2].max() == 0
    assert {int(image[8, 8, 0]) > 30 for image in data.train.images[data.train.labels == 0]} == {False}


def test_the_second_start_reads_the_cache_and_a_changed_file_is_seen(
    tmp_path, data_paths, write_images, monkeypatch
):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    first = load_dataset(config(tmp_path / "pets"), data_paths)
    assert isinstance(first.test.images, np.memmap)
    with monkeypatch.context() as patched:
        patched.setattr("cnnlab.datasets.reading.folder_files.decode", None)  # would fail
        again = load_dataset(config(tmp_path / "pets"), data_paths)
    assert again.provenance == first.provenance
    np.testing.assert_array_equal(again.train.images, first.train.images)
    write_images(tmp_path / "pets", {"cat": 6, "dog": 5})
    assert load_dataset(config(tmp_path / "pets"), data_paths).provenance.digest != first.provenance.digest


def test_an_interrupted_decoding_leaves_no_cache(tmp_path, data_paths, write_images, monkeypatch):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})

    def interrupted(*_):
        raise KeyboardInterrupt

    told = config(tmp_path / "pets")
    with pytest.raises(KeyboardInterrupt):
        load_dataset(told, data_paths, progress=interrupted)
    assert [path for path in (data_paths.cache / "folders").iterdir() if path.is_dir()] == []
    assert len(load_dataset(told, data_paths).train) == 8


def test_progress_is_told_in_bytes(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    told = []
    load_dataset(config(tmp_path / "pets"), data_paths, progress=lambda *each: told.append(each))
    assert [name for name, _, _ in told] == ["decoding 8 training images"] * 8 + [
        "decoding 2 test images"
    ] * 2
    assert told[7][1] == told[7][2]


def spoil(folder):
    (folder / "cat" / "000.png").write_bytes(b"")
    (folder / "cat" / "001.png").write_bytes((folder / "cat" / "001.png").read_bytes()[:40])
    (folder / "dog" / "loop.png").symlink_to(folder / "dog" / "loop.png")


def test_bad_images_stop_and_are_all_named(tmp_path, data_paths, write_images):
    folder = tmp_path / "pets" / "train"
    write_images(folder, {"cat": 5, "dog": 5})
    write_images(tmp_path / "pets" / "test", {"cat": 2, "dog": 2})
    spoil(folder)
    message = refused(tmp_path / "pets", data_paths, size=8)
    lines = message.splitlines()
    assert lines[0] == f"{tmp_path / 'pets'}: 3 of 11 training images cannot be used"
    assert sorted(lines[1:4])[0] == f"   {folder / 'cat' / '000.png'}: an empty file"
    assert sorted(lines[1:4])[2] == f"   {folder / 'dog' / 'loop.png'}: Too many levels of symbolic links"
    assert lines[4] == "   repair or remove them, or set dataset.on_error: skip"


def test_bad_images_are_skipped_with_a_warning_where_that_is_asked_for(tmp_path, data_paths, write_images):
    folder = tmp_path / "pets" / "train"
    write_images(folder, {"cat": 5, "dog": 5})
    write_images(tmp_path / "pets" / "test", {"cat": 2, "dog": 2})
    spoil(folder)
    for _ in range(2):  # decoded, and from the cache
        data = load_dataset(config(tmp_path / "pets", size=8, on_error="skip"), data_paths)
        assert np.bincount(data.train.labels).tolist() == [3, 5]
        assert data.provenance.warning.startswith("3 images cannot be used and were left out; the first: ")


def test_a_class_without_usable_images_is_an_error_even_then(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    for path in (tmp_path / "pets" / "cat").iterdir():
        path.write_bytes(b"")
    message = refused(tmp_path / "pets", data_paths, size=8, on_error="skip")
    assert message == f"{tmp_path / 'pets'}: class 'cat' has no training image that can be used"


def test_images_of_different_sizes_need_a_size(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    write_images(tmp_path / "pets", {"cat": 0, "dog": 1}, size=(10, 10))
    message = refused(tmp_path / "pets", data_paths)
    assert message == (
        f"{tmp_path / 'pets' / 'dog' / '000.png'}: expected 6×8 pixels like the first image, found 10×10\n"
        "   set dataset.size: [height, width] to bring all images to one size"
    )
    assert load_dataset(config(tmp_path / "pets", size=[6, 8]), data_paths).train.images.shape[1:] == (
        6,
        8,
        3,
    )


def test_an_empty_class_is_named(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5, "owl": 0})
    assert refused(tmp_path / "pets", data_paths) == (
        f"{tmp_path / 'pets' / 'owl'}: expected images of class 'owl', found none (.png, .jpg, .jpeg, .bmp, "
        ".gif, .webp)\n   add some, or leave the class out with dataset.classes"
    )


@pytest.mark.parametrize("found", ["nothing", "a file"])
def test_a_folder_that_is_none_is_found_when_the_config_is_read(tmp_path, found, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if found == "a file":
        (tmp_path / "pets").touch()
    assert mistakes("pets") == [
        (
            ("folder",),
            f"expected a folder, found {found} at 'pets'\n"
            f"   relative paths start at the current directory, {tmp_path}",
        )
    ]


@pytest.mark.parametrize(
    ("counts", "found"), [({}, "none"), ({"cat": 3}, "only 'cat'")], ids=["no images", "one class"]
)
def test_fewer_than_two_classes_are_found_when_the_config_is_read(tmp_path, write_images, counts, found):
    (tmp_path / "pets").mkdir()
    write_images(tmp_path / "pets", counts)
    [(place, message)] = mistakes(tmp_path / "pets")
    assert place == ("folder",)
    assert message == (
        f"expected two folders or more in '{tmp_path / 'pets'}', one for each class, found {found}\n"
        "   put the images of each class into a folder that has the class's name"
    )


def test_other_mistakes_point_at_their_field(tmp_path, write_images):
    write_images(tmp_path / "pets", {"cat": 3, "dog": 3})
    assert mistakes(tmp_path / "pets", classes=["cat", "dgo"]) == [
        (("classes",), "unknown class 'dgo'; did you mean dog?")
    ]
    assert mistakes(tmp_path / "pets", test_size=1.0) == [
        (("test_size",), "expected a count (1 or more) or a fraction from 0 to 1, found 1.0")
    ]
    assert mistakes(tmp_path / "pets", resize="croop")[0][1] == "unknown value 'croop'; did you mean crop?"


def test_mistakes_in_files_and_in_keys_are_reported_together(tmp_path):
    data_paths = {place for place, _ in mistakes(tmp_path / "nowhere", clases=["cat"], seed=-1)}
    assert data_paths == {("folder",), ("clases",), ("seed",)}


def test_a_test_class_that_is_never_trained_is_named(tmp_path, write_images):
    write_images(tmp_path / "pets" / "train", {"cat": 3, "dog": 3})
    write_images(tmp_path / "pets" / "test", {"cat": 3, "dgo": 3})
    [(_, message)] = mistakes(tmp_path / "pets")
    train, test = (tmp_path / "pets" / part for part in ("train", "test"))
    assert message == f"{test}: class 'dgo' has test images but no folder in {train}"


def test_the_config_of_a_run_is_read_without_its_folder(tmp_path, write_images):
    write_images(tmp_path / "pets", {"cat": 3, "dog": 3})
    written = config(tmp_path / "pets").model_dump(mode="json")
    (tmp_path / "pets").rename(tmp_path / "elsewhere")
    again = OWN_DATA["folder"].model_validate(written)
    assert (again.class_names, again.image_shape) == (("cat", "dog"), (6, 8, 3))
    assert again.model_dump(mode="json") == written


def test_a_folder_that_may_not_be_read_is_named(tmp_path, data_paths, write_images, monkeypatch):
    write_images(tmp_path / "pets", {"cat": 3, "dog": 3})
    asked, closed, usual = config(tmp_path / "pets"), tmp_path / "pets" / "dog", os.scandir

    def scandir(path):
        if path == closed:  # taking the permission away would not keep root out
            raise PermissionError(13, "Permission denied")
        return usual(path)

    monkeypatch.setattr("os.scandir", scandir)
    with pytest.raises(UserError) as caught:
        load_dataset(asked, data_paths)
    assert str(caught.value) == f"{closed}: expected a readable folder, found: Permission denied"


def test_links_endless_are_no_classes(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    (tmp_path / "pets" / "loop").symlink_to(tmp_path / "pets" / "loop")
    (tmp_path / "pets" / "cat" / "up").symlink_to(tmp_path / "pets")
    assert len(load_dataset(config(tmp_path / "pets"), data_paths).train) == 8


def test_a_cache_that_cannot_be_written_is_told(tmp_path, write_images):
    write_images(tmp_path / "pets", {"cat": 3, "dog": 3})
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(CnnlabError) as caught:
        load_dataset(config(tmp_path / "pets"), DataPaths(None, tmp_path / "cache", tmp_path / "keras"))
    assert caught.value.exit_code == 1
    assert "the cache of decoded images cannot be written: Not a directory" in str(caught.value)


def test_a_large_choice_of_mapped_images_stays_on_the_disk(tmp_path, data_paths, write_images, monkeypatch):
    write_images(tmp_path / "pets", {"cat": 30, "dog": 30})
    usual = load_dataset(config(tmp_path / "pets", validation_size=0.25), data_paths)
    monkeypatch.setattr("cnnlab.datasets.memory_mapped.free_memory", lambda: 1000)
    monkeypatch.setattr("cnnlab.datasets.memory_mapped.ROWS", 500)
    mapped = load_dataset(config(tmp_path / "pets", validation_size=0.25), data_paths)
    assert not isinstance(usual.train.images, np.memmap)
    assert isinstance(mapped.train.images, np.memmap)
    np.testing.assert_array_equal(usual.train.images, mapped.train.images)
    np.testing.assert_array_equal(usual.validation.images, mapped.validation.images)
    assert sorted(path.name for path in mapped_files(data_paths)) == sorted(
        ["facts.json", "train_images.u8", "train_labels.npy", "test_images.u8", "test_labels.npy"]
    )


def mapped_files(data_paths):
    [folder] = [path for path in (data_paths.cache / "folders").iterdir() if path.is_dir()]
    return folder.iterdir()


def flip(name):
    def flip(folder):
        content = bytearray((folder / name).read_bytes())
        content[-1] ^= 1
        (folder / name).write_bytes(content)

    return flip


def replace(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def remove(name):
    return lambda folder: (folder / name).unlink()


def fifo(name):
    def fifo(folder):
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return fifo


def claims_labels(folder):
    np.save(folder / "train_labels.npy", np.zeros(1, np.int64))
    content = (folder / "train_labels.npy").read_bytes()
    (folder / "train_labels.npy").write_bytes(
        content.replace(b"(1,), }" + b" " * 14, b"(100000000000000,), }")
    )


def fewer_labels(folder):
    np.save(folder / "train_labels.npy", np.zeros(1, np.int64))


def a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("no folder")


DAMAGES = {
    "flipped-pixel": (flip("train_images.u8"), "its content does not match its digest"),
    "flipped-test-label": (flip("test_labels.npy"), "its content does not match its digest"),
    "short-pixels": (replace("test_images.u8", b"123"), "test_images.u8: expected 1,536 bytes, found 3"),
    "no-pixels": (remove("train_images.u8"), "train_images.u8: No such file or directory"),
    "fifo-of-pixels": (fifo("train_images.u8"), "train_images.u8: Not a regular file"),
    "fifo-of-labels": (fifo("train_labels.npy"), "train_labels.npy: Not a regular file"),
    "claims-labels": (claims_labels, "its content does not match its digest"),
    "short-labels": (
        replace("train_labels.npy", b"123"),
        "train_labels.npy: expected 8 labels, found 3 bytes",
    ),
    "fewer-labels": (fewer_labels, "its content does not match its digest"),
    "no-facts": (remove("facts.json"), "facts.json: No such file or directory"),
    "fifo-of-facts": (fifo("facts.json"), "facts.json: Not a regular file"),
    "empty-facts": (replace("facts.json", b""), "Expecting value"),
    "deep-facts": (replace("facts.json", b"[" * 100_000), "maximum recursion depth"),
    "list-of-facts": (replace("facts.json", b"[1]"), "list indices must be integers"),
    "other-shapes": (
        replace("facts.json", b'{"shapes": {"train": [9], "test": [1]}}'),
        "facts.json has other images, [9]",
    ),
    "no-folder": (a_file, "facts.json: Not a directory"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_cache_is_named_and_made_again(name, tmp_path, data_paths, write_images):
    damage, said = DAMAGES[name]
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    first = load_dataset(config(tmp_path / "pets", size=[16, 16]), data_paths)
    pixels = first.train.images.copy()
    [folder] = [path for path in (data_paths.cache / "folders").iterdir() if path.is_dir()]
    damage(folder)
    start = f"{folder}: this cache of decoded images is damaged ({said}"
    with pytest.warns(CnnlabWarning, match=re.escape(start)):
        again = load_dataset(config(tmp_path / "pets", size=[16, 16]), data_paths)
    assert again.provenance == first.provenance
    np.testing.assert_array_equal(again.train.images, pixels)
    np.testing.assert_array_equal(again.train.labels, first.train.labels)
    third = load_dataset(config(tmp_path / "pets", size=[16, 16]), data_paths)  # without a warning
    assert third.provenance == first.provenance
    assert [path.name for path in folder.parent.iterdir() if path.suffix != ".lock"] == [folder.name]


def test_what_another_process_decodes_is_left_alone(tmp_path, data_paths, write_images, monkeypatch):
    """Without the lock, as on a file system that has none, the second to finish takes what the first made."""
    monkeypatch.setattr("filelock.FileLock", lambda path: contextlib.nullcontext())
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    found = []

    def other_process(*_):
        if not found:
            found.append(None)  # the process below decodes for itself
            found[:] = [load_dataset(config(tmp_path / "pets"), data_paths)]

    mine = load_dataset(config(tmp_path / "pets"), data_paths, progress=other_process)
    assert mine.provenance == found[0].provenance
    folder = data_paths.cache / "folders"
    assert [path for path in folder.iterdir() if path.name.startswith(".")] == []
    assert len(list(folder.iterdir())) == 1


def test_what_a_killed_process_left_is_removed(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    load_dataset(config(tmp_path / "pets"), data_paths)
    [folder] = [path for path in (data_paths.cache / "folders").iterdir() if path.is_dir()]
    folder.rename(folder.with_name(f".{folder.name}.partial-killed"))
    load_dataset(config(tmp_path / "pets"), data_paths)
    assert [path.name for path in folder.parent.iterdir() if path.suffix != ".lock"] == [folder.name]
