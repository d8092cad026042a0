"""Training steps on JAX: one compiled loop over many steps, on Keras's stateless functions."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from cnnlab.datasets.memory_mapped import stays_on_disk
from cnnlab.training.steps import Learner, StepResults, Steps, gathered


def compile_steps(learner: Learner) -> Steps:
    """See `cnnlab.training.steps.compile_steps`."""
    return JaxSteps(learner)


class JaxSteps:
    """Variables are handed in and out of the compiled loop, and are Keras's own between two calls."""

    def __init__(self, learner: Learner) -> None:
        model, optimizer, objective = learner.model, learner.optimizer, learner.objective
        self._model, self._optimizer = model, optimizer
        self._train = learner.train
        self._resident: tuple[jax.Array, jax.Array] | None = None
        if not stays_on_disk(learner.train.images):
            labels = jnp.asarray(learner.train.labels.astype(np.int32))
            self._resident = jnp.asarray(learner.train.images), labels
        factor, offset = jnp.asarray(learner.pixels.factor), jnp.asarray(learner.pixels.offset)
        optimizer.build(model.trainable_variables)

        def pixels(batch: jax.Array) -> jax.Array:
            return batch.astype(jnp.float32) / 255.0 * factor + offset

        def loss_of(trainable: Any, frozen: Any, slots: Any, images: Any, labels: Any) -> Any:
            outputs, frozen, losses = model.stateless_call(
                trainable, frozen, pixels(images), training=True, return_losses=True
            )
            loss = objective.training_loss(labels, outputs) + sum(losses)
            with keras.StatelessScope(state_mapping=list(zip(optimizer.variables, slots, strict=True))):
                scaled_loss = optimizer.scale_loss(loss)
            return scaled_loss, (loss, outputs, frozen)

        def run(state: Any, images: Any, labels: Any, batches: Any, start: Any, stop: Any) -> Any:
            steps = batches.shape[0]

            def step(index: Any, carry: Any) -> Any:
                (trainable, frozen, slots), losses, right = carry
                chosen, wanted = images[batches[index]], labels[batches[index]]
                (_, (loss, outputs, frozen)), gradients = jax.value_and_grad(loss_of, has_aux=True)(
                    trainable, frozen, slots, chosen, wanted
                )
                trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
                losses = losses.at[index].set(loss)
                right = right.at[index].set(objective.correct(wanted, outputs))
                return [list(trainable), list(frozen), list(slots)], losses, right

            empty = jnp.zeros(steps, jnp.float32), jnp.zeros(steps, jnp.int32)
            return jax.lax.fori_loop(start, stop, step, (state, *empty))

        def outputs(trainable: Any, frozen: Any, batch: Any) -> Any:
            return model.stateless_call(trainable, frozen, pixels(batch), training=False)[0]

        self._run = jax.jit(run, donate_argnums=0)
        self._outputs = jax.jit(outputs)

    def _variables(self) -> tuple[list[keras.Variable], ...]:
        model = self._model
        return model.trainable_variables, model.non_trainable_variables, self._optimizer.variables

    def _state(self) -> list[list[Any]]:
        return [[variable.value for variable in group] for group in self._variables()]

    def run(self, batches: np.ndarray, start: int, stop: int) -> StepResults:
        if self._resident is None:
            # One step a call: another number of images would be another program to compile.
            results = [self._call(*gathered(self._train, batches[[i]]), 0, 1) for i in range(start, stop)]
            losses, right = (np.concatenate(each) for each in zip(*results, strict=True))
            return StepResults(losses, right)
        return self._call(*self._resident, batches, start, stop)

    def _call(self, images: Any, labels: Any, batches: np.ndarray, start: int, stop: int) -> StepResults:
        state, losses, right = self._run(self._state(), images, labels, batches, start, stop)
        for group, values in zip(self._variables(), state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return StepResults(np.asarray(losses)[start:stop], np.asarray(right)[start:stop])

    def outputs(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        trainable, frozen, _ = self._state()
        if self._resident is not None and images is self._train.images:
            images = self._resident[0]
        # No program over all of them: one for batches is compiled once for all splits. None is waited for.
        starts = range(0, len(images), batch_size)
        outputs = [self._outputs(trainable, frozen, images[start : start + batch_size]) for start in starts]
        return np.concatenate([np.asarray(each) for each in outputs])
