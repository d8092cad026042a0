"""The last hidden layer in two dimensions: which images lie near each other for the network."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np

from cnnlab.analyses.network import LayerName, inner_layers, maps_of, predict, summary_name
from cnnlab.errors import UserError


class Embedding(NamedTuple):
    """coordinates: (N, dimensions) float32. explained: (dimensions,) share of the variance of each axis."""

    coordinates: np.ndarray
    explained: np.ndarray


def last_hidden_layer(model: keras.Model) -> LayerName:
    """The layer whose output the last layer with weights sees.

    Raises:
        UserError: there is only one layer with weights.
    """
    layers = inner_layers(model)
    weighted = [index for index, layer in enumerate(layers) if layer.weights]
    if len(weighted) < 2:
        raise UserError(f"{model.name}: this network has no hidden layer")
    return summary_name(layers[weighted[-1] - 1])


def activations(model: keras.Model, images: np.ndarray, *, layer: LayerName) -> np.ndarray:
    """A layer's outputs as rows: (N, *input_shape) → (N, units) float32."""
    return predict(maps_of(model, layer), images).reshape(len(images), -1)


def principal_components(rows: np.ndarray, *, dimensions: int = 2) -> Embedding:
    """Project rows onto the directions in which they differ most (Pearson 1901; Hotelling 1933).

    A plane shows a part of the variance only, which `explained` says; clusters that overlap in it may
    be far apart in what is not shown. Each axis points to where its largest weight is positive.

    Args:
        rows: (N, units) float.
    """
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    dimensions = min(dimensions, *rows.shape)
    _, deviations, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:dimensions]
    largest = np.abs(axes).argmax(axis=1)
    axes = axes * np.sign(axes[np.arange(dimensions), largest])[:, None]
    variances = deviations**2
    total = variances.sum()
    explained = variances[:dimensions] / total if total else np.zeros(dimensions)
    return Embedding((centred @ axes.T).astype(np.float32), explained)
