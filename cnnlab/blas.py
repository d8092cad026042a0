"""The library that multiplies NumPy's matrices: which one it is, and with how many threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def blas_name() -> str:
    """Such as openblas 0.3.31 (SkylakeX): library, version, and the kind of CPU that its kernels are for."""
    loaded = _loaded()
    if loaded is None:
        import numpy as np

        built: Any = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"{built['name']} {built['version']}"
    kernels = f" ({loaded['architecture']})" if loaded.get("architecture") else ""
    return f"{loaded['internal_api']} {loaded['version']}{kernels}"


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """In the block, a product of matrices has so many threads, where the library can be told."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(count, user_api="blas"):
        yield


def _loaded() -> dict[str, Any] | None:
    """What threadpoolctl says of NumPy's own library; None where it is none that it knows."""
    import numpy as np  # noqa: F401  # loads it
    from threadpoolctl import threadpool_info

    found = [each for each in threadpool_info() if each["user_api"] == "blas"]
    # A wheel of NumPy brings its own; others, such as SciPy's, may be there besides.
    own = (each for each in found if "numpy" in each["filepath"])
    return next(own, found[0] if found else None)
