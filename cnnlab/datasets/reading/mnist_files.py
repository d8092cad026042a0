"""Finding and decoding the files of MNIST and Fashion-MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cnnlab.datasets.base import DatasetConfig, DownloadProgress
from cnnlab.datasets.content import Content, Provenance, Status, digest
from cnnlab.datasets.data_paths import DataPaths
from cnnlab.datasets.reading.download import download_all
from cnnlab.datasets.reading.files import check_counts, check_labels, checksum, incomplete, is_file
from cnnlab.datasets.reading.idx import read_idx
from cnnlab.datasets.reading.mnist_layout import IDX_FILES, MnistLayout
from cnnlab.datasets.reading.npz_files import check_headers, read_four_arrays
from cnnlab.errors import UserError

Found = Path | Mapping[str, Path]
"""An .npz file, or the four IDX files by name."""


def read_mnist_like(
    config: DatasetConfig,
    layout: MnistLayout,
    data_paths: DataPaths,
    *,
    others: Mapping[str, str],
    progress: DownloadProgress | None = None,
) -> Content:
    """Find the set in one of its layouts, or download it, and decode it.

    Args:
        others: title → official digest of the sets that come in files of the same names.

    Raises:
        UserError: a file is broken, incomplete, or holds another set.
        DownloadError: nothing is found and the download fails.
    """
    found = find(layout, data_paths)
    if found is None:
        paths = download_all(
            config.remote_files,
            data_paths,
            folder=config.name,
            title=config.title,
            looked_for=f"{layout.npz_names[0]} or the four IDX files ({', '.join(IDX_FILES)}; .gz or not)",
            progress=progress,
        )
        found = paths[0] if len(paths) == 1 else dict(zip(IDX_FILES, paths, strict=True))
    parts, origin = decode(found, config)
    content_digest = digest(*parts)
    for title, official_digest in others.items():
        if content_digest == official_digest:
            raise UserError(
                f"{origin}: expected {config.title}, found {title}\n"
                f"   put {config.title} into a folder {layout.folders[0]}, or ask for {title}"
            )
    status: Status = "official"
    warning = None
    if content_digest != layout.official_digest:
        status = "different"
        warning = (
            f"{config.title} in {origin} is not the official content ({len(parts[0])} training and "
            f"{len(parts[2])} test images); accuracies will differ from published ones"
        )
    provenance = Provenance(str(origin), status, content_digest, digest(*parts[2:]), warning)
    return Content(parts[0], parts[1], parts[2], parts[3], provenance)


def matches_checksums(layout: MnistLayout, data_paths: DataPaths) -> bool:
    """Whether the files that are found are the official ones, told by their checksums; nothing is decoded.

    Raises:
        UserError: a file is damaged, or the user's own folder has a part of the set.
    """
    found = find(layout, data_paths)
    if found is None:
        return False
    if isinstance(found, Path):
        if checksum(found, "sha256") == layout.npz_checksum:
            return True
        check_headers(found)
        return False
    return all(
        checksum(path, "sha256", unzipped=True) == layout.idx_checksums[name] for name, path in found.items()
    )


def find(layout: MnistLayout, data_paths: DataPaths) -> Found | None:
    """An .npz file, or the four IDX files by name; None if no place has the whole set.

    Raises:
        UserError: the user's own folder has some of the IDX files, but not all.
    """
    for place in data_paths.searched:
        own = place == data_paths.data_dir
        parts: list[tuple[Path, dict[str, Path]]] = []
        # Files in the user's folder itself come last: their names do not say which of the two sets they are.
        for folder in (*(place / name for name in layout.folders), *([place] if own else [])):
            for npz_name in layout.npz_names:
                if is_file(folder / npz_name):
                    return folder / npz_name
            idx_files = _idx_files(folder)
            if len(idx_files) == len(IDX_FILES):
                return idx_files
            if idx_files:
                parts.append((folder, idx_files))
        for npz_name in layout.npz_names:
            if is_file(place / npz_name):
                return place / npz_name
        # In a cache, a part is the trace of a download that was broken off.
        if own and parts:
            folder, present = parts[0]
            raise incomplete(folder, present=present, missing=[n for n in IDX_FILES if n not in present])
    return None


def _idx_files(folder: Path) -> dict[str, Path]:
    """Those of the four files that are there, plain or gzip; also with the dot of the older names."""
    found = {}
    for name in IDX_FILES:
        dotted = name.replace("-idx", ".idx")
        for candidate in (name, f"{name}.gz", dotted, f"{dotted}.gz"):
            if is_file(folder / candidate):
                found[name] = folder / candidate
                break
    return found


def decode(found: Found, config: DatasetConfig) -> tuple[list[np.ndarray], Path]:
    """Decode an .npz file or four IDX files: images and labels to train, to test, and where they lie."""
    height, width, channels = config.image_shape
    train_count, test_count = config.train_count, config.test_count
    if isinstance(found, Path):
        origin, labels_paths = found, (found, found)
        arrays = read_four_arrays(
            found, image_shape=(height, width), train_count=train_count, test_count=test_count
        )
    else:
        paths = [found[name] for name in IDX_FILES]
        origin, labels_paths = paths[0].parent, (paths[1], paths[3])
        arrays = (
            read_idx(paths[0], item_shape=(height, width), at_most=train_count),
            read_idx(paths[1], item_shape=(), at_most=train_count),
            read_idx(paths[2], item_shape=(height, width), at_most=test_count),
            read_idx(paths[3], item_shape=(), at_most=test_count),
        )
    parts: list[np.ndarray] = []
    for images, labels, path in zip(arrays[::2], arrays[1::2], labels_paths, strict=True):
        check_counts(images, labels, path)
        parts += [
            images.reshape(*images.shape, channels),
            check_labels(labels, len(config.all_classes), path),
        ]
    return parts, origin
