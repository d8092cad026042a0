"""Keras models of many kinds, and the experiments that they become."""

from collections.abc import Callable
from typing import Any

import pytest

from cnnlab.config.experiment import ExperimentConfig, parse_config
from cnnlab.language.source import parse_yaml, write_yaml


@pytest.fixture(autouse=True)
def started(backend):
    """Every test here runs on the session's backend, which is deterministic."""


@pytest.fixture(scope="session")
def experiment() -> Callable[..., ExperimentConfig]:
    """The experiment of a Keras model, by way of the text of its file; `sections` are the other ones."""
    from cnnlab.layers.from_keras.reading import keras_section

    def read(model: Any, **sections: Any) -> ExperimentConfig:
        shape = list(model.input_shape[1:])
        model_section = {"keras": keras_section(model)}
        if "dataset" not in sections:
            model_section["input_shape"] = shape
        text = write_yaml({"model": model_section, **sections})
        return parse_config(parse_yaml(text, "model.yaml"), default_name="model")

    return read


@pytest.fixture
def rng():
    import numpy as np

    return np.random.default_rng(7)
