"""Sounds as pictures: which of six kinds, seen on a spectrogram?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from cnnlab.datasets.base import ImageKind
from cnnlab.datasets.sources.generated import Generated
from cnnlab.language.fields import Shape, Share

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.datasets.drawn.random_stream import RandomStream


class Tones(Generated):
    """Spectrograms of synthetic sounds: time from top to bottom, frequency from left (low) to right (high).

    Brightness is loudness in decibels, full at the loudest point, black 50 dB below it. `noise` is the
    loudness of white noise beside the sound's own, both as standard deviations; the class "noise" is nothing
    else. `difficulty` makes glides shorter, vibrato narrower and clicks rarer. A sine and a Fourier
    transform are up to the machine's last digit, and so, rarely, is a pixel: not bit-identical everywhere.
    """

    name: Literal["tones"] = "tones"
    size: Annotated[int, Field(ge=16, le=128)] = 32
    """Points in time, and as many in frequency."""

    train_count: Annotated[int, Field(ge=10, le=1_000_000)] = 3_000
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
