"""Training steps on several devices with TensorFlow: each computes the gradients of its part of a batch.

`tf.distribute.MirroredStrategy` runs the network on every device. The variables of the network and of its
optimizer are those of a training on one device, and on the first: each step hands their values to the devices
and adds up the gradients that come back; then the optimizer makes its step there, once. So a rule of an
optimizer, such as clipping or accumulation, needs no form for several devices, and neither do checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnnlab.training.objective import Objective
from cnnlab.training.steps import Learner, StepResults, Steps
from cnnlab.training.steps_tensorflow import (
    Functions,
    TensorFlowSteps,
    functions_of,
    on_device,
    pixels_of,
)

SEED_STRIDE = 15_485_863
"""How far the random numbers of two devices are apart, in the first half of their seeds; a prime."""


def compile_steps(learner: Learner, devices: Sequence[str]) -> Steps:
    """See `cnnlab.training.steps.compile_steps`."""
    return SharedSteps(learner, devices)


class SharedSteps:
    """Batches with fewer images than there are devices, such as the last of an epoch, the first computes."""

    def __init__(self, learner: Learner, devices: Sequence[str]) -> None:
        self._learner, self._fewest = learner, len(devices)
        self._resident = on_device(learner.train)
        with _normalizing_over_all_devices(learner.model):
            functions = _Replicas(learner, devices).functions
            self._shared = TensorFlowSteps(learner, functions, self._resident)

    @cached_property
    def _alone(self) -> TensorFlowSteps:
        return TensorFlowSteps(self._learner, functions_of(self._learner), self._resident)

    def run(self, batches: np.ndarray, start: int, stop: int) -> StepResults:
        steps = self._shared if batches.shape[1] >= self._fewest else self._alone
        return steps.run(batches, start, stop)

    def outputs(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        last = len(images) % batch_size
        too_small = len(images) if batch_size < self._fewest else last if last < self._fewest else 0
        split = len(images) - too_small
        parts = []
        if split:
            parts.append(self._shared.outputs(images[:split], batch_size))
        if too_small:
            parts.append(self._alone.outputs(images[split:], batch_size))
        return np.concatenate(parts)


class _Replicas:
    """What the devices compute in a step, and what is computed once."""

    def __init__(self, learner: Learner, devices: Sequence[str]) -> None:
        self._learner, self._count = learner, len(devices)
        # Sums have one order, whatever the devices are connected by.
        self._strategy = tf.distribute.MirroredStrategy(
            list(devices), cross_device_ops=tf.distribute.ReductionToOneDevice()
        )
        self._pixels = pixels_of(learner)
        self._sum_of_losses = _summing(learner.objective)
        self._activity_is_mean = _activity_is_mean()
        learner.optimizer.build(learner.model.trainable_variables)

    @property
    def functions(self) -> Functions:
        convert = tf.autograph.experimental.do_not_convert  # it would look into what MirroredStrategy returns
        return Functions(convert(self._step), convert(self._answers))

    def _step(self, images: tf.Tensor, wanted: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        model, optimizer = self._learner.model, self._learner.optimizer
        others = model.non_trainable_variables
        # Everything that lies in variables is read here, on the device where they are.
        results = self._strategy.run(
            self._gradients,
            args=(
                self._divided(images),
                self._divided(wanted),
                tf.shape(images)[0],
                optimizer.scale_loss(tf.constant(1.0)),
                [tf.convert_to_tensor(each.value) for each in model.trainable_variables],
                [self._seeded_apart(each) for each in others],
            ),
        )
        gradients, values, loss, correct = results
        sums = [None if each is None else self._sum(each) for each in gradients]
        optimizer.apply(sums, model.trainable_variables)
        for variable, value in zip(others, values, strict=True):  # the same on all devices, seeds aside
            variable.assign(self._strategy.experimental_local_results(value)[0])
        return self._sum(loss), self._sum(correct)

    def _gradients(
        self,
        images: tf.Tensor,
        wanted: tf.Tensor,
        batch_size: tf.Tensor,
        loss_scale: tf.Tensor,
        trainable: Any,
        frozen: Any,
    ) -> tuple[Any, Any, tf.Tensor, tf.Tensor]:
        """On one device, of its part of the batch: what it adds to the gradients, loss and right answers.

        Args:
            batch_size: of the whole batch, over which the loss is a mean.
            loss_scale: by what gradients are multiplied, to be there in half precision.
            trainable, frozen: the values of the network's variables.

        Returns:
            Gradients; the new values of the variables that are not trained; loss; right answers.
        """
        model, objective = self._learner.model, self._sum_of_losses
        trainable = [tf.identity(each) for each in trainable]
        whole = tf.cast(batch_size, tf.float32)
        share = tf.cast(tf.shape(images)[0], tf.float32) / whole
        state = [
            *zip(model.trainable_variables, trainable, strict=True),
            *zip(model.non_trainable_variables, frozen, strict=True),
        ]
        with tf.GradientTape() as tape:
            tape.watch(trainable)
            # Not the losses of the model: its layers keep those of all devices in one list.
            with keras.StatelessScope(state, collect_losses=True) as scope:
                outputs = model(self._pixels(images), training=True)
                frozen = [scope.get_current_value(each) for each in model.non_trainable_variables]
            penalties = [
                variable.regularizer(value)
                for variable, value in state
                if variable.trainable and variable.regularizer is not None
            ]
            loss = objective.training_loss(wanted, outputs) / whole + share * sum(penalties)
            if scope.losses:
                loss += tf.add_n(scope.losses) * (share if self._activity_is_mean else 1.0)
            scaled_loss = loss * loss_scale
        return tape.gradient(scaled_loss, trainable), frozen, loss, objective.correct(wanted, outputs)

    def _answers(self, images: tf.Tensor) -> tf.Tensor:
        answers = self._strategy.run(
            lambda part: self._learner.model(self._pixels(part), training=False),
            args=(self._divided(images),),
        )
        return tf.concat(self._strategy.experimental_local_results(answers), axis=0)

    def _divided(self, batch: tf.Tensor) -> Any:
        """Each device's part of a batch, which need not be a multiple of the devices."""
        size = tf.shape(batch)[0]
        bounds = [size * position // self._count for position in range(self._count + 1)]
        return self._for_each(lambda device: batch[bounds[device] : bounds[device + 1]])

    def _seeded_apart(self, variable: keras.Variable) -> Any:
        """The value of a variable for each device; dropout is to leave out other units on each of them."""
        value = tf.convert_to_tensor(variable.value)
        if variable.name != "seed_generator_state":
            return value
        return self._for_each(lambda device: value + tf.constant([device * SEED_STRIDE, 0], value.dtype))

    def _for_each(self, value_of: Callable[[int], tf.Tensor]) -> Any:
        values = [value_of(device) for device in range(self._count)]
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: values[context.replica_id_in_sync_group]
        )

    def _sum(self, value: Any) -> tf.Tensor:
        return tf.add_n(self._strategy.experimental_local_results(value))


@contextmanager
def _normalizing_over_all_devices(model: keras.Model) -> Iterator[None]:
    """What is traced in this block takes the statistics of batch normalization over the whole batch.

    It is a setting of the layer, which a saved network keeps; there, it is that of a training on one device.
    """
    layers = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    before = [each.synchronized for each in layers]
    for layer in layers:
        layer.synchronized = True
    try:
        yield
    finally:
        for layer, synchronized in zip(layers, before, strict=True):
            layer.synchronized = synchronized


def _summing(objective: Objective) -> Objective:
    """An objective whose loss is the sum over the images: Keras divides means by the number of devices."""
    loss = objective.loss_of
    settings = {**keras.losses.serialize(loss)["config"], "reduction": "sum"}
    return replace(objective, loss_of=type(loss).from_config(settings))


def _activity_is_mean() -> bool:
    """Whether Keras takes an activity regularizer's mean over the images; before 3.14 it was their sum."""
    layer = keras.layers.Activation("linear", activity_regularizer=keras.regularizers.L1(1.0))
    layer(np.ones((2, 1), np.float32))
    return bool(float(layer.losses[0]) < 1.5)
