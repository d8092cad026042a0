"""Sounds as pictures: which of six kinds, seen on a spectrogram?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from cnnlab.datasets.appearance import Appearance, ImageAxes
from cnnlab.datasets.base import ImageKind
from cnnlab.datasets.distortion import Distortion
from cnnlab.datasets.sources.generated import DrawnCount, Generated
from cnnlab.language.fields import Shape, Share

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.datasets.drawn.random_stream import RandomStream


class Tones(Generated):
    """A sine and a Fourier transform are exact up to a machine's last digit, and so, rarely, is a pixel."""

    about: ClassVar[str] = (
        "Spectrograms of synthetic sounds: each row of an image is a point in time, each column a frequency, "
        "the lowest first. Pictures show time across and frequency upwards.\n\n"
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

    @field_validator("distort", mode="after")
    @classmethod
    def _axes_stay(cls, value: Distortion | None) -> Distortion | None:
        if value is not None:
            raise ValueError(
                "a spectrogram has axes of time and frequency and cannot be turned, scaled or shifted; leave "
                "it out"
            )
        return value

    @property
    def image_shape(self) -> Shape:
        return (self.size, self.size, 1)

    @property
    def appearance(self) -> Appearance:
        """As a spectrogram is drawn: time across, frequency upwards."""
        units = (
            f"Across: time, windows of {2 * self.size} samples around {self.size} to {self.size**2:,}. "
            f"Upwards: frequency, {1 / (2 * self.size):.2g} to 0.5 cycles per sample"
        )
        return Appearance(axes=ImageAxes("time", "frequency", units, rows_across=True))

    def draw(self, count: int, stream: RandomStream) -> tuple[np.ndarray, np.ndarray]:
        from cnnlab.datasets.drawn.sounds import sounds, spectrograms

        labels = stream.balanced(count, len(self.all_classes))
        waves = sounds(labels, stream, size=self.size, noise=self.noise, difficulty=self.difficulty)
        return spectrograms(waves, size=self.size), labels
