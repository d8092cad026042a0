"""Each layer by hand is Keras's, forwards and backwards, and its gradients are slopes."""

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from cnnlab.scratch.layer import Mode
from cnnlab.scratch.table import SCRATCH_LAYERS
from tests.scratch.oracles import assert_backward_is_slope, assert_close, by_keras, cases

RANDOM = ("Dropout", "SpatialDropout2D")


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", SCRATCH_LAYERS)
@settings(max_examples=15)
@given(data=st.data())
def test_each_layer_is_that_of_keras(kind, training, backend, data):
    case = data.draw(cases(kind))
    if case is None:
        event("refused")
        return
    if training and kind in RANDOM:
        return
    passed = case.passed(training)
    found = passed.backward(case.gradient, True)
    output, to_inputs, to_weights, after = by_keras(case, training)
    assert_close(passed.output, output, "output")
    for gradient, expected in zip(found.inputs, to_inputs, strict=True):
        assert_close(gradient, expected, "gradient of the inputs")
    assert found.weights.keys() == to_weights.keys()
    for name, expected in to_weights.items():
        assert_close(found.weights[name], expected, f"gradient of {name}")
    for name, expected in after.items():
        assert_close(passed.state.get(name, case.weights.get(name)), expected, name)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", SCRATCH_LAYERS)
@settings(max_examples=10)
@given(data=st.data())
def test_gradients_are_slopes(kind, training, data):
    case = data.draw(cases(kind).filter(lambda case: case is not None))

    def mode():
        return Mode(training, uniform=np.random.default_rng(0).random)

    if not any(np.array_equal(each, np.round(each)) for each in case.inputs):  # away from kinks
        assert_backward_is_slope(case, mode)
