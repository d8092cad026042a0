"""Arrays that are no images or labels, and the line of NumPy that makes some of them."""

from __future__ import annotations

import re
from typing import NoReturn

from cnnlab.errors import UserError
from cnnlab.npz import ArrayHeader, NpzReader

LARGEST_LOOKED_AT = 1 << 28
"""Bytes of an array whose values are looked at for a message."""

_KINDS = {"f": "float", "i": "int", "u": "uint", "c": "complex"}


def check_images(npz: NpzReader, name: str, path: str) -> None:
    """An array of images: (N, height, width) or (N, height, width, channels) of uint8.

    Raises:
        UserError: it is not, with the way out.
    """
    header = npz.header(name)
    shape = header.shape
    if header.dtype[1:] != "u1":
        _refuse_pixels(npz, name, path)
    if len(shape) not in (3, 4):
        remedy = "give each image a height and a width"
        side = round((shape[1] if len(shape) == 2 else 0) ** 0.5)
        if side and side * side == shape[1]:
            remedy = f"save {name}.reshape(-1, {side}, {side})"
        raise UserError(
            f"{path}: expected {name} of shape (N, height, width) or (N, height, width, channels), found "
            f"{shape}\n   {remedy}"
        )
    if 0 in shape:
        raise UserError(f"{path}: expected images in {name}, found none (shape {shape})\n   add some")


def check_labels(npz: NpzReader, name: str, images_name: str, path: str) -> None:
    """An array of labels: (N,) whole numbers, one for each image.

    Raises:
        UserError: it is not, with the way out.
    """
    header, images = npz.header(name), npz.header(images_name).shape
    shape = header.shape
    expected = f"{path}: expected {name} of shape (N,) with whole numbers, found"
    if len(shape) == 2:
        one_hot = shape[1] > 1
        remedy = f"{name}.argmax(axis=1)" if one_hot else f"{name}.reshape(-1)"
        what = f"{shape}, which looks one-hot" if one_hot else f"a column, {shape}"
        raise UserError(f"{expected} {what}\n   save {remedy}")
    if header.dtype[1] not in "iu" or header.dtype[0] == ">" or len(shape) != 1:
        remedy = f"save {name}.astype(numpy.int64)"
        if header.dtype[1] in "OUS":
            remedy = "number the classes from 0, save the numbers, and give the names as dataset.names"
        elif len(shape) != 1:
            remedy = "save one number for each image"
        raise UserError(f"{expected} {shape} of {type_name(header)}\n   {remedy}")
    if shape[0] != images[0]:
        remedy = "write the file again with one label for each image"
        if images[-1] == shape[0]:
            remedy = f"the images seem to lie along the last axis: save numpy.moveaxis({images_name}, -1, 0)"
        raise UserError(
            f"{path}: expected {images[0]} labels, one per image, found {shape[0]} labels in {name}\n"
            f"   {remedy}"
        )


def type_name(header: ArrayHeader) -> str:
    """A type as NumPy calls it: <f4 → float32."""
    kind, size = header.dtype[1:2], re.sub(r"\D", "", header.dtype[2:])
    if kind in "US":
        return "text"
    if kind == "O":
        return "Python objects"
    if kind == "b":
        return "bool"
    order = "big-endian " if header.dtype[0] == ">" else ""
    return f"{order}{_KINDS[kind]}{8 * int(size)}" if kind in _KINDS and size else f"type {header.dtype}"


def _refuse_pixels(npz: NpzReader, name: str, path: str) -> NoReturn:
    header = npz.header(name)
    found, remedy = type_name(header), "scale the values to 0 to 255 and save them as uint8"
    if header.dtype[1] == "O":
        remedy = (
            "images of one size: save numpy.stack(images); of several: save files and give dataset.folder"
        )
    elif header.dtype[1] == "b":
        remedy = f"save {name}.astype(numpy.uint8) * 255"
    elif header.dtype[1] in "fiu" and 0 < (header.num_bytes or 0) <= LARGEST_LOOKED_AT:
        values = npz.array(name)
        low, high = values.min().item(), values.max().item()
        found += f" from {low:.3g} to {high:.3g}"
        whole = header.dtype[1] in "iu"
        if low >= 0 and 1 < high <= 255:
            remedy = f"save {name if whole else f'numpy.rint({name})'}.astype(numpy.uint8)"
        elif low >= 0 and high <= 1:
            remedy = f"save numpy.rint({name} * 255).astype(numpy.uint8)"
        elif -1 <= low < 0 and high <= 1 and not whole:
            remedy = f"save numpy.rint(({name} + 1) * 127.5).astype(numpy.uint8)"
    raise UserError(f"{path}: expected {name} of uint8, pixels from 0 to 255, found {found}\n   {remedy}")
