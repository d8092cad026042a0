"""A dataset on the command line: a name, a folder, an .npz file, or a config."""

from __future__ import annotations

from pathlib import Path

from cnnlab.datasets import DATASETS, DatasetConfig
from cnnlab.errors import UserError


def dataset_named(name: str) -> DatasetConfig:
    """A dataset of the table with all its defaults."""
    return DATASETS[name].model_validate({"name": name})


def dataset_behind(source: str) -> DatasetConfig:
    """The dataset behind an argument: a name, a folder, an .npz file, or a config's.

    Raises:
        UserError: it is none of these, or its config is wrong.
    """
    from pydantic import ValidationError

    from cnnlab.datasets import OWN_DATA

    path = Path(source)
    try:
        if source in DATASETS:
            return dataset_named(source)
        if path.is_dir():
            return OWN_DATA["folder"].model_validate({"folder": source})
        if path.suffix == ".npz":
            return OWN_DATA["npz"].model_validate({"npz": source})
    except ValidationError as error:
        raise UserError("\n".join(f"{source}: {each['ctx']['message']}" for each in error.errors())) from None
    except OSError as error:
        raise UserError(f"{source}: cannot be read: {error.strerror}") from None

    from cnnlab.config.experiment import known_configs, load_config
    from cnnlab.errors import unknown

    known = known_configs()
    if not path.exists() and len(path.parts) == 1 and not path.suffix and source not in known:
        raise unknown("dataset, folder or config", source, [*DATASETS, *known])
    config = load_config(source)
    if config.dataset is None:
        raise UserError(f"{config.name}: this config has no dataset")
    return config.dataset
