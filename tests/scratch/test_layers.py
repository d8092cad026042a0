"""Each layer by hand is Keras's, forwards and backwards, and its gradients are slopes."""

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from cnnlab.scratch.layer import Mode
from cnnlab.scratch.table import SCRATCH_LAYERS
from tests.scratch.oracles import assert_backward_is_slope, assert_close, by_keras, cases

RANDOM = ("Dropout", "SpatialDropout2D")


IN_SINGLE_PRECISION = ("Rescaling", "UpSampling2D")
"""What TensorFlow computes in float32, whatever the layer's dtype is; constants are everywhere."""


@pytest.mark.parametrize("kind", SCRATCH_LAYERS)
@settings(max_examples=25)
@given(data=st.data())
def test_each_layer_is_that_of_keras(kind, backend, data):
    case, training = data.draw(cases(kind)), data.draw(st.booleans())
    if case is None:
        event("refused")
        return
    training = training and kind not in RANDOM
    atol = 1e-5 if kind in IN_SINGLE_PRECISION else 1e-7
    passed = case.passed(training)
    found = passed.backward(case.gradient, True)
    output, to_inputs, to_weights, after = by_keras(case, training)
    assert_close(passed.output, output, "output", atol)
    for gradient, expected in zip(found.inputs, to_inputs, strict=True):
        assert_close(gradient, expected, "gradient of the inputs", atol)
    assert found.weights.keys() == to_weights.keys()
    for name, expected in to_weights.items():
        assert_close(found.weights[name], expected, f"gradient of {name}", atol)
    for name, expected in after.items():
        assert_close(passed.state.get(name, case.weights[name]), expected, name, atol)
    alone = passed.backward(case.gradient, False).weights
    assert all(np.array_equal(alone[name], each) for name, each in found.weights.items())


@pytest.mark.parametrize("kind", SCRATCH_LAYERS)
@settings(max_examples=10)
@given(data=st.data())
def test_gradients_are_slopes(kind, data):
    case, training = data.draw(cases(kind, rounded=st.just(False))), data.draw(st.booleans())
    if case is None:
        return

    def mode():
        return Mode(training, uniform=np.random.default_rng(0).random)

    assert_backward_is_slope(case, mode)
