"""Noise in three channels: what is drawn is what Li, Zhang & Arora describe."""

import numpy as np
import pytest

from cnnlab.datasets import DATASETS
from cnnlab.datasets.drawn.channel_norms import channel_sums


def drawn(**fields):
    content = DATASETS["larger_norm"](train_count=2000, test_count=10, **fields).read(None)
    return content.train_images, content.train_labels


def test_the_class_is_the_channel_with_the_larger_norm():
    for fields in ({}, {"size": 4}, {"difficulty": 0.0}):
        images, labels = drawn(**fields)
        assert channel_sums(images).argmax(axis=1).tolist() == labels.tolist()


def test_norms_are_those_of_what_networks_see():
    images, _ = drawn(size=4)
    seen = images / 255 * 8 - 4
    expected = (seen[..., :2] ** 2).sum(axis=(1, 2)) * (255 / 4) ** 2
    np.testing.assert_allclose(channel_sums(images), expected, rtol=1e-12)


def test_pixels_are_independent_and_normal():
    """Mean 0 and variance 1 in every channel, no correlation between neighbors or channels."""
    images, labels = drawn()
    seen = images / 255 * 8 - 4
    tolerance = 4 / np.sqrt(seen[..., 0].size)
    for channel in range(3):
        assert abs(seen[..., channel].mean()) < tolerance
        assert seen[..., channel].std() == pytest.approx(1, abs=0.01)
    assert abs((seen[:, :, 1:] * seen[:, :, :-1]).mean()) < tolerance
    assert abs((seen[..., 0] * seen[..., 1]).mean()) < tolerance
    assert abs(seen[labels == 0].mean() - seen[labels == 1].mean()) < 2 * tolerance


def test_it_gets_easier_and_noisier():
    def separation(**fields):
        images, labels = drawn(**fields)
        sums = channel_sums(images).astype(float)
        larger = sums[np.arange(len(labels)), labels] / sums.sum(axis=1)
        return larger.mean()

    assert 0.5 < separation() < separation(difficulty=0.5) < separation(difficulty=0.0)
    assert separation(noise=1.0) == pytest.approx(0.5, abs=0.002)
    assert 0.5 < separation(noise=0.5) < separation()
