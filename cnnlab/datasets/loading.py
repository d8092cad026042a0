"""From a `dataset:` section to images ready for training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cnnlab.datasets.base import DatasetConfig, DownloadProgress
from cnnlab.datasets.data_paths import DataPaths

if TYPE_CHECKING:
    from cnnlab.datasets.content import Content, Dataset


def load_dataset(
    config: DatasetConfig, data_paths: DataPaths, *, progress: DownloadProgress | None = None
) -> Dataset:
    """Find, check and split a dataset; download it where it is nowhere yet.

    A caller prints `provenance.warning`, where there is one, to stderr.

    Args:
        config: the `dataset:` section.
        data_paths: where to look; see `DataPaths.from_environment`.
        progress: called with (file name, bytes so far, bytes in all or None) during a download.

    Raises:
        UserError: a file is broken, or holds fewer images than the config asks for.
        DownloadError: the files are nowhere and cannot be downloaded.
    """
    return dataset_of(read_content(config, data_paths, progress=progress), config)


def load_content(
    config: DatasetConfig, data_paths: DataPaths, *, progress: DownloadProgress | None = None
) -> Content:
    """The same without validation images split off: all images of the chosen classes, raw.

    Raises:
        UserError: a file is broken, or a chosen class has no images.
        DownloadError: the files are nowhere and cannot be downloaded.
    """
    from cnnlab.datasets.splits import chosen_images

    return chosen_images(read_content(config, data_paths, progress=progress), config)


def read_content(
    config: DatasetConfig, data_paths: DataPaths, *, progress: DownloadProgress | None = None
) -> Content:
    """The source's images, distorted where the config says so: the same for all folds.

    Raises:
        UserError: a file is broken.
        DownloadError: the files are nowhere and cannot be downloaded.
    """
    content = config.read(data_paths, progress=progress)
    if config.fold is not None:
        from cnnlab.datasets.equal_images import picture_numbers

        content = replace(content, pictures=picture_numbers(content.train_images))
    if config.distort is None:
        return content
    from cnnlab.datasets.distorting import distorted

    return distorted(content, config.distort)


def dataset_of(content: Content, config: DatasetConfig) -> Dataset:
    """What the config makes of images that have been read.

    Pixels are permuted and training labels made wrong where it says so; digests stay.

    Raises:
        UserError: there are fewer images than the config asks for.
    """
    # NumPy is first imported here: the config reader imports this package and must answer at once.
    from cnnlab.datasets.splits import split

    data = split(content, config)
    if config.label_noise is not None:
        from cnnlab.datasets.mislabeling import with_label_noise

        data = with_label_noise(data, config.label_noise)
    if config.permute_pixels is not None:
        from cnnlab.datasets.permuting import with_permuted_pixels

        data = with_permuted_pixels(data, config)
    return data
