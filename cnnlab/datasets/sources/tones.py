"""Sounds as pictures: which of six kinds, seen on a spectrogram?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from cnnlab.datasets.base import ImageKind
from cnnlab.datasets.sources.generated import DrawnCount, Generated
from cnnlab.language.fields import Shape, Share

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.datasets.drawn.random_stream import RandomStream


class Tones(Generated):
    """A sine and a Fourier transform are exact up to a machine's last digit, and so, rarely, is a pixel."""

    about: ClassVar[str] = (
        "Spectrograms of synthetic sounds: time from top to bottom, frequency from left (low) to right "
        "(high).\n\n"
        "Brightness is loudness in decibels, full at the loudest point, black 50 dB below it. noise is "
        "the standard deviation of white noise relative to the sound's; the class noise is nothing else. "
        "difficulty makes glides shorter, vibrato narrower and clicks rarer. Rarely a pixel differs "
        "between machines."
    )

    name: Literal["tones"] = "tones"
    size: Annotated[int, Field(ge=16, le=128)] = Field(
        32, description="Points in time, and as many in frequency."
    )
    train_count: DrawnCount = 3_000
    noise: Share = 0.3

    image_kind: ClassVar[ImageKind] = "other"
    title: ClassVar[str] = "Tones"
    all_classes: ClassVar[tuple[str, ...]] = (
        "steady tone",
        "rising chirp",
        "falling chirp",
        "vibrato",
        "clicks",
        "noise",
    )

    @property
    def image_shape(self) -> Shape:
        return (self.size, self.size, 1)

    def draw(self, count: int, stream: RandomStream) -> tuple[np.ndarray, np.ndarray]:
        from cnnlab.datasets.drawn.sounds import sounds, spectrograms

        labels = stream.balanced(count, len(self.all_classes))
        waves = sounds(labels, stream, size=self.size, noise=self.noise, difficulty=self.difficulty)
        return spectrograms(waves, size=self.size), labels
