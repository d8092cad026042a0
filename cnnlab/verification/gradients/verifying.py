"""A network, layer by layer in both engines: which layers are not the same?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.gradients import double_precision
from cnnlab.layers.graph import IMAGE
from cnnlab.reporting import Reporter
from cnnlab.scratch.convolution import ConvolutionName, implementation
from cnnlab.scratch.layer import Weights
from cnnlab.scratch.network import Network
from cnnlab.verification.gradients.one_layer import Trial
from cnnlab.verification.gradients.results import GradientVerification, LayerCheck

if TYPE_CHECKING:
    import keras

Dtype = Literal["float64", "float32"]

MANY_MACS = 100_000_000
"""Multiplications of one image from which on a network is large: it gets fewer images, and tells each layer."""


def verify_layers(
    config: ExperimentConfig,
    model: keras.Model,
    images: np.ndarray,
    *,
    dtype: Dtype,
    seed: int,
    convolution: ConvolutionName,
    backend: str,
    reporter: Reporter,
) -> GradientVerification:
    """Compare each layer of a network in both engines.

    Each gets the outputs of Keras's layers before it, so that what is wrong shows in its own layer.

    Args:
        config: whose layers the NumPy engine has all.
        model: with the weights that are looked at.
        images: (N, *input_shape) float32.
    """
    network, nodes = Network.of(config.nodes, config.input_shape), config.nodes
    last_use = {source: position for position, node in enumerate(nodes) for source in node.inputs}
    outputs: dict[int, np.ndarray] = {IMAGE: images}
    checks: list[LayerCheck] = []
    tells = (config.architecture.macs or 0) >= MANY_MACS
    with double_precision():
        for position, step in enumerate(network.steps):
            reporter.check_interruption()
            if tells:
                reporter.note(f"layer {position + 1} of {len(nodes)}: {step.name}")
            owner = nodes[step.weights_of]
            names = [each.name for each in owner.layer.weights_of(step.layer.input_shapes)]
            arrays = model.get_layer(owner.keras_name).get_weights()
            trial = Trial(
                step, owner, dict(zip(names, arrays, strict=True)), [outputs[each] for each in step.inputs],
                convolution, (seed, position),
            )  # fmt: skip
            check, outputs[position] = trial.check(dtype)
            checks.append(check)
            for source in {*step.inputs}:
                if last_use[source] == position:
                    del outputs[source]
    return GradientVerification(config.name, backend, dtype, seed, convolution, tuple(checks))
