"""What a trained network is computed with, if not what it was trained with."""

from __future__ import annotations

from pydantic import ValidationError

from cnnlab.config.sections import RuntimeConfig
from cnnlab.errors import OptionError
from cnnlab.language.fields import mistakes


def asked_runtime(before: RuntimeConfig, *, backend: str | None, device: str | None) -> RuntimeConfig:
    """`before`, with what the user asks for; None: as before. Keras computes, whatever has trained.

    Raises:
        OptionError: there is no such backend or device.
    """
    if backend == "scratch":
        problem = "a trained network is computed by Keras; expected tensorflow, jax or torch"
        raise OptionError("backend", problem, value=backend)
    asked = {key: value for key, value in (("backend", backend), ("device", device)) if value is not None}
    try:
        return RuntimeConfig.model_validate(before.model_dump(exclude={"convolution"}) | asked)
    except ValidationError as error:
        ((option,), problem), *_ = mistakes(error)
        raise OptionError(str(option), problem) from None
