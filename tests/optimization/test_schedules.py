"""Learning rates against closed forms, and inside Keras's optimizers."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.backend import Backend
from cnnlab.config.changing_rates import Cosine, Exponential, OneCycle, Step
from cnnlab.config.schedules import SCHEDULES, Constant, Schedule
from cnnlab.training.optimization import EpochSchedule

NEEDED = {"step": {"every": 3}}
"""Fields without a default."""


def rate(schedule: Schedule, epoch: float, epochs: float = 10) -> float:
    return float(schedule.rate(np.float64(epoch), epochs, np))


@pytest.mark.parametrize(
    ("schedule", "epoch", "expected"),
    [
        pytest.param(Constant(initial=0.1), 7, 0.1, id="constant"),
        pytest.param(Step(initial=0.1, factor=0.5, every=3), 2.9, 0.1, id="step-before"),
        pytest.param(Step(initial=0.1, factor=0.5, every=3), 3, 0.05, id="step-at"),
        pytest.param(Step(initial=0.1, factor=0.5, every=3), 9.5, 0.0125, id="step-thrice"),
        pytest.param(Exponential(initial=0.1, factor=0.9), 2, 0.081, id="exponential"),
        pytest.param(Cosine(initial=0.1), 0, 0.1, id="cosine-start"),
        pytest.param(Cosine(initial=0.1), 5, 0.05, id="cosine-half"),
        pytest.param(Cosine(initial=0.1, final=0.02), 10, 0.02, id="cosine-end"),
        pytest.param(Cosine(initial=0.1, warm_up=2), 1, 0.05, id="warm-up-half"),
        pytest.param(Cosine(initial=0.1, warm_up=2), 6, 0.05, id="warm-up-shifts-the-cosine"),
        pytest.param(OneCycle(initial=0.01, peak=0.2, rise=0.3), 0, 0.01, id="one-cycle-start"),
        pytest.param(OneCycle(initial=0.01, peak=0.2, rise=0.3), 3, 0.2, id="one-cycle-peak"),
        pytest.param(OneCycle(initial=0.01, peak=0.2, rise=0.3), 10, 0.0, id="one-cycle-end"),
    ],
)
def test_schedules_follow_their_closed_form(schedule: Schedule, epoch: float, expected: float) -> None:
    assert rate(schedule, epoch) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
@given(
    warm_up=st.floats(0.1, 5), epochs=st.integers(6, 30), share=st.floats(0, 1), initial=st.floats(1e-4, 1)
)
def test_warm_up_is_a_straight_line_to_the_first_rate(
    name: str, warm_up: float, epochs: int, share: float, initial: float
) -> None:
    schedule = SCHEDULES[name](initial=initial, warm_up=warm_up, **NEEDED.get(name, {}))
    assert rate(schedule, share * warm_up, epochs) == pytest.approx(share * initial, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
@given(epoch=st.floats(0, 30), epochs=st.integers(1, 30))
def test_rates_are_never_negative(name: str, epoch: float, epochs: int) -> None:
    schedule = SCHEDULES[name](initial=0.1, **NEEDED.get(name, {}))
    assert rate(schedule, min(epoch, epochs), epochs) >= -1e-12


@pytest.mark.parametrize("name", SCHEDULES)
def test_keras_sees_the_same_rates_step_by_step(name: str, backend: Backend) -> None:
    schedule = SCHEDULES[name](initial=0.1, warm_up=1.0, **NEEDED.get(name, {}))
    in_keras = EpochSchedule(schedule, steps_per_epoch=7, epochs=10)
    optimizer = keras.optimizers.SGD(in_keras)
    variable = keras.Variable([1.0])
    optimizer.build([variable])
    seen, expected = [], []
    for step in range(70):
        seen.append(float(optimizer.learning_rate))
        expected.append(rate(schedule, step / 7))
        optimizer.apply([keras.ops.zeros(1)], [variable])
    np.testing.assert_allclose(seen, expected, rtol=2e-5, atol=1e-7)
    assert len({round(each, 6) for each in seen}) > 1
    assert math.isclose(seen[7], 0.1 if name != "one_cycle" else schedule.initial, rel_tol=1e-5)
