"""What a beginner most likely meant by a key that is not known where it stands, or by a list in its place."""

from __future__ import annotations

from collections.abc import Iterator

from cnnlab.config.optimizers import Optimizer
from cnnlab.config.sections import ModelConfig, RuntimeConfig, TrainingConfig
from cnnlab.datasets import DatasetConfig
from cnnlab.language.fields import Settings
from cnnlab.language.source import Path_, dotted

_OTHER_NAMES = {
    "lr": "learning_rate",
    "learningrate": "learning_rate",
    "learning-rate": "learning_rate",
    "rate": "learning_rate",
    "batch": "batch_size",
    "batchsize": "batch_size",
    "batch-size": "batch_size",
    "epoch": "epochs",
    "num_epochs": "epochs",
    "n_epochs": "epochs",
    "data": "dataset",
    "layer": "layers",
    "network": "model",
    "random_seed": "seed",
    "gpu": "device",
}
"""What other programs call a setting."""

_LIST_OF_LAYERS = "expected a mapping of keys to values, found a list"


def with_hint(loc: Path_, message: str, top: tuple[str, ...]) -> str:
    """The message about a setting, with the place where it belongs, if there is one.

    Args:
        loc: where it stands.
        top: the keys of the config itself.
    """
    if loc == ("model",) and message.startswith(_LIST_OF_LAYERS):
        return f"{message}; write the layers under model.layers"
    if not loc or not message.startswith("unknown key; known: "):
        return message
    written = str(loc[-1]).lower()
    if written == "rate" and loc[:2] == ("model", "layers"):  # that of Dropout, on a layer that has none
        return message
    name = _OTHER_NAMES.get(written, written)
    for place in _places(name, top):
        if place != loc:
            return f"unknown key; did you mean {dotted(place)}?"
    return message


def _places(name: str, top: tuple[str, ...]) -> Iterator[Path_]:
    """Where a setting of this name belongs."""
    if name in top:
        yield (name,)
    sections: dict[str, type[Settings]] = {
        "dataset": DatasetConfig,
        "model": ModelConfig,
        "training": TrainingConfig,
        "runtime": RuntimeConfig,
    }
    for section, kind in sections.items():
        if name in kind.model_fields and name != "name":
            yield (section, name)
    if name != "name" and name in Optimizer.model_fields:
        yield ("training", "optimizer", name)


def setting_meant(option: str, top: tuple[str, ...]) -> str | None:
    """The setting that an option of another program stands for: batch-size → training.batch_size."""
    written = option.lower()
    name = _OTHER_NAMES.get(written, written.replace("-", "_"))
    place = next(_places(name, top), None)
    return None if place is None else dotted(place)
