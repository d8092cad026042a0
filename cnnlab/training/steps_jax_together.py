"""Training steps of several seeds in one JAX program: each operation computes all of them at once.

A lane is one seed's place in the program. What a lane computes does not depend on what the others hold, be it
that one has diverged: a run has the same bits whoever is beside it, as long as there are as many lanes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cnnlab.training.steps import Learner, StepResults
from cnnlab.training.steps_jax import assign, calls_loops, functions_of, on_device, values_of


class JaxStepsTogether:
    """One program for all learners; see `cnnlab.training.steps.StepsTogether`.

    While an epoch is trained, each variable of all lanes is one array. The images are there once.
    """

    def __init__(self, learners: Sequence[Learner]) -> None:
        self.learners = tuple(learners)
        self._train = learners[0].train
        self._resident = on_device(self._train)
        self._state: Any = None
        functions = [functions_of(learner) for learner in learners]  # it also builds each optimizer's slots
        step = jax.vmap(functions[0].step, in_axes=(0, None, None, 0))
        outputs = jax.vmap(functions[0].outputs, in_axes=(0, 0, None))

        def loop(state: Any, images: Any, labels: Any, batches: Any, start: Any, stop: Any) -> Any:
            def one(index: Any, carry: Any) -> Any:
                state, losses, right = carry
                state, loss, correct = step(state, images, labels, batches[index])
                return state, losses.at[index].set(loss), right.at[index].set(correct)

            shape = batches.shape[:2]
            return jax.lax.fori_loop(
                start, stop, one, (state, jnp.zeros(shape, jnp.float32), jnp.zeros(shape, jnp.int32))
            )

        self._step, self._loop = jax.jit(step, donate_argnums=0), jax.jit(loop, donate_argnums=0)
        self._loops = calls_loops()
        self._outputs = jax.jit(outputs)

    def load(self) -> None:
        self._state = None  # the old one would be in memory beside the new one
        self._state = _stacked([values_of(learner) for learner in self.learners])

    def store(self, lanes: Collection[int]) -> None:
        states = _apart(self._state, len(self.learners))
        for lane in lanes:
            assign(self.learners[lane], states[lane])

    def run(self, batches: np.ndarray, start: int, stop: int) -> StepResults:
        losses: Any
        right: Any
        if self._loops:
            self._state, losses, right = self._loop(self._state, *self._resident, batches, start, stop)
            losses, right = losses[start:stop], right[start:stop]
        else:
            losses, right = [], []
            for batch in batches[start:stop]:
                self._state, loss, correct = self._step(self._state, *self._resident, batch)
                losses.append(loss)
                right.append(correct)
        return StepResults(np.array(losses, np.float32), np.array(right, np.int32))

    def outputs(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        trainable, frozen = _stacked([values_of(learner)[:2] for learner in self.learners])
        given: Any = self._resident[0] if images is self._train.images else images
        starts = range(0, len(images), batch_size)
        outputs = [self._outputs(trainable, frozen, given[start : start + batch_size]) for start in starts]
        return np.concatenate([np.asarray(each) for each in outputs], axis=1)


@jax.jit  # type: ignore[untyped-decorator]
def _stacked(states: list[Any]) -> Any:
    """One state for all lanes, (lanes, …) each, from one of each lane."""
    return jax.tree.map(lambda *values: jnp.stack(values), *states)


@partial(jax.jit, static_argnums=1)
def _apart(state: Any, lanes: int) -> list[Any]:
    """A state of each lane, from the one for all."""
    return [jax.tree.map(lambda values: values[lane], state) for lane in range(lanes)]  # noqa: B023
