"""Training steps on several devices with JAX: the program of one device, whose compiler divides the work.

The variables lie on every device, the images of a batch are divided between them. Which sums need numbers of
other devices, those of batch normalization and of the gradients among them, XLA's partitioner (GSPMD, Xu et
al. 2021) finds out by itself: whatever the network, the program computes what it computes on one device, up
to the order of sums. Random numbers do not depend on the devices, either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import keras

from cnnlab.training.steps import Learner, Steps
from cnnlab.training.steps_jax import JaxSteps


def compile_steps(learner: Learner, devices: Sequence[str]) -> Steps:
    """See `cnnlab.training.steps.compile_steps`."""
    return JaxSteps(learner, SeveralDevices(devices))


class SeveralDevices:
    """See `cnnlab.training.steps_jax.Placement`."""

    def __init__(self, names: Sequence[str]) -> None:
        self._distribution = keras.distribution.DataParallel(devices=[name.lower() for name in names])
        mesh = self._distribution.device_mesh
        self._everywhere = jax.sharding.NamedSharding(mesh.backend_mesh, jax.sharding.PartitionSpec())

    def everywhere(self, values: Any) -> Any:
        return jax.device_put(values, self._everywhere)

    def divided(self, batch: jax.Array) -> jax.Array:
        # A batch need not be a multiple of the devices: XLA pads, and what is padded counts nowhere.
        layout = self._distribution.get_data_layout(batch.shape)
        return jax.lax.with_sharding_constraint(batch, layout.backend_layout)

    def compiled(self, function: Callable[..., Any], *, reuses: int | None = None) -> Callable[..., Any]:
        donated = () if reuses is None else (reuses,)
        # Said of what goes in, too: XLA may choose to divide it, and JAX then refuses uneven parts.
        where = self._everywhere
        program: Callable[..., Any] = jax.jit(
            function, donate_argnums=donated, in_shardings=where, out_shardings=where
        )
        return program
