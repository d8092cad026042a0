"""A dataset on the command line: a name, a folder, an .npz file, or a config."""

from __future__ import annotations

from pathlib import Path

from cnnlab.config.experiment import ExperimentConfig, known_configs, load_config
from cnnlab.datasets import DATASETS, DatasetConfig
from cnnlab.datasets.catalog import dataset_at
from cnnlab.errors import OptionError, UserError, unknown


def dataset_behind(source: str, *, size: tuple[int, int] | None = None) -> DatasetConfig:
    """The dataset behind an argument.

    Args:
        size: (height, width) that the images of a folder are brought to.

    Raises:
        UserError: it is none of these, its config is wrong, or it is no folder although a size is given.
    """
    if size is not None and not Path(source).is_dir():
        raise OptionError("size", f"expected a folder of images, found {source!r}")
    dataset = dataset_at(source, size=size)
    if dataset is not None:
        return dataset
    path, known = Path(source), known_configs()
    if not path.exists() and len(path.parts) == 1 and not path.suffix and source not in known:
        raise unknown("dataset, folder or config", source, [*DATASETS, *known])
    return dataset_of(load_config(source))


def dataset_of(experiment: ExperimentConfig) -> DatasetConfig:
    """The dataset of a config.

    Raises:
        UserError: it has none.
    """
    if experiment.dataset is None:
        raise UserError(f"{experiment.name}: this config has no dataset")
    return experiment.dataset
