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


def neighbourhoods(rows: np.ndarray, *, perplexity: float = 30.0, seed: int = 0) -> np.ndarray:
    """t-SNE: a plane in which near rows stay near.

    Van der Maaten & Hinton 2008 (jmlr.org/papers/v9/vandermaaten08a.html), from the plane of the principal
    components on. Only what lies near means something: distances between clusters, their sizes and the axes
    do not, and with few images or a low perplexity it shows clusters in pure noise (Wattenberg, Viégas &
    Johnson 2016, doi 10.23915/distill.00002).

    Args:
        rows: (N, units) float.
        perplexity: how many neighbours count for each row, about; at most `highest_perplexity`.
        seed: of what is left to chance.

    Returns:
        (N, 2) float32.

    Raises:
        ValueError: a perplexity for which there are too few rows.
    """
    from sklearn.manifold import TSNE

    if perplexity > highest_perplexity(len(rows)):
        raise ValueError(f"perplexity {perplexity:g} with {len(rows)} rows")
    # As the paper does it: what is left out is noise for the distances, and costs time.
    shortened = principal_components(rows, dimensions=50).coordinates
    if not shortened.any():  # all rows are equal
        return np.zeros((len(rows), 2), np.float32)
    tsne = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed)
    return np.asarray(tsne.fit_transform(shortened), np.float32)


def highest_perplexity(rows: int) -> float:
    """As many neighbours as can be told from the rest: three times as many rows are looked at for each."""
    return (rows - 1) / 3


def trustworthiness(rows: np.ndarray, coordinates: np.ndarray, *, neighbours: int = 10) -> float:
    """How far the neighbours in the plane are neighbours of the rows: 1 all of them, some 0.5 by chance.

    Venna & Kaski 2001 (doi 10.1007/3-540-44668-0_68). It takes N² distances.
    """
    from sklearn.manifold import trustworthiness as measured

    return float(measured(rows, coordinates, n_neighbors=min(neighbours, (len(rows) - 1) // 2)))
