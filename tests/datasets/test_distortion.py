"""Images that are turned, scaled and shifted: against SciPy and exact cases, and which images are which."""

import errno
import os

import numpy as np
import pytest
from pydantic import ValidationError

from cnnlab.config.experiment import load_config
from cnnlab.datasets import DATASETS, OWN_DATA, DataPaths, load_dataset
from cnnlab.datasets.catalog import check_dataset
from cnnlab.datasets.content import digest
from cnnlab.datasets.distorting import ONE, distorted_images, random_maps, resampled_images
from cnnlab.datasets.distortion import Distortion
from cnnlab.datasets.loading import load_content
from cnnlab.errors import CnnlabError

IMAGES = np.random.default_rng(0).integers(256, size=(5, 9, 9, 2), dtype=np.uint8)
IDENTITY = np.array([ONE, 0, 0, 0, ONE, 0])


def resampled(images, numbers):
    return resampled_images(images, np.tile(np.asarray(numbers, np.int64), (len(images), 1)))


def test_the_identity_changes_nothing():
    np.testing.assert_array_equal(resampled(IMAGES, IDENTITY), IMAGES)


def test_a_quarter_turn_and_a_shift_by_whole_pixels_are_exact():
    turned = resampled(IMAGES, [0, ONE, 0, -ONE, 0, 0])
    np.testing.assert_array_equal(turned, np.rot90(IMAGES, -1, axes=(1, 2)))
    shifted = resampled(IMAGES, [ONE, 0, -2 * ONE, 0, ONE, ONE])
    np.testing.assert_array_equal(shifted[:, :-1, 2:], IMAGES[:, 1:, :-2])
    assert not shifted[:, -1].any()
    assert not shifted[:, :, :2].any()


@pytest.mark.parametrize("shape", [(9, 9, 2), (8, 13, 1), (1, 5, 3)])
def test_pixels_are_those_of_bilinear_interpolation(shape):
    """SciPy's, but for the rounding of positions to 1/256 of a pixel: one step of gray at most 2."""
    from scipy.ndimage import map_coordinates

    height, width, channels = shape
    smooth = np.linspace(0, 255, height)[:, None, None] * np.linspace(0.2, 1, width)[:, None]
    images = np.tile(np.rint(smooth * np.ones(channels)).astype(np.uint8), (20, 1, 1, 1))
    distortion = Distortion(rotation=180, scale=(0.5, 2.0), shift=0.3)
    maps = random_maps(len(images), (height, width), distortion, part="train")
    found = distorted_images(images, distortion, part="train")
    x, y = np.arange(width) - (width - 1) / 2, (np.arange(height) - (height - 1) / 2)[:, None]
    for image, (a, b, c, d, e, f), changed in zip(images, maps / ONE, found, strict=True):
        at = [d * x + e * y + f + (height - 1) / 2 + 1, a * x + b * y + c + (width - 1) / 2 + 1]
        for channel in range(channels):
            framed = np.pad(image[..., channel].astype(float), 1)
            wanted = map_coordinates(framed, at, order=1, mode="grid-constant")
            np.testing.assert_allclose(changed[..., channel], wanted, atol=2.0)


def test_maps_keep_to_their_ranges():
    distortion = Distortion(rotation=45, scale=(0.7, 1.2), shift=0.1)
    maps = random_maps(2000, (28, 20), distortion, part="train") / ONE
    linear = maps[:, [0, 1, 3, 4]].reshape(-1, 2, 2)
    factors = 1 / np.sqrt(np.linalg.det(linear))
    angles = np.rad2deg(np.arctan2(linear[:, 0, 1], linear[:, 0, 0]))
    shifts = -np.linalg.solve(linear, maps[:, [2, 5], None])[..., 0]
    for values, low, high in (
        (factors, 0.7, 1.2), (angles, -45, 45), (shifts[:, 0], -2, 2), (shifts[:, 1], -2.8, 2.8)
    ):  # fmt: skip
        margin = (high - low) / 100
        assert low - 1e-3 <= values.min() < low + margin
        assert high - margin < values.max() <= high + 1e-3
        assert abs(values.mean() - (low + high) / 2) < 3 * margin


def test_an_image_keeps_its_distortion():
    """Whatever else is used, asked for or changed: the same angle for image k of a part."""
    distortion = Distortion(rotation=45)
    few, many = (random_maps(count, (9, 9), distortion, part="train") for count in (3, 300))
    np.testing.assert_array_equal(few, many[:3])
    shifted = random_maps(3, (9, 9), Distortion(rotation=45, shift=0.1), part="train")
    np.testing.assert_array_equal(shifted[:, [0, 1, 3, 4]], few[:, [0, 1, 3, 4]])
    assert np.any(random_maps(3, (9, 9), distortion, part="test") != few)
    assert np.any(random_maps(3, (9, 9), Distortion(rotation=45, seed=1), part="train") != few)


def test_all_three_splits_are_distorted_and_labels_stay(data_paths):
    plain = DATASETS["shapes"](train_count=60, test_count=20)
    turned = plain.model_copy(update={"distort": Distortion(rotation=45, scale=(0.7, 1.2))})
    before, after = load_dataset(plain, data_paths), load_dataset(turned, data_paths)
    for name in ("train", "validation", "test"):
        one, other = getattr(before, name), getattr(after, name)
        np.testing.assert_array_equal(one.labels, other.labels)
        assert np.mean(np.any(one.images != other.images, axis=(1, 2, 3))) > 0.9, name
    again = load_dataset(turned.model_copy(update={"train_size": 30}), data_paths)
    np.testing.assert_array_equal(again.train.images, load_content(turned, data_paths).train_images[:30])
    np.testing.assert_array_equal(again.test.images, after.test.images)


def test_provenance_is_that_of_the_distorted_images(data_paths):
    config = DATASETS["shapes"](train_count=60, test_count=20, distort={"rotation": 45})
    content = load_content(config, data_paths)
    assert (config.title, config.full_title) == ("Shapes", "Shapes, distorted")
    parts = (content.train_images, content.train_labels, content.test_images, content.test_labels)
    assert content.provenance.digest == digest(*parts) == load_dataset(config, data_paths).provenance.digest
    assert content.provenance.test_digest == digest(*parts[2:])


def test_the_images_are_the_same_everywhere(data_paths):
    """Published results depend on them."""
    config = DATASETS["shapes"](distort={"rotation": 45, "scale": [0.7, 1.2], "shift": 0.1})
    assert load_content(config, data_paths).provenance.digest[:16] == "64ec3c2954b84596"


def test_it_counts_in_the_digest_only_where_it_is_set():
    plain = load_config("cnn")
    assert load_config("cnn", ["dataset.distort=null"]).digest == plain.digest
    turned = load_config("cnn", ["dataset.distort={rotation: 45}"]).digest
    assert load_config("cnn", ["dataset.distort={rotation: 45, shift: 0, seed: 0}"]).digest == turned
    others = ("{rotation: 30}", "{rotation: 45, seed: 1}", "{rotation: 45, shift: 0.1}")
    digests = {load_config("cnn", [f"dataset.distort={each}"]).digest for each in others}
    assert len({plain.digest, turned, *digests}) == 5


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        pytest.param(
            {}, (), "no image would change; set rotation, scale or shift, or leave distort out", id="nothing"
        ),
        pytest.param(
            {"scale": [1, 1], "seed": 3}, (),
            "no image would change; set rotation, scale or shift, or leave distort out", id="no effect",
        ),
        pytest.param({"rotation": 200}, ("rotation",), "expected 180 or less, found 200", id="rotation"),
        pytest.param(
            {"scale": [1.2, 0.7]}, ("scale",), "expected two ascending numbers, found [1.2, 0.7]", id="order"
        ),
        pytest.param({"scale": [0, 1]}, ("scale", 0), "expected 0.1 or more, found 0", id="scale"),
        pytest.param({"shift": 2}, ("shift",), "expected 1 or less, found 2", id="shift"),
        pytest.param({"rotate": 2}, ("rotate",), "unknown key; did you mean rotation?", id="unknown"),
    ],
)  # fmt: skip
def test_settings_that_are_refused(fields, place, message):
    with pytest.raises(ValidationError) as caught:
        DATASETS["mnist"](distort=fields)
    assert [(each["loc"], each["msg"]) for each in caught.value.errors()] == [(("distort", *place), message)]


def test_a_board_cannot_be_distorted():
    with pytest.raises(ValidationError) as caught:
        DATASETS["go"](distort={"rotation": 45})
    assert [each["msg"] for each in caught.value.errors()] == [
        "a position on a board and its next move cannot be turned, scaled or shifted; leave it out"
    ]


def test_a_diagram_cannot_be_distorted():
    with pytest.raises(ValidationError) as caught:
        DATASETS["tones"](distort={"shift": 0.1})
    [error] = caught.value.errors()
    assert error["loc"] == ("distort",)
    assert error["msg"] == (
        "a spectrogram has axes of time and frequency and cannot be turned, scaled or shifted; leave it out"
    )


def test_no_images_are_distorted_to_none():
    none = distorted_images(IMAGES[:0], Distortion(rotation=9), part="train")
    assert none.shape == (0, *IMAGES.shape[1:])


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC])
def test_a_disk_that_takes_no_distorted_images(tmp_path, monkeypatch, number):
    mapped = np.memmap(tmp_path / "images", dtype=np.uint8, mode="w+", shape=IMAGES.shape)
    monkeypatch.setattr("cnnlab.datasets.memory_mapped.free_memory", lambda: 0)

    def fails(**_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("tempfile.NamedTemporaryFile", fails)
    with pytest.raises(CnnlabError) as caught:
        distorted_images(mapped, Distortion(rotation=9), part="train")
    assert str(caught.value) == f"{tmp_path}: cannot be written: {os.strerror(number)}"


def test_duplicates_are_those_of_the_images_before_they_are_distorted(tmp_path):
    images = np.arange(40 * 9, dtype=np.uint32).astype(np.uint8).reshape(40, 3, 3)
    images[:, 0, 0] = np.arange(40)
    images[1] = images[0]
    labels = np.arange(40) % 2
    np.savez(
        tmp_path / "own.npz", x_train=images[:30], y_train=labels[:30], x_test=images[30:], y_test=labels[30:]
    )
    config = OWN_DATA["npz"](npz=str(tmp_path / "own.npz"), distort={"rotation": 45})
    checked = check_dataset(config, DataPaths(None, tmp_path, tmp_path))
    assert checked.inspection.duplicates.train == 1


def test_images_that_stay_on_the_disk_are_distorted_there(tmp_path, monkeypatch):
    mapped = np.memmap(tmp_path / "images", dtype=np.uint8, mode="w+", shape=IMAGES.shape)
    mapped[:] = IMAGES
    distortion = Distortion(rotation=45, scale=(0.7, 1.2))
    wanted = distorted_images(IMAGES, distortion, part="train")
    monkeypatch.setattr("cnnlab.datasets.memory_mapped.free_memory", lambda: 0)
    found = distorted_images(mapped, distortion, part="train")
    assert isinstance(found, np.memmap)
    assert [each.name for each in tmp_path.iterdir()] == ["images"]
    np.testing.assert_array_equal(found, wanted)


def test_validation_images_that_the_source_sets_apart_are_distorted_too(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        f"{kind}_{part}": rng.integers(0, 256, (20, 9, 9), dtype=np.uint8)
        if kind == "x"
        else np.arange(20) % 2
        for kind in "xy"
        for part in ("train", "val", "test")
    }
    np.savez(tmp_path / "set.npz", **arrays)
    plain, turned = (
        load_dataset(
            OWN_DATA["npz"](npz=str(tmp_path / "set.npz"), distort=each), DataPaths.from_environment(None)
        )
        for each in (None, {"rotation": 45})
    )
    distortion = Distortion(rotation=45)
    assert len(turned.validation) == 20
    for name in ("train", "validation", "test"):
        before, after = getattr(plain, name), getattr(turned, name)
        np.testing.assert_array_equal(after.images, distorted_images(before.images, distortion, part=name))
        np.testing.assert_array_equal(after.labels, before.labels)
    assert turned.provenance.digest != plain.provenance.digest
