"""Values and gradients of functions of images, compiled on whichever backend Keras runs on.

A function takes tensors whose first axis is the batch and answers for each image alone: then the
gradient of the sum over the batch is, row by row, each image's own gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from cnnlab.memory import custom_gradients_dropped

TensorFunction = Callable[..., Any]
"""Tensors (N, …) → a tensor (N,), or for `evaluated` a tuple of tensors (N, …)."""

BATCH_SIZE = 250
"""Images that go through a small network at once: limits memory and changes no answer."""


def evaluated(
    function: TensorFunction, *, network: keras.Model | None = None
) -> Callable[..., tuple[np.ndarray, ...]]:
    """`function`, which gives a tuple of tensors, as a compiled function from arrays to arrays.

    Args:
        network: what the function calls. On JAX, the compiled program then has no weights in it: networks
            that differ in their weights only share one, by the cache of compiled programs.
    """
    if network is not None and keras.backend.backend() == "jax":
        compiled = _compile_jax_for(network, function)
    else:
        compiled = _compile(function, with_gradient=False)
    return lambda *arrays: tuple(_to_numpy(each) for each in compiled(*arrays))


def differentiated(function: TensorFunction) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """`function`, which gives (N,) values, as a compiled function to values and gradients.

    Returns:
        A function from arrays to ((N,) values, their gradients with respect to the first array, of its
        shape). What the values do not depend on has gradient 0.
    """
    compiled = _compile(function, with_gradient=True)

    def run(*arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, gradients = compiled(*arrays)
        return _to_numpy(values), _to_numpy(gradients)

    return run


def pulled_back(function: TensorFunction) -> Callable[..., np.ndarray]:
    """The way back through `function`, which gives any tensor, as a compiled function for fixed shapes.

    What the gradient does not depend on, as that of a linear function does not on its values, is left out of
    compiled programs; PyTorch, which compiles nothing here, computes it.

    Returns:
        A function from the arrays and, as the last one, the gradient with respect to the result, to the
        gradient with respect to the first array, of its shape.
    """
    backwards = {"tensorflow": _back_tensorflow, "jax": _back_jax, "torch": _back_torch}
    compiled = backwards[keras.backend.backend()](function)
    return lambda *arrays: _to_numpy(compiled(*arrays))


def in_batches(
    function: Callable[..., tuple[np.ndarray, ...]], *arrays: np.ndarray, batch_size: int = BATCH_SIZE
) -> tuple[np.ndarray, ...]:
    """Apply a function of arrays to portions of the batch and join what it gives."""
    starts = range(0, len(arrays[0]), batch_size)
    portions = [function(*(array[start : start + batch_size] for array in arrays)) for start in starts]
    return tuple(np.concatenate(parts) for parts in zip(*portions, strict=True))


def _to_numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def _compile(function: TensorFunction, *, with_gradient: bool) -> Callable[..., Any]:
    backend = keras.backend.backend()
    compilers = {"tensorflow": _compile_tensorflow, "jax": _compile_jax, "torch": _for_torch}
    return compilers[backend](function, with_gradient)


def _compile_tensorflow(function: TensorFunction, with_gradient: bool) -> Callable[..., Any]:
    import tensorflow as tf

    def run(*tensors: Any) -> Any:
        if not with_gradient:
            return function(*tensors)
        with tf.GradientTape() as tape:
            tape.watch(tensors[0])
            values = function(*tensors)
        zero = tf.UnconnectedGradients.ZERO
        return values, tape.gradient(values, tensors[0], unconnected_gradients=zero)

    compiled = tf.function(run, autograph=False)  # there is no Python to translate

    def call(*arrays: np.ndarray) -> Any:
        # With the batch axis left open, a last batch of another size needs no second graph.
        signature = [tf.TensorSpec([None, *array.shape[1:]], array.dtype) for array in arrays]
        with custom_gradients_dropped():
            concrete = compiled.get_concrete_function(*signature)
        return concrete(*(tf.constant(array) for array in arrays))

    return call


def _compile_jax(function: TensorFunction, with_gradient: bool) -> Callable[..., Any]:
    import jax

    if not with_gradient:
        return jax.jit(function)  # type: ignore[no-any-return]

    def total(*tensors: Any) -> Any:
        values = function(*tensors)
        return values.sum(), values

    def run(*tensors: Any) -> Any:
        (_, values), gradients = jax.value_and_grad(total, has_aux=True)(*tensors)
        return values, gradients

    return jax.jit(run)  # type: ignore[no-any-return]


def _compile_jax_for(network: keras.Model, function: TensorFunction) -> Callable[..., Any]:
    import jax

    variables = network.variables

    def run(values: list[Any], *tensors: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return function(*tensors)

    compiled = jax.jit(run)
    return lambda *arrays: compiled([each.value for each in variables], *arrays)


def _for_torch(function: TensorFunction, with_gradient: bool) -> Callable[..., Any]:
    import torch

    def call(*arrays: np.ndarray) -> Any:
        tensors = [keras.ops.convert_to_tensor(array) for array in arrays]
        if not with_gradient:
            with torch.no_grad():
                return function(*tensors)
        first = tensors[0].detach().requires_grad_()
        values = function(first, *tensors[1:])
        (gradients,) = torch.autograd.grad(values.sum(), first, materialize_grads=True)
        return values.detach(), gradients

    return call


def _back_tensorflow(function: TensorFunction) -> Callable[..., Any]:
    import tensorflow as tf

    def run(*tensors: Any) -> Any:
        *inputs, gradient = tensors
        with tf.GradientTape() as tape:
            tape.watch(inputs[0])
            values = function(*inputs)
        return tape.gradient(values, inputs[0], output_gradients=gradient)

    compiled = tf.function(run, autograph=False)
    return lambda *arrays: compiled(*(tf.constant(array) for array in arrays))


def _back_jax(function: TensorFunction) -> Callable[..., Any]:
    import jax

    def run(*tensors: Any) -> Any:
        first, *others, gradient = tensors
        (to_first,) = jax.vjp(lambda tensor: function(tensor, *others), first)[1](gradient)
        return to_first

    return jax.jit(run)  # type: ignore[no-any-return]


def _back_torch(function: TensorFunction) -> Callable[..., Any]:
    import torch

    def run(*arrays: np.ndarray) -> Any:
        first, *others, gradient = (keras.ops.convert_to_tensor(array) for array in arrays)
        first = first.detach().requires_grad_()
        (to_first,) = torch.autograd.grad(function(first, *others), first, gradient)
        return to_first

    return run
