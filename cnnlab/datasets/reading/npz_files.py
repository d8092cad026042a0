"""Keras's `.npz` layout: x_train, y_train, x_test, y_test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from cnnlab.datasets.content import Content, Provenance, Split, part_digests
from cnnlab.datasets.left_out import left_out_warning
from cnnlab.datasets.memory_mapped import free_memory
from cnnlab.datasets.own_paths import placed
from cnnlab.datasets.reading.files import (
    ELSEWHERE,
    OWN,
    broken,
    check_labels,
    is_file,
    readable,
)
from cnnlab.datasets.reading.npz_layout import ARRAYS, VALIDATION, header_of, npz_content, times
from cnnlab.errors import UserError
from cnnlab.language.fields import Shape
from cnnlab.npz import NpzError, NpzReader, open_npz

FourArrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def read_four_arrays(
    path: Path,
    *,
    image_shape: tuple[int, ...],
    train_count: int,
    test_count: int,
) -> FourArrays:
    """Read the arrays of a set; types and shapes are checked before memory is taken for them.

    Args:
        image_shape: (height, width), or (height, width, channels), of the images.
        train_count: the most training images that are accepted; test_count likewise.

    Returns:
        Training images (N, *image_shape) uint8, their labels (N,) of some integer type, and the same to test.

    Raises:
        UserError: the file is damaged or something else.
    """
    with _opened(path) as npz:
        return (
            _array(npz, "x_train", image_shape, train_count),
            _array(npz, "y_train", (), train_count),
            _array(npz, "x_test", image_shape, test_count),
            _array(npz, "y_test", (), test_count),
        )


def check_headers(path: Path) -> None:
    """See that all four arrays are there, without reading them.

    Raises:
        UserError: one is not, or the file is damaged.
    """
    with _opened(path) as npz:
        for name in ARRAYS:
            header_of(npz, name)


def read_own_npz(
    file: str,
    *,
    image_shape: Shape,
    class_names: tuple[str, ...],
    layout: str,
    is_layout_given: bool,
    own_validation: bool,
    needs_test: bool,
) -> Content:
    """The user's own set.

    Args:
        image_shape: (height, width, channels); with one channel, images in the file may be (N, H, W).
        class_names: label k is called class_names[k].
        layout: "channels_last", or "channels_first" where images in the file are (N, C, H, W).
        is_layout_given: somebody said so; else a file that looks otherwise is warned of.
        own_validation: the file's own validation images validate; else they are left out.
        needs_test: whether there must be test images; where there are none, the content has none.

    Raises:
        UserError: the file is damaged, or labels and images do not fit each other.
    """
    path = Path(file)
    if not is_file(path):
        raise UserError(f"dataset.npz: expected a file, found nothing at {str(path)!r}")
    found = npz_content(file, needs_test=needs_test)
    if own_validation and found.validation is None:
        raise broken(
            path,
            expected=f"validation images ({VALIDATION[0][0]}, {VALIDATION[0][1]})",
            found="none",
            remedy="add them, or set dataset.validation_size",
        )
    if not own_validation:
        found = replace(found, validation=None)
    if found.image_shape(layout) != image_shape:
        raise broken(
            path,
            expected=f"images of {times(image_shape)}, as dataset.shape says",
            found=times(found.image_shape(layout)),
            remedy="leave dataset.shape out to take the file's",
        )
    needed = sum(found.headers[name].num_bytes or 0 for part in found.used for name in part)
    free = free_memory()
    if needed > free:
        raise UserError(
            f"{path}: the arrays hold {needed / 2**30:,.1f} GiB, and {free / 2**30:,.1f} GiB of memory are "
            "free\n"
            "   save the images as files and give dataset.folder: a folder's images stay on the disk"
        )
    parts = []
    with _opened(path, OWN) as npz:
        for images_name, labels_name in found.used:
            images, labels = npz.array(images_name), npz.array(labels_name)
            if found.has_channels and layout == "channels_first":
                images = images.transpose(0, 2, 3, 1)
            images = np.ascontiguousarray(images).reshape(len(images), *image_shape)
            parts.append(Split(images, _numbered(labels, labels_name, class_names, path)))
    train = parts[0]
    test = parts[-1] if found.has_test else Split(train.images[:0], train.labels[:0])
    counts = np.bincount(train.labels, minlength=len(class_names))
    if not counts.all():
        label = int(np.argmin(counts))
        elsewhere = any(label in part.labels for part in parts[1:])
        raise broken(
            path,
            expected="training images of every class",
            found=f"none of class {class_names[label]!r}" + (", but images to test" if elsewhere else ""),
            remedy="add some, or leave the class out with dataset.classes"
            if elsewhere
            else "number the classes from 0 and leave no number out, as numpy.unique(labels, "
            "return_inverse=True)[1] does",
        )
    content = Content(
        train.images,
        train.labels,
        test.images,
        test.labels,
        Provenance(placed(file), "unverified", "", ""),
        validation=parts[1] if found.validation else None,
        left_out=found.left_out,
    )
    whole, tested = part_digests(content.parts)
    warnings = [left_out_warning(found.left_out)]
    if not is_layout_given and found.looks_like not in (None, layout):
        shape = found.headers["x_train"].shape
        warnings.append(
            f"{path}: x_train of shape {shape} is read as images of height {image_shape[0]}, width "
            f"{image_shape[1]} and {image_shape[2]} channels; if it is (N, channels, height, width), set "
            f"dataset.layout: {found.looks_like}, else dataset.layout: {layout}"
        )
    provenance = replace(
        content.provenance,
        digest=whole,
        test_digest=tested,
        warning="\n".join(filter(None, warnings)) or None,
    )
    return replace(content, provenance=provenance)


def _numbered(labels: np.ndarray, name: str, class_names: tuple[str, ...], path: Path) -> np.ndarray:
    """The labels as (N,) int64.

    Raises:
        UserError: one is no class.
    """
    low, high = int(labels.min()), int(labels.max())
    from_one = low == 1 and high == len(class_names)
    remedy = (
        f"cnnlab numbers classes from 0; save {name} - 1" if from_one else "give all names in dataset.names"
    )
    return check_labels(labels, len(class_names), path, remedy=remedy)


def _array(npz: NpzReader, name: str, item_shape: tuple[int, ...], at_most: int) -> np.ndarray:
    """One array of the file, if it is what it should be."""
    header = header_of(npz, name)
    kind = "uint8 pixels" if item_shape else "integer labels"
    try:
        dtype = np.dtype(header.dtype)
    except TypeError:
        raise NpzError(expected=f"{name} of {kind}", found=header.dtype) from None
    if not (dtype == np.uint8 or (dtype.kind in "iu" and not item_shape)):
        raise NpzError(expected=f"{name} of {kind}", found=str(dtype))
    shape = header.shape
    if len(shape) != 1 + len(item_shape) or shape[1:] != item_shape:
        expected = "".join(f", {size}" for size in item_shape) or ","
        raise NpzError(expected=f"{name} of shape (N{expected})", found=str(shape))
    if not 1 <= shape[0] <= at_most:
        raise NpzError(expected=f"1 to {at_most} items in {name}", found=str(shape[0]))
    return np.ascontiguousarray(npz.array(name))


@contextmanager
def _opened(path: Path, remedy: str = ELSEWHERE) -> Iterator[NpzReader]:
    """The file, open; inside, what is wrong with it becomes a `UserError`."""
    try:
        with readable(path), open_npz(path) as npz:
            yield npz
    except NpzError as error:
        raise broken(path, expected=error.expected, found=error.found, remedy=remedy) from error
