"""How the pixels of all images change places before a network sees them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from cnnlab.language.fields import NonNegative, Positive, Settings, as_written


class PixelPermutation(Settings):
    """One permutation of the pixels, the same for every image."""

    about: ClassVar[str] = (
        "Let the pixels of all images change places, by one permutation for training, validation and test "
        "images: neighbors are then no longer neighbors.\n\n"
        "The channels of a pixel stay together. A network whose layers look at every pixel alike, such as a "
        "Dense one, learns as well as before."
    )

    seed: NonNegative = Field(0, description="Draws the permutation; not the run's seed.")
    block: Positive = Field(
        1, description="Height and width of the blocks that stay whole and change places; 1: single pixels."
    )


def _seed_alone(value: Any) -> Any:
    """3 → {seed: 3}; whatever else comes is left for the field's own check."""
    if isinstance(value, bool | float | str | list | tuple):
        raise ValueError(f"expected a seed, or seed and block such as {{seed: 0, block: 4}}; found "
                         f"{as_written(value)}")  # fmt: skip
    return {"seed": value} if isinstance(value, int) else value


PermutationField = Annotated[PixelPermutation | None, BeforeValidator(_seed_alone)]
