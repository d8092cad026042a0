"""Training steps on JAX, on Keras's stateless functions: one by one on a CPU, in a compiled loop on a GPU.

Within a compiled loop, XLA's convolutions on a CPU use neither the fast library nor several threads: a step
of a small CNN takes three to four times as long there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import keras
import numpy as np

from cnnlab.datasets.content import Split
from cnnlab.datasets.memory_mapped import stays_on_disk
from cnnlab.training.steps import Learner, StepResults, Steps, gathered


def compile_steps(learner: Learner) -> Steps:
    """See `cnnlab.training.steps.compile_steps`."""
    return JaxSteps(learner)


class Placement(Protocol):
    """Where arrays lie, and how programs are compiled for that."""

    def everywhere(self, values: Any) -> Any:
        """Arrays, in lists or tuples, that each device needs as a whole."""

    def divided(self, batch: jax.Array) -> jax.Array:
        """In a program: of these images, or their labels, each device has its part."""

    def compiled(self, function: Callable[..., Any], *, reuses: int | None = None) -> Callable[..., Any]:
        """The program of a function; its results are everywhere.

        Args:
            reuses: the position of an argument whose memory the results may take over.
        """


class OneDevice:
    """JAX's first device, on which all lies anyway."""

    def everywhere(self, values: Any) -> Any:
        return values

    def divided(self, batch: jax.Array) -> jax.Array:
        return batch

    def compiled(self, function: Callable[..., Any], *, reuses: int | None = None) -> Callable[..., Any]:
        program: Callable[..., Any] = jax.jit(function, donate_argnums=() if reuses is None else (reuses,))
        return program


class Functions(NamedTuple):
    """The arithmetic of one learner, without its state: variables come in, and go out again.

    The state is [trainable variables, other variables of the network, variables of the optimizer].
    """

    step: Callable[..., Any]
    """(state, images, labels, positions in these two) → the new state, loss and right answers of the batch"""

    outputs: Callable[..., Any]
    """(trainable variables, other variables, images) → what the network answers"""


def functions_of(learner: Learner, placement: Placement | None = None) -> Functions:
    """What a learner computes; its optimizer has its slots then."""
    divided = (placement or OneDevice()).divided
    model, optimizer, objective = learner.model, learner.optimizer, learner.objective
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

    def step(state: Any, images: Any, labels: Any, batch: Any) -> Any:
        trainable, frozen, slots = state
        wanted = divided(labels[batch])
        (_, (loss, outputs, frozen)), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            trainable, frozen, slots, divided(images[batch]), wanted
        )
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return [list(trainable), list(frozen), list(slots)], loss, objective.correct(wanted, outputs)

    def outputs(trainable: Any, frozen: Any, batch: Any) -> Any:
        return model.stateless_call(trainable, frozen, pixels(divided(batch)), training=False)[0]

    return Functions(step, outputs)


def variables_of(learner: Learner) -> tuple[list[keras.Variable], ...]:
    """The variables of a learner, in the order of a state."""
    model = learner.model
    return model.trainable_variables, model.non_trainable_variables, learner.optimizer.variables


def values_of(learner: Learner) -> list[list[Any]]:
    """The state that a learner's variables are in."""
    return [[variable.value for variable in group] for group in variables_of(learner)]


def assign(learner: Learner, state: list[list[Any]]) -> None:
    """Put a learner's variables into a state."""
    for group, values in zip(variables_of(learner), state, strict=True):
        for variable, value in zip(group, values, strict=True):
            variable.assign(value)


def on_device(train: Split) -> tuple[jax.Array, jax.Array]:
    """Images, uint8, and labels, int32, where steps take them from."""
    return jnp.asarray(train.images), jnp.asarray(train.labels.astype(np.int32))


def calls_loops() -> bool:
    """Whether many steps are one compiled loop: not on a CPU."""
    return bool(jax.devices()[0].platform != "cpu")


class JaxSteps:
    """Variables are handed in and out of the compiled loop, and are Keras's own between two calls."""

    def __init__(self, learner: Learner, placement: Placement | None = None) -> None:
        self._learner, self._train = learner, learner.train
        self._placement = placement = placement or OneDevice()
        resident = not stays_on_disk(learner.train.images)
        self._resident = placement.everywhere(on_device(learner.train)) if resident else None
        step, outputs = functions_of(learner, placement)

        def loop(state: Any, images: Any, labels: Any, batches: Any, start: Any, stop: Any) -> Any:
            def one(index: Any, carry: Any) -> Any:
                state, losses, right = carry
                state, loss, correct = step(state, images, labels, batches[index])
                return state, losses.at[index].set(loss), right.at[index].set(correct)

            empty = jnp.zeros(len(batches), jnp.float32), jnp.zeros(len(batches), jnp.int32)
            return jax.lax.fori_loop(start, stop, one, (state, *empty))

        self._step, self._loop = placement.compiled(step, reuses=0), placement.compiled(loop, reuses=0)
        self._loops = calls_loops()
        self._outputs = placement.compiled(outputs)

    def run(self, batches: np.ndarray, start: int, stop: int) -> StepResults:
        state = self._placement.everywhere(values_of(self._learner))
        losses: Any
        right: Any
        if self._loops and self._resident is not None:
            state, losses, right = self._loop(state, *self._resident, batches, start, stop)
            assign(self._learner, state)
            losses, right = losses[start:stop], right[start:stop]
        else:
            losses, right = [], []
            try:
                for batch in batches[start:stop]:
                    images, labels, places = self._images_of(batch)
                    state, loss, correct = self._step(state, images, labels, places)
                    losses.append(loss)
                    right.append(correct)
            finally:  # the arrays that the variables had are gone
                assign(self._learner, state)
        return StepResults(np.array(losses, np.float32), np.array(right, np.int32))

    def _images_of(self, batch: np.ndarray) -> tuple[Any, Any, np.ndarray]:
        """Images, labels, and the positions of a batch in these two."""
        if self._resident is not None:
            return *self._resident, batch
        images, labels, (places,) = gathered(self._train, batch[np.newaxis])
        return images, labels, places

    def outputs(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        trainable, frozen = self._placement.everywhere(values_of(self._learner)[:2])
        # A slice of what lies on several devices would be one more program, which XLA may divide otherwise.
        alone = isinstance(self._placement, OneDevice)
        if alone and self._resident is not None and images is self._train.images:
            images = self._resident[0]
        # No program over all of them: one for batches is compiled once for all splits. None is waited for.
        starts = range(0, len(images), batch_size)
        outputs = [self._outputs(trainable, frozen, images[start : start + batch_size]) for start in starts]
        return np.concatenate([np.asarray(each) for each in outputs])
