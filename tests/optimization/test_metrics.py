"""Metrics and losses against counting by hand and against Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.backend import Backend
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets.content import Split
from cnnlab.training.metrics import macro_f1, measure, top_accuracy
from cnnlab.training.objective import Objective, class_weights

rng = np.random.default_rng(0)


def config_with(**training: object) -> ExperimentConfig:
    layers = ["Flatten", {"Dense": {"units": 6}}]
    return ExperimentConfig.model_validate(
        {"name": "tiny", "dataset": "colors", "model": {"layers": layers}, "training": training}
    )


CLASSES = ("red", "yellow", "green", "cyan", "blue", "purple")


def a_split(labels: np.ndarray) -> Split:
    return Split(np.zeros((len(labels), 2, 2, 3), np.uint8), labels)


@given(seed=st.integers(0, 10_000), k=st.integers(1, 5))
def test_top_accuracy_equals_keras(backend: Backend, seed: int, k: int) -> None:
    numbers = np.random.default_rng(seed)
    outputs = numbers.permuted(np.tile(np.arange(6, dtype=np.float32), (20, 1)), axis=1)
    labels = numbers.integers(0, 6, 20)
    theirs = keras.metrics.SparseTopKCategoricalAccuracy(k)(labels, outputs)
    assert top_accuracy(labels, outputs, k) == pytest.approx(float(theirs))


def test_ties_count_as_lost() -> None:
    assert top_accuracy(np.array([0, 1]), np.array([[0.5, 0.5, 0.0], [0.2, 0.7, 0.1]]), 1) == 0.5


def test_macro_f1_of_a_confusion_counted_by_hand() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 1, 1, 2, 2])
    # class 0: 2·2/(3+2), class 1: 2·1/(2+2), class 2: 2·1/(1+2)
    assert macro_f1(labels, predicted, 3) == pytest.approx((4 / 5 + 2 / 4 + 2 / 3) / 3)
    outputs = np.eye(3, dtype=np.float32)[predicted]
    assert measure("macro_f1", labels, outputs) == macro_f1(labels, predicted, 3)


def test_balanced_weights_average_to_one() -> None:
    labels = rng.choice(6, 600, p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.05])
    weights = class_weights(config_with(class_weights="balanced"), CLASSES, a_split(labels))
    assert weights is not None
    assert weights[labels].mean() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(weights * np.bincount(labels, minlength=6), 100, rtol=1e-6)


def test_named_weights_leave_the_others_at_one() -> None:
    weights = class_weights(config_with(class_weights={"green": 3}), CLASSES, a_split(np.arange(6)))
    np.testing.assert_array_equal(weights, [1, 1, 3, 1, 1, 1])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_weighted_smoothed_cross_entropy_equals_numpy(backend: Backend, smoothing: float) -> None:
    config = config_with(class_weights={"red": 2, "blue": 0.5}, label_smoothing=smoothing)
    labels = rng.integers(0, 6, 40)
    objective = Objective.of(config, CLASSES, a_split(labels))
    logits = rng.normal(size=(40, 6)).astype(np.float32)
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    targets = np.eye(6)[labels] * (1 - smoothing) + smoothing / 6
    losses = -(targets * log_probabilities).sum(axis=1)
    weights = np.array([2, 1, 1, 1, 0.5, 1])[labels]
    ours = objective.training_loss(labels.astype(np.int32), logits)
    assert float(ours) == pytest.approx((weights * losses).mean(), rel=1e-5)
    assert objective.mean_loss(labels, logits) == pytest.approx(losses.mean(), rel=1e-5)


@pytest.mark.parametrize(
    "loss",
    ["categorical_focal_crossentropy", "categorical_hinge", "kl_divergence", "mean_squared_error",
     "sparse_categorical_crossentropy", "categorical_crossentropy"],
)  # fmt: skip
def test_losses_of_logits_equal_those_of_their_probabilities(backend: Backend, loss: str) -> None:
    labels = rng.integers(0, 6, 40)
    on_logits = Objective.of(config_with(loss=loss), CLASSES, a_split(labels))
    with_softmax = config_with(loss=loss).model_dump(mode="json")
    with_softmax["model"]["layers"][-1]["Dense"]["activation"] = "softmax"
    on_probabilities = Objective.of(ExperimentConfig.model_validate(with_softmax), CLASSES, a_split(labels))
    logits = rng.normal(size=(40, 6)).astype(np.float32)
    probabilities = on_logits.probabilities(logits)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    expected = on_probabilities.mean_loss(labels, probabilities)
    assert on_logits.mean_loss(labels, logits) == pytest.approx(expected, rel=1e-4)
