"""The loops of `loops`, compiled by Numba (Lam, Pitrou & Seibert 2015) as they stand."""

from __future__ import annotations

from numba import njit

from cnnlab.scratch import loops

correlate = njit(cache=True)(loops.correlate)
to_images = njit(cache=True)(loops.to_images)
to_kernel = njit(cache=True)(loops.to_kernel)
