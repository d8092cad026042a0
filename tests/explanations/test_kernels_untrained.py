"""`cnnlab explain kernels` without a run: on files of any numbers, and on an experiment's own images."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from scipy.signal import correlate2d

import cnnlab
from cnnlab.analyses.kernels import KERNELS
from cnnlab.analyses.letters import PATCHES, as_they_are
from cnnlab.cli import run
from cnnlab.datasets import DataPaths, load_dataset
from cnnlab.datasets.sources.xo import XO
from cnnlab.errors import UserError
from cnnlab.explanations.array_images import read_array_image


@pytest.fixture
def kernels(tmp_path, capsys):
    """Call the command; its exit code, its document or None, and what it says beside."""

    def call(*arguments):
        words = ["explain", "kernels", *map(str, arguments), "--out", str(tmp_path / "out"), "--json"]
        code = run(words)
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if code == 0 else None, printed.err

    return call


def arrays_of(document):
    with np.load(Path(document["folder"]) / document["arrays"]["file"]) as arrays:
        return dict(arrays)


@pytest.mark.usefixtures("unrendered")
def test_the_lecture_s_patches_on_its_x(kernels, tmp_path):
    x = as_they_are()[0, ..., 0]
    np.save(tmp_path / "x.npy", x.astype(np.int8))
    rows = "\n".join(f"{name}: {patch.astype(int).tolist()}" for name, patch in PATCHES.items())
    (tmp_path / "patches.yaml").write_text(rows)
    code, document, _ = kernels(
        "--picture", tmp_path / "x.npy", "--kernels", tmp_path / "patches.yaml", "--mean"
    )
    assert code == 0
    found = arrays_of(document)
    assert_array_equal(found["diagonal"][0].round(2), [0.78, -0.11, 0.11, 0.33, 0.56, -0.11, 0.33])
    assert found["cross"][3, 3] == 1
    for name, patch in PATCHES.items():
        answer = correlate2d(x, patch, mode="valid") / 9
        assert_allclose(found[name.replace(" ", "_")], answer, atol=1e-15)
    assert_array_equal(found["pipeline_convolution"], found["diagonal"])
    assert document["options"]["scale"] == [-1, 1]
    assert document["options"]["mean"] is True
    assert document["pictures"] == ["kernels.png", "kernels-pipeline.png"]
    assert (document["run"], document["subject"]) == (None, None)
    assert Path(document["folder"]) == tmp_path / "out" / "explain"
    assert document["sentence"] == "3 kernels on x.npy, mean of products; pipeline with diagonal"


@pytest.mark.usefixtures("unrendered")
def test_floats_of_three_channels_and_a_recorded_scale(kernels, tmp_path):
    image = np.random.default_rng(0).uniform(-40, 60, (12, 10, 3))
    np.savez(tmp_path / "it.npz", image=image, scale=[-40.0, 60.0])
    _, document, _ = kernels("--picture", tmp_path / "it.npz")
    found = arrays_of(document)
    gray = image @ [0.299, 0.587, 0.114]
    assert_allclose(found["surround"], correlate2d(gray, KERNELS["surround"], mode="valid"), atol=1e-10)
    assert_array_equal(found["picture"], image)
    assert document["options"]["scale"] == [-40, 60]
    assert document["pictures"] == [
        "kernels.png",
        "kernels-pipeline.png",
    ]  # a detector of brightness has no use
    _, document, _ = kernels("--picture", tmp_path / "it.npz", "--scale", -100, 100)
    assert document["options"]["scale"] == [-100, 100]


@pytest.mark.usefixtures("unrendered")
def test_an_experiment_s_images_need_no_training(kernels, tmp_path):
    code, document, _ = kernels("xo_cnn", "--image", 8)
    assert code == 0
    config = cnnlab.load("xo_cnn").config
    image = load_dataset(config.dataset, DataPaths.from_environment()).test.images[8]
    assert_allclose(arrays_of(document)["picture"], image / np.float32(255))
    assert (document["subject"], document["dataset"], document["run"]) == ("xo_cnn", XO.title, None)
    assert document["image"] == "test image 8"
    assert "kernels-curve.png" in document["pictures"]
    assert document["scale"] == [0, 1]
    (tmp_path / "patches.yaml").write_text("diagonal: [[1, -1, -1], [-1, 1, -1], [-1, -1, 1]]")
    _, document, _ = kernels("xo_cnn", "--mean", "--kernels", tmp_path / "patches.yaml", "--image", 8)
    assert "kernels-curve.png" not in document["pictures"]
    assert document["scale"] == [-1, 1]
    found = arrays_of(document)
    assert_array_equal(found["picture"], 2 * (image / 255) - 1)
    patch = 2 * np.eye(3) - 1
    assert_allclose(found["diagonal"], correlate2d(found["picture"][..., 0], patch, mode="valid") / 9)
    assert found["diagonal"].max() == 1  # a full match


@pytest.mark.usefixtures("unrendered")
def test_standardized_channels_have_no_black_and_white(kernels, tmp_path):
    (tmp_path / "it.yaml").write_text(
        "name: it\n"
        "dataset: {name: colors, validation_size: 0, standardize: true}\n"
        "model: {layers: [Flatten, {Dense: {units: 6, activation: softmax}}]}\n"
    )
    _, document, said = kernels(tmp_path / "it.yaml", "--mean")
    assert document["scale"] == [0, 1]
    assert arrays_of(document)["picture"].min() >= 0
    assert (
        "test image 0: black and white are other numbers in each channel; the kernels are applied to "
        "brightness from 0 to 1" in said
    )


def test_what_a_signed_image_looks_like(tmp_path, monkeypatch):
    """Black is −1 and white 1, in the image and in what keeps its brightness."""
    from cnnlab.pictures.drawings import units

    drawn = []
    draw = units.kernel_effects
    monkeypatch.setattr(
        units, "kernel_effects", lambda *given, **said: drawn.append(given) or draw(*given, **said)
    )
    x = as_they_are()[0, ..., 0]
    np.save(tmp_path / "x.npy", x)
    assert cnnlab.explain("kernels", picture=tmp_path / "x.npy", out=tmp_path).figures["kernels"]
    ((picture, _, answers, pictures),) = drawn
    assert_array_equal(np.unique(picture), [0, 1])
    assert set(pictures) == {"sharpness", "identity", "blur"}
    assert_array_equal(answers["identity"], x[1:-1, 1:-1])
    assert_array_equal(pictures["identity"], (x[1:-1, 1:-1] + 1) / 2)


@pytest.mark.parametrize(
    ("array", "scale", "values"),
    [
        pytest.param(np.array([[0, 255]], np.uint8), (0, 1), [0, 1], id="bytes"),
        pytest.param(np.array([[0, 0.25]], np.float16), (0, 1), [0, 0.25], id="floats"),
        pytest.param(np.array([[-1, 1]]), (-1, 1), [-1, 1], id="signed"),
        pytest.param(np.array([[False, True]]), (0, 1), [0, 1], id="booleans"),
        pytest.param(np.array([[0, -0.001]]), (-1, 1), [0, -0.001], id="a little below 0"),
    ],
)
def test_black_and_white_where_nobody_says_them(tmp_path, array, scale, values):
    np.save(tmp_path / "it.npy", array)
    found = read_array_image(tmp_path / "it.npy")
    assert found.scale == scale
    assert found.values.shape == (1, 2, 1)
    assert_array_equal(found.values[0, :, 0], values)


def test_bytes_on_another_scale_stay_what_they_are(tmp_path):
    np.save(tmp_path / "it.npy", np.array([[0, 2]], np.uint8))
    found = read_array_image(tmp_path / "it.npy", (0.0, 2.0))
    assert (found.scale, found.values.ravel().tolist()) == ((0, 2), [0, 2])


NO_IMAGE = (
    "kernels: expected an image; name a run or an experiment that has images, or give a file with --picture"
)
LIMITS = "expected two ascending numbers from -1,000,000,000 to 1,000,000,000"
BAD = {
    "no image": ("", NO_IMAGE),
    "no images": ("alexnet", NO_IMAGE),
    "index": ("xo_cnn --image 9999", "--image 9999: expected 0 to 999, the test images of xo_cnn"),
    "scale of a picture": (
        "--picture {folder}/it.png --scale 0 1",
        "--scale: has no effect without a .npy or .npz file as --picture; leave it out",
    ),
    "scale backwards": ("--picture {folder}/it.npy --scale 1 0", f"--scale: {LIMITS}, found 1 0"),
    "scale too large": ("--picture {folder}/it.npy --scale 0 1e10", f"--scale: {LIMITS}, found 0 1e+10"),
    "scale of nothing": (
        "--picture {folder}/it.npy --scale nan 1", "--scale: expected a finite number, found nan"
    ),
    "beyond the scale": (
        "--picture {folder}/it.npy --scale 0.5 1",
        "{folder}/it.npy: expected numbers from 0.5 to 1, found 0 to 1",
    ),
    "beyond the recorded scale": (
        "--picture {folder}/recorded.npz", "{folder}/recorded.npz: expected numbers from 2 to 3, found 0 to 1"
    ),
    "several arrays": (
        "--picture {folder}/several.npz",
        "{folder}/several.npz: expected one array, or one called image, found a, b, c, d, e, …",
    ),
    "no array": (
        "--picture {folder}/none.npz",
        "{folder}/none.npz: expected one array, or one called image, found none",
    ),
    "missing": ("--picture {folder}/none.npy", "{folder}/none.npy: no such file"),
    "folder": ("--picture {folder}/folder.npz", "{folder}/folder.npz: not a regular file"),
    "too small": ("--picture {folder}/it.npy", "sharpness: the 3×3 kernel does not fit the 2×2 picture"),
    "too small for one's own": (
        "--picture {folder}/it.npy --kernels {folder}/mine.yaml",
        "{folder}/mine.yaml:2:7: wide: the 1×3 kernel does not fit it.npy, which is 2×2",
    ),
    "data of an experiment": (
        "xo_cnn --picture {folder}/it.png --data-dir {folder}",
        "--data-dir: has no effect with an image file of your own; leave it out",
    ),
    "name": (
        "--picture {folder}/it.npy --kernels {folder}/taken.yaml",
        "{folder}/taken.yaml:1:1: Picture: this name is reserved; choose another",
    ),
}  # fmt: skip
"""What is wrong with a file alone is in tests/corpus: array-image and kernels."""


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_bad_input(kernels, tmp_path, arguments, message):
    np.save(tmp_path / "it.npy", np.eye(2))
    Image.new("L", (9, 9)).save(tmp_path / "it.png")
    (tmp_path / "folder.npz").mkdir()
    np.savez(tmp_path / "recorded.npz", image=np.eye(2), scale=[2.0, 3.0])
    np.savez(tmp_path / "several.npz", **dict.fromkeys("abcdefg", np.eye(2)))
    np.savez(tmp_path / "none.npz", scale=[2.0, 3.0])
    (tmp_path / "mine.yaml").write_text("even: [[1, 0], [0, 1]]\nwide: [[1, 2, 3]]\n")
    (tmp_path / "taken.yaml").write_text("Picture: [[1]]\n")
    code, _, said = kernels(*arguments.format(folder=tmp_path).split())
    assert (code, said) == (2, message.format(folder=tmp_path) + "\n")


@pytest.mark.usefixtures("unrendered")
def test_a_picture_s_scale_is_no_option(kernels, tmp_path):
    """What may not be given is not recorded as if it had been."""
    Image.new("L", (9, 9), 255).save(tmp_path / "it.png")
    _, document, _ = kernels("--picture", tmp_path / "it.png")
    assert (document["options"]["scale"], document["scale"]) == (None, [0, 1])


def test_help_says_which_number_is_black(capsys):
    assert run(["explain", "kernels", "--help"]) == 0
    assert "--scale BLACK WHITE" in capsys.readouterr().out


def test_python_says_the_same(tmp_path):
    np.save(tmp_path / "it.npy", np.eye(9))
    found = cnnlab.explain("kernels", picture=tmp_path / "it.npy", scale=(0, 2), mean=True, out=tmp_path)
    assert found.as_dict()["options"]["scale"] == [0, 2]
    assert_allclose(found.arrays["identity"], np.eye(9)[1:-1, 1:-1] / 9)
    with pytest.raises(UserError, match=r"^scale: expected two ascending numbers"):
        cnnlab.explain("kernels", picture=tmp_path / "it.npy", scale=(2, 0), out=tmp_path)
    for pair in ([0, 2], np.array([0, 2]), [np.float32(0), np.int64(2)]):
        again = cnnlab.explain("kernels", picture=tmp_path / "it.npy", scale=pair, mean=True, out=tmp_path)
        assert again.as_dict()["options"] == found.as_dict()["options"]
    for wrong, said in (((1,), "a list of 1"), ([0, 1, 2], "a list of 3"), (3, "3"), ("01", "'01'")):
        with pytest.raises(UserError, match=rf"^scale: expected two numbers, found {said}$"):
            cnnlab.explain("kernels", picture=tmp_path / "it.npy", scale=wrong, out=tmp_path)
    with pytest.raises(UserError, match=r"^image and picture exclude each other$"):
        cnnlab.explain("kernels", picture=tmp_path / "it.npy", image=1, out=tmp_path)
