"""An image of any numbers, as NumPy saves it: .npy, or .npz with the numbers of black and white."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.errors import UserError
from cnnlab.files import absence
from cnnlab.foreign_text import one_line, shortened

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.npz import NpzReader

Scale = tuple[float, float]
"""The numbers of black and of white."""

BRIGHTNESS: Scale = (0.0, 1.0)
USUAL: tuple[Scale, ...] = (BRIGHTNESS, (-1.0, 1.0))
"""What is taken for black and white where nobody says it: the first that all numbers lie in."""

MOST = 1e9
"""The largest number of an image or a kernel: sums of their products stay far from infinity."""

LONGEST_SIDE = 2048
_MOST_NAMES = 5  # of arrays in an error
_MOST_BYTES = LONGEST_SIDE * LONGEST_SIDE * 3 * 8


@dataclass(frozen=True, eq=False)
class ArrayImage:
    """values: (H, W, C) float64, C 1 or 3, from scale[0], which is black, to scale[1], which is white."""

    values: np.ndarray
    scale: Scale


def is_array_file(path: Path) -> bool:
    """Whether a file's name says that NumPy has written it."""
    return path.suffix.lower() in (".npy", ".npz")


def read_array_image(path: Path, scale: Scale | None = None) -> ArrayImage:
    """An image from a .npy file, or from an .npz file: its array `image`, or the only one that is there.

    Bytes (uint8) are brightness from 0 to 255 and become 0 to 1; all other numbers stay what they are. They
    lie between those of black and white: `scale`, else the array `scale` of an .npz file, else [0, 1], else
    [−1, 1].

    Raises:
        UserError: there is no such file, it is no image, or its numbers lie beyond black and white.
    """
    import numpy as np

    if not path.is_file():
        raise UserError(f"{path}: {absence(path)}")
    array, recorded = _read(path)
    if array.dtype.kind not in "buif":
        raise UserError(f"{path}: expected real numbers, found type {array.dtype}")
    found = "×".join(map(str, array.shape)) or "a single number"
    if array.ndim not in (2, 3) or array.shape[2:] not in ((), (1,), (3,)):
        raise UserError(
            f"{path}: expected an image, height × width or height × width × channels with 1 or 3 of these, "
            f"found {found}"
        )
    if not 1 <= min(array.shape[:2]) <= max(array.shape[:2]) <= LONGEST_SIDE:
        raise UserError(f"{path}: expected sides of 1 to {LONGEST_SIDE:,} pixels, found {found}")
    scale = scale or recorded
    values = np.atleast_3d(array).astype(np.float64)
    if array.dtype == np.uint8 and scale is None:
        return ArrayImage(values / 255, BRIGHTNESS)
    if not np.isfinite(values).all():
        row, column, channel = np.argwhere(~np.isfinite(values))[0]
        raise UserError(
            f"{path}: expected finite numbers, found {values[row, column, channel]:g} in row {row}, column "
            f"{column}, counted from 0"
        )
    return ArrayImage(values, _scale_of(values, scale, path))


def check_scale(scale: Scale) -> None:
    """Refuse what cannot be the numbers of black and white.

    Raises:
        ValueError: they are not finite, too large, or not ascending.
    """
    black, white = scale
    if not (-MOST <= black < white <= MOST):
        raise ValueError(
            f"expected two ascending numbers from {-MOST:,.0f} to {MOST:,.0f}, found {black:g} {white:g}"
        )


def _scale_of(values: np.ndarray, scale: Scale | None, path: Path) -> Scale:
    low, high = float(values.min()), float(values.max())
    candidates = USUAL if scale is None else (scale,)
    for black, white in candidates:
        if black <= low and high <= white:
            return black, white
    expected = " or ".join(f"from {black:g} to {white:g}" for black, white in candidates)
    remedy = "; say by --scale which numbers are black and white" if scale is None else ""
    raise UserError(f"{path}: expected numbers {expected}, found {low:g} to {high:g}{remedy}")


def _read(path: Path) -> tuple[np.ndarray, Scale | None]:
    """The array of an image, and the scale that is recorded beside it."""
    from cnnlab.npz import NpzError, open_npz, read_npy

    try:
        if path.suffix.lower() == ".npy":
            return read_npy(path, most=_MOST_BYTES), None
        with open_npz(path) as npz:
            images = [name for name in npz.names if name != "scale"]
            name = images[0] if len(images) == 1 else "image"
            if name not in images:
                raise NpzError(expected="one array, or one called image", found=_listed(images))
            size = npz.header(name).num_bytes
            if size is not None and size > _MOST_BYTES:
                raise NpzError(expected=f"an image of at most {_MOST_BYTES:,} bytes", found=f"{size:,}")
            return npz.array(name), _recorded(npz) if "scale" in npz.names else None
    except NpzError as error:
        raise UserError(f"{path}: {error}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # of the scale
        raise UserError(f"{path}: scale: {error}") from None


def _listed(names: Sequence[str]) -> str:
    shown = [shortened(one_line(name)) for name in names[:_MOST_NAMES]]
    return ", ".join([*shown, *(["…"] if len(names) > _MOST_NAMES else [])]) or "none"


def _recorded(npz: NpzReader) -> Scale:
    header = npz.header("scale")
    if header.shape != (2,) or header.dtype[1:2] not in ("u", "i", "f"):
        found = "×".join(map(str, header.shape)) or "one"
        raise ValueError(f"expected two numbers, those of black and white; found {found} of {header.dtype}")
    black, white = (float(each) for each in npz.array("scale"))
    check_scale((black, white))
    return black, white
