"""Pixels that change places: a permutation, the same for all images, and which images are which."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cnnlab.config.experiment import load_config
from cnnlab.datasets import DATASETS, OWN_DATA, DataPaths, load_dataset
from cnnlab.datasets.permutation import PixelPermutation
from cnnlab.datasets.permuting import permuted, pixel_order, unpermuted

PARTS = ("train", "validation", "test")


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**40),
    block=st.integers(1, 4),
    rows=st.integers(1, 5),
    columns=st.integers(2, 5),
)
def test_all_blocks_change_places_and_stay_whole(seed, block, rows, columns):
    height, width = rows * block, columns * block
    order = pixel_order(PixelPermutation(seed=seed, block=block), height, width)
    assert sorted(order) == list(range(height * width))
    assert np.all(order != np.arange(height * width))
    blocks = order.reshape(rows, block, columns, block).swapaxes(1, 2).reshape(-1, block, block)
    inside = np.arange(block)[:, None] * width + np.arange(block)
    np.testing.assert_array_equal(blocks - blocks[:, :1, :1], np.broadcast_to(inside, blocks.shape))
    top, left = np.divmod(blocks[:, 0, 0], width)
    assert not np.any(top % block)
    assert not np.any(left % block)


def test_other_seeds_are_other_permutations_and_a_seed_means_the_same_everywhere():
    orders = {tuple(pixel_order(PixelPermutation(seed=seed), 4, 4).tolist()) for seed in range(50)}
    assert len(orders) == 50
    assert pixel_order(PixelPermutation(seed=7), 4, 4).tolist() == PINNED


PINNED = [3, 8, 5, 12, 11, 13, 1, 10, 4, 14, 6, 2, 7, 15, 0, 9]
"""Published results depend on it."""


def test_one_permutation_for_all_parts_and_channels_stay_together(data_paths):
    plain = DATASETS["colored_shapes"](train_count=60, test_count=20)
    moved = plain.model_copy(update={"permute_pixels": PixelPermutation(seed=2)})
    first = moved.model_copy(update={"data_format": "channels_first"})
    before, after, turned = (load_dataset(each, data_paths) for each in (plain, moved, first))
    height, width, channels = plain.image_shape
    order = pixel_order(PixelPermutation(seed=2), height, width)
    assert channels == 3
    for part in PARTS:
        one, other = getattr(before, part), getattr(after, part)
        pixels = one.images.reshape(len(one), -1, channels)
        np.testing.assert_array_equal(other.images.reshape(pixels.shape), pixels[:, order])
        np.testing.assert_array_equal(getattr(turned, part).images, other.images.transpose(0, 3, 1, 2))
        np.testing.assert_array_equal(other.labels, one.labels)
    np.testing.assert_array_equal(after.pixels.factor, before.pixels.factor)


def test_digests_are_those_of_the_raw_images(data_paths):
    """Runs on permuted and on plain images are tested on the same, and can be compared."""
    plain = DATASETS["xo"](train_count=60, test_count=20)
    moved = DATASETS["xo"](train_count=60, test_count=20, permute_pixels={"seed": 1, "block": 4})
    before, after = (load_dataset(each, data_paths).provenance for each in (plain, moved))
    assert (after.digest, after.test_digest) == (before.digest, before.test_digest)
    assert after.as_dict() == before.as_dict() | {"permute_pixels": {"seed": 1, "block": 4}}
    assert moved.full_title == "X or O, 4×4 blocks permuted"
    assert DATASETS["xo"](permute_pixels=3).full_title == "X or O, pixels permuted"


def test_the_way_back():
    config = DATASETS["mnist"](permute_pixels={"seed": 5, "block": 7})
    rng = np.random.default_rng(0)
    for shape in ((3, 28, 28, 1), (2, 28, 28)):
        images = rng.random(shape)
        moved = permuted(images, config)
        assert np.any(moved != images)
        np.testing.assert_array_equal(unpermuted(moved, config), images)
    assert permuted(images, DATASETS["mnist"]()) is images


def test_images_that_stay_on_the_disk_are_permuted_there(tmp_path, monkeypatch):
    config = DATASETS["xo"](size=12, permute_pixels={"block": 3})
    images = np.random.default_rng(0).integers(256, size=(5, 12, 12, 1), dtype=np.uint8)
    mapped = np.memmap(tmp_path / "images", dtype=np.uint8, mode="w+", shape=images.shape)
    mapped[:] = images
    monkeypatch.setattr("cnnlab.datasets.memory_mapped.free_memory", lambda: 0)
    found = permuted(mapped, config)
    assert isinstance(found, np.memmap)
    monkeypatch.undo()
    np.testing.assert_array_equal(found, permuted(images, config))


def test_it_counts_in_the_digest_only_where_it_is_set():
    plain = load_config("cnn")
    assert load_config("cnn", ["dataset.permute_pixels=null"]).digest == plain.digest
    moved = load_config("cnn", ["dataset.permute_pixels=3"]).digest
    assert load_config("cnn", ["dataset.permute_pixels={seed: 3, block: 1}"]).digest == moved
    others = ("4", "{seed: 3, block: 2}")
    digests = {load_config("cnn", [f"dataset.permute_pixels={each}"]).digest for each in others}
    assert len({plain.digest, moved, *digests}) == 4


@pytest.mark.parametrize(
    ("value", "place", "message"),
    [
        pytest.param(
            {"block": 5}, ("block",),
            "blocks of 5×5 do not divide images of 28×28; expected one of 1, 2, 4, 7, 14", id="no divisor",
        ),
        pytest.param(
            {"block": 28}, ("block",),
            "one block of 28×28 is the whole image, and nothing changes places; "
            "expected one of 1, 2, 4, 7, 14",
            id="whole image",
        ),
        pytest.param({"block": 0}, ("block",), "expected 1 or more, found 0", id="no block"),
        pytest.param(-1, ("seed",), "expected 0 or more, found -1", id="negative"),
        pytest.param(
            True, (), "expected a seed, or seed and block such as {seed: 0, block: 4}; found true", id="true"
        ),
        pytest.param({"blocks": 2}, ("blocks",), "unknown key; did you mean block?", id="unknown"),
    ],
)  # fmt: skip
def test_settings_that_are_refused(value, place, message):
    with pytest.raises(ValidationError) as caught:
        DATASETS["mnist"](permute_pixels=value)
    found = [(each["loc"], each["msg"]) for each in caught.value.errors()]
    assert found == [(("permute_pixels", *place), message)]


def test_a_block_that_does_not_fit_is_found_in_the_file(tmp_path):
    from cnnlab.errors import UserError

    path = tmp_path / "mine.yaml"
    path.write_text(
        "dataset:\n  name: xo\n  permute_pixels: {block: 3}\n"
        "model: {layers: [Flatten, {Dense: {units: 2, activation: softmax}}]}\n"
    )
    with pytest.raises(UserError) as caught:
        load_config(str(path))
    assert str(caught.value).startswith(
        f"{path}:3:27: dataset.permute_pixels.block: blocks of 3×3 do not divide images of 16×16"
    )


def test_images_of_the_users_own_are_permuted_too(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {f"x_{part}": rng.integers(256, size=(20, 6, 9), dtype=np.uint8) for part in ("train", "test")}
    labels = {f"y_{part}": np.arange(20) % 2 for part in ("train", "test")}
    np.savez(tmp_path / "own.npz", **arrays, **labels)
    config = OWN_DATA["npz"](npz=str(tmp_path / "own.npz"), permute_pixels={"block": 3})
    data = load_dataset(config, DataPaths(None, tmp_path, tmp_path))
    np.testing.assert_array_equal(data.test.images, permuted(arrays["x_test"][..., None], config))
    assert np.any(data.test.images[..., 0] != arrays["x_test"])
