"""Training steps of cnnlab's own engine, in NumPy. Between two calls, the Keras model holds the weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import keras
import numpy as np

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.layers.penalties import Regularizer
from cnnlab.scratch.layer import Mode
from cnnlab.scratch.losses import ONE_WITH_SOFTMAX, loss_function, mean_loss, targets_of
from cnnlab.scratch.network import Network
from cnnlab.scratch.portions import on_engine_threads
from cnnlab.scratch.regularizers import penalty, regularizers_of
from cnnlab.training.steps import Learner, StepResults

DROPOUT = 1
"""Stands last in the seeds of dropout; in the two of the order of images, NumPy reads a 0 in its place."""


@dataclass(frozen=True)
class HeldWeight:
    """An array of weights: the position of its layer and its name, for the engine, and who holds it."""

    position: int
    name: str
    trainable: bool
    regularizer: Regularizer | None
    variable: keras.Variable


def held_weights(config: ExperimentConfig, model: keras.Model) -> list[HeldWeight]:
    """Every array of a network once, as the layers come; a layer that shares another's has none."""
    held = []
    for position, step in enumerate(config.architecture.steps):
        if not step.weights:
            continue
        variables = model.get_layer(step.node.keras_name).weights
        regularizers = regularizers_of(step.node.layer, [weight.name for weight in step.weights])
        held += [
            HeldWeight(position, weight.name, weight.trainable, regularizers.get(weight.name), variable)
            for weight, variable in zip(step.weights, variables, strict=True)
        ]
    return held


class ScratchSteps:
    """Forwards, backwards and the step of the optimizer, by hand."""

    def __init__(self, config: ExperimentConfig, learner: Learner) -> None:
        self._learner, self._seed = learner, config.seed
        self._label_smoothing = config.training.label_smoothing
        self._network = self._trained_network = Network.of(config.nodes, config.input_shape)
        logits = config.gives_logits
        if not logits and config.training.loss in ONE_WITH_SOFTMAX:  # as Keras does it on TensorFlow
            self._trained_network, logits = self._network.without_softmax(), True
        self._loss = loss_function(config.training.loss, from_logits=logits)
        self._held = held_weights(config, learner.model)
        self._trained = [each for each in self._held if each.trainable]
        self._mode = Mode(convolution=config.runtime.convolution)

    def run(self, batches: np.ndarray, start: int, stop: int) -> StepResults:
        weights = self._taken()
        # Of a loss that is not finite, the caller tells.
        with on_engine_threads(), np.errstate(all="ignore"):
            results = [self._step(weights, positions) for positions in batches[start:stop]]
        for each in self._held:
            each.variable.assign(weights[each.position][each.name])
        losses, correct = zip(*results, strict=True)
        return StepResults(np.array(losses, np.float32), np.array(correct, np.int32))

    def outputs(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        weights, pixels = self._taken(), self._learner.pixels
        answers = []
        with on_engine_threads(), np.errstate(all="ignore"):
            for start in range(0, len(images), batch_size):
                batch = pixels.apply(images[start : start + batch_size])
                answers.append(self._network.forward(batch, weights, self._mode)[-1].output)
        return np.concatenate(answers)

    def _taken(self) -> list[dict[str, np.ndarray]]:
        """The weights that the model holds, by position of the layer and name."""
        weights: list[dict[str, np.ndarray]] = [{} for _ in self._network.steps]
        for each in self._held:
            weights[each.position][each.name] = np.array(keras.ops.convert_to_numpy(each.variable))
        return weights

    def _step(self, weights: list[dict[str, np.ndarray]], positions: np.ndarray) -> tuple[float, int]:
        """One step, which replaces the arrays in `weights`: its loss, and how many answers are right."""
        learner, optimizer, objective = self._learner, self._learner.optimizer, self._learner.objective
        images = learner.pixels.apply(learner.train.images[positions])
        labels = learner.train.labels[positions]
        rng = np.random.default_rng([self._seed, int(optimizer.iterations.value), DROPOUT])
        mode = replace(self._mode, training=True, uniform=lambda shape: rng.random(shape, np.float32))
        passes = self._trained_network.forward(images, weights, mode)
        outputs = passes[-1].output
        targets = targets_of(labels, objective.num_classes, outputs.dtype, self._label_smoothing)
        counts = None if objective.class_weights is None else objective.class_weights[labels]
        loss, gradient = mean_loss(self._loss, targets, outputs, counts)
        to_weights = self._trained_network.backward(passes, gradient)
        before = [weights[each.position][each.name] for each in self._trained]
        gradients = [to_weights[each.position][each.name] for each in self._trained]
        for place, (each, array) in enumerate(zip(self._trained, before, strict=True)):
            if each.regularizer is not None:
                cost, slope = penalty(array, each.regularizer.l1, each.regularizer.l2)
                loss, gradients[place] = loss + cost, gradients[place] + slope
        for each, array in zip(self._trained, optimizer.step(before, gradients), strict=True):
            weights[each.position][each.name] = array
        for step, done in zip(self._network.steps, passes, strict=True):
            weights[step.weights_of].update(done.state)
        return loss, int(np.sum(outputs.argmax(axis=1) == labels))
