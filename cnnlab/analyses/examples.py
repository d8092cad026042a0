"""The images of a data set that activate a unit most, and where in the image."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np

from cnnlab.analyses.network import LayerName, answers_of, maps_of
from cnnlab.gradients import evaluated, in_batches


class Examples(NamedTuple):
    """indices: (U, count) int, images with the highest values first. values: (U, count) float32.

    positions: (U, count, 2) int, row and column of the value in the unit's map; 0, 0 for neurons
    without a place. Where a unit is silent, as a ReLU on most images, the value is 0: that is no example,
    and the index −1.
    """

    indices: np.ndarray
    values: np.ndarray
    positions: np.ndarray


def strongest_examples(
    model: keras.Model, images: np.ndarray, *, layer: LayerName, count: int = 9
) -> Examples:
    """For every unit of a layer the images with its largest activations, one place an image.

    Zeiler & Fergus 2013 (arXiv 1311.2901). Nine images show what they have in common, not what the unit
    ignores; the middle of a unit's range may mean something else (Olah et al. 2017,
    doi 10.23915/distill.00007).

    Args:
        images: (N, *input_shape) float32.
        layer: of a softmax, the scores before it count.
    """
    peaks = map_peaks(model, layer)
    values, places = in_batches(evaluated(peaks), images)  # (N, units) each
    strongest = np.argsort(-values, axis=0, kind="stable")[:count].T  # (units, count)
    unit = np.arange(values.shape[1])[:, None]
    shape = maps_of(model, layer).output.shape
    width = shape[2] if len(shape) == 4 else 1
    positions = np.stack(np.divmod(places[strongest, unit], width), axis=-1)
    found = values[strongest, unit]
    silent = found == 0
    return Examples(np.where(silent, -1, strongest), found, np.where(silent[..., None], 0, positions))


def map_peaks(model: keras.Model, layer: LayerName) -> Any:
    """A function of image tensors: (N, …) → (N, units) largest value of each map, and where (flat)."""
    maps = answers_of(model, layer)

    def peaks(x: Any) -> tuple[Any, Any]:
        answers = maps(x, training=False)
        if len(answers.shape) == 4:
            answers = keras.ops.reshape(answers, (-1, answers.shape[1] * answers.shape[2], answers.shape[3]))
        else:
            answers = keras.ops.expand_dims(answers, 1)
        return keras.ops.max(answers, axis=1), keras.ops.argmax(answers, axis=1)

    return peaks
