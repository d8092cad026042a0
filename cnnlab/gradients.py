"""Values and gradients of functions of images, compiled on whichever backend Keras runs on.

A function takes tensors whose first axis is the batch and answers for each image alone: then the
gradient of the sum over the batch is, row by row, each image's own gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

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
