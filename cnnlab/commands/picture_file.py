"""Pictures that a user asks for by a file's name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image


def save_picture(picture: Image, path: Path) -> None:
    """Write a Pillow image where the user wants it.

    Raises:
        UserError: the folder is missing or may not be written, or the ending is no format's.
    """
    try:
        picture.save(path)
    except ValueError:
        raise UserError(f"{path}: expected a name that ends in .png") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from None
