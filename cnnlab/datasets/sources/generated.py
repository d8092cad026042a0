"""What generated sets have in common: how many images, from which seed, how noisy and how hard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from cnnlab.datasets.base import DatasetConfig, DownloadProgress
from cnnlab.language.fields import NonNegative, Share, problem, problems

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.datasets.content import Content
    from cnnlab.datasets.data_paths import DataPaths
    from cnnlab.datasets.drawn.random_stream import RandomStream


GeneratorSeed = Annotated[
    NonNegative, Field(description="Draws the images; seed only chooses the validation images among them.")
]
DrawnCount = Annotated[int, Field(ge=10, le=1_000_000)]


class Generated(DatasetConfig):
    """A set that is drawn when it is loaded, and kept nowhere: a subclass gives its facts and `draw`."""

    generator_seed: GeneratorSeed = 0
    train_count: DrawnCount = Field(
        5_000, description="How many training images are generated, validation images included."
    )
    test_count: DrawnCount = Field(1_000, description="How many test images are generated.")
    noise: Share = Field(0.0, description="0: none; 1: nothing but noise.")
    difficulty: Share = Field(0.5, description="0: as easy as a textbook figure; 1: hard for people, too.")

    def draw(self, count: int, stream: RandomStream) -> tuple[np.ndarray, np.ndarray]:
        """Images (count, *image_shape) uint8 and labels (count,) int64, every class as often as possible."""
        self._missing("draw")

    def read(self, data_paths: DataPaths, *, progress: DownloadProgress | None = None) -> Content:
        """Draw the images; no file is looked for."""
        from cnnlab.datasets.content import Content
        from cnnlab.datasets.drawn.random_stream import RandomStream

        return Content.generated(
            train=self.draw(self.train_count, RandomStream(self.generator_seed, 0)),
            test=self.draw(self.test_count, RandomStream(self.generator_seed, 1)),
        )

    @model_validator(mode="after")
    def _enough_drawn(self) -> Self:
        used = self.train_size or self.train_count
        if used > self.train_count:
            message = f"expected at most {self.train_count} training images (train_count), found {used}"
            raise problems(problem(message, ("train_size",)))
        size = self.validation_size
        if isinstance(size, int) and used + size > self.train_count and size >= used:
            message = f"expected fewer than the {used} training images used, found {size}"
            raise problems(problem(message, ("validation_size",)))
        return self


SIDE = "Height and width of the images, in pixels."
Side = Annotated[int, Field(ge=16, le=128, description=SIDE)]
