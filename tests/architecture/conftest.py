"""Keras's view of a network: what its layers are, without the memory that its weights would take."""

from collections.abc import Callable
from typing import Any

import pytest

from cnnlab.accounting.architecture import Architecture
from cnnlab.backend import Backend
from cnnlab.config.experiment import ExperimentConfig

Rows = list[tuple[str, tuple[int, ...], int]]


@pytest.fixture(scope="session")
def keras_model(backend: Backend) -> Callable[[ExperimentConfig], Any]:
    """The Keras model of a config; its weights have shapes, but no values."""
    import keras

    from cnnlab.model import connect

    def build(config: ExperimentConfig) -> Any:
        with keras.StatelessScope(initialize_variables=False):
            return connect(config)

    return build


@pytest.fixture(scope="session")
def keras_rows() -> Callable[[Any, Architecture], Rows]:
    """Name, output shape and parameter count of every layer of a model, in the order of the summary."""

    def rows(model: Any, architecture: Architecture) -> Rows:
        layers = [model.get_layer(row.name.replace("/", ">")) for row in architecture.rows]
        assert len(layers) == len(model.layers) - 1  # the input
        return [
            (layer.name.replace(">", "/"), tuple(layer.output.shape[1:]), layer.count_params())
            for layer in layers
        ]

    return rows
