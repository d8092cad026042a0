"""Which convolutions are computed as one product of matrices on JAX's GPU: patches times kernels."""

from __future__ import annotations

LONGEST_PATCH = 1024
"""Numbers in one patch. Above, a convolution is large enough for XLA's own to be fast."""

MOST_PATCHES = 2**18
"""Numbers in all patches of one image, 1 MB in float32: they are kept until there is the gradient."""


def is_one_product(positions: int, patch: int) -> bool:
    """Whether a convolution without groups, dilation or strides that differ is computed in this way.

    Args:
        positions: of the kernel in one image.
        patch: numbers that a kernel covers at each.
    """
    return patch <= LONGEST_PATCH and positions * patch <= MOST_PATCHES
