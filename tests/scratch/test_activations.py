"""Activation functions by hand are Keras's, values and slopes."""

from typing import get_args

import numpy as np
import pytest

from cnnlab.layers.core import ActivationName
from cnnlab.scratch.activations import ACTIVATIONS

KINKS = {-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0}
UNSETTLED = {"celu": {0.0}}
"""Where Keras on TensorFlow has a slope of its own: twice that on either side."""


def test_all_but_two_of_the_names_in_a_config_are_there():
    assert {*get_args(ActivationName)} - {*ACTIVATIONS} == {"glu", "sparsemax"}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_each_function_is_that_of_keras(name, backend):
    import keras
    import tensorflow as tf

    points = KINKS - UNSETTLED.get(name, set())
    x = np.concatenate([np.random.default_rng(0).normal(scale=2, size=24 - len(points)), [*sorted(points)]])
    x = np.random.default_rng(1).permutation(x).reshape(4, 6)
    gradient = np.random.default_rng(2).normal(size=x.shape)
    output, backward = ACTIVATIONS[name](x)
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        expected = keras.activations.get(name)(tensor)
        total = tf.reduce_sum(expected * gradient)
    np.testing.assert_allclose(output, expected.numpy(), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(backward(gradient), tape.gradient(total, tensor).numpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS.keys() - {"exponential"}))
def test_no_number_is_too_large(name):
    x = np.array([[-1e4, -100.0, 100.0, 1e4]])
    output, backward = ACTIVATIONS[name](x)
    assert np.isfinite(output).all()
    assert np.isfinite(backward(np.ones_like(x))).all()
