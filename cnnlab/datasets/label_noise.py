"""Which training labels are wrong on purpose."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from cnnlab.language.fields import NonNegative, Settings, as_written


class LabelNoise(Settings):
    """A share of the training labels, each replaced by another class."""

    about: ClassVar[str] = (
        "Replace a share of the training labels by another class, any with the same probability. Validation "
        "and test labels stay as they are.\n\n"
        "All seeds of an experiment have the same wrong labels (Zhang et al. 2017, arXiv 1611.03530)."
    )

    share: Annotated[float, Field(gt=0, le=1)] = Field(
        description="The share of the training images that get another label."
    )
    seed: NonNegative = Field(0, description="Draws the images and their labels; not the run's seed.")


def _share_alone(value: Any) -> Any:
    """0.1 → {share: 0.1}, 0 → none; whatever else comes is left for the field's own check."""
    if isinstance(value, bool | str | list | tuple):
        raise ValueError(f"expected a share, or share and seed such as {{share: 0.1, seed: 0}}; found "
                         f"{as_written(value)}")  # fmt: skip
    if isinstance(value, int | float):
        if not 0 <= value <= 1:
            raise ValueError(f"expected a share from 0 to 1, found {as_written(value)}")
        return {"share": float(value)} if value else None
    return value


LabelNoiseField = Annotated[LabelNoise | None, BeforeValidator(_share_alone)]
