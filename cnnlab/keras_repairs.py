"""What Keras does wrong or slowly on JAX and PyTorch, put right when the backend starts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any


def leave_tensorflow_alone() -> None:
    """Let Keras import no TensorFlow for another backend: that costs seconds and memory for nothing.

    Whenever Keras saves or reads a network, it asks whether parts of it are TensorFlow's, and imports
    TensorFlow to find out. Nothing can be TensorFlow's where nobody has imported it.
    """
    from keras.src.utils import module_utils

    class IfImported(module_utils.LazyModule):
        @property
        def available(self) -> bool:
            return sys.modules.get(self.name) is not None

    module_utils.tensorflow.__class__ = IfImported


def fill_without_programs() -> None:
    """Let new biases and optimizer slots on JAX be copied to the device, zeros and ones as they are.

    Keras fills them there, for which JAX compiles a program for each shape: that takes longer than all the
    copies together.
    """
    import jax
    import numpy as np
    from keras.src.backend.common.variables import standardize_dtype
    from keras.src.initializers import constant_initializers

    def filled_with(number: int) -> Any:
        def filled(self: Any, shape: Sequence[int], dtype: Any = None) -> Any:
            values = np.full(tuple(shape), number, jax.numpy.dtype(standardize_dtype(dtype)))
            return jax.device_put(values, may_alias=False)  # training steps reuse the memory

        return filled

    constant_initializers.Zeros.__call__ = filled_with(0)
    constant_initializers.Ones.__call__ = filled_with(1)


def normalize_the_axes_named() -> None:
    """Let layer normalization on PyTorch use its kernel only for the axes that the kernel normalizes.

    Those are the last ones. Keras hands it any that are neighbours: the kernel refuses axis 1 of an image, or
    where the sizes agree, normalizes another axis.
    """
    from keras.src.ops import nn

    def are_the_last(axes: Sequence[int]) -> bool:
        return list(axes) == list(range(-len(axes), 0))

    nn.is_continuous_axis = are_the_last


def drop_out_by_the_layers_seed() -> None:
    """Let dropout on PyTorch draw from its layer's own generator, as on the other backends.

    Keras draws from PyTorch's global one, whose state is in no checkpoint: a run that is resumed would drop
    other values than one that was never interrupted. A noise shape makes Keras use the generator.
    """
    from keras.src.backend.torch import random

    drop_out = random.dropout

    def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
        return drop_out(inputs, rate, inputs.shape if noise_shape is None else noise_shape, seed)

    random.dropout = dropout
