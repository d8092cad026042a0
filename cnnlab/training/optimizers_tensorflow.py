"""Keras's optimizers with TensorFlow's operations that do a whole update in one pass over the weights.

Keras composes an update of some ten operations, and each of them reads and writes an array as large as the
weights. State, settings and everything around the update, such as clipping or weight decay, stay Keras's own;
the results differ from those of its operations in the last bits.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class _Fused(keras.optimizers.Optimizer):
    @property
    def _is_fusible(self) -> bool:
        """Whether the variables are there: to learn shapes only, Keras puts tensors in their place."""
        return isinstance(self._iterations.value, tf.Variable)


class _FusedAdam(_Fused, keras.optimizers.Adam):
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if self.amsgrad or not self._is_fusible:  # the operation has another rule for the largest velocity
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        beta_1, beta_2 = (tf.constant(beta, variable.dtype) for beta in (self.beta_1, self.beta_2))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.constant(self.epsilon, variable.dtype),
            grad=tf.cast(gradient, variable.dtype),
        )


class Adam(_FusedAdam):
    """Keras's Adam."""


class AdamW(_FusedAdam, keras.optimizers.AdamW):
    """Keras's AdamW."""


class SGD(_Fused, keras.optimizers.SGD):
    """Keras's SGD."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if not self._is_fusible:
            super().update_step(gradient, variable, learning_rate)
            return
        rate, gradient = tf.cast(learning_rate, variable.dtype), tf.cast(gradient, variable.dtype)
        if not self.momentum:
            tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=rate, delta=gradient)
            return
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=self.momentums[self._get_variable_index(variable)].value.handle,
            lr=rate,
            grad=gradient,
            momentum=tf.constant(self.momentum, variable.dtype),
            use_nesterov=self.nesterov,
        )


class RMSprop(_Fused, keras.optimizers.RMSprop):
    """Keras's RMSprop."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if self.centered or not self.momentum or not self._is_fusible:  # the operation keeps a momentum
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyRMSProp(
            var=variable.handle,
            ms=self._velocities[index].value.handle,
            mom=self._momentums[index].value.handle,
            lr=tf.cast(learning_rate, variable.dtype),
            rho=tf.constant(self.rho, variable.dtype),
            momentum=tf.constant(self.momentum, variable.dtype),
            epsilon=tf.constant(self.epsilon, variable.dtype),
            grad=tf.cast(gradient, variable.dtype),
        )
