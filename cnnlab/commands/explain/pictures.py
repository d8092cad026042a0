"""Picture files → arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.errors import UserError

if TYPE_CHECKING:
    import numpy as np


def read_picture(path: Path, shape: tuple[int, int, int] | None = None, *, longest: int = 512) -> np.ndarray:
    """A picture file as (H, W, C) uint8.

    Args:
        shape: height, width and channels to bring it to, its middle cut out where its sides are in another
            proportion; None: its own size, but no side above `longest`, in colours.

    Raises:
        UserError: the file is not there or no picture.
    """
    import numpy as np
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file).convert("RGB" if shape is None or shape[2] == 3 else "L")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{path}: not a picture that can be read ({type(error).__name__})") from None
    if shape is None:
        picture.thumbnail((longest, longest))
        return np.asarray(picture)
    height, width, channels = shape
    if channels not in (1, 3):
        raise UserError(f"{path}: the network wants {channels} channels, which no picture has")
    fitted = np.asarray(ImageOps.fit(picture, (width, height), Image.Resampling.BILINEAR))
    return fitted.reshape(height, width, channels)
