"""Classes chosen from a set, and stratified choices of training images."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cnnlab.datasets import DATASETS
from cnnlab.datasets.content import Content, Provenance, digest
from cnnlab.datasets.splits import split
from cnnlab.errors import UserError

NAMES = DATASETS["colors"]().class_names


def content(labels, test_labels=(0, 1, 2, 3, 4, 5)):
    """Image k of a part is full of k's two bytes."""

    def part(labels, start):
        numbers = np.arange(start, start + len(labels))
        images = np.stack(np.divmod(numbers, 256), axis=1).astype(np.uint8)
        return images[:, None, None, :].repeat(2, axis=1), np.asarray(labels, dtype=np.int64)

    arrays = (*part(labels, 0), *part(test_labels, 60_000))
    return Content(*arrays, Provenance("generated", "generated", digest(*arrays), digest(*arrays[2:])))


def numbers(part):
    return (part.images[:, 0, 0, 0].astype(int) * 256 + part.images[:, 0, 0, 1]).tolist()


def config(**fields):
    return DATASETS["colors"](**{"validation_size": 0, **fields})


def test_chosen_classes_are_numbered_in_the_order_of_the_choice():
    source = content([0, 1, 2, 3, 4, 5, 2, 0])
    data = split(source, config(classes=["green", "red"]))
    assert data.class_names == ("green", "red")
    assert numbers(data.train) == [0, 2, 6, 7]
    assert data.train.labels.tolist() == [1, 0, 0, 1]
    assert numbers(data.test) == [60_000, 60_002]
    assert data.test.labels.tolist() == [1, 0]
    assert data.provenance.test_digest != source.provenance.test_digest
    assert data.provenance.test_digest == digest(source.test_images[[0, 2]], np.array([1, 0]))


def test_a_network_for_chosen_classes_has_as_many_outputs():
    assert config(classes=["green", "red"]).num_classes == 2
    assert config().num_classes == 6


def test_sizes_count_chosen_images_only():
    labels = np.arange(600) % 6
    data = split(content(labels), config(classes=["red", "blue"], train_size=100, validation_size=50))
    assert (len(data.train), len(data.validation)) == (100, 50)
    with pytest.raises(UserError, match="expected at most 200 training images, found 300"):
        split(content(labels), config(classes=["red", "blue"], train_size=300))


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["red"], "expected two classes or more, found 1"),
        (["red", "red"], "class 'red' is given twice"),
        (["red", "geen"], "unknown class 'geen'; did you mean green?"),
    ],
)
def test_mistakes_in_classes_are_found_when_the_config_is_read(classes, message):
    with pytest.raises(ValidationError) as caught:
        config(classes=classes)
    assert [(error["loc"], error["msg"]) for error in caught.value.errors()] == [(("classes",), message)]


def test_a_chosen_class_that_the_files_lack_is_named():
    with pytest.raises(UserError, match="has no training images of 'blue'"):
        split(content([0, 1, 2]), config(classes=["red", "blue"]))
    with pytest.raises(UserError, match="has no test images of these classes"):
        split(content([0, 1, 2], test_labels=[5]), config(classes=["red", "yellow"]))


def test_what_decides_the_part_is_written_out():
    written = config().model_dump(mode="json")
    assert (written["classes"], written["stratified"]) == (None, False)
    assert config(classes=["red", "blue"]).model_dump(mode="json")["classes"] == ["red", "blue"]
    assert config(stratified=True).model_dump(mode="json")["stratified"] is True


@given(
    labels=st.lists(st.integers(0, 5), min_size=12, max_size=200),
    train_share=st.floats(0.2, 1),
    validation_size=st.floats(0, 0.5),
    seed=st.integers(0, 1000),
    stratified=st.booleans(),
)
def test_parts_never_overlap_and_have_the_sizes_asked_for(
    labels, train_share, validation_size, seed, stratified
):
    used = max(2, round(train_share * len(labels)))
    asked = config(train_size=used, validation_size=validation_size, seed=seed, stratified=stratified)
    try:
        data = split(content(labels), asked)
    except UserError as error:  # nothing else is refused: a class whose images would all validate
        (name,) = re.findall(r"takes all training images of class '(\w+)'", str(error))
        assert labels[:used].count(asked.class_names.index(name)) <= round(validation_size * used)
        return
    again = split(content(labels), asked)
    train, validation = numbers(data.train), numbers(data.validation)
    validating = round(validation_size * used)
    enough = used + validating <= len(labels)
    assert len(set(train) | set(validation)) == len(train) + len(validation)
    assert (len(train), len(validation)) == (used if enough else used - validating, validating)
    assert numbers(data.test) == [60_000 + index for index in range(6)]
    assert (numbers(again.train), numbers(again.validation)) == (train, validation)
    if stratified:
        drawn = sorted(train + ([] if enough else validation))
        for label in range(6):
            share = labels.count(label) * used / len(labels)
            assert abs(sum(labels[number] == label for number in drawn) - share) < 1
    else:
        assert sorted(train + validation) == list(range(max(used, len(train) + len(validation))))


def test_another_seed_draws_other_images():
    labels = np.arange(300) % 6
    first, other = (split(content(labels), config(train_size=60, stratified=True, seed=s)) for s in (0, 1))
    assert numbers(first.train) != numbers(other.train)
