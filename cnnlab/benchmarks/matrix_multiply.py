"""How fast this process multiplies float32 matrices: the measure of what a training step could reach."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

from cnnlab.blas import blas_threads
from cnnlab.cpu_settings import threads_of

SIZES = (512, 1024, 2048, 4096, 8192)
"""Rows and columns of the square matrices. Large ones fill a GPU, small ones stay in a CPU's cache."""

REPEATS = 8
"""How often the products of one size are timed; the fastest counts, so that what else runs matters little."""

MIN_SECONDS = 0.05
"""So many products are timed in a row that they take this long: the clock and the start weigh little then."""

MAX_SECONDS = 0.5
"""A size whose product would take longer is left out."""


@dataclass(frozen=True)
class MatrixMultiplyPeak:
    """The highest rate of matrix products: 2 n³ operations each, the matrices being n × n."""

    operations_per_second: float
    matrix_size: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def matrix_multiply_peak(*, by_numpy: bool = False) -> MatrixMultiplyPeak:
    """The fastest of a few square products, on the backend, device and threads that this process trains with.

    Float32 is what the backend makes of it: on GPUs some multiply with fewer bits (TF32), in training too.
    The backend must have been started.

    Args:
        by_numpy: whether NumPy trains, and Keras's backend does not.
    """
    best = MatrixMultiplyPeak(0.0, 0)
    for size in SIZES:
        with blas_threads(threads_of("scratch")[0]) if by_numpy else nullcontext():
            seconds = _seconds_per_product(size, by_numpy=by_numpy)
        best = max(best, MatrixMultiplyPeak(2 * size**3 / seconds, size), key=_rate)
        if 8 * seconds > MAX_SECONDS:  # what the next size would take
            break
    return best


def faster(first: MatrixMultiplyPeak, second: MatrixMultiplyPeak) -> MatrixMultiplyPeak:
    """The higher one of two peaks."""
    return max(first, second, key=_rate)


def _rate(peak: MatrixMultiplyPeak) -> float:
    return peak.operations_per_second


def _seconds_per_product(size: int, *, by_numpy: bool) -> float:
    import keras
    import numpy as np

    taken: Callable[..., Any] = np.asarray if by_numpy else keras.ops.convert_to_tensor
    multiplied: Callable[..., Any] = np.matmul if by_numpy else keras.ops.matmul

    rng = np.random.default_rng(size)
    # With this variance products keep their magnitude, however many follow one another.
    factor = taken(rng.normal(0, size**-0.5, (size, size)).astype(np.float32))
    first = taken(rng.normal(size=(size, size)).astype(np.float32))

    def timed(count: int) -> float:
        began = time.perf_counter()
        product = first
        for _ in range(count):
            product = multiplied(product, factor)
        keras.ops.convert_to_numpy(product[0, 0])  # backends compute ahead: wait for the last one
        return time.perf_counter() - began

    timed(1)  # compiles, and takes the memory
    count = 1
    while (seconds := timed(count)) < MIN_SECONDS:
        count *= 2
    return min(seconds, *(timed(count) for _ in range(REPEATS - 1))) / count
