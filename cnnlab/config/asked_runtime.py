"""What a trained network is computed with, if not what it was trained with."""

from __future__ import annotations

from typing import get_args

from pydantic import ValidationError

from cnnlab.config.sections import RuntimeConfig
from cnnlab.cpu_settings import KerasBackendName
from cnnlab.errors import OptionError, closest
from cnnlab.language.fields import mistakes


def asked_runtime(before: RuntimeConfig, *, backend: str | None, device: str | None) -> RuntimeConfig:
    """`before`, with what the user asks for; None: as before. Keras computes, on one device.

    Raises:
        OptionError: there is no such backend or device.
    """
    if backend is not None and backend not in get_args(KerasBackendName):
        if match := closest(str(backend), get_args(KerasBackendName)):
            raise OptionError("backend", f"unknown value {backend!r}; did you mean {match}?")
        why = "a trained network is computed by Keras; " if backend == "scratch" else ""
        raise OptionError("backend", f"{why}expected tensorflow, jax or torch, found {backend!r:.60}")
    asked = {key: value for key, value in (("backend", backend), ("device", device)) if value is not None}
    kept = before.model_dump(exclude={"convolution", "distribution"})  # of the training alone
    try:
        return RuntimeConfig.model_validate(kept | asked)
    except ValidationError as error:
        ((option,), problem), *_ = mistakes(error)
        raise OptionError(str(option), problem) from None
