"""One fold of a cross-validation: which part of the training images tests."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from cnnlab.language.fields import NonNegative, Settings, problem, problems


class Fold(Settings):
    """One of several equal parts of the training images, which tests instead of the test images."""

    about: ClassVar[str] = (
        "Divide the training images into folds, test on one and train on the others.\n\n"
        "Every class keeps its share in each fold, and copies of one picture are in one fold. dataset.seed "
        "draws the folds. Test images that the dataset has of its own stay unused."
    )

    of: Annotated[int, Field(ge=2)] = Field(description="How many folds there are.")
    index: NonNegative = Field(description="The fold that tests: 0 to of - 1.")

    def __str__(self) -> str:
        return f"fold {self.index} of {self.of}"

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if self.index >= self.of:
            message = f"expected 0 to {self.of - 1}, as there are {self.of} folds; found {self.index}"
            raise problems(problem(message, ("index",)))
        return self
