"""The field types of techniques' options. Python may give one value for several, a list, NumPy's numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from cnnlab.errors import OptionError, UserError
from cnnlab.files import can_be_path, expanded
from cnnlab.language.fields import as_written, without_numpy


def _as_whole_number(value: Any) -> Any:
    """NumPy's whole numbers are whole numbers, too; whatever else comes is left for the field's own check."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return value
    return operator.index(value)


def _as_several(value: Any) -> Any:
    """3 → (3,), [3, 5] → (3, 5): one value stands for a list of one."""
    value = without_numpy(value)
    if isinstance(value, list | range):
        return tuple(value)
    return value if value is None or isinstance(value, tuple | dict | set) else (value,)


def _two(numbers: str) -> Callable[[Any], Any]:
    def as_two(value: Any) -> Any:
        value = without_numpy(value)
        several = _as_several(value)
        if not isinstance(several, tuple) or len(several) != 2:
            found = f"a list of {len(value)}" if isinstance(value, list | tuple) else as_written(value)
            raise ValueError(f"expected two {numbers}, found {found}")
        return several

    return as_two


@dataclass(frozen=True)
class Metavar:
    """What stands for an option's values in its help, where that is not their type."""

    text: str


def _each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """What was given several times is looked at once."""
    return tuple(dict.fromkeys(values))


def _as_path(value: Any) -> Any:
    """A path that says something: Python takes '' for the current directory."""
    if not isinstance(value, str | Path) or not str(value).strip():
        raise ValueError(f"expected a file, found {as_written(value)}")
    path = expanded(value)
    if not can_be_path(path):
        raise ValueError(f"expected a file, found {as_written(str(value))}, which no file can be called")
    return path


def _as_class_name(value: Any) -> Any:
    """A class goes by its name or its number."""
    number = _as_whole_number(value)
    return str(number) if isinstance(number, int) and not isinstance(number, bool) else value


WholeNumber = Annotated[int, BeforeValidator(_as_whole_number)]
Index = Annotated[WholeNumber, Field(ge=0)]
"""The number of an image, a unit or a filter, counted from 0."""

Count = Annotated[WholeNumber, Field(ge=1)]
Several = BeforeValidator(_as_several)
EachOnce = AfterValidator(_each_once)
File = Annotated[Path, BeforeValidator(_as_path)]
ClassName = Annotated[str, BeforeValidator(_as_class_name)]

Indices = Annotated[tuple[Index, ...], Several, EachOnce]
TwoIndices = Annotated[tuple[Index, Index], BeforeValidator(_two("whole numbers"))]
TwoNumbers = Annotated[tuple[float, float], BeforeValidator(_two("numbers"))]
Files = Annotated[tuple[File, ...], Several, EachOnce]
Names = Annotated[tuple[str, ...], Several]

MOST_CLASSES = 10
"""Of so many classes the first image is looked at where none is named."""

Images = Annotated[
    Indices,
    Field(
        description="A test image by its index; by default the first image of each of the first "
        f"{MOST_CLASSES} classes."
    ),
]
Pictures = Annotated[
    Files,
    Field(
        description="A picture file, prepared as by `cnnlab predict`: cropped and scaled, and inverted where "
        "it is dark on light and the training images are light on dark."
    ),
]
LayerOfUnits = Annotated[
    str | None,
    Field(description="The layer of the units; by default the last convolution, else the last hidden layer."),
]
Seed = Annotated[Index, Field(description="Seed of the random numbers.")]


def option_error(error: ValidationError) -> UserError:
    """What settings say of their first wrong option, as the error that names it."""
    first = error.errors()[0]
    message = str(first.get("ctx", {}).get("message", first["msg"]))
    return OptionError(str(first["loc"][0]), message) if first["loc"] else UserError(message)
