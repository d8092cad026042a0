"""A network, layer by layer in both engines: which layers are not the same?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cnnlab.backend import own_randomness, start_backend
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError, OptionError, UserError, first_sentence
from cnnlab.jobs import Jobs
from cnnlab.layers.graph import IMAGE
from cnnlab.reporting import Reporter
from cnnlab.scratch.convolution import ConvolutionName, implementation
from cnnlab.scratch.network import Network
from cnnlab.verification.gradients.loop_time import check_loops
from cnnlab.verification.gradients.results import DtypeName, GradientVerification, LayerCheck
from cnnlab.wording import counted

if TYPE_CHECKING:
    import keras

MANY_MACS = 100_000_000
"""Multiplications of one image from which on a network is large: few images, and each layer is told of."""

USUAL_IMAGES = 8
IMAGES_OF_LARGE = 2


def verify_gradients(
    config: ExperimentConfig,
    weights: Path | None,
    jobs: Jobs,
    *,
    dtype: DtypeName,
    batch: int | None,
    convolution: ConvolutionName,
) -> GradientVerification:
    """Compare each layer of a network in Keras and in cnnlab's own engine, with finite differences beside.

    Args:
        config: its seed is that of whatever is drawn: fresh weights, images, gradients, entries.
        weights: the model.keras of a run; None: fresh ones.
        jobs: loads the test images; where that fails, or there are none, they are random numbers in [0, 1).
        batch: how many images; None: 8, or 2 where one takes many multiplications, or fewer if there are.

    Raises:
        UserError: the engine lacks a layer, all of which are named; the run's weights are missing; there are
            fewer images; or the loops would take too long.
    """
    if lacking := config.beyond_engine():
        raise UserError("\n".join(lacking))
    if weights is not None and not weights.is_file():
        raise UserError(f"{weights}: there is no such file; train this run again with --fresh")
    implementation(convolution)  # says where Numba is missing
    large = (config.architecture.macs or 0) >= MANY_MACS
    usual = IMAGES_OF_LARGE if large else USUAL_IMAGES
    images = _images(config, jobs, batch or usual)
    if batch is not None and len(images) < batch:
        problem = f"{config.name} has {counted(len(images), 'test image')}"
        raise OptionError("batch", problem, value=batch)
    if convolution == "loops":
        check_loops(config, len(images), jobs.reporter)
    backend = start_backend(config.runtime)
    jobs.reporter.note(str(backend))
    return GradientVerification(
        config.name, (backend.host or backend).name, dtype, config.seed, convolution,
        _checked(config, _model(config, weights), images, dtype, convolution, jobs.reporter, tells=large),
    )  # fmt: skip


def _checked(
    config: ExperimentConfig,
    model: keras.Model,
    images: np.ndarray,
    dtype: DtypeName,
    convolution: ConvolutionName,
    reporter: Reporter,
    *,
    tells: bool,
) -> tuple[LayerCheck, ...]:
    """Each layer, on what Keras's layers before it give: what is wrong shows in its own layer."""
    from cnnlab.layer_gradients import double_precision
    from cnnlab.verification.gradients.one_layer import Trial

    network, nodes = Network.of(config.nodes, config.input_shape), config.nodes
    last_use = {source: position for position, node in enumerate(nodes) for source in node.inputs}
    outputs: dict[int, np.ndarray] = {IMAGE: images}
    checks: list[LayerCheck] = []
    with double_precision():
        for position, step in enumerate(network.steps):
            reporter.check_interruption()
            if tells:
                reporter.note(f"layer {position + 1} of {len(nodes)}: {step.name}")
            owner = nodes[step.weights_of]
            names = [each.name for each in owner.layer.weights_of(step.layer.input_shapes)]
            rng = np.random.default_rng((config.seed, step.weights_of))
            arrays = [_uneven(each, rng) for each in model.get_layer(owner.keras_name).get_weights()]
            trial = Trial(
                step, owner, dict(zip(names, arrays, strict=True)), [outputs[each] for each in step.inputs],
                convolution, (config.seed, position),
            )  # fmt: skip
            check, outputs[position] = trial.check(dtype)
            checks.append(check)
            for source in {*step.inputs}:
                if last_use[source] == position:
                    del outputs[source]
    return tuple(checks)


def _uneven(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Weights that have not learned yet, all 0 or all 1, with numbers in [0, 0.5) added to them.

    A bias that is counted twice, or a gamma that is forgotten, shows in no other way.
    """
    fresh = weights.size and weights.flat[0] in (0, 1) and bool((weights == weights.flat[0]).all())
    return weights + rng.uniform(0, 0.5, weights.shape).astype(weights.dtype) if fresh else weights


def _images(config: ExperimentConfig, jobs: Jobs, count: int) -> np.ndarray:
    """Test images, all if there are fewer, or random numbers: (N, *input_shape) float32."""
    rng = np.random.default_rng(config.seed)
    if config.dataset is not None:
        try:
            data = jobs.dataset(config)
        except CnnlabError as error:
            jobs.reporter.warn(
                f"{config.name}: {first_sentence(error)}; the images are random numbers instead"
            )
        else:
            test = data.test.images
            return data.pixels.apply(test[np.sort(rng.permutation(len(test))[:count])])
    return rng.random((count, *config.input_shape), dtype=np.float32)


def _model(config: ExperimentConfig, weights: Path | None) -> keras.Model:
    """Keras's model with fresh weights, or those of a run.

    Raises:
        UserError: the file is missing or broken.
    """
    from cnnlab.model import build_model
    from cnnlab.saved_model import readable_model

    with own_randomness():
        model = build_model(config)
    if weights is not None:
        problem = "cannot be read ({}); train this run again with --fresh"
        with readable_model(weights, problem, weights_only=True):
            model.load_weights(weights)
    return model
