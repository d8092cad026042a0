"""Image folders, from the config to the arrays."""

import contextlib
import errno
import json
import os
import re
import shutil
import time

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from cnnlab.datasets import OWN_DATA, DataPaths, load_dataset
from cnnlab.datasets.reading.preprocessing import prepare
from cnnlab.datasets.sources.folder import ImageFolder
from cnnlab.errors import CnnlabError, CnnlabWarning, UserError
from cnnlab.explanations.picture_files import read_picture


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
        patched.setattr("cnnlab.datasets.reading.image_files.decode", None)  # would fail
        again = load_dataset(config(tmp_path / "pets"), data_paths)
    assert again.provenance == first.provenance
    np.testing.assert_array_equal(again.train.images, first.train.images)
    write_images(tmp_path / "pets", {"cat": 6, "dog": 5})
    assert load_dataset(config(tmp_path / "pets"), data_paths).provenance.digest != first.provenance.digest


@pytest.mark.parametrize("doing", ["reading", "decoding"])
def test_an_interrupted_start_leaves_no_cache(tmp_path, data_paths, write_images, doing):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})

    def interrupted(name, *_):
        if name.startswith(doing):
            raise KeyboardInterrupt

    told = config(tmp_path / "pets")
    with pytest.raises(KeyboardInterrupt):
        load_dataset(told, data_paths, progress=interrupted)
    assert cache_entries(data_paths) == []
    assert len(load_dataset(told, data_paths).train) == 8


def test_progress_is_told_in_bytes(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    told = []
    load_dataset(config(tmp_path / "pets"), data_paths, progress=lambda *each: told.append(each))
    assert [name for name, _, _ in told] == [
        "reading 8 training images",
        "reading 2 test images",
        *["decoding 8 training images"] * 8,
        *["decoding 2 test images"] * 2,
    ]
    assert [done == total for _, done, total in told] == [True, True, *[False] * 7, True, False, True]


def cache_entries(data_paths):
    folder = data_paths.cache / "folders"
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def loaded_again(data_paths, asked, monkeypatch):
    """A second start, which must not decode anything."""
    with monkeypatch.context() as patched:
        patched.setattr("cnnlab.datasets.reading.image_files.decode", None)
        return load_dataset(asked, data_paths)


def test_other_pixels_of_the_same_name_size_and_time_are_other_images(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5}, ending="bmp")
    first = load_dataset(config(tmp_path / "pets"), data_paths)
    path = tmp_path / "pets" / "cat" / "001.bmp"
    before = path.stat()
    path.write_bytes(path.read_bytes()[:-3] + b"\xff\xfe\xfd")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    second = load_dataset(config(tmp_path / "pets"), data_paths)
    assert second.provenance.digest != first.provenance.digest
    both = np.concatenate([second.train.images, second.test.images])
    assert [0xFD, 0xFE, 0xFF] in both[:, 0, -1].tolist()


def test_the_same_bytes_elsewhere_later_and_under_other_names_are_not_decoded_again(
    tmp_path, data_paths, write_images, monkeypatch
):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    first = load_dataset(config(tmp_path / "pets"), data_paths)
    shutil.copytree(tmp_path / "pets", tmp_path / "moved")  # with times of its own
    for path in sorted((tmp_path / "moved").glob("*/*.png")):
        path.rename(path.with_name(f"it-{path.name}"))
        os.utime(path.with_name(f"it-{path.name}"), ns=(1, 1))
    (tmp_path / "moved" / "dog").rename(tmp_path / "moved" / "hound")
    again = loaded_again(data_paths, config(tmp_path / "moved"), monkeypatch)
    assert again.class_names == ("cat", "hound")
    assert again.provenance.digest == first.provenance.digest
    assert again.provenance.origin == str(tmp_path / "moved")
    np.testing.assert_array_equal(again.train.labels, first.train.labels)
    assert len(cache_entries(data_paths)) == 1


def test_a_file_that_moves_to_another_class_takes_its_label(tmp_path, data_paths, write_images):
    for part in ("train", "test"):
        write_images(tmp_path / "pets" / part, {"cat": 5, "dog": 5})
    first = load_dataset(config(tmp_path / "pets"), data_paths)
    train = tmp_path / "pets" / "train"
    (train / "cat" / "004.png").rename(train / "dog" / "-.png")  # all are read in the same order
    second = load_dataset(config(tmp_path / "pets"), data_paths)
    np.testing.assert_array_equal(second.train.images, first.train.images)
    assert np.bincount(first.train.labels).tolist() == [5, 5]
    assert np.bincount(second.train.labels).tolist() == [4, 6]


def test_two_files_that_exchange_their_names_exchange_their_places(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets" / "train", {"cat": 2, "dog": 2})
    write_images(tmp_path / "pets" / "test", {"cat": 2, "dog": 2})
    first = load_dataset(config(tmp_path / "pets"), data_paths)
    cat = tmp_path / "pets" / "test" / "cat"
    (cat / "000.png").rename(cat / "002.png")
    second = load_dataset(config(tmp_path / "pets"), data_paths)
    np.testing.assert_array_equal(second.test.images, first.test.images[[1, 0, 2, 3]])


def test_what_an_older_decoder_or_another_pillow_made_is_not_used(
    tmp_path, data_paths, write_images, monkeypatch
):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    first = load_dataset(config(tmp_path / "pets"), data_paths)
    for number, changed in enumerate(["cnnlab.datasets.reading.images.DECODER", "PIL.__version__"], start=2):
        with monkeypatch.context() as patched:
            patched.setattr(changed, "other")
            assert load_dataset(config(tmp_path / "pets"), data_paths).provenance == first.provenance
        assert len(cache_entries(data_paths)) == number


def test_a_file_that_changes_while_it_is_read_is_named(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    path = tmp_path / "pets" / "dog" / "003.png"

    def somebody_writes(name, *_):
        if name.startswith("reading 2 test"):  # all have been read once
            path.write_bytes(path.read_bytes() + b"more")

    with pytest.raises(UserError) as caught:
        load_dataset(config(tmp_path / "pets"), data_paths, progress=somebody_writes)
    assert str(caught.value) == (
        f"{path}: this file has changed while the folder was being read\n"
        "   start again when nothing writes to the folder"
    )
    assert cache_entries(data_paths) == []


def test_a_cache_that_is_there_is_read_without_writing(tmp_path, data_paths, write_images, monkeypatch):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    first = load_dataset(config(tmp_path / "pets"), data_paths)

    def read_only(*_):  # taking the permission away would not keep root out
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("filelock.FileLock", read_only)
    assert load_dataset(config(tmp_path / "pets"), data_paths).provenance == first.provenance
    write_images(tmp_path / "pets", {"cat": 6, "dog": 5})
    with pytest.raises(CnnlabError) as caught:
        load_dataset(config(tmp_path / "pets"), data_paths)
    first_line, *rest = str(caught.value).splitlines()
    assert first_line.endswith(": the cache of decoded images cannot be written: Read-only file system")
    assert rest == ["   set CNNLAB_CACHE to another folder"]


def test_a_full_disk_is_told_with_what_helps(tmp_path, data_paths, write_images, monkeypatch):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("filelock.FileLock", full)
    with pytest.raises(CnnlabError, match="free some disk space, or set CNNLAB_CACHE to another folder"):
        load_dataset(config(tmp_path / "pets"), data_paths)


def photographs(folder):
    """Pictures much larger than what a network sees, in every format and of every kind."""
    folder.mkdir(parents=True)
    first, second = (
        Image.fromarray(np.random.default_rng(seed).integers(256, size=(30, 40, 3), dtype=np.uint8)).resize(
            (160, 120), Image.Resampling.BICUBIC
        )
        for seed in (0, 1)
    )
    turned = Image.Exif()
    turned[0x0112] = 6
    animated = {"save_all": True, "append_images": [second]}
    for name, mode, options in [
        ("plain.jpg", "RGB", {}),
        ("progressive.jpg", "RGB", {"progressive": True}),
        ("turned.jpg", "RGB", {"exif": turned}),
        ("grey.jpeg", "L", {}),
        ("print.jpg", "CMYK", {}),
        ("turned.png", "RGB", {"exif": turned}),
        ("palette.png", "P", {}),
        ("opaque.png", "LA", {}),
        ("two.png", "1", {}),
        ("animated.gif", "RGB", animated),
        ("turned.webp", "RGB", {"exif": turned}),
        ("animated.webp", "RGB", animated),
        ("plain.bmp", "RGB", {}),
    ]:
        first.convert(mode).save(folder / name, **options)


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
def test_predict_and_explain_see_the_pixels_of_the_test_set(tmp_path, data_paths, resize, write_images):
    write_images(tmp_path / "pets" / "train", {"cat": 1, "dog": 1})
    write_images(tmp_path / "pets" / "test", {"dog": 1})
    photographs(tmp_path / "pets" / "test" / "cat")
    files = sorted((tmp_path / "pets" / "test").glob("*/*.*"))
    for color_mode in ("rgb", "grayscale"):
        asked = config(tmp_path / "pets", size=[24, 20], resize=resize, color_mode=color_mode)
        images = load_dataset(asked, data_paths).test.images
        assert len(images) == len(files) == 14
        for path, pixels in zip(files, images, strict=True):
            np.testing.assert_array_equal(prepare(path, asked).pixels, pixels)
            np.testing.assert_array_equal(prepare(path.read_bytes(), asked).pixels, pixels)
            if resize == "crop":  # what a network without a dataset gets
                np.testing.assert_array_equal(read_picture(path, asked.image_shape).pixels, pixels)


def spoil(folder):
    (folder / "cat" / "000.png").write_bytes(b"")
    (folder / "cat" / "001.png").write_bytes((folder / "cat" / "001.png").read_bytes()[:40])
    (folder / "dog" / "loop.png").symlink_to("loop.png")


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


def test_bad_images_are_skipped_with_a_warning_where_that_is_asked_for(
    tmp_path, data_paths, write_images, monkeypatch
):
    folder = tmp_path / "pets" / "train"
    write_images(folder, {"cat": 5, "dog": 5})
    write_images(tmp_path / "pets" / "test", {"cat": 2, "dog": 2})
    spoil(folder)
    for _ in range(2):  # decoded, and from the cache
        data = load_dataset(config(tmp_path / "pets", size=8, on_error="skip"), data_paths)
        assert np.bincount(data.train.labels).tolist() == [3, 5]
        start = f"3 images cannot be used and were left out; the first: {folder}"
        assert data.provenance.warning.startswith(start)
    (tmp_path / "pets").rename(tmp_path / "moved")  # the cache names no files
    again = config(tmp_path / "moved", size=8, on_error="skip")
    told = loaded_again(data_paths, again, monkeypatch).provenance.warning
    assert told == data.provenance.warning.replace(str(tmp_path / "pets"), str(tmp_path / "moved"))


def test_a_class_without_usable_images_is_an_error_even_then(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    for path in (tmp_path / "pets" / "cat").iterdir():
        path.write_bytes(b"")
    message = refused(tmp_path / "pets", data_paths, size=8, on_error="skip")
    assert message == f"{tmp_path / 'pets'}: class 'cat' has no training image that can be used"


def test_images_of_different_sizes_need_a_size(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    write_images(tmp_path / "pets", {"cat": 0, "dog": 1}, size=(10, 10))
    write_images(tmp_path / "pets", {"cat": 1, "dog": 0}, size=(12, 6))
    (tmp_path / "pets" / "cat" / "000.png").rename(tmp_path / "pets" / "cat" / "other.png")
    message = refused(tmp_path / "pets", data_paths)
    assert message == (
        f"{tmp_path / 'pets'}: 2 of 10 images are not of 8×6 pixels (width × height)\n"
        f"   {tmp_path / 'pets' / 'cat' / 'other.png'}: 6×12\n"
        f"   {tmp_path / 'pets' / 'dog' / '000.png'}: 10×10\n"
        "   to bring all images to one size, by cropping or as dataset.resize says, set dataset.size: [6, 8] "
        "([height, width]), or for a check --size 8x6"
    )
    assert load_dataset(config(tmp_path / "pets", size=[6, 8]), data_paths).train.images.shape[1:] == (
        6,
        8,
        3,
    )


def test_an_empty_class_is_named(tmp_path, data_paths, write_images):
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5, "owl": 0})
    assert refused(tmp_path / "pets", data_paths) == (
        f"{tmp_path / 'pets' / 'owl'}: expected images of class 'owl', found none (PNG, JPEG, BMP, GIF, "
        "WebP, TIFF or PPM)\n   add some, or leave the class out with dataset.classes"
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


def test_an_image_of_another_size_ends_the_decoding(tmp_path, data_paths, monkeypatch):
    from cnnlab.datasets.reading import image_files

    for index in range(200):
        folder = tmp_path / "pets" / ("cat" if index % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 5)).save(folder / f"{index}.png")
    decoded = []
    decode = image_files.decode

    def slowly(*arguments, **options):
        decoded.append(1)
        time.sleep(0.002)
        return decode(*arguments, **options)

    monkeypatch.setattr(image_files, "AT_ONCE", 1)
    monkeypatch.setattr(image_files, "decode", slowly)
    with pytest.raises(UserError, match="are not of 4×4 pixels"):
        load_dataset(config(tmp_path / "pets", size=(4, 4), resize="exact"), data_paths)
    assert len(decoded) < 100


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
    [folder] = cache_entries(data_paths)
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


def claims_a_bad_file(folder):
    facts = json.loads((folder / "facts.json").read_text())
    facts["bad"]["train"] = [[8, "an empty file"]]
    (folder / "facts.json").write_text(json.dumps(facts))


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
    "other-files": (claims_a_bad_file, "facts.json has other files, 8"),
    "no-folder": (a_file, "facts.json: Not a directory"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_cache_is_named_and_made_again(name, tmp_path, data_paths, write_images):
    damage, said = DAMAGES[name]
    write_images(tmp_path / "pets", {"cat": 5, "dog": 5})
    first = load_dataset(config(tmp_path / "pets", size=[16, 16]), data_paths)
    pixels = first.train.images.copy()
    [folder] = cache_entries(data_paths)
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
    [folder] = cache_entries(data_paths)
    folder.rename(folder.with_name(f".{folder.name}.partial-killed"))
    load_dataset(config(tmp_path / "pets"), data_paths)
    assert [path.name for path in folder.parent.iterdir() if path.suffix != ".lock"] == [folder.name]
