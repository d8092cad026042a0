"""Every stage that images go through, from the pixels to the class probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np

from cnnlab.analyses.network import (
    LayerName,
    activation_of,
    find_layer,
    inner_layers,
    is_activation,
    maps_of,
    probabilities_of,
    summary_name,
)
from cnnlab.gradients import evaluated, in_batches
from cnnlab.layers.custom import AffineSampling, LocallyConnected2D

Kind = Literal["convolution", "activation", "pooling", "other", "neurons"]


@dataclass(frozen=True, eq=False)
class LayerOutput:
    """What the network holds at one place on its way."""

    layer: LayerName
    kind: Kind
    operation: str
    """What made it: Conv2D, relu, MaxPooling2D, …"""

    values: np.ndarray
    """(N, h, w, channels), (N, units), or (N, steps, features) as a recurrent layer takes them; float32."""


def features(model: keras.Model, images: np.ndarray) -> tuple[list[LayerOutput], np.ndarray]:
    """All stages of images, a convolution and its own activation being two.

    LeCun et al. 1998 show LeNet-5 so. Maps are drawn each on its own scale or all on one: what looks
    bright need not be large, and what is large need not matter to the answer.

    Args:
        images: (N, *input_shape) float32; a few of them, for all maps are kept.

    Returns:
        The stages in order, and (N, num_classes) float32 probabilities.
    """
    wanted: list[tuple[LayerName, Kind, str, keras.Model]] = []
    for layer in inner_layers(model):
        name, kind, maker = summary_name(layer), _kind(layer), type(layer).__name__
        activation = activation_of(layer)
        if hasattr(layer, "kernel") and activation != "linear":
            wanted.append((name, kind, maker, maps_of(model, name, before_activation=True)))
            kind, maker = "activation" if kind != "neurons" else kind, activation
        elif isinstance(layer, keras.layers.Activation):
            maker = activation
        wanted.append((name, kind, maker, maps_of(model, name)))
    answers = probabilities_of(model)
    maps = keras.Model(model.input, [network.output for *_, network in wanted])

    def all_of(x: object) -> tuple[object, ...]:
        return (*maps(x, training=False), answers(x, training=False))

    *values, probabilities = in_batches(evaluated(all_of), images)
    stages = [
        LayerOutput(name, kind, operation, each)
        for (name, kind, operation, _), each in zip(wanted, values, strict=True)
    ]
    return stages, probabilities


def straightened_images(model: keras.Model, stages: Sequence[LayerOutput]) -> LayerOutput | None:
    """The stage that a spatial transformer makes of the images themselves; None where there is none."""
    for stage in stages:
        if stage.operation == AffineSampling.__name__:
            resampled, _ = find_layer(model, stage.layer).input
            if resampled is model.input:
                return stage
    return None


def _kind(layer: keras.layers.Layer) -> Kind:
    if len(layer.output.shape) != 4:
        return "neurons"
    if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D | LocallyConnected2D):
        return "convolution"
    if is_activation(layer):
        return "activation"
    return "pooling" if "Pooling" in type(layer).__name__ else "other"
