"""The library that multiplies NumPy's matrices: which one it is, and how many threads it has."""

from __future__ import annotations

from typing import Any

from cnnlab.errors import UserError
from cnnlab.processor import usable_cpus


def blas_name() -> str:
    """Such as openblas 0.3.31 (SkylakeX): library, version, and the kind of CPU that its kernels are for."""
    loaded = _loaded()
    if loaded is None:
        import numpy as np

        built: Any = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"{built['name']} {built['version']}"
    kernels = f" ({loaded['architecture']})" if loaded.get("architecture") else ""
    return f"{loaded['internal_api']} {loaded['version']}{kernels}"


def blas_threads() -> int:
    """How many threads a product of matrices is spread over, as far as the library tells."""
    loaded = _loaded()
    return usable_cpus() if loaded is None else int(loaded["num_threads"])


def use_blas_threads(threads: int) -> None:
    """Let products of matrices have so many threads from now on.

    Raises:
        UserError: nobody can tell the library so, as Apple's Accelerate.
    """
    if threads == blas_threads():
        return
    if _loaded() is None:
        raise UserError(
            f"--threads {threads}: the threads of {blas_name()}, which computes NumPy's products, cannot be "
            "set from here; set the variable that it reads, such as VECLIB_MAXIMUM_THREADS for Accelerate"
        )
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads, user_api="blas")


def _loaded() -> dict[str, Any] | None:
    """What threadpoolctl says of NumPy's own library; None where it is none that it knows."""
    import numpy as np  # noqa: F401  # loads it
    from threadpoolctl import threadpool_info

    found = [each for each in threadpool_info() if each["user_api"] == "blas"]
    # A wheel of NumPy brings its own; others, such as SciPy's, may be there besides.
    own = (each for each in found if "numpy" in each["filepath"])
    return next(own, found[0] if found else None)
