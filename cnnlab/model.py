"""ExperimentConfig → keras.Model."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from cnnlab.backend import set_seeds
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.language.fields import Shape
from cnnlab.layers.graph import IMAGE, GraphNode


def build_model(config: ExperimentConfig) -> keras.Model:
    """The Keras model of an experiment, with fresh weights that are a function of the config and its seed.

    It takes (batch, *input_shape) float32 images and gives (batch, num_classes) float32: probabilities, or
    logits where `config.gives_logits`. Layers carry the names of the summary's rows, with > for /.
    """
    keras.backend.clear_session()
    set_seeds(config.seed)
    return connect(config)


def connect(config: ExperimentConfig) -> keras.Model:
    """The layers of an experiment, wired up; their weights come from Keras's global seed as it stands.

    Each layer is told its precision: Keras's global policy is forgotten whenever its session is cleared.
    """
    image = keras.Input(config.input_shape, name="image")
    tensors = {IMAGE: image}
    nodes = config.nodes
    layers: list[keras.layers.Layer] = []
    for position, node in enumerate(nodes):
        feeds = [tensors[each] for each in node.inputs]
        # In mixed precision the scores stay float32: a softmax over float16 loses the small probabilities.
        dtype = "float32" if position == len(nodes) - 1 else config.runtime.precision
        layers.append(node.build(dtype) if node.shares is None else layers[node.shares])
        tensors[position] = node.layer.connect(layers[-1], feeds)
    return keras.Model(image, tensors[len(nodes) - 1], name=config.name)


def layer_with(
    node: GraphNode, input_shapes: Sequence[Shape], weights: Sequence[np.ndarray], dtype: str
) -> keras.layers.Layer:
    """The Keras layer of one node alone, with these weights, in Keras's order."""
    layer = node.build(dtype)
    for name in [each for each in vars(layer) if each.endswith("_initializer")]:
        setattr(layer, name, keras.initializers.Zeros())  # random ones are drawn in vain, up to 100 million
    node.layer.connect(
        layer, [keras.KerasTensor((None, *shape), layer.compute_dtype) for shape in input_shapes]
    )
    layer.set_weights(list(weights))
    return layer
