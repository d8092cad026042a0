"""Picture files → arrays, where no dataset says how its pictures look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.errors import UserError
from cnnlab.files import absence

if TYPE_CHECKING:
    from cnnlab.datasets.reading.images import Prepared


def read_picture(path: Path, shape: tuple[int, int, int] | None = None, *, longest: int = 512) -> Prepared:
    """A picture file as (H, W, C) uint8, and what was done to it.

    Args:
        shape: height, width and channels to bring it to, its middle cut out where its sides are in another
            proportion; None: its own size, but no side above `longest`, in colours.

    Raises:
        UserError: the file is not there or no picture.
    """
    import numpy as np

    from cnnlab.datasets.reading.images import Prepared, decode, load, resized

    if shape is not None and shape[2] not in (1, 3):
        raise UserError(
            f"{path}: the network takes images of {shape[2]} channels; expected 1 or 3 for pictures"
        )
    with usable(path):
        if shape is not None:
            return decode(path, size=shape[:2], channels=shape[2], resize="crop")
        picture = load(path, channels=3)
    scaled = picture.copy()
    scaled.thumbnail((longest, longest))
    note = resized("resized", picture, (scaled.height, scaled.width))
    return Prepared(np.asarray(scaled, dtype=np.uint8), () if scaled.size == picture.size else (note,))


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """What is wrong with a picture file, as a `UserError` that names it."""
    from cnnlab.datasets.reading.images import BadImage, bombs_are_errors

    if not path.exists():
        raise UserError(f"{path}: {absence(path)}")
    if path.is_dir():
        raise UserError(f"{path}: expected an image, found a folder")
    try:
        with bombs_are_errors():
            yield
    except BadImage as error:
        raise UserError(f"{path}: expected an image, found {error}") from None
