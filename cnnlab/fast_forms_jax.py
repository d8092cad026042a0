"""Pooling and small convolutions in forms that are faster than XLA's own, under Keras on JAX.

On a GPU, most of a small network's step is the gradient of max pooling, and what a convolution of XLA's costs
beside its arithmetic, the more so under `jax.vmap` over kernels. Windows that do not overlap are axes of the
reshaped images, and a small convolution is one product of matrices: its patches times its kernels. On a CPU,
max pooling gains as well, and the convolution loses. All forms are deterministic, and hold under all
transformations of JAX.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, partial, wraps
from typing import Any, Literal

import jax
import jax.numpy as jnp
from keras.src.backend.jax import nn  # where Keras's layers look; there is no public place

from cnnlab.convolution_forms import is_one_product

Form = Callable[..., jax.Array | None]
"""Takes what Keras's operation takes; None: it is left to Keras."""


Operation = Literal["max_pool", "average_pool", "conv"]


@cache
def use_fast_form(name: Operation) -> None:
    """Let Keras compute an operation in its fast form wherever that exists; once per process."""
    setattr(nn, name, _or_else(getattr(nn, name), FORMS[name]))


def _or_else(usual: Callable[..., jax.Array], form: Form) -> Callable[..., jax.Array]:
    @wraps(usual)
    def operation(*args: Any, **kwargs: Any) -> jax.Array:
        found = form(*args, **kwargs)
        return usual(*args, **kwargs) if found is None else found

    return operation


def max_pool(
    inputs: jax.Array,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> jax.Array | None:
    """The largest number of each window; bit for bit Keras's. In a tie, the gradient is the first one's.

    Args:
        inputs: (N, H, W, C) float, or (N, C, H, W) with data_format "channels_first".

    Returns:
        (N, H', W', C) or (N, C, H', W'), of the inputs' dtype; None where windows overlap, leave gaps or are
        padded.
    """
    windows = _windows(inputs, pool_size, strides, padding, data_format)
    return None if windows is None else _largest(windows, _axes_within(data_format))


def average_pool(
    inputs: jax.Array,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> jax.Array | None:
    """The mean of each window, added up in float32; else as `max_pool`."""
    windows = _windows(inputs, pool_size, strides, padding, data_format)
    return None if windows is None else jnp.mean(windows, _axes_within(data_format))


def conv(
    inputs: jax.Array,
    kernel: Any,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> jax.Array | None:
    """A convolution as (positions, numbers of a patch) × (numbers of a patch, filters).

    Args:
        inputs: (N, H, W, C), or (N, C, H, W) with data_format "channels_first".
        kernel: (rows, columns, C, filters) float; the inputs are converted to its dtype.

    Returns:
        (N, H', W', filters) or (N, filters, H', W'), of the kernel's dtype; None for groups, dilation,
        strides that differ, large convolutions (`cnnlab.convolution_forms`) and what Keras has a message for.
    """
    kernel = nn.convert_to_tensor(kernel)
    strides = _pair(strides)
    if (
        (inputs.ndim, kernel.ndim) != (4, 4)
        or padding not in ("valid", "same")
        or _pair(dilation_rate) != (1, 1)
        or strides[0] != strides[1]
        or not jnp.issubdtype(kernel.dtype, jnp.floating)
    ):
        return None
    first = _first_spatial_axis(data_format)
    images = nn.convert_to_tensor(inputs, dtype=kernel.dtype)
    if first == 2:
        images = jnp.moveaxis(images, 1, -1)
    size, spatial, numbers = kernel.shape[:2], images.shape[1:3], math.prod(kernel.shape[:3])
    pads = jax.lax.padtype_to_pads(spatial, size, strides, padding.upper())
    rows, columns = (
        (length + sum(pad) - window) // stride + 1
        for length, pad, window, stride in zip(spatial, pads, size, strides, strict=True)
    )
    if (
        images.shape[3] != kernel.shape[2]
        or min(*kernel.shape, rows, columns) < 1
        or not is_one_product(rows * columns, numbers)
    ):
        return None
    patches = _patches(images, size, strides[0], pads, (rows, columns))
    maps = patches @ kernel.reshape(numbers, -1)
    return jnp.moveaxis(maps, -1, 1) if first == 2 else maps


def _patches(
    images: jax.Array,
    size: tuple[int, int],
    stride: int,
    pads: Sequence[tuple[int, int]],
    positions: tuple[int, int],
) -> jax.Array:
    """(N, H, W, C) → (N, *positions, numbers of a patch), in the order of a kernel's numbers.

    In float32, for the gradient of a pixel, which adds up what all patches that it is in give back, not to be
    rounded after each; the compiler leaves the conversions out of the values.
    """
    wide = jnp.promote_types(images.dtype, jnp.float32)
    padded = jnp.pad(images.astype(wide), ((0, 0), *pads, (0, 0)))
    (rows, columns), (count, *_, channels) = positions, images.shape
    return jnp.concatenate(
        [
            jax.lax.slice(
                padded,
                (0, row, column, 0),
                (count, row + (rows - 1) * stride + 1, column + (columns - 1) * stride + 1, channels),
                (1, stride, stride, 1),
            )
            for row in range(size[0])
            for column in range(size[1])
        ],
        axis=-1,
    ).astype(images.dtype)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _largest(windows: jax.Array, axes: tuple[int, int]) -> jax.Array:
    """The maximum along two axes. `jnp.max` alone would share the gradient among all that are as large."""
    return jnp.max(windows, axes)


def _largest_jvp(axes: tuple[int, int], primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    (windows,), (changes,) = primals, tangents
    largest = jnp.expand_dims(_largest(windows, axes), axes)
    height, width = (windows.shape[axis] for axis in axes)
    row, column = (jax.lax.broadcasted_iota(jnp.int32, windows.shape, axis) for axis in axes)
    place = row * width + column
    # Not "equal to the largest", which nothing is where that is not a number.
    first = jnp.min(jnp.where(windows < largest, height * width, place), axes, keepdims=True)
    return jnp.squeeze(largest, axes), jnp.sum(jnp.where(place == first, changes, 0), axes)


_largest.defjvp(_largest_jvp)


def _windows(
    inputs: jax.Array,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int] | None,
    padding: str,
    data_format: str | None,
) -> jax.Array | None:
    """(N, H, W, C) → (N, H', pool, W', pool, C), channels first likewise; None where they are not windows."""
    inputs = nn.convert_to_tensor(inputs)
    if inputs.ndim != 4 or not jnp.issubdtype(inputs.dtype, jnp.floating):
        return None
    pool, first = _pair(pool_size), _first_spatial_axis(data_format)
    spatial = inputs.shape[first : first + 2]
    counts = tuple(length // size for length, size in zip(spatial, pool, strict=True))
    covered = tuple(count * size for count, size in zip(counts, pool, strict=True))
    if (
        (strides is not None and _pair(strides) != pool)
        or padding not in ("valid", "same")
        or (padding == "same" and covered != spatial)
        or 0 in counts
    ):
        return None
    for axis, length in enumerate(covered, first):
        inputs = jax.lax.slice_in_dim(inputs, 0, length, axis=axis)
    (height, width), before, after = counts, inputs.shape[:first], inputs.shape[first + 2 :]
    return inputs.reshape(*before, height, pool[0], width, pool[1], *after)


def _axes_within(data_format: str | None) -> tuple[int, int]:
    """Those of `_windows` that count the rows and columns of a window."""
    first = _first_spatial_axis(data_format)
    return first + 1, first + 3


def _first_spatial_axis(data_format: str | None) -> int:
    return 1 if nn.backend.standardize_data_format(data_format) == "channels_last" else 2


def _pair(value: int | Sequence[int]) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)


FORMS: dict[Operation, Form] = {"max_pool": max_pool, "average_pool": average_pool, "conv": conv}
