"""What one training step computes, held against NumPy and against Keras's own training."""

import numpy as np
import pytest

from cnnlab.training.epoch import epoch_order


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def test_softmax_regression_is_its_formula(trained, experiment, dataset, weights_of) -> None:
    """Gradient descent on the mean cross-entropy: W ← W − rate · Xᵀ(p − y) / batch, 3 epochs of 3 batches."""
    from cnnlab.model import build_model

    config = experiment(training="epochs: 3, batch_size: 32, optimizer: {name: sgd, learning_rate: 0.05}")
    data = dataset()
    kernel, bias = (weight.astype(np.float64) for weight in build_model(config).get_weights())
    pixels = data.train.images.reshape(70, 784) / 255
    targets = np.eye(10)[data.train.labels]
    losses, accuracies = [], []
    for epoch in (1, 2, 3):
        loss, right = 0.0, 0
        order = epoch_order(70, seed=0, epoch=epoch)
        for batch in (order[:32], order[32:64], order[64:]):
            probabilities = softmax(pixels[batch] @ kernel + bias)
            loss += -np.log((probabilities * targets[batch]).sum(axis=1)).sum()
            right += int((probabilities.argmax(axis=1) == data.train.labels[batch]).sum())
            error = (probabilities - targets[batch]) / len(batch)
            kernel -= 0.05 * pixels[batch].T @ error
            bias -= 0.05 * error.sum(axis=0)
        losses.append(loss / 70)
        accuracies.append(right / 70)

    record = trained(config, data)
    np.testing.assert_allclose([row["loss"] for row in record.history], losses, rtol=1e-5)
    assert [row["accuracy"] for row in record.history] == accuracies
    found_kernel, found_bias = weights_of(record)
    np.testing.assert_allclose(found_kernel, kernel, atol=1e-5)
    np.testing.assert_allclose(found_bias, bias, atol=1e-5)


@pytest.mark.parametrize("optimizer", ["adam", "{name: sgd, learning_rate: 0.01, momentum: 0.9}"])
def test_a_cnn_is_trained_as_keras_trains_it(
    trained, experiment, cnn, dataset, weights_of, optimizer
) -> None:
    """`model.fit` on the same batches in the same order."""
    import keras

    from cnnlab.model import build_model

    config = experiment(cnn, training=f"epochs: 2, batch_size: 16, optimizer: {optimizer}")
    data = dataset()
    model = build_model(config)
    kind = keras.optimizers.Adam() if optimizer == "adam" else keras.optimizers.SGD(0.01, momentum=0.9)
    model.compile(optimizer=kind, loss="categorical_crossentropy", metrics=["accuracy"])
    pixels, targets = data.train.images / np.float32(255), np.eye(10, dtype=np.float32)[data.train.labels]
    history = []
    for epoch in (1, 2):
        order = epoch_order(70, seed=0, epoch=epoch)
        fitted = model.fit(pixels[order], targets[order], batch_size=16, shuffle=False, verbose=0)
        history.append({column: values[0] for column, values in fitted.history.items()})

    record = trained(config, data)
    for row, expected in zip(record.history, history, strict=True):
        np.testing.assert_allclose(row["loss"], expected["loss"], rtol=1e-4)
        np.testing.assert_allclose(row["accuracy"], expected["accuracy"], atol=1e-6)
    for found, expected_weight in zip(weights_of(record), model.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected_weight, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seconds", [1e-9, 1e9], ids=["one-step-a-call", "ever-more-steps-a-call"])
def test_how_steps_are_grouped_does_not_show(
    trained, experiment, cnn, dataset, weights_of, monkeypatch, seconds: float
) -> None:
    config = experiment(cnn, training="epochs: 2, batch_size: 4")
    plain = trained(config, dataset())
    with monkeypatch.context() as patch:
        patch.setattr("cnnlab.training.steps.SECONDS_PER_CALL", seconds)
        grouped = trained(config, dataset())
    times = ("seconds", "images_per_second")
    for row, other in zip(plain.history, grouped.history, strict=True):
        assert {k: v for k, v in row.items() if k not in times} == {
            k: v for k, v in other.items() if k not in times
        }
    for weight, other_weight in zip(weights_of(plain), weights_of(grouped), strict=True):
        np.testing.assert_array_equal(weight, other_weight)


@pytest.mark.parametrize(("factor", "offset"), [(1.0, 0.0), (2.0, -1.0), (3.7, -0.4)])
def test_pixels_are_scaled_on_the_device_as_in_numpy(
    backend, experiment, cnn, dataset, factor: float, offset: float
) -> None:
    from cnnlab.training.train import prepare

    data = dataset(factor=factor, offset=offset)
    learner, steps = prepare(experiment(cnn), data)
    expected = learner.model(data.pixels.apply(data.test.images), training=False)
    np.testing.assert_allclose(steps.outputs(data.test.images, 7), expected, rtol=1e-5, atol=1e-6)


def test_training_sees_scaled_pixels_too(trained, experiment, dataset, weights_of) -> None:
    """Pixels that are all 0 leave the kernel as it was."""
    from cnnlab.model import build_model

    config = experiment()
    kernel, bias = weights_of(trained(config, dataset(factor=0.0)))
    np.testing.assert_array_equal(kernel, build_model(config).get_weights()[0])
    assert bias.any()
