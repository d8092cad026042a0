"""What of a folder is read, as what, and what is said of the rest."""

import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.config.sections import TrainingConfig
from cnnlab.datasets import OWN_DATA, load_dataset
from cnnlab.datasets.catalog import check_dataset
from cnnlab.datasets.reading import image_formats
from cnnlab.datasets.reading.images import BadImage, load
from cnnlab.datasets.sources.folder import ImageFolder
from cnnlab.errors import UserError
from cnnlab.prediction import sources_at

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
SHADES = iter(range(10**6))


@pytest.fixture
def pets(tmp_path):
    return tmp_path / "pets"


def draw(folder, count, *, ending="png"):
    """Images that are all different."""
    folder.mkdir(parents=True, exist_ok=True)
    for _ in range(count):
        shade = next(SHADES)
        image = Image.new("RGB", (4, 4), (shade % 256, shade // 256 % 256, 7))
        image.save(folder / f"{shade:06}.{ending}", "JPEG" if ending == "jfif" else None)


def draw_classes(folder, **counts):
    for name, count in (counts or {"cat": 5, "dog": 5}).items():
        draw(folder / name, count)


def counts(folder, data_paths, **fields):
    """(training, validation, test) images of each class."""
    checked = check_dataset(ImageFolder(folder=str(folder), **fields), data_paths)
    return {each.name: (each.train, each.validation, each.test) for each in checked.inspection.classes}


def checked(folder, data_paths, **fields):
    return check_dataset(ImageFolder(folder=str(folder), **fields), data_paths)


def mistake(folder, **fields):
    """The one mistake that is found when the config is read."""
    with pytest.raises(ValidationError) as caught:
        ImageFolder(folder=str(folder), **fields)
    [error] = caught.value.errors()
    return error["loc"], error["msg"]


@pytest.mark.parametrize(
    ("train", "valid", "test"),
    [
        ("train", "valid", "test"),
        ("Train", "Val", "TEST"),
        ("training", "validation", "testing"),
        ("train", "dev", None),
        ("train", None, "test"),
        ("TRAIN", None, None),
    ],
)
def test_the_parts_are_told_by_the_names_of_their_folders(pets, data_paths, train, valid, test):
    draw_classes(pets / train, cat=10, dog=10)
    if valid:
        draw_classes(pets / valid, cat=2, dog=3)
    if test:
        draw_classes(pets / test, cat=4, dog=1)
    trained = (10, 10) if test else (8, 8)
    tested = (4, 1) if test else (2, 2)
    validated = (2, 3) if valid else (None, None)
    assert counts(pets, data_paths) == {
        name: (trained[label], validated[label], tested[label]) for label, name in enumerate(("cat", "dog"))
    }


def test_a_held_out_folder_validates_and_nothing_is_cut_off_the_training_images(pets, data_paths):
    draw_classes(pets / "train", cat=10, dog=10)
    draw_classes(pets / "valid", cat=2, dog=3)
    draw_classes(pets / "test", cat=4, dog=1)
    config = ImageFolder(folder=str(pets))
    data = load_dataset(config, data_paths)
    assert config.validation_size is None
    assert (len(data.train), len(data.validation), len(data.test)) == (20, 5, 5)
    files = sorted((pets / "valid" / "cat").iterdir()) + sorted((pets / "valid" / "dog").iterdir())
    shades = [np.asarray(Image.open(file))[0, 0].tolist() for file in files]
    assert data.validation.images[:, 0, 0].tolist() == shades
    assert len(load_dataset(config, data_paths).validation) == 5  # from the cache
    few = load_dataset(ImageFolder(folder=str(pets), train_size=6), data_paths)
    assert (len(few.train), len(few.validation)) == (6, 5)


def test_other_validation_images_are_another_set(pets, data_paths):
    draw_classes(pets / "train")
    draw_classes(pets / "valid")
    first = load_dataset(ImageFolder(folder=str(pets)), data_paths).provenance
    draw(pets / "valid" / "cat", 1)
    again = load_dataset(ImageFolder(folder=str(pets)), data_paths).provenance
    assert again.digest != first.digest
    assert again.test_digest == first.test_digest


@pytest.mark.parametrize("size", [0.1, 0, 2])
def test_a_held_out_folder_and_validation_size_exclude_each_other(pets, size, tmp_path):
    draw_classes(pets / "train")
    draw_classes(pets / "valid")
    (tmp_path / "mine.yaml").write_text(
        f"dataset:\n  folder: pets\n  validation_size: {size}\n"
        "model: {layers: [Flatten, Dense: {units: 2, activation: softmax}]}\n"
    )
    with pytest.raises(UserError) as caught:
        load_config(str(tmp_path / "mine.yaml"))
    assert str(caught.value) == (
        f"{tmp_path}/mine.yaml:3:3: dataset.validation_size: has no effect: the folder valid/ has the "
        "validation images; leave this out, or remove the folder valid/"
    )


def test_the_config_of_a_run_from_before_a_validation_folder_stays_readable(pets, data_paths):
    """It says 0.1, which nobody wrote: those images are still split off, and the folder is left out."""
    draw_classes(pets, cat=10, dog=10)
    written = ImageFolder(folder=str(pets)).model_dump(mode="json")
    assert written["validation_size"] == 0.1
    for part in ("train", "valid"):
        draw_classes(pets / part, cat=10, dog=10)
    shutil.rmtree(pets / "cat")
    shutil.rmtree(pets / "dog")
    config = OWN_DATA["folder"].model_validate(written)
    assert config.model_dump(mode="json") == written
    data = load_dataset(config, data_paths)
    assert (len(data.train), len(data.validation), len(data.test)) == (14, 2, 4)
    assert data.provenance.warning == (
        "left out: valid: dataset.validation_size splits the validation images off the training images"
    )


def test_the_config_of_a_run_stays_readable_whatever_becomes_of_its_folder(pets):
    draw_classes(pets)
    written = ImageFolder(folder=str(pets)).model_dump(mode="json")
    (pets / "cat").rename(pets / "lion")
    (pets / "dog").rename(pets / "lynx")
    assert OWN_DATA["folder"].model_validate(written).model_dump(mode="json") == written


def test_a_run_whose_validation_folder_has_gone_is_told_so(pets, data_paths):
    draw_classes(pets / "train")
    draw_classes(pets / "valid")
    written = ImageFolder(folder=str(pets)).model_dump(mode="json")
    shutil.rmtree(pets / "valid")
    config = OWN_DATA["folder"].model_validate(written)
    assert config.validation_size is None
    with pytest.raises(UserError) as caught:
        load_dataset(config, data_paths)
    assert str(caught.value) == (
        f"{pets}: expected validation images in a folder valid, val, validation or dev, found none\n"
        "   add it, or set dataset.validation_size"
    )


def test_a_validation_class_that_is_missing_is_a_warning_and_an_unknown_one_an_error(pets, data_paths):
    draw_classes(pets / "train")
    draw_classes(pets / "valid", cat=2)
    assert "no validation images of dog" in checked(pets, data_paths).inspection.warnings
    draw_classes(pets / "valid", owl=2)
    assert mistake(pets) == (
        ("folder",),
        f"{pets}/valid: class 'owl' has validation images but no folder in {pets}/train",
    )


def test_files_that_are_equal_are_named(pets, data_paths):
    for part in ("train", "valid", "test"):
        draw_classes(pets / part)
    file = sorted((pets / "train" / "cat").iterdir())[2]
    shutil.copy(file, pets / "test" / "cat" / "again.png")
    shutil.copy(file, pets / "valid" / "dog" / "once-more.png")
    found = checked(pets, data_paths).inspection
    first = f"train/cat/{file.name}"
    assert found.duplicates.examples == (("test/cat/again.png", first),)
    assert [str(each) for pairs in found.duplicates.listed() for each in pairs] == [
        f"valid/dog/once-more.png = {first} (of different classes)",
        f"test/cat/again.png = {first}",
        "test/cat/again.png = valid/dog/once-more.png (of different classes)",
    ]
    assert found.warnings == [
        "test images that are also training images: 1; the test accuracy will be too high",
        "test images that are also validation images: 1; the test accuracy will be too high",
        "validation images that are also training images: 1; the validation accuracy will be too high",
        "equal images of different classes: 1",
    ]


def test_equal_files_are_named_where_others_were_skipped(pets, data_paths):
    draw_classes(pets / "train")
    draw_classes(pets / "test")
    for name in ("cat", "dog"):
        sorted((pets / "train" / name).iterdir())[0].write_bytes(b"")
    file = sorted((pets / "train" / "dog").iterdir())[3]
    shutil.copy(file, pets / "test" / "dog" / "zz.png")
    for _ in range(2):  # decoded, and from the cache
        found = checked(pets, data_paths, on_error="skip", size=4).inspection.duplicates
        assert found.examples == (("test/dog/zz.png", f"train/dog/{file.name}"),)


def test_folders_inside_a_class_belong_to_it(pets, data_paths):
    draw_classes(pets / "train")
    draw(pets / "train" / "cat" / "siamese" / "kittens", 3)
    draw_classes(pets / "test")
    found = checked(pets, data_paths)
    assert counts(pets, data_paths)["cat"] == (8, None, 5)
    assert found.notes == ("class cat (training): 3 images are in folders inside the class's folder",)


def test_links_in_a_class_are_followed_unless_they_lead_back_into_the_set(pets, data_paths, tmp_path):
    draw_classes(pets)
    draw(tmp_path / "more", 3)
    (tmp_path / "more" / "round").symlink_to(tmp_path / "more")
    (pets / "dog" / "more").symlink_to(tmp_path / "more")
    (pets / "cat" / "up").symlink_to(pets)
    (pets / "cat" / "dogs").symlink_to(pets / "dog")
    found = checked(pets, data_paths)
    assert counts(pets, data_paths) == {"cat": (4, None, 1), "dog": (6, None, 2)}
    assert [str(each) for each in found.left_out] == [
        "cat/dogs, cat/up: a link to a folder that is read elsewhere",
        "dog/more/round: a link to a folder that is read elsewhere",
    ]
    assert found.provenance.warning is None


@pytest.mark.parametrize("ending", ["tif", "TIFF", "jfif", "jpe", "ppm", "pgm"])
def test_images_of_rarer_endings_are_read(pets, data_paths, ending):
    draw_classes(pets)
    folder = pets / "cat"
    if ending == "pgm":
        for index in range(5):
            Image.new("L", (4, 4), index).save(folder / f"grey-{index}.pgm")
    elif ending == "jpe":
        for index in range(5):
            Image.new("RGB", (4, 4), (index * 50, 0, 0)).save(folder / f"{index}.jpe", "JPEG")
    else:
        draw(folder, 5, ending=ending)
    found = checked(pets, data_paths)
    assert found.inspection.classes[0].train + found.inspection.classes[0].test == 10
    assert found.left_out == ()


def test_an_image_whose_ending_says_nothing_is_told_by_its_first_bytes(pets, data_paths):
    draw_classes(pets)
    for index, name in enumerate(("no-ending", "photo.jpg_large", "photo.png~")):
        format = "JPEG" if "jpg" in name else "PNG"
        Image.new("RGB", (4, 4), (0, 0, 40 * index)).save(pets / "cat" / name, format)
    assert sum(filter(None, counts(pets, data_paths)["cat"])) == 8


@pytest.mark.parametrize("format", ["BMP", "PPM", "GIF", "WEBP", "TIFF"])
def test_images_of_every_common_format_are_told_by_their_first_bytes(pets, data_paths, format):
    draw_classes(pets)
    Image.new("RGB", (4, 4), (1, 2, 3)).save(pets / "cat" / "no-ending", format)
    assert sum(filter(None, counts(pets, data_paths)["cat"])) == 6


@pytest.mark.parametrize("text", [b"BMW and Porsche, side by side", b"P1ain text", b"RIFFraff of all kinds"])
def test_a_text_that_begins_like_an_image_is_none(pets, data_paths, text):
    draw_classes(pets)
    (pets / "cat" / "notes").write_bytes(text)
    assert sum(filter(None, counts(pets, data_paths)["cat"])) == 5


@pytest.mark.parametrize("brand", [b"avif", b"heic", b"mif1"])
def test_an_image_of_a_rarer_format_is_named_whatever_it_is_called(pets, data_paths, brand):
    draw_classes(pets)
    (pets / "cat" / "photo").write_bytes(b"\0\0\0\x1cftyp" + brand + bytes(20))
    with pytest.raises(UserError, match=r"cat/photo: "):
        checked(pets, data_paths)


def test_heic_is_read_where_its_package_is_installed(pets, data_paths):
    pillow_heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    pillow_heif.register_heif_opener()
    draw_classes(pets)
    Image.new("RGB", (64, 64), (200, 100, 50)).save(pets / "cat" / "photo.HEIC", "HEIF", quality=100)
    found = checked(pets, data_paths, size=4)
    assert sum(filter(None, counts(pets, data_paths, size=4)["cat"])) == 6
    assert found.left_out == ()


@pytest.fixture
def without_plug_ins(monkeypatch):
    """Neither pillow-heif nor a Pillow that reads AVIF."""
    monkeypatch.setattr(image_formats, "find_spec", lambda name: None)
    for cached in (
        image_formats.readable_formats,
        image_formats.readable_endings,
        image_formats.register_plug_ins,
    ):
        cached.cache_clear()
    yield
    for cached in (
        image_formats.readable_formats,
        image_formats.readable_endings,
        image_formats.register_plug_ins,
    ):
        cached.cache_clear()


def test_what_is_left_out_is_listed_with_the_reason(pets, data_paths, without_plug_ins):
    draw_classes(pets / "train")
    draw_classes(pets / "test")
    draw_classes(pets / "spare")
    draw(pets, 1)
    loose = next(pets.glob("*.png")).name
    cat = pets / "train" / "cat"
    names = (
        "IMG_0001.HEIC",
        "IMG_0002.heic",
        "IMG_0003.heic",
        "IMG_0004.heif",
        "a.avif",
        "a.psd",
        "more.zip",
    )
    for name in (*names, "labels.csv", "film.mp4", ".DS_Store", "Thumbs.db", "._IMG.png"):
        (cat / name).write_bytes(b"no image")
    draw(cat / "__MACOSX", 2)
    found = checked(pets, data_paths)
    needs = "needs the package pillow-heif (pip install pillow-heif)"
    assert [str(each) for each in found.left_out] == [
        f"{loose}: not in the folder of a class",
        "spare: not a folder of training, validation or test images",
        f"train/cat/IMG_0001.HEIC, train/cat/IMG_0002.heic, train/cat/IMG_0003.heic: .heic {needs}",
        f"train/cat/IMG_0004.heif: .heif {needs}",
        "train/cat/a.avif: .avif needs Pillow 11.3",
        "train/cat/a.psd: .psd is not read; save as PNG or JPEG",
        "train/cat/film.mp4, train/cat/labels.csv: not an image",
        "train/cat/more.zip: an archive; unpack it",
    ]
    assert found.as_dict()["left_out"][2] == {
        "folder": "train/cat", "files": ("IMG_0001.HEIC", "IMG_0002.heic", "IMG_0003.heic"), "count": 3,
        "reason": f".heic {needs}", "holds_images": True,
    }  # fmt: skip
    assert found.provenance.warning == (
        f"left out: {loose}: not in the folder of a class; spare: not a folder of training, validation or "
        "test images; train/cat/IMG_0001.HEIC, train/cat/IMG_0002.heic, train/cat/IMG_0003.heic: .heic "
        f"{needs}; and 4 more kinds, see cnnlab data check"
    )


def test_many_files_of_a_kind_are_counted(pets, data_paths, without_plug_ins):
    draw_classes(pets)
    for index in range(1200):
        (pets / "dog" / f"{index:04}.heic").touch()
    assert [str(each) for each in checked(pets, data_paths).left_out] == [
        "dog/0000.heic, dog/0001.heic, dog/0002.heic and 1,197 more: .heic needs the package pillow-heif "
        "(pip install pillow-heif)"
    ]


def test_a_class_of_unread_files_alone_says_why(pets, data_paths, without_plug_ins):
    draw_classes(pets)
    (pets / "owl").mkdir()
    (pets / "owl" / "a.heic").touch()
    with pytest.raises(UserError) as caught:
        checked(pets, data_paths)
    assert str(caught.value) == (
        f"{pets}/owl: expected images of class 'owl', found none (PNG, JPEG, BMP, GIF, WebP, TIFF or PPM)\n"
        "   left out: owl/a.heic: .heic needs the package pillow-heif (pip install pillow-heif)\n"
        "   add some, or leave the class out with dataset.classes"
    )


def test_images_to_predict_may_be_in_folders_inside(pets):
    draw(pets / "b" / "c", 1)
    draw(pets / "a", 2)
    draw(pets, 1)
    (pets / "a" / "loop").symlink_to(pets)
    names = [name for name, _ in sources_at(str(pets))]
    assert [str(Path(name).parent.relative_to(pets)) for name in names] == [".", "a", "a", "b/c"]


def test_images_to_predict_that_are_not_read_are_named(pets, without_plug_ins):
    draw(pets, 1)
    for name in ("a.heic", "b.zip", "notes.txt", ".hidden.heic"):
        (pets / name).write_bytes(b"no image")
    found = [Path(name).name for name, _ in sources_at(str(pets))]
    assert found == [next(pets.glob("*.png")).name, "a.heic"]
    with pytest.raises(BadImage) as caught:
        load(pets / "a.heic", channels=3)
    assert str(caught.value) == (
        "a file that is not read: .heic needs the package pillow-heif (pip install pillow-heif)"
    )


def test_the_command_says_what_is_left_out(pets, monkeypatch, capsys, tmp_path, without_plug_ins):
    monkeypatch.setenv("CNNLAB_CACHE", str(tmp_path / "cache"))
    draw_classes(pets)
    (pets / "cat" / "a.heic").touch()
    assert run(["data", "check", str(pets)]) == 0
    out, err = capsys.readouterr()
    line = "left out: cat/a.heic: .heic needs the package pillow-heif (pip install pillow-heif)\n"
    assert line in out
    assert err == ""
    assert run(["data", "show", str(pets), "-o", str(tmp_path / "sheet.png")]) == 0
    assert line in capsys.readouterr().err


@pytest.mark.parametrize(("train", "test"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_a_class_is_the_same_in_both_forms_of_unicode(pets, data_paths, train, test):
    draw_classes(pets / "train", **{train: 3, "tea": 3})
    draw_classes(pets / "test", **{test: 2, "tea": 2})
    for classes in (None, [COMPOSED, "tea"], [DECOMPOSED, "tea"]):
        found = counts(pets, data_paths, **({} if classes is None else {"classes": classes}))
        assert list(found.values()) == [(3, None, 2)] * 2
    assert ImageFolder(folder=str(pets)).class_names == (COMPOSED, "tea")


def test_chosen_classes_are_the_same_in_both_forms_of_unicode(pets):
    draw_classes(pets, **{COMPOSED: 5, "tea": 5})
    assert ImageFolder(folder=str(pets), classes=[DECOMPOSED, "tea"]).classes == (COMPOSED, "tea")
    [(_, message)] = [mistake(pets, classes=[DECOMPOSED, COMPOSED])]
    assert message == f"class {COMPOSED!r} is given twice"


def test_class_weights_are_the_same_in_both_forms_of_unicode():
    assert TrainingConfig(class_weights={DECOMPOSED: 2}).class_weights == {COMPOSED: 2.0}
    with pytest.raises(ValidationError, match="is given twice"):
        TrainingConfig(class_weights={DECOMPOSED: 2, COMPOSED: 3})


def test_two_folders_of_one_name_in_both_forms_are_refused(pets):
    draw_classes(pets, **{COMPOSED: 2, DECOMPOSED: 2, "tea": 2})
    if len(list(pets.iterdir())) < 3:
        pytest.skip("this file system takes the two for one")
    assert mistake(pets) == (
        ("folder",),
        f"{pets}: two folders are called 'café', spelled with different Unicode characters (NFC and NFD)\n"
        "   merge them",
    )


@pytest.mark.parametrize(
    ("name", "difference"), [("Cat", "capital letters"), ("cat ", "spaces")], ids=["capitals", "space"]
)
def test_names_that_nearly_agree_are_pointed_out(pets, data_paths, name, difference):
    draw_classes(pets / "train", **{name: 3, "dog": 3})
    draw_classes(pets / "test")
    assert mistake(pets) == (
        ("folder",),
        f"{pets}/test: class 'cat' has test images but no folder in {pets}/train, which has {name!r}\n"
        f"   the names differ in {difference}; rename one of them",
    )
    shutil.rmtree(pets / "test")
    draw_classes(pets / "train", cat=3)
    first, second = sorted(("cat", name))
    assert checked(pets, data_paths).notes == (
        f"the classes {first!r} and {second!r} differ only in capital letters or spaces",
    )


MISLAID = {
    "two-validation-folders": (
        {"train/cat": 1, "train/dog": 1, "val/cat": 1, "valid/cat": 1},
        "{pets}: expected one folder of validation images, found 'val' and 'valid'\n"
        "   merge or rename one of them",
    ),
    "no-training-folder": (
        {"test/cat": 1, "test/dog": 1, "valid/cat": 1, "valid/dog": 1},
        "{pets}: expected a folder 'train' beside 'test' and 'valid', found none\n"
        "   put the folders of the classes with their training images into a folder 'train'",
    ),
    "classes-beside-test": (
        {"cat": 1, "dog": 1, "test/cat": 1, "test/dog": 1},
        "{pets}: expected a folder 'train' beside 'test', found none\n"
        "   put the folders of the classes with their training images into a folder 'train'",
    ),
    "parts-of-two-words": (
        {"training set/cat": 1, "training set/dog": 1, "test set/cat": 1, "test set/dog": 1},
        "{pets}: expected a folder for each class, found 'test set' and 'training set', which have the same "
        "folders in them\n"
        "   call the folder of the training images 'train' and the others 'valid' and 'test'",
    ),
    "parts-of-a-year": (
        {"train2017/cat": 1, "train2017/dog": 1, "val2017/cat": 1, "val2017/dog": 1, "other": 1},
        "{pets}: expected a folder for each class, found 'train2017' and 'val2017', which have the same "
        "folders in them\n"
        "   call the folder of the training images 'train' and the others 'valid' and 'test'",
    ),
    "loose-training-images": (
        {"train": 3, "test": 3},
        "{pets}/train: expected a folder for each class, found none\n"
        "   put the images of each class into a folder that has the class's name",
    ),
    "loose-images": (
        {".": 3},
        "expected two folders or more in '{pets}', one for each class, found none and 3 loose images\n"
        "   put the images of each class into a folder that has the class's name",
    ),
    "one-level-too-high": (
        {"inner/cat": 1, "inner/dog": 1},
        "expected two folders or more in '{pets}', one for each class, found only 'inner'\n"
        "   did you mean '{pets}/inner'?",
    ),
}


@pytest.mark.parametrize("name", MISLAID)
def test_other_layouts_are_named(pets, name):
    folders, message = MISLAID[name]
    for folder, count in folders.items():
        draw(pets / folder, count)
    assert mistake(pets) == (("folder",), message.format(pets=pets))


@pytest.mark.parametrize(
    ("folders", "parts"),
    [
        (("train", "test"), "training and test"),
        (("val", "test"), "validation and test"),
        (("train_images", "val_images", "x"), "training and validation"),
    ],
)
def test_parts_below_the_classes_are_not_mixed(pets, data_paths, folders, parts):
    for name in ("cat", "dog"):
        draw_classes(pets / name, **dict.fromkeys(folders, 3))
    with pytest.raises(UserError) as caught:
        checked(pets, data_paths)
    assert str(caught.value) == (
        f"{pets}/cat: expected images of class 'cat', found folders of {parts} images\n"
        f"   exchange the levels: {pets}/train/cat and so on"
    )


def test_classes_may_have_the_same_folders_in_them(pets, data_paths):
    for name in ("cat", "dog"):
        draw_classes(pets / name, left=3, right=2)
    assert counts(pets, data_paths) == {"cat": (4, None, 1), "dog": (4, None, 1)}


@pytest.mark.parametrize(
    ("name", "chosen", "warned"),
    [("test", None, True), ("validation", None, True), ("emu", None, False), ("test", ["cat", "dog"], False)],
)
def test_a_class_called_as_a_part_beside_others_is_warned_of(pets, data_paths, name, chosen, warned):
    draw_classes(pets, cat=5, dog=5, **{name: 5})
    data = load_dataset(ImageFolder(folder=str(pets), classes=chosen), data_paths)
    assert data.provenance.warning == (
        f"the folder {name!r} is a class by the layout; if the images are for validation or testing, sort "
        "them into folders of the classes, and move the classes' training images into a folder 'train'"
        if warned
        else None
    )


@pytest.mark.parametrize(
    "classes", [("plane", "train"), ("exam", "test"), ("dev", "val", "ops")], ids="-".join
)
def test_a_class_may_be_called_as_a_part(pets, data_paths, classes):
    draw_classes(pets, **dict.fromkeys(classes, 5))
    assert counts(pets, data_paths) == dict.fromkeys(sorted(classes), (4, None, 1))


def test_an_archive_is_to_be_unpacked(tmp_path):
    (tmp_path / "pets.zip").touch()
    assert mistake(tmp_path / "pets.zip") == (
        ("folder",),
        f"expected a folder, found an archive at '{tmp_path}/pets.zip'\n   unpack it, and give the folder",
    )


def test_one_image_a_class_leaves_none_to_train_on(pets, data_paths):
    draw_classes(pets, ant=1, bee=1, cow=1)
    with pytest.raises(UserError) as caught:
        checked(pets, data_paths)
    name = str(caught.value).split("'")[1]
    assert str(caught.value) == (
        f"{pets}: class {name!r} has 1 image, which becomes a test image: none is left for training\n"
        "   add images of this class, lower dataset.test_size, or put test images of your own into "
        f"test/{name}, beside train/{name}"
    )


def test_a_validation_cut_may_not_take_the_only_training_image(pets, data_paths):
    draw_classes(pets / "train", ant=1, bee=1, cow=1)
    draw_classes(pets / "test", ant=1, bee=1, cow=1)
    with pytest.raises(UserError, match=r"takes all training images of class '.*': none is left to train on"):
        load_dataset(ImageFolder(folder=str(pets), validation_size=0.5), data_paths)
