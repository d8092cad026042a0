"""The library that multiplies NumPy's matrices: which one it is, and with how many threads for the engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cnnlab.errors import UserError
from cnnlab.processor import usable_cpus

_asked_for: list[int] = []
"""The threads that this process has been told to compute with, once it has been."""


def blas_name() -> str:
    """Such as openblas 0.3.31 (SkylakeX): library, version, and the kind of CPU that its kernels are for."""
    loaded = _loaded()
    if loaded is None:
        import numpy as np

        built: Any = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"{built['name']} {built['version']}"
    kernels = f" ({loaded['architecture']})" if loaded.get("architecture") else ""
    return f"{loaded['internal_api']} {loaded['version']}{kernels}"


def engine_threads() -> int:
    """How many threads a product of the engine's matrices is spread over: one, unless asked for more.

    Its matrices are small. Several threads gain little then, and where the CPUs are shared with other
    processes, they wait for one another most of the time. All CPUs count where the library tells nobody.
    """
    return _asked_for[-1] if _asked_for else 1 if _loaded() else usable_cpus()


def use_engine_threads(threads: int) -> None:
    """Let the engine have so many threads from now on.

    Raises:
        UserError: nobody can tell the library so, as Apple's Accelerate.
    """
    if threads == engine_threads():
        return
    if _loaded() is None:
        raise UserError(
            f"--threads {threads}: the threads of {blas_name()}, which computes NumPy's products, cannot be "
            "set from here; set the variable that it reads, such as VECLIB_MAXIMUM_THREADS for Accelerate"
        )
    _asked_for[:] = [threads]


@contextmanager
def with_engine_threads() -> Iterator[None]:
    """In the block, products of matrices have the engine's threads; afterwards those that they had."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(engine_threads(), user_api="blas"):
        yield


def _loaded() -> dict[str, Any] | None:
    """What threadpoolctl says of NumPy's own library; None where it is none that it knows."""
    import numpy as np  # noqa: F401  # loads it
    from threadpoolctl import threadpool_info

    found = [each for each in threadpool_info() if each["user_api"] == "blas"]
    # A wheel of NumPy brings its own; others, such as SciPy's, may be there besides.
    own = (each for each in found if "numpy" in each["filepath"])
    return next(own, found[0] if found else None)
