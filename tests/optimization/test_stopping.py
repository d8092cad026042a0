"""Early stopping and reduced learning rates against Keras's callbacks."""

from __future__ import annotations

from typing import Any

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.backend import Backend
from cnnlab.config.sections import EarlyStopping, ReduceOnPlateau
from cnnlab.training.stopping import reductions, should_stop

values = st.lists(st.integers(0, 6).map(lambda each: each / 10), min_size=1, max_size=25)


class KerasModel:
    """What Keras's callbacks need of a model."""

    def __init__(self) -> None:
        self.stop_training = False
        self.optimizer = keras.optimizers.SGD(1.0)


def rows(monitor: str, column: list[float]) -> list[dict[str, Any]]:
    return [{"epoch": epoch, monitor: value} for epoch, value in enumerate(column, 1)]


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
@given(column=values, patience=st.integers(1, 4), min_delta=st.sampled_from([0.0, 0.15]))
def test_stops_where_keras_stops(
    backend: Backend, monitor: str, column: list[float], patience: int, min_delta: float
) -> None:
    mode = "max" if monitor == "val_accuracy" else "min"
    theirs = keras.callbacks.EarlyStopping(monitor, min_delta=min_delta, patience=patience, mode=mode)
    model = KerasModel()
    theirs.set_model(model)
    theirs.on_train_begin()
    rule = EarlyStopping(monitor=monitor, patience=patience, min_delta=min_delta)
    history = rows(monitor, column)
    for count, row in enumerate(history, 1):
        theirs.on_epoch_end(count - 1, {monitor: row[monitor]})
        assert should_stop(history[:count], rule) == model.stop_training
        if model.stop_training:
            break


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
@given(
    column=values,
    patience=st.integers(1, 4),
    cooldown=st.integers(0, 3),
    min_delta=st.sampled_from([0.0, 0.15]),
)
def test_reduces_where_keras_reduces(
    backend: Backend, monitor: str, column: list[float], patience: int, cooldown: int, min_delta: float
) -> None:
    mode = "max" if monitor == "val_accuracy" else "min"
    theirs = keras.callbacks.ReduceLROnPlateau(
        monitor, factor=0.5, patience=patience, mode=mode, min_delta=min_delta, cooldown=cooldown
    )
    model = KerasModel()
    theirs.set_model(model)
    theirs.on_train_begin()
    rule = ReduceOnPlateau(
        monitor=monitor, factor=0.5, patience=patience, min_delta=min_delta, cooldown=cooldown
    )
    history = rows(monitor, column)
    for count, row in enumerate(history, 1):
        theirs.on_epoch_end(count - 1, {monitor: row[monitor]})
        assert 0.5 ** reductions(history[:count], rule) == float(model.optimizer.learning_rate)


def test_no_rule_never_stops() -> None:
    assert not should_stop(rows("val_loss", [1.0] * 50), None)
