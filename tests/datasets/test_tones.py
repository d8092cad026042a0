"""Spectrograms against the frequencies that went in."""

import numpy as np
import pytest

from cnnlab.datasets import DATASETS
from cnnlab.datasets.drawn.sounds import CLICKS, FALLING, NOISE, RISING, STEADY, VIBRATO, spectrograms

SIZE = 32


def drawn(**fields):
    content = DATASETS["tones"](**{"train_count": 120, "test_count": 10, "noise": 0.02, **fields}).read(None)
    return content.train_images[..., 0].astype(int), content.train_labels


def peaks(images):
    """The loudest frequency at each time: (N, size)."""
    return images.argmax(axis=2)


@pytest.mark.parametrize("frequency", [0.1, 0.21, 0.37])
def test_the_peak_of_a_sine_is_at_its_frequency(frequency):
    time = np.arange(SIZE * (SIZE + 1))
    [image] = spectrograms(np.sin(2 * np.pi * frequency * time)[None].astype(np.float32), size=SIZE)[..., 0]
    columns = image.argmax(axis=1)
    assert np.all(abs((columns + 1) / (2 * SIZE) - frequency) <= 0.5 / (2 * SIZE) + 1e-9)
    assert image.max() == 255


def test_loudness_is_in_decibels():
    time = np.arange(SIZE * (SIZE + 1))
    loud, soft = (np.sin(2 * np.pi * bin / 64 * time) for bin in (16, 24))
    [image] = spectrograms((loud + 0.1 * soft)[None].astype(np.float32), size=SIZE)[..., 0].astype(int)
    assert np.median(image[:, 15]) == 255
    assert np.median(image[:, 23]) == pytest.approx(255 * (1 - 20 / 50), abs=2)  # a tenth is 20 dB less


def test_steady_tones_stay_and_chirps_glide():
    images, labels = drawn()
    steady, rising, falling = (peaks(images[labels == kind]) for kind in (STEADY, RISING, FALLING))
    assert np.all(np.ptp(steady, axis=1) <= 1)
    assert np.all(np.diff(rising, axis=1) >= 0)
    assert np.all(np.diff(falling, axis=1) <= 0)
    assert np.all(rising[:, -1] - rising[:, 0] >= 8)
    assert np.all(falling[:, 0] - falling[:, -1] >= 8)


def test_vibrato_goes_up_and_down_around_its_middle():
    images, labels = drawn()
    for track in peaks(images[labels == VIBRATO]):
        middle = (track.max() + track.min()) / 2
        above = track > middle
        assert np.sum(above[1:] != above[:-1]) >= 4
        assert 1 <= np.ptp(track) <= 14


def test_clicks_are_loud_at_all_frequencies_at_once_and_noise_everywhere():
    images, labels = drawn(noise=0.1)
    for image in images[labels == CLICKS]:
        loudest = image[:, :8].mean(axis=1)
        assert loudest.max() - np.median(loudest) > 40
    noise = images[labels == NOISE]
    assert np.std(noise.mean(axis=1), axis=1).max() < 20
    assert np.std(noise.mean(axis=2), axis=1).max() < 20


def test_noise_is_seen_beside_the_tone():
    quiet, loud = (drawn(noise=noise)[0][drawn()[1] == STEADY].mean() for noise in (0.02, 0.5))
    assert loud > quiet + 40
