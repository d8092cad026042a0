"""Settings that follow from files: what a config leaves out is looked up while it is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ModelWrapValidatorHandler, ValidationError
from pydantic_core import InitErrorDetails

from cnnlab.language.fields import Settings, problem, problems

Config = TypeVar("Config", bound=Settings)


def with_inferred(
    data: Any, infer: Callable[[Any], Any], handler: ModelWrapValidatorHandler[Config]
) -> Config:
    """Complete the data of a section, then check it; the mistakes of both are reported together."""
    mistakes: list[InitErrorDetails] = []
    try:
        data = infer(data)
    except ValidationError as error:
        mistakes += _details(error)
    try:
        config = handler(data)
    except ValidationError as error:
        mistakes += _details(error)
    if mistakes:
        raise problems(*mistakes)
    return config


def _details(error: ValidationError) -> list[InitErrorDetails]:
    return [problem(str(each["ctx"]["message"]), each["loc"], kind=each["type"]) for each in error.errors()]
