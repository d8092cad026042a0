"""A generated dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from cnnlab.datasets.sources.generated import Generated
from cnnlab.language.fields import Shape

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.datasets.drawn.random_stream import RandomStream


class Stripes(Generated):
    """Horizontal or vertical stripes."""

    about: ClassVar[str] = (
        "Horizontal or vertical stripes, two pixels wide.\n\n"
        "noise is the share of pixels that are replaced by random ones. difficulty lowers the contrast."
    )

    name: Literal["stripes"] = "stripes"

    title: ClassVar[str] = "Stripes"
    image_shape: ClassVar[Shape] = (16, 16, 1)
    all_classes: ClassVar[tuple[str, ...]] = ("horizontal", "vertical")

    def draw(self, count: int, stream: RandomStream) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        labels = stream.balanced(count, 2)
        bright = (np.arange(16) + stream.integers(0, 4, (count, 1))) % 4 < 2  # (count, 16)
        stripes = np.where(labels[:, None, None] == 0, bright[:, :, None], bright[:, None, :])
        images = stripes * (255 - round(200 * self.difficulty))
        replaced = stream.uniform(images.shape) < self.noise
        images = np.where(replaced, stream.integers(0, 256, images.shape), images)
        return images[..., None].astype(np.uint8), labels
