"""Folds of a cross-validation: which images test, and that nothing of them is trained on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from cnnlab.config.experiment import load_config
from cnnlab.datasets import DATASETS, OWN_DATA, load_dataset
from cnnlab.datasets.equal_images import picture_numbers
from cnnlab.datasets.fold import Fold
from cnnlab.datasets.folding import draw_folds
from cnnlab.errors import UserError


def by_class(labels, folds, of):
    """[class, fold] how many images."""
    return np.array([np.bincount(folds[labels == label], minlength=of) for label in np.unique(labels)])


@settings(max_examples=60)
@given(
    counts=st.lists(st.integers(2, 40), min_size=2, max_size=5),
    of=st.integers(2, 9),
    seed=st.integers(0, 2**40),
)
def test_folds_hold_as_many_of_each_class_as_possible(counts, of, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    folds = draw_folds(labels, np.arange(len(labels)), of=of, seed=seed)
    assert set(folds) <= set(range(of))
    shares = by_class(labels, folds, of)
    assert np.all(np.ptp(shares, axis=1) <= 1)
    assert np.ptp(shares.sum(axis=0)) <= 1  # the odd images of the classes are spread, too
    np.testing.assert_array_equal(shares.sum(axis=1), counts)


@settings(max_examples=60)
@given(
    pictures=st.lists(st.integers(0, 25), min_size=20, max_size=80),
    of=st.integers(2, 5),
    seed=st.integers(0, 1000),
)
def test_copies_of_a_picture_are_in_one_fold(pictures, of, seed):
    pictures = np.array(pictures)
    labels = pictures % 2
    folds = draw_folds(labels, pictures, of=of, seed=seed)
    for picture in np.unique(pictures):
        assert len(set(folds[pictures == picture])) == 1
    shares, most_copies = by_class(labels, folds, of), np.bincount(pictures).max()
    assert np.all(np.ptp(shares, axis=1) <= most_copies)


def test_copies_of_different_classes_are_in_one_fold_too():
    pictures = np.repeat(np.arange(12), 2)
    labels = np.tile([0, 1], 12)
    folds = draw_folds(labels, pictures, of=3, seed=0)
    np.testing.assert_array_equal(folds[::2], folds[1::2])
    np.testing.assert_array_equal(by_class(labels, folds, 3), np.full((2, 3), 4))


def test_a_seed_means_the_same_folds_everywhere():
    labels, pictures = np.arange(12) % 2, np.arange(12)
    drawn = {tuple(draw_folds(labels, pictures, of=3, seed=seed).tolist()) for seed in range(50)}
    assert len(drawn) > 45
    assert draw_folds(labels, pictures, of=3, seed=7).tolist() == PINNED


PINNED = [0, 1, 1, 1, 1, 0, 0, 2, 2, 2, 2, 0]
"""Published results depend on it."""


def test_picture_numbers_tell_pixels_apart():
    images = np.zeros((4, 2, 2, 1), np.uint8)
    images[1, 0, 0] = images[3, 1, 1] = 1
    assert picture_numbers(images).tolist() == [0, 1, 0, 2]


@pytest.fixture
def arrays(tmp_path):
    """Eighty pictures without a test set, of which ten are there twice."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (80, 6, 6), dtype=np.uint8)
    images[60:70] = images[50:60]
    np.savez(tmp_path / "own.npz", x_train=images, y_train=np.arange(80) % 2)
    return {"npz": str(tmp_path / "own.npz")}


def folds_of(config, data_paths, of=5):
    return [
        load_dataset(config.model_copy(update={"fold": Fold(of=of, index=index)}), data_paths)
        for index in range(of)
    ]


def pixels(split):
    return [image.tobytes() for image in split.images]


@pytest.mark.parametrize(
    "more",
    [
        {}, {"validation_size": 0}, {"data_format": "channels_first"}, {"train_size": 40}, {"seed": 3},
        {"label_noise": 0.2}, {"permute_pixels": 1}, {"standardize": True}, {"stratified": True},
    ],
    ids=lambda more: next(iter(more), "plain"),
)  # fmt: skip
def test_the_folds_test_every_picture_once_and_never_train_on_it(arrays, data_paths, more):
    if "stratified" in more:
        more = more | {"train_size": 40}
    config = OWN_DATA["npz"].model_validate({**arrays, "fold": {"of": 5, "index": 0}, **more})
    tested: list[bytes] = []
    for data in folds_of(config, data_paths):
        test = pixels(data.test)
        tested += test
        assert not set(test) & {*pixels(data.train), *pixels(data.validation)}
        assert abs(int(np.diff(np.bincount(data.test.labels))[0])) <= 2
        if more.get("train_size"):
            assert len(data.train) + len(data.validation) in (40, 44)
        else:
            assert len(data.train) + len(data.validation) + len(data.test) == 80
    assert len(tested) == 80
    assert len(set(tested)) == 70


def test_a_fold_says_what_it_is(arrays, data_paths):
    config = OWN_DATA["npz"].model_validate({**arrays, "fold": {"of": 5, "index": 3}})
    assert config.full_title == "own, fold 3 of 5"
    facts = [data.provenance.as_dict() for data in folds_of(config, data_paths)]
    assert [each["fold"] for each in facts] == [{"of": 5, "index": index} for index in range(5)]
    assert len({each["digest"] for each in facts}) == len({each["test_digest"] for each in facts}) == 5


def test_distorted_copies_are_still_copies(arrays, data_paths):
    plain = OWN_DATA["npz"].model_validate({**arrays, "fold": {"of": 4, "index": 0}})
    distorted = OWN_DATA["npz"].model_validate(
        {**arrays, "fold": {"of": 4, "index": 0}, "distort": {"rotation": 40}}
    )
    for before, after in zip(*(folds_of(each, data_paths, 4) for each in (plain, distorted)), strict=True):
        np.testing.assert_array_equal(before.test.labels, after.test.labels)
        assert len(set(pixels(after.test))) == len(after.test)
        assert before.provenance.test_digest != after.provenance.test_digest


def test_own_test_images_stay_unused_and_chosen_classes_alone_are_folded(data_paths):
    config = DATASETS["shapes"](train_count=90, test_count=30, size=16)
    source = config.read(data_paths)
    chosen = config.model_copy(update={"classes": config.all_classes[1:3]})
    for each, count in ((config, 90), (chosen, np.isin(source.train_labels, (1, 2)).sum())):
        tested = [image for data in folds_of(each, data_paths) for image in pixels(data.test)]
        assert len(tested) == count
        assert not set(tested) & {image.tobytes() for image in source.test_images}


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(1)
    for name, count in (("cat", 9), ("dog", 6)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(count):
            image = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
            image.save(tmp_path / "photos" / name / f"{index}.png")
    return tmp_path / "photos"


def test_a_folder_without_test_images_needs_none(photos, data_paths):
    config = OWN_DATA["folder"].model_validate({"folder": str(photos), "fold": {"of": 3, "index": 0}})
    datasets = folds_of(config, data_paths, 3)
    for data in datasets:
        np.testing.assert_array_equal(np.bincount(data.test.labels), [3, 2])
    tested = {image for data in datasets for image in pixels(data.test)}
    everything = OWN_DATA["folder"].model_validate({"folder": str(photos), "validation_size": 0})
    whole = load_dataset(everything, data_paths)
    assert tested == {*pixels(whole.train), *pixels(whole.test)}


def test_too_few_images_of_a_class_are_told_by_its_name(photos, arrays, data_paths):
    config = OWN_DATA["folder"].model_validate({"folder": str(photos), "fold": {"of": 7, "index": 0}})
    with pytest.raises(
        UserError, match=r"class 'dog' has 6 training images: fewer than the 7 folds"
    ) as error:
        load_dataset(config, data_paths)
    assert "use at most 6 folds, or add images of this class" in str(error.value)
    with np.load(arrays["npz"]) as npz:
        images, labels = npz["x_train"], npz["y_train"]
    images[labels == 1] = images[1]
    np.savez(arrays["npz"], x_train=images, y_train=labels)
    config = OWN_DATA["npz"].model_validate({**arrays, "fold": {"of": 5, "index": 0}})
    with pytest.raises(
        UserError, match="class '1' has 40 training images of 1 different picture, whose copies"
    ):
        load_dataset(config, data_paths)


def test_more_training_images_than_the_other_folds_have_are_refused(arrays, data_paths):
    config = OWN_DATA["npz"].model_validate({**arrays, "fold": {"of": 5, "index": 0}, "train_size": 70})
    with pytest.raises(UserError, match="the other folds of this own hold no more"):
        load_dataset(config, data_paths)


@pytest.mark.parametrize(
    ("fold", "message"),
    [
        ({"of": 1, "index": 0}, "expected 2 or more, found 1"),
        ({"of": 0, "index": 0}, "expected 2 or more, found 0"),
        ({"of": -5, "index": 0}, "expected 2 or more, found -5"),
        ({"of": 5, "index": 5}, "expected 0 to 4, as there are 5 folds; found 5"),
        ({"of": 5, "index": -1}, "expected 0 or more, found -1"),
        ({"of": 5}, "index"),
        (5, "expected a mapping"),
    ],
)
def test_impossible_folds_are_refused(fold, message):
    with pytest.raises(ValidationError) as error:
        DATASETS["colors"].model_validate({"name": "colors", "fold": fold})
    assert message in str(error.value)


def test_without_a_fold_test_arrays_are_needed(arrays):
    with pytest.raises(ValidationError) as error:
        OWN_DATA["npz"].model_validate(arrays)
    assert "found no x_test" in str(error.value)
    assert "cnnlab compare --folds 5" in str(error.value)


def test_a_test_size_beside_a_fold_is_warned_of(photos, tmp_path):
    text = f"dataset: {{folder: {photos}, fold: {{of: 3, index: 1}}, test_size: 0.4}}\n"
    (tmp_path / "own.yaml").write_text(
        text + "model: {layers: [Flatten, {Dense: {units: 2, activation: softmax}}]}\n"
    )
    config = load_config(str(tmp_path / "own.yaml"))
    assert any("test_size: has no effect: a fold tests" in each for each in config.idle())
    assert config.run_title == "own, seed 0, fold 1"
    assert config.with_fold(None).digest != config.digest
    assert config.with_fold(Fold(of=3, index=1)).digest == config.digest
