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

SHAPES = {
    "convolutions": ((3, 3, 25, 50), (16, 13, 13, 25)),
    "Dense layers": ((500, 500), (100, 500)),
}
"""Of a kernel and a batch. They take some milliseconds, and where they are slow, a second in all.

The numbers of channels are no multiples of 16: for those, oneDNN is fast on CPUs without bfloat16, too.
"""

REPEATS = 10
"""The fastest one counts: other processes make some of them slower."""

MUCH_SLOWER = 2.0
"""Less may be a machine that is busy with something else."""


def slow_precision(precision: str, *, convolutions: bool) -> str | None:
    """A warning where a policy such as mixed_bfloat16 is much slower here than float32; else None.

    It is measured, not read off the CPU's instruction set. Without oneDNN, convolutions in bfloat16 are slow
    on CPUs that have instructions for it, too; and with it, float16 is where only its gradient lacks a
    kernel.

    Args:
        convolutions: whether the network has any; otherwise its Dense layers count.

    Raises:
        UserError: this device cannot compute in it at all.
    """
    if precision == "float32":
        return None
    dtype = keras.DTypePolicy(precision).compute_dtype
    kind = "convolutions" if convolutions else "Dense layers"
    aside = Aside()
    try:
        with stderr_aside() as aside:
            # Tried in any case: where a kernel is missing, TensorFlow's Dense layers end the process.
            seconds_of(dtype, "convolutions")
            seconds = seconds_of(dtype, kind)
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
    slower = seconds / seconds_of("float32", kind)
    if slower < MUCH_SLOWER:
        return None
    return (
        f"{kind} in {precision} take about {slower:.0f} times as long as in float32 here; "
        "use --precision float32"
    )


@cache
def seconds_of(dtype: str, kind: str) -> float:
    """How long a small layer of a kind and its kernel's gradient take in this precision, at best."""

    def summed(kernel: Any, batch: Any) -> Any:
        """(h, w, C, filters), (N, H, W, C) or (C, units), (N, C) → (filters or units,): summed outputs."""
        layer = keras.ops.conv if kind == "convolutions" else keras.ops.matmul
        outputs = layer(keras.ops.cast(batch, dtype), keras.ops.cast(kernel, dtype))
        axes = tuple(range(len(batch.shape) - 1))
        return keras.ops.cast(keras.ops.sum(outputs, axis=axes), "float32")

    once = differentiated(summed)
    kernel, batch = SHAPES[kind]
    arrays = np.ones(kernel, np.float32), np.ones(batch, np.float32)
    once(*arrays)  # compiles
    return min(_seconds(once, arrays) for _ in range(REPEATS))


def _seconds(function: Any, arrays: tuple[np.ndarray, ...]) -> float:
    began = time.perf_counter()
    function(*arrays)
    return time.perf_counter() - began
