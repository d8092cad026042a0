"""Synthetic sounds and their spectrograms. Time is in samples, frequency in cycles per sample."""

from __future__ import annotations

import numpy as np

from cnnlab.datasets.drawn.random_stream import RandomStream

LOWEST, HIGHEST = 0.06, 0.44
"""Frequencies of tones: below the highest that can be told from lower ones, 0.5."""

DECIBELS = 50.0
"""From black to white."""

STEADY, RISING, FALLING, VIBRATO, CLICKS, NOISE = range(6)


def sounds(
    labels: np.ndarray, stream: RandomStream, *, size: int, noise: float, difficulty: float
) -> np.ndarray:
    """One sound per label, long enough for `size` points in time: (N, samples) float32.

    A tone is the sine of the sum of its frequency over time, so that it glides without a jump.
    """
    count, samples = len(labels), size * (size + 1)
    time = np.arange(samples) / samples  # 0 to 1

    def between(low: np.ndarray | float, high: np.ndarray | float) -> np.ndarray:
        return low + (high - low) * stream.uniform((count, 1))

    glide = between(0.3 - 0.25 * difficulty, 0.3)
    swing = between(0.06 - 0.04 * difficulty, 0.08 - 0.04 * difficulty)
    swings = between(3.0, 6.0)
    kinds = labels[:, None]
    span = np.where(kinds == VIBRATO, 2 * swing, np.where((kinds == RISING) | (kinds == FALLING), glide, 0.0))
    start = between(LOWEST, HIGHEST - span)
    phase = between(0.0, 2 * np.pi)
    waves = np.empty((count, samples), dtype=np.float32)
    for index, kind in enumerate(labels):
        if kind == CLICKS:
            waves[index] = _clicks(stream, samples, size, difficulty)
            continue
        frequency = (
            start[index]
            + {
                STEADY: 0.0 * time,
                RISING: span[index] * time,
                FALLING: span[index] * (1 - time),
                VIBRATO: span[index] / 2 * (1 + np.sin(2 * np.pi * swings[index] * time)),
                NOISE: 0.0 * time,
            }[int(kind)]
        )
        waves[index] = np.sqrt(2) * np.sin(2 * np.pi * np.cumsum(frequency) + phase[index])
    loudness = np.where(kinds == NOISE, 1.0, noise)
    silent = np.where(kinds == NOISE, 0.0, 1.0)
    return np.asarray(waves * silent + loudness * stream.bell((count, samples)), dtype=np.float32)


def _clicks(stream: RandomStream, samples: int, size: int, difficulty: float) -> np.ndarray:
    """Short pulses at an even pace: three to eight of them, fewer where it is difficult. (samples,)"""
    number = int(stream.integers(3, 9 - round(3 * difficulty), 1)[0])
    first = int(stream.integers(0, samples // number, 1)[0])
    wave = np.zeros(samples)
    for place in range(first, samples, samples // number):
        wave[place : place + max(1, size // 16)] = np.sqrt(size)
    return wave


def spectrograms(waves: np.ndarray, *, size: int) -> np.ndarray:
    """Loudness over time and frequency: (N, samples) float32 → (N, size, size, 1) uint8.

    Windows of 2 · size samples (Hann), half overlapping; column k is the frequency (k + 1) / (2 · size).
    """
    window = np.hanning(2 * size + 1)[:-1]
    starts = np.arange(size) * ((waves.shape[1] - 2 * size) // (size - 1))
    images = np.empty((len(waves), size, size, 1), dtype=np.uint8)
    for index, wave in enumerate(waves):
        frames = wave[starts[:, None] + np.arange(2 * size)]  # (size, 2 · size)
        power = np.abs(np.fft.rfft(frames * window, axis=1)[:, 1:]) ** 2
        decibels = 10 * np.log10(np.maximum(power, 1e-12) / power.max())
        images[index, ..., 0] = np.rint(255 * np.clip(1 + decibels / DECIBELS, 0, 1))
    return images
