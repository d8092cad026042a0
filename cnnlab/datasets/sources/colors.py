"""Six colours: generated pictures that a colour-blind network confuses and a tiny CNN tells apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from cnnlab.datasets.base import DatasetConfig, DownloadProgress
from cnnlab.datasets.sources.generated import GeneratorSeed
from cnnlab.language.fields import Shape

if TYPE_CHECKING:
    from cnnlab.datasets.content import Content
    from cnnlab.datasets.data_paths import DataPaths


class Colors(DatasetConfig):
    """Colored shapes, whose class is the color."""

    about: ClassVar[str] = (
        "Circles, rectangles, triangles, diamonds and thin lines; the class is the color, whatever the "
        "shape.\n\n"
        "28×28×3 images, 5,000 to train and 1,000 to test, generated in under a second and not stored. "
        "The six colors differ in brightness too, so gray values tell part of the answer: a dense network "
        "on gray values (784-128-64-6) reaches a test accuracy of 80.3% ± 1.7% (n=7), a CNN with 8 and 16 "
        "filters on colors 99.9% ± 0.1% (n=8), one with 2 and 3 filters anything from 17% to 100% (n=10, "
        "six above 95%)."
    )

    name: Literal["colors"] = "colors"
    generator_seed: GeneratorSeed = 0

    title: ClassVar[str] = "Colors"
    image_shape: ClassVar[Shape] = (28, 28, 3)
    all_classes: ClassVar[tuple[str, ...]] = ("red", "yellow", "green", "cyan", "blue", "purple")
    train_count: ClassVar[int] = 5_000
    test_count: ClassVar[int] = 1_000

    def read(self, data_paths: DataPaths, *, progress: DownloadProgress | None = None) -> Content:
        """Draw the pictures; no file is looked for."""
        from cnnlab.datasets.content import Content
        from cnnlab.datasets.drawn.colors import colored_shapes

        return Content.generated(
            train=colored_shapes(self.train_count, seed=[self.generator_seed, 0]),
            test=colored_shapes(self.test_count, seed=[self.generator_seed, 1]),
        )
