"""Training steps on TensorFlow: one graph that loops over many steps, so that Python costs nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from cnnlab.datasets.content import Split
from cnnlab.datasets.memory_mapped import stays_on_disk
from cnnlab.memory import custom_gradients_dropped
from cnnlab.training.steps import Learner, StepResults, Steps, gathered, next_chunk


def compile_steps(learner: Learner) -> Steps:
    """See `cnnlab.training.steps.compile_steps`."""
    return TensorFlowSteps(learner, functions_of(learner), on_device(learner.train))


class Functions(NamedTuple):
    """The arithmetic of one learner, in a graph."""

    step: Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
    """(images of a batch, uint8, their labels) → its loss and right answers; the variables are changed."""

    answers: Callable[[tf.Tensor], tf.Tensor]
    """(images, uint8) → what the network answers"""


def functions_of(learner: Learner) -> Functions:
    """What a learner computes; its optimizer has its slots then."""
    model, optimizer, objective = learner.model, learner.optimizer, learner.objective
    pixels, variables = pixels_of(learner), model.trainable_variables
    optimizer.build(variables)

    def step(images: tf.Tensor, wanted: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            outputs = model(pixels(images), training=True)
            loss = objective.training_loss(wanted, outputs)
            if model.losses:  # the layers' regularizers
                loss += tf.add_n(model.losses)
            scaled_loss = optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled_loss, [variable.value for variable in variables])
        optimizer.apply(gradients, variables)
        return loss, objective.correct(wanted, outputs)

    return Functions(step, lambda images: model(pixels(images), training=False))


def pixels_of(learner: Learner) -> Callable[[tf.Tensor], tf.Tensor]:
    """(N, *input_shape) uint8 → what the network sees of them, float32."""
    factor, offset = tf.constant(learner.pixels.factor), tf.constant(learner.pixels.offset)
    image_shape = learner.train.images.shape[1:]

    def pixels(images: tf.Tensor) -> tf.Tensor:
        scaled = tf.cast(images, tf.float32) / 255.0 * factor + offset
        return tf.ensure_shape(scaled, (None, *image_shape))

    return pixels


def on_device(train: Split) -> tuple[tf.Tensor, tf.Tensor] | None:
    """Images, uint8, and labels, int32, where steps take them from; None where they stay on the disk."""
    if stays_on_disk(train.images):
        return None
    return tf.constant(train.images), tf.constant(train.labels.astype(np.int32))


class TensorFlowSteps:
    """What Keras's train step computes, without Python between two steps.

    Args:
        resident: the training images, as `on_device` has them.
    """

    def __init__(
        self, learner: Learner, functions: Functions, resident: tuple[tf.Tensor, tf.Tensor] | None
    ) -> None:
        self._train, self._resident = learner.train, resident
        image_shape, answers_type = learner.train.images.shape[1:], learner.model.output.dtype

        signature = [
            tf.TensorSpec([None, *image_shape], tf.uint8),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([], tf.int32),
        ]

        @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
        def run(
            images: tf.Tensor, labels: tf.Tensor, batches: tf.Tensor, start: tf.Tensor, stop: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor]:
            losses = tf.TensorArray(tf.float32, size=stop - start)
            right = tf.TensorArray(tf.int32, size=stop - start)
            for index in tf.range(start, stop):
                batch = batches[index]
                loss, correct = functions.step(tf.gather(images, batch), tf.gather(labels, batch))
                losses = losses.write(index - start, loss)
                right = right.write(index - start, correct)
            return losses.stack(), right.stack()

        signature = [tf.TensorSpec([None, *image_shape], tf.uint8), tf.TensorSpec([], tf.int32)]

        @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
        def outputs(images: tf.Tensor, batch_size: tf.Tensor) -> tf.Tensor:
            answers = tf.TensorArray(answers_type, size=0, dynamic_size=True, infer_shape=False)
            for start in tf.range(0, tf.shape(images)[0], batch_size):
                tf.autograph.experimental.set_loop_options(parallel_iterations=1)  # memory for one batch
                batch = images[start : start + batch_size]
                answers = answers.write(start // batch_size, functions.answers(batch))
            return answers.concat()

        with custom_gradients_dropped():
            self._run, self._outputs = run.get_concrete_function(), outputs.get_concrete_function()

    def run(self, batches: np.ndarray, start: int, stop: int) -> StepResults:
        if self._resident is None:
            images, labels, batches = gathered(self._train, batches[start:stop])
            start, stop = 0, len(batches)
        else:
            images, labels = self._resident
        losses, right = self._run(
            tf.constant(images),
            tf.constant(labels),
            tf.constant(batches),
            tf.constant(start),
            tf.constant(stop),
        )
        return StepResults(losses.numpy(), right.numpy())

    def outputs(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        answers, start, chunk = [], 0, 1
        while start < len(images):
            began = time.perf_counter()
            some = tf.constant(images[start : start + chunk * batch_size])
            answers.append(self._outputs(some, tf.constant(batch_size)).numpy())
            start += len(some)
            chunk = next_chunk(chunk, time.perf_counter() - began)
        return np.concatenate(answers)
