"""cnnlab predict, as a user calls it, on small networks trained for the purpose."""

import csv
import io
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image, ImageDraw

import cnnlab
from cnnlab.cli import run
from cnnlab.datasets import DATASETS, OWN_DATA, DataPaths
from cnnlab.datasets.reading.preprocessing import prepare
from cnnlab.datasets.sources.mnist import Mnist
from cnnlab.errors import OptionError
from cnnlab.run_folders.records import read_record

FOLDER = """
name: pets
dataset: {folder: pets, size: 12, validation_size: 0}
model:
  layers:
    - Flatten
    - Dense: {units: 3, activation: softmax}
training: {epochs: 30, batch_size: 8, optimizer: {name: adam, learning_rate: 0.02}}
"""

LOGITS = """
name: letters
dataset: {name: xo, difficulty: 0.0, train_count: 200, test_count: 50, standardize: true, scale: [-1, 1],
          data_format: channels_first}
model:
  layers:
    - Conv2D: {filters: 2, kernel_size: 3, activation: relu, data_format: channels_first}
    - Flatten
    - Dense: {units: 2}
training: {epochs: 3, batch_size: 20}
"""

TEXTURES = """
name: textures
dataset: {folder: textures, size: 32, color_mode: grayscale, validation_size: 0}
model:
  layers:
    - Conv2D: {filters: 4, kernel_size: 3, activation: relu}
    - GlobalMaxPooling2D
    - Dense: {units: 2, activation: softmax}
training: {epochs: 20, batch_size: 8, optimizer: {name: adam, learning_rate: 0.05}}
"""

COLORS = {"blue": (20, 20, 230), "green": (20, 230, 20), "red": (230, 20, 20)}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, backend):
    """A folder with finished experiments in experiments/, and the images of two in pets/ and textures/."""
    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(0)
    for name, color in COLORS.items():
        (folder / "pets" / name).mkdir(parents=True)
        for index in range(12):
            noise = rng.integers(-15, 15, size=(12, 12, 3))
            image = Image.fromarray((np.array(color) + noise).astype(np.uint8))
            image.save(folder / "pets" / name / f"{index}.png")
    y, x = np.mgrid[:192, :256]
    turned = Image.Exif()
    turned[0x0112] = 6
    for part, count in (("train", 8), ("test", 4)):
        for name, height in (("clear", 60), ("faint", 20)):
            (folder / "textures" / part / name).mkdir(parents=True)
            for index in range(count):
                grey = 127 + height * np.sin((x + y) / 4.5 + index) + rng.normal(0, 20, x.shape)
                image = Image.fromarray(grey.clip(0, 255).astype(np.uint8))
                path = folder / "textures" / part / name / f"{index}.jpg"
                image.save(path, **({"exif": turned} if index % 2 else {}))
    (folder / "textures.yaml").write_text(TEXTURES)
    (folder / "pets.yaml").write_text(FOLDER)
    (folder / "letters.yaml").write_text(LOGITS)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.setenv("CNNLAB_CACHE", str(folder / "cache"))
        assert run(["train", "pets.yaml", "letters.yaml", "textures.yaml", "--quiet"]) == 0
    return folder


@pytest.fixture
def call(trained, monkeypatch, capsys):
    monkeypatch.chdir(trained)
    monkeypatch.setenv("CNNLAB_CACHE", str(trained / "cache"))

    def call(*arguments, stdin=b""):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = run(["predict", *(str(argument) for argument in arguments)])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def photograph(path, color, size=(30, 40)):
    Image.new("RGB", (size[1], size[0]), color).save(path)
    return path


def test_answers_carry_class_names_and_probabilities(call, tmp_path):
    paths = [photograph(tmp_path / f"{name}.png", color) for name, color in COLORS.items()]
    code, out, _ = call("pets", *paths, "--json")
    document = json.loads(out)
    assert code == 0
    assert [each["class"] for each in document["predictions"]] == list(COLORS)
    for each in document["predictions"]:
        assert list(each["probabilities"]) == ["blue", "green", "red"]
        assert sum(each["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert each["probability"] == max(each["probabilities"].values())
        assert each["notes"] == ["cropped and resized from 40×30 to 12×12 (width × height)"]


def test_the_table_and_the_csv_say_the_same(call, tmp_path):
    path = photograph(tmp_path / "it.png", COLORS["green"])
    code, table, _ = call("pets", path, "--top", "2")
    assert code == 0
    assert table.splitlines()[0].startswith("experiments/pets-")
    assert table.splitlines()[2].split() == ["Image", "Prediction", "2.", "Note"]
    assert "green " in table
    [row] = csv.DictReader(io.StringIO(call("pets", path, "--csv")[1]))
    assert row["class"] == "green"
    assert float(row["green"]) == float(row["probability"])
    assert {"blue", "green", "red", "notes", "image"} < set(row)


def test_a_folder_and_standard_input_are_images_too(call, trained):
    code, out, _ = call(
        "pets", "pets/red", "-", "--json", stdin=(trained / "pets" / "blue" / "0.png").read_bytes()
    )
    found = json.loads(out)["predictions"]
    assert code == 0
    assert [each["class"] for each in found] == ["red"] * 12 + ["blue"]
    assert found[0]["image"] == "pets/red/0.png"
    assert found[-1]["image"] == "standard input"
    assert found[0]["notes"] == []


def test_folders_of_classes_tell_how_many_are_right(call, trained, tmp_path):
    for name, images in {"blue": ("blue/0", "blue/1"), "green/deep": ("green/0", "red/0")}.items():
        (tmp_path / "photos" / name).mkdir(parents=True)
        for image in images:
            shutil.copy(
                trained / "pets" / f"{image}.png",
                tmp_path / "photos" / name / f"{image.replace('/', '')}.png",
            )
    shutil.copy(trained / "pets" / "red" / "1.png", tmp_path / "photos" / "of no class.png")
    code, out, _ = call("pets", tmp_path / "photos", "--json")
    document = json.loads(out)
    assert code == 0
    assert len(document["predictions"]) == 5
    assert (document["right"], document["in_class_folders"]) == (3, 4)
    assert call("pets", tmp_path / "photos")[1].endswith(
        "3 of 4 images in folders of classes right (19 to 99%, 95% interval)\n"
    )
    found = cnnlab.predict("pets", [tmp_path / "photos" / "green", "pets/red/0.png"])
    assert found.true_classes == ["green", "green", None]
    assert found.right == (1, 2)
    alone = json.loads(call("pets", "pets/red/0.png", "--json")[1])
    assert list(alone) == ["run", "predictions"]


def test_answers_to_test_images_are_those_of_the_run(call, trained):
    [path] = trained.glob("experiments/letters-*/seed-0")
    record = read_record(path)
    config = record.config.dataset
    content = config.read(DataPaths.from_environment())
    folder = trained / "letters"
    folder.mkdir(exist_ok=True)
    for index in range(10):
        Image.fromarray(content.test_images[index, ..., 0]).save(folder / f"{index}.png")
    code, out, _ = call(path, "letters", "--json")
    assert code == 0
    found = [list(each["probabilities"].values()) for each in json.loads(out)["predictions"]]
    np.testing.assert_allclose(found, record.predictions.probabilities[:10], atol=2e-3)


def test_answers_to_large_photographs_are_those_of_the_run(call, trained):
    """JPEGs eight times as large as what the network sees, half of them on their sides."""
    [path] = trained.glob("experiments/textures-*/seed-0")
    kept = read_record(path).predictions.probabilities
    files = sorted((trained / "textures" / "test").glob("*/*.jpg"))
    found = json.loads(call(path, *files, "--json")[1])["predictions"]
    np.testing.assert_allclose([list(each["probabilities"].values()) for each in found], kept, atol=5e-4)
    [piped] = json.loads(call(path, "-", "--json", stdin=files[1].read_bytes())[1])["predictions"]
    assert piped["probabilities"] == pytest.approx(found[1]["probabilities"], abs=1e-6)


def test_images_of_the_same_name_are_all_answered(trained, monkeypatch):
    monkeypatch.chdir(trained)
    images = [("it", (trained / "pets" / color / "0.png").read_bytes()) for color in ("red", "blue")]
    found = cnnlab.predict("pets", [*images, "pets/red/0.png", "pets/red/0.png"])
    assert [(each.image, each.best[0]) for each in found] == [
        ("it", "red"),
        ("it", "blue"),
        ("pets/red/0.png", "red"),
        ("pets/red/0.png", "red"),
    ]


def test_a_pipe_is_read_as_standard_input_only(call, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert call("pets", tmp_path / "pipe") == (
        2,
        "",
        f"{tmp_path / 'pipe'}: not a regular file\n   use - to read an image from standard input\n",
    )


def test_a_run_is_found_by_name_folder_or_path_below_out(call, trained, tmp_path):
    path = photograph(tmp_path / "it.png", COLORS["red"])
    [folder] = trained.glob("experiments/pets-*/seed-0")
    below = folder.relative_to(trained / "experiments")
    answers = {call(each, path, "--csv")[1] for each in ("pets", folder, below, folder.parent.name)}
    assert len(answers) == 1


def test_the_latest_finished_run_counts(call, trained, tmp_path):
    image = photograph(tmp_path / "it.png", COLORS["red"])
    [folder] = trained.glob("experiments/pets-*/seed-0")
    newer, unfinished = (
        tmp_path / "out" / folder.parent.name / "seed-1",
        tmp_path / "out" / "pets-1" / "seed-2",
    )
    shutil.copytree(folder, tmp_path / "out" / folder.parent.name / "seed-0")
    for copy, state, day in ((newer, "finished", 2), (unfinished, "interrupted", 3)):
        shutil.copytree(folder, copy)
        facts = json.loads((copy / "run.json").read_text())
        facts |= {"state": state, "updated": f"2999-01-0{day}T00:00:00+00:00"}
        (copy / "run.json").write_text(json.dumps(facts))
    document = json.loads(call("pets", image, "--json", "--out", tmp_path / "out")[1])
    assert document["run"] == str(newer)


def test_a_contact_sheet_is_drawn_on_request(call, trained, tmp_path):
    assert call("pets", "pets/red", "--sheet", tmp_path / "sheet.png", "--aspect", "4:3")[0] == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width / sheet.height == pytest.approx(4 / 3, rel=0.01)
        pixels = np.asarray(sheet.convert("RGB")).reshape(-1, 3).astype(int)
    red = (pixels[:, 0] > 200) & (pixels[:, 1:].max(axis=1) < 60)
    assert red.sum() > 100**2
    slides = ["--sheet", tmp_path / "slide", "--format", "svg,pdf"]
    assert call("pets", "pets/red", *slides)[1].splitlines()[-2:] == [
        str(tmp_path / "slide.svg"), str(tmp_path / "slide.pdf")
    ]  # fmt: skip
    assert call("pets", "pets/red", *slides, "--json")[2] == f"{tmp_path}/slide.svg\n{tmp_path}/slide.pdf\n"
    code, out, err = call("pets", "pets/red", "--sheet", tmp_path)
    assert (code, out) == (2, "")
    assert f"--sheet: expected the name of pictures, found the folder {tmp_path}" in err
    code, out, err = call("pets", "pets/red", "--aspect", "4:3")
    assert (code, out) == (2, "")
    assert "--aspect: without --sheet, nothing is drawn" in err


def test_what_is_no_image_is_named_and_the_others_are_answered(call, tmp_path):
    good = photograph(tmp_path / "good.png", COLORS["red"])
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    code, out, err = call("pets", bad, good, "--json")
    assert code == 2
    assert err == f"{bad}: expected an image, found an empty file\n"
    assert [each["class"] for each in json.loads(out)["predictions"]] == ["red"]
    code, out, err = call("pets", bad)
    assert (code, out) == (2, "")
    assert err.endswith("expected at least one image that can be read, found none\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["petz", "it.png"], "unknown run in experiments: 'petz'; did you mean pets?"),
        (["dnn", "it.png"], "dnn: no finished run in experiments; train it first: cnnlab train dnn"),
        (["pets", "it.png"], "it.png: no such file"),
        (["pets", "empty"], "empty: expected images (PNG, JPEG, BMP, GIF, WebP, TIFF or PPM), found none"),
        (["pets", "-"], "standard input: expected an image, found an empty file"),
    ],
)
def test_the_users_mistakes_are_named(call, trained, arguments, message):
    (trained / "empty").mkdir(exist_ok=True)
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.splitlines()[0] == message


def test_a_model_that_is_gone_is_named(call, trained, tmp_path):
    [folder] = trained.glob("experiments/pets-*/seed-0")
    copy = tmp_path / "out" / folder.parent.name / "seed-0"
    shutil.copytree(folder, copy)
    (copy / "model.keras").unlink()
    code, _, err = call(copy, photograph(tmp_path / "it.png", COLORS["red"]))
    assert code == 2
    assert err.startswith(f"{copy / 'model.keras'}: cannot be read (")


@pytest.mark.parametrize("size", [0, 100, 5000, -50])
def test_a_damaged_model_is_named(call, trained, tmp_path, size):
    """Cut off anywhere: it is not the archive that it was."""
    [folder] = trained.glob("experiments/pets-*/seed-0")
    copy = tmp_path / "out" / folder.parent.name / "seed-0"
    shutil.copytree(folder, copy)
    file = copy / "model.keras"
    file.write_bytes(file.read_bytes()[:size])
    code, out, err = call(copy, photograph(tmp_path / "it.png", COLORS["red"]))
    assert (code, out) == (2, "")
    assert err.startswith(
        f"{copy}: this run is damaged: model.keras is not the file that the run finished with"
    )
    assert err.endswith("; train it again with --fresh, which keeps the old folder\n")


def test_images_of_more_than_colours_take_no_pictures(tmp_path):
    """Two channels, such as an own NPZ may have."""
    from cnnlab.errors import UserError

    pixels, labels = np.zeros((4, 6, 6, 2), np.uint8), np.array([0, 1, 0, 1])
    np.savez(tmp_path / "own.npz", x_train=pixels, y_train=labels, x_test=pixels, y_test=labels)
    dataset = OWN_DATA["npz"](npz=str(tmp_path / "own.npz"))
    with pytest.raises(UserError, match="its networks expect 2 channels; image files have 1 or 3"):
        prepare(scanned(bar), dataset)


def scanned(draw, *, size=(120, 90), paper=240, ink=20):
    """A photographed sheet with something on it, as PNG bytes."""
    image = Image.new("L", (size[1], size[0]), paper)
    draw(ImageDraw.Draw(image), ink)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def bar(canvas, ink):
    canvas.rectangle((10, 15, 19, 74), fill=ink)  # far from the middle


def test_a_dark_digit_on_white_is_inverted_scaled_and_centred_by_its_mass():
    prepared = prepare(scanned(bar), Mnist())
    assert prepared.notes == (
        "dark on light: inverted",
        "scaled and centered from 90×120 to 28×28 (width × height)",
    )
    pixels = prepared.pixels[..., 0].astype(float)
    assert prepared.pixels.shape == (28, 28, 1)
    assert pixels[0].max() == pixels[:, 0].max() == 0
    assert pixels.max() == 255
    rows = np.flatnonzero(pixels.max(axis=1) > 128)
    assert len(rows) == 20
    middle = [(pixels.sum(axis=1 - axis) * (np.arange(28) + 0.5)).sum() / pixels.sum() for axis in (0, 1)]
    assert middle == pytest.approx([14, 14], abs=0.6)


def test_a_bright_digit_on_black_is_not_inverted():
    prepared = prepare(scanned(bar, paper=5, ink=250), Mnist())
    assert prepared.notes == ("scaled and centered from 90×120 to 28×28 (width × height)",)
    np.testing.assert_allclose(prepared.pixels.astype(int), prepare(scanned(bar), Mnist()).pixels, atol=3)


def test_a_picture_of_the_datasets_own_is_taken_as_it_is():
    rng = np.random.default_rng(0)
    pixels = np.zeros((28, 28), dtype=np.uint8)
    pixels[8:20, 3:12] = rng.integers(256, size=(12, 9))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    prepared = prepare(buffer.getvalue(), Mnist())
    assert prepared.notes == ()
    np.testing.assert_array_equal(prepared.pixels[..., 0], pixels)


def test_white_paper_is_an_empty_picture():
    prepared = prepare(scanned(lambda canvas, ink: None), Mnist())
    assert prepared.pixels.max() == 0


def test_a_set_that_is_no_picture_takes_none():
    from cnnlab.errors import UserError

    with pytest.raises(
        UserError, match="Go: its networks do not accept image files; use a dataset of pictures"
    ):
        prepare(b"", DATASETS["go"]())


def test_another_backend_gives_the_same_answers(call, trained, other, elsewhere, tmp_path):
    image = str(photograph(tmp_path / "red.png", COLORS["red"]))
    code, out, _ = call("pets", image, "--json")
    assert code == 0
    there = tmp_path / "there.json"
    elsewhere(
        f"""
import contextlib, os
from cnnlab.cli import run
os.chdir({str(trained)!r})
with open({str(there)!r}, "w") as file, contextlib.redirect_stdout(file):
    code = run(["predict", "pets", {image!r}, "--json", "--backend", {other!r}])
sys.exit(code)
"""
    )
    wanted, found = json.loads(out)["predictions"][0], json.loads(there.read_text())["predictions"][0]
    assert found["class"] == wanted["class"] == "red"
    np.testing.assert_allclose(
        list(found["probabilities"].values()), list(wanted["probabilities"].values()), rtol=1e-4, atol=1e-6
    )


def test_in_python_too(trained, monkeypatch):
    monkeypatch.chdir(trained)
    with pytest.raises(OptionError) as caught:
        cnnlab.predict("pets", [np.zeros((12, 12, 3), np.uint8)], backend="theano")
    assert str(caught.value) == "backend: expected tensorflow, jax or torch, found 'theano'"
