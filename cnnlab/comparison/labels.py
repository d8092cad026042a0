"""What experiments are called among others: by name, where that is the same by the setting that differs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from cnnlab.comparison.experiments import ExperimentRuns
from cnnlab.run_folders.listing.settings import flat

MOST_SETTINGS = 2
"""More would be no label; then the digest has to do, as in the runs' folders."""

_NOT_COMPARED = frozenset(("name", "description", "seed", "runtime.device"))
"""What the digest does not cover: it differs between runs of one experiment, too."""


def labels_of(experiments: Sequence[ExperimentRuns]) -> list[str]:
    """What each is called in a comparison: unique, and fit to be part of a file's name.

    cnn alone; cnn-backend=jax beside cnn-backend=tensorflow; cnn-1a2b3c4d where more settings differ, or such
    that one cannot write so. Where the digests begin alike, too, they are given in full.
    """
    labels = {
        name: _told_apart([each for each in experiments if each.name == name])
        for name in dict.fromkeys(each.name for each in experiments)
    }
    return [labels[each.name].pop(0) for each in experiments]


def _told_apart(alike: Sequence[ExperimentRuns]) -> list[str]:
    """The labels of all experiments of one name."""
    name = alike[0].name
    if len(alike) == 1:
        return [name]
    settings = [_settings(each) for each in alike]
    keys = [
        key for key in dict.fromkeys(key for each in settings for key in each)
        if any(each.get(key) != settings[0].get(key) for each in settings)
    ]  # fmt: skip
    if len(keys) <= MOST_SETTINGS:
        short = _shortened(keys)
        labels = [
            "-".join([name, *(f"{short[key]}={_written(each.get(key))}" for key in keys)])
            for each in settings
        ]
        if all(re.fullmatch(r"[\w.=+-]{1,80}", label) for label in labels):
            return labels
    begins = Counter(each.digest[:8] for each in alike)
    return [f"{name}-{each.digest[: 8 if begins[each.digest[:8]] == 1 else 64]}" for each in alike]


def _settings(experiment: ExperimentRuns) -> dict[str, Any]:
    settings = flat(experiment.config.plain())
    return {key: value for key, value in settings.items() if key not in _NOT_COMPARED}


def _shortened(keys: Sequence[str]) -> dict[str, str]:
    """training.batch_size → batch_size; of a layer's settings the layer too: conv2d_1.filters."""
    parts = {key: key.split(".") for key in keys}
    short = {key: ".".join(each[-2:] if "layers" in each else each[-1:]) for key, each in parts.items()}
    return short if len(set(short.values())) == len(keys) else {key: key for key in keys}


def _written(value: Any) -> str:
    """As YAML has it; a list is no part of a label."""
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)
