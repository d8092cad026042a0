"""Where the last convolution finds evidence for a class."""

from __future__ import annotations

import keras
import numpy as np

from cnnlab.analyses.network import LayerName, channel_axis_of, layer_with_maps, scores_behind, take_class
from cnnlab.gradients import differentiated, evaluated, in_batches


def grad_cam(model: keras.Model, images: np.ndarray, classes: np.ndarray, *, layer: LayerName) -> np.ndarray:
    """ReLU of a layer's maps, summed with weights: each map's mean gradient of the class's score.

    Selvaraju et al. 2017 (arXiv 1610.02391). It is as coarse as the layer's maps, it takes one weight
    for a whole map, and in layers far from the output it says little.

    Args:
        images: (N, *input_shape) float32.
        classes: (N,) int, the output whose score is differentiated (before softmax).
        layer: a layer with maps, as a rule the last convolution.

    Returns:
        (N, h, w) float32, ≥ 0, on the grid of the layer's maps, in units of score.

    Raises:
        UserError: the layer has no maps.
    """
    channel_axis = channel_axis_of(model, layer_with_maps(model, layer))
    to_maps = keras.Model(model.input, layer_with_maps(model, layer).output)
    behind = scores_behind(model, layer)

    def score(maps: object, x: object, wanted: object) -> object:
        return take_class(behind([x, maps], training=False), wanted)

    maps_at = evaluated(lambda x: (to_maps(x, training=False),))
    gradient_at = differentiated(score)

    def weighted(x: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, ...]:
        (maps,) = maps_at(x)
        _, gradients = gradient_at(maps, x, wanted)
        spatial = tuple({1, 2, 3} - {channel_axis})
        weights = gradients.astype(np.float32).mean(axis=spatial, keepdims=True)  # one for each map
        return (np.maximum((weights * maps).sum(axis=channel_axis), 0),)

    (cams,) = in_batches(weighted, images, classes.astype(np.int32))
    return cams
