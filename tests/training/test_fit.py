"""The loop over epochs: which weights stay, and what its reporter is told."""

import numpy as np
import pytest

from cnnlab.training.fit import best_epoch

WILD = "batch_size: 16, optimizer: {name: sgd, learning_rate: 0.5}"


@pytest.fixture
def falling(trained, experiment, dataset):
    """Data on which the network is best after its first epoch: the labels are what it then answers."""
    data = dataset()
    first = trained(experiment(training=f"epochs: 1, {WILD}"), data)
    kernel, bias = _weights(first)
    answers = ((data.validation.images.reshape(30, 784) / 255) @ kernel + bias).argmax(axis=1)
    return first, dataset(validation_labels=answers)


def _weights(record):
    import keras

    return keras.models.load_model(record.path / "model.keras").get_weights()


def test_keep_best_gives_the_best_epochs_weights(trained, experiment, falling) -> None:
    first, data = falling
    record = trained(experiment(training=f"epochs: 4, keep: best, {WILD}"), data)
    accuracies = [row["val_accuracy"] for row in record.history]
    assert accuracies[0] == 1.0 > max(accuracies[1:])
    assert (record.result.best_epoch, record.result.tested_epoch) == (1, 1)
    assert record.result.validation_accuracy == 1.0
    for found, expected in zip(_weights(record), _weights(first), strict=True):
        np.testing.assert_array_equal(found, expected)
    with np.load(record.path / "predictions.npz") as best, np.load(first.path / "predictions.npz") as one:
        np.testing.assert_array_equal(best["probabilities"], one["probabilities"])


def test_keep_last_gives_the_last_epochs_weights(trained, experiment, falling) -> None:
    first, data = falling
    record = trained(experiment(training=f"epochs: 4, {WILD}"), data)
    assert (record.result.best_epoch, record.result.tested_epoch) == (1, 4)
    assert record.result.validation_accuracy == record.history[-1]["val_accuracy"] < 1.0
    assert not np.array_equal(_weights(record)[0], _weights(first)[0])


def test_validation_and_test_images_teach_nothing(trained, experiment, cnn, dataset, weights_of) -> None:
    """Not even the moving means of a BatchNormalization."""
    config = experiment(cnn, training="epochs: 2, batch_size: 16")
    with_validation, without = trained(config, dataset()), trained(config, dataset(validation=0))
    for one, other in zip(weights_of(with_validation), weights_of(without), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("count", "batch_size", "steps"), [(70, 16, 5), (64, 16, 4), (10, 16, 1), (1, 1, 1)])
def test_every_image_is_seen_once_an_epoch(
    trained, experiment, dataset, reporter, count, batch_size, steps
) -> None:
    data = dataset(train=count)
    record = trained(experiment(training=f"epochs: 1, batch_size: {batch_size}"), data)
    seen = [told for told in reporter.told if told[0] == "stepped"]
    assert seen[-1] == ("stepped", 1, steps, steps)
    [row] = record.history
    assert row["images_per_second"] * row["seconds"] == pytest.approx(count)


def test_drop_last_trains_on_whole_batches(trained, experiment, dataset, reporter, weights_of) -> None:
    """As on the images of the whole batches alone; the schedule counts only those, too."""
    schedule = "optimizer: {name: sgd, learning_rate: {name: step, initial: 0.1, every: 1}}"
    config = experiment(training=f"epochs: 3, batch_size: 16, drop_last: true, {schedule}")
    record = trained(config, dataset(train=70))
    assert [told for told in reporter.told if told[0] == "stepped"][-1] == ("stepped", 3, 4, 4)
    for row in record.history:
        assert row["images_per_second"] * row["seconds"] == pytest.approx(64)
    assert [row["learning_rate"] for row in record.history] == pytest.approx([0.1, 0.01, 0.001])


def test_a_run_that_drops_its_last_batches_resumes_bit_for_bit(
    trained, interrupted, experiment, dataset, tmp_path, weights_of
) -> None:
    config, data = experiment(training="epochs: 3, batch_size: 16, drop_last: true"), dataset(train=70)
    whole, out = trained(config, data), tmp_path / "out"
    interrupted(config, data, out, after=1)
    for one, other in zip(weights_of(trained(config, data, out=out)), weights_of(whole), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_reporter_is_told_in_order(trained, experiment, dataset, reporter, monkeypatch) -> None:
    monkeypatch.setattr("cnnlab.training.steps.SECONDS_PER_CALL", 1e-9)  # a call for each step
    trained(experiment(training="epochs: 2, batch_size: 32"), dataset())
    assert reporter.told == [
        ("started", 0, False),
        *(("stepped", 1, step, 3) for step in (1, 2, 3)),
        ("epoch_ended", 1, 2),
        *(("stepped", 2, step, 3) for step in (1, 2, 3)),
        ("epoch_ended", 2, 2),
    ]


def test_the_reporter_is_told_of_a_resumed_run(
    trained, interrupted, experiment, dataset, reporter, tmp_path
) -> None:
    config, data, out = experiment(training="epochs: 3"), dataset(), tmp_path / "out"
    interrupted(config, data, out, after=2)
    reporter.told.clear()
    trained(config, data, out=out)
    assert reporter.told[0] == ("started", 2, True)
    assert [told for told in reporter.told if told[0] == "epoch_ended"] == [("epoch_ended", 3, 3)]


def test_a_checkpoint_of_another_network_is_refused(trained, experiment, cnn, dataset, backend) -> None:
    from cnnlab.errors import CnnlabError
    from cnnlab.training.checkpoint import Checkpoint
    from cnnlab.training.train import prepare

    one, _ = prepare(experiment(), dataset())
    other, _ = prepare(experiment(cnn), dataset())
    checkpoint = Checkpoint.of(one.model, one.optimizer, epoch=1, best=None)
    with pytest.raises(
        CnnlabError, match=r"^the checkpoint does not fit this network; train again with --fresh$"
    ):
        checkpoint.restore(other.model, other.optimizer)


@pytest.mark.parametrize(
    ("accuracies", "best"),
    [([0.1, 0.3, 0.2], 2), ([0.3, 0.3, 0.3], 1), ([None, None], None), ([0.0, 0.0], 1)],
)
def test_the_first_of_several_best_epochs(accuracies, best) -> None:
    history = [{"epoch": epoch, "val_accuracy": each} for epoch, each in enumerate(accuracies, start=1)]
    assert best_epoch(history) == best
