"""A training set too large for the memory is read step by step; the weights are the same, bit for bit."""

from dataclasses import replace

import numpy as np
import pytest

from cnnlab.datasets.content import Split
from cnnlab.training.steps import gathered


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    """on_disk(data) → the same data with its training images in a file, too large for the memory."""

    def move(data):
        images = data.train.images
        copy = np.memmap(tmp_path / "images.u8", dtype=np.uint8, mode="w+", shape=images.shape)
        copy[:] = images
        monkeypatch.setattr("cnnlab.datasets.memory_mapped.free_memory", lambda: 1000)
        return replace(data, train=Split(copy, data.train.labels))

    return move


def test_images_on_disk_train_the_same_weights(
    trained, experiment, cnn, dataset, weights_of, on_disk
) -> None:
    config = experiment(cnn, training="epochs: 2, batch_size: 16")
    data = dataset()
    in_memory = trained(config, data)
    expected = weights_of(in_memory)
    history = [(row["loss"], row["accuracy"]) for row in in_memory.history]
    streamed = trained(config.model_copy(update={"name": "streamed"}), on_disk(data))
    assert [(row["loss"], row["accuracy"]) for row in streamed.history] == history
    for one, other in zip(expected, weights_of(streamed), strict=True):
        np.testing.assert_array_equal(one, other)


def test_gathered_images_are_those_of_the_batches() -> None:
    rng = np.random.default_rng(0)
    train = Split(rng.integers(256, size=(30, 4, 4, 1), dtype=np.uint8), np.arange(30) % 7)
    batches = rng.permutation(30)[:20].astype(np.int32).reshape(4, 5)
    images, labels, positions = gathered(train, batches)
    np.testing.assert_array_equal(images[positions], train.images[batches])
    np.testing.assert_array_equal(labels[positions], train.labels[batches])
    assert labels.dtype == positions.dtype == np.int32
