"""Whether this device is slower in mixed precision than in float32, where it should be faster."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import keras
import numpy as np

from cnnlab.backend import framework_errors
from cnnlab.errors import UserError
from cnnlab.gradients import differentiated
from cnnlab.native_log import Aside, give_back, stderr_aside

IMAGES = (16, 28, 28, 16)
FILTERS = (32, 3, 3, 16)
"""A convolution of common size: it takes some milliseconds, and where it is slow, a second in all."""

MUCH_SLOWER = 2.0
"""Less may be a machine that is busy with something else."""


def slow_precision(precision: str) -> str | None:
    """A warning where a policy such as mixed_bfloat16 is much slower here than float32; else None.

    It is measured, not read off the CPU's instruction set. Without oneDNN, bfloat16 is slow also on CPUs that
    have instructions for it; and with it, float16 is where only its gradient lacks a kernel.

    Raises:
        UserError: this device cannot compute in it at all.
    """
    if precision == "float32":
        return None
    aside = Aside()
    try:
        with stderr_aside() as aside:
            seconds = seconds_of(keras.DTypePolicy(precision).compute_dtype)
    except framework_errors() as error:
        from cnnlab.channels_first import lacks_primitive

        if not lacks_primitive(error):
            raise
        aside.text = b""  # the same at length
        raise UserError(
            f"this CPU, as oneDNN may use it, cannot compute in {precision}; use --precision float32, or set "
            "TF_ENABLE_ONEDNN_OPTS=0"
        ) from None
    finally:
        give_back(aside.text)
    slower = seconds / seconds_of("float32")
    if slower < MUCH_SLOWER:
        return None
    return f"{precision} is about {slower:.0f} times slower than float32 here; use --precision float32"


@cache
def seconds_of(dtype: str) -> float:
    """How long a small convolution and its kernel's gradient take in this precision, at best."""

    def summed(filters: Any, images: Any) -> Any:
        """(filters, h, w, C), (N, H, W, C) → (filters,): of each filter the sum of its outputs."""
        kernel = keras.ops.cast(keras.ops.transpose(filters, (1, 2, 3, 0)), dtype)
        outputs = keras.ops.conv(keras.ops.cast(images, dtype), kernel)
        return keras.ops.cast(keras.ops.sum(outputs, axis=(0, 1, 2)), "float32")

    once = differentiated(summed)
    arrays = np.ones(FILTERS, np.float32), np.ones(IMAGES, np.float32)
    once(*arrays)  # compiles
    return min(_seconds(once, arrays) for _ in range(3))


def _seconds(function: Any, arrays: tuple[np.ndarray, ...]) -> float:
    began = time.perf_counter()
    function(*arrays)
    return time.perf_counter() - began
