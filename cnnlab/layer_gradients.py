"""One layer alone, forwards and backwards with respect to its inputs and weights, on every backend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import keras
import numpy as np


class LayerPass(NamedTuple):
    """A layer's output for a batch, and what comes back through it."""

    output: np.ndarray
    inputs: list[np.ndarray]
    """The gradient with respect to each input."""

    weights: list[np.ndarray]
    """That with respect to each trainable weight, in the layer's order."""

    state: list[np.ndarray]
    """The other weights as they are after the batch: moving means and variances."""


def layer_pass(layer: keras.layers.Layer, inputs: Sequence[np.ndarray], gradient: np.ndarray) -> LayerPass:
    """Send a batch through one built layer in training, and a gradient back through it.

    What the layer draws and remembers goes on, as in a training step.

    Args:
        inputs: one array (N, …) for each of the layer's inputs, of the layer's dtype.
        gradient: of some loss with respect to the output, of its shape and dtype.
    """
    passes = {"tensorflow": _pass_tensorflow, "jax": _pass_jax, "torch": _pass_torch}
    output, to_inputs, to_weights = passes[keras.backend.backend()](layer, inputs, gradient)
    return LayerPass(
        _to_numpy(output),
        [_to_numpy(each) for each in to_inputs],
        [_to_numpy(each) for each in to_weights],
        [_to_numpy(each) for each in layer.non_trainable_weights],
    )


def layer_output(layer: keras.layers.Layer, inputs: Sequence[np.ndarray]) -> np.ndarray:
    """What a built layer gives for a batch in inference: (N, …) for each of its inputs → (N, …)."""
    tensors = [keras.ops.convert_to_tensor(each) for each in inputs]
    return _to_numpy(_called(layer, tensors, training=False))


@contextmanager
def double_precision() -> Iterator[None]:
    """Let float64 stay float64 within the block.

    JAX makes float32 of it unless told otherwise, and so do many of Keras's operations on JAX and PyTorch.
    """
    if keras.backend.backend() == "tensorflow":
        yield
        return
    from keras.src.backend.common.dtypes import BIT64_TO_BIT32_DTYPE

    with ExitStack() as block:
        if keras.backend.backend() == "jax":
            import jax.experimental

            where = jax if hasattr(jax, "enable_x64") else jax.experimental  # before JAX 0.8
            block.enter_context(where.enable_x64(True))
        usual = BIT64_TO_BIT32_DTYPE["float64"]
        BIT64_TO_BIT32_DTYPE["float64"] = "float64"
        block.callback(BIT64_TO_BIT32_DTYPE.__setitem__, "float64", usual)
        yield


def _to_numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def _called(layer: keras.layers.Layer, tensors: Sequence[Any], *, training: bool) -> Any:
    return layer(tensors[0] if len(tensors) == 1 else list(tensors), training=training)


def _pass_tensorflow(layer: keras.layers.Layer, inputs: Sequence[np.ndarray], gradient: np.ndarray) -> Any:
    import tensorflow as tf

    tensors = [tf.constant(each) for each in inputs]
    weights = [each.value for each in layer.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        output = _called(layer, tensors, training=True)
    zero = tf.UnconnectedGradients.ZERO
    given = tf.constant(gradient)
    to_inputs, to_weights = tape.gradient(output, [tensors, weights], given, unconnected_gradients=zero)
    return output, to_inputs, to_weights


def _pass_jax(layer: keras.layers.Layer, inputs: Sequence[np.ndarray], gradient: np.ndarray) -> Any:
    import jax

    trainable, others = layer.trainable_variables, layer.non_trainable_variables
    variables, values = [*trainable, *others], [each.value for each in others]

    def forward(weights: list[Any], tensors: list[Any]) -> Any:
        with keras.StatelessScope(zip(variables, [*weights, *values], strict=True)) as scope:
            output = _called(layer, tensors, training=True)
        return output, [scope.get_current_value(each) for each in others]

    @jax.jit  # type: ignore[untyped-decorator]
    def run(weights: list[Any], tensors: list[Any], given: Any) -> Any:
        output, back, state = jax.vjp(forward, weights, tensors, has_aux=True)
        return output, back(given), state

    arguments = [jax.numpy.asarray(each) for each in inputs]
    output, (to_weights, to_inputs), state = run([each.value for each in trainable], arguments, gradient)
    for variable, value in zip(others, state, strict=True):
        variable.assign(value)
    return output, to_inputs, to_weights


def _pass_torch(layer: keras.layers.Layer, inputs: Sequence[np.ndarray], gradient: np.ndarray) -> Any:
    import torch

    tensors = [keras.ops.convert_to_tensor(each).detach().requires_grad_() for each in inputs]
    weights = [each.value for each in layer.trainable_weights]
    output = _called(layer, tensors, training=True)
    given = keras.ops.convert_to_tensor(gradient)
    found = torch.autograd.grad(output, [*tensors, *weights], given, materialize_grads=True)
    return output.detach(), found[: len(tensors)], found[len(tensors) :]
