"""Trainings that fail quietly are named, others are not; and looking at them changes nothing."""

# ruff: noqa: E501 - tables

import importlib.util
import json
import math
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnnlab.training.health import Circumstances, LabelCounts, Observation, diagnose, predictions_seen

SCRIPT = Path(__file__).parent / "scripts" / "failing_networks.py"
HOUSE = Path(__file__).parents[2]
TEN = tuple("0123456789")
GUESS = math.log(10)


def circumstances(**changes):
    even = LabelCounts((100,) * 10)
    usual = {
        "train": even, "validation": even, "class_names": TEN, "relu_layers": ("conv2d_1", "dense_1"),
        "entropy_loss": True, "updates_per_epoch": 40, "schedule": False, "keeps_best": False,
    }  # fmt: skip
    changes.setdefault("watched", changes.get("validation", even))
    return Circumstances(**(usual | changes))


def rows(losses, accuracies, validated=None):
    validated = validated or accuracies
    return [
        {"epoch": epoch, "loss": loss, "accuracy": accuracy, "val_accuracy": val, "learning_rate": 0.1}
        for epoch, (loss, accuracy, val) in enumerate(
            zip(losses, accuracies, validated, strict=True), start=1
        )
    ]


def seen(count, *, same_class=0.2, spread=0.9, moved=0.1, dead=(0.0, 0.3)):
    return [Observation(same_class, spread, moved, dead)] * count


def kinds(history, observations, *, ended=True, **changes):
    found = diagnose(history, observations, circumstances(**changes), ended=ended)
    return [(each.kind, each.epoch, each.layer) for each in found]


LEARNING = rows([1.5, 0.8, 0.4, 0.3, 0.2, 0.1], [0.5, 0.7, 0.8, 0.9, 0.92, 0.95])
GUESSING = rows([GUESS] * 6, [0.1] * 6)


def test_a_training_that_is_well_gets_no_warning():
    assert kinds(LEARNING, seen(6)) == []
    unseen = [Observation(math.nan, math.nan, math.nan, (math.nan, math.nan))] * 3
    assert kinds(LEARNING, [*unseen, *seen(3)]) == []


@pytest.mark.parametrize("fall", range(6))
def test_one_epoch_may_stray(fall):
    """A batch normalization after a bad last batch, with all images taken for one class, recovers."""
    history = [dict(row) for row in LEARNING]
    history[fall] |= {"val_accuracy": 0.1}
    observations = seen(6)
    observations[fall] = Observation(1.0, 0.4, 0.3, (0.0, 0.3))
    found = kinds(history, observations)
    assert found == ([("constant_predictions", 6, None)] if fall == 5 else [])  # this network is what is kept
    assert kinds(history, observations, keeps_best=True) == []


def test_a_dead_layer_is_named_with_its_first_epoch():
    observations = [*seen(2, dead=(math.nan, math.nan)), *seen(4, dead=(0.94, 1.0))]
    assert kinds(LEARNING, observations) == [("dead_relu", 3, "dense_1")]
    [warning] = diagnose(LEARNING, observations, circumstances(), ended=True)
    assert warning.message == (
        "dense_1: all units are 0 for every image looked at; a ReLU that is always 0 gets no gradient. Lower "
        "training.optimizer.learning_rate (it is 0.1), use kernel_initializer: he_normal, or LeakyReLU instead "
        "of ReLU"
    )
    assert kinds(LEARNING, seen(6, dead=(0.95, 0.5))) == [("dead_relu", 1, "conv2d_1")]


@pytest.mark.parametrize(
    ("losses", "found"),
    [
        pytest.param([24, 1, 0.5], [("exploding_loss", 1, None)], id="at once"),
        pytest.param([0.5, 0.4, 30], [("exploding_loss", 3, None)], id="later"),
        pytest.param([6, 1, 0.5], [], id="a rough start"),
        pytest.param([0.5, 0.1, 0.9], [], id="below guessing"),
        pytest.param([0.5, 0.4, 1.9], [], id="less than five times"),
    ],
)
def test_an_exploding_loss(losses, found):
    assert kinds(rows(losses, [0.5, 0.6, 0.5]), seen(3)) == found
    assert kinds(rows(losses[:1], [0.5]), seen(1), entropy_loss=False) == []


@pytest.mark.parametrize(
    ("epochs", "ended", "schedule", "found"),
    [
        pytest.param(1, True, False, [("learning_rate_low", 1, None)], id="one epoch"),
        pytest.param(2, False, False, [], id="too early to tell"),
        pytest.param(3, False, False, [("learning_rate_low", 3, None)], id="three epochs"),
        pytest.param(3, False, True, [], id="a schedule that may begin low"),
        pytest.param(3, True, True, [("learning_rate_low", 3, None)], id="a schedule to its end"),
    ],
)
def test_a_learning_rate_that_is_far_too_low(epochs, ended, schedule, found):
    still = seen(epochs, moved=1e-6, spread=0.01)
    assert kinds(GUESSING[:epochs], still, ended=ended, schedule=schedule) == found
    assert kinds(LEARNING[:epochs], still, ended=ended) == []
    assert kinds(GUESSING[:epochs], seen(epochs, moved=0.002), ended=ended) == []
    dead = seen(epochs, moved=0.0, dead=(0.0, 1.0))  # it is not the rate that keeps these weights still
    assert kinds(GUESSING[:epochs], dead, ended=ended) == [("dead_relu", 1, "dense_1")]


def test_a_learning_rate_that_is_far_too_high():
    worse, far = rows([8.0, 8.1, 8.0], [0.1, 0.1, 0.1]), {"moved": 0.5}
    assert kinds(worse, seen(3, **far)) == [("learning_rate_high", 2, None)]
    assert kinds(worse[:1], seen(1, **far), ended=False) == []
    assert kinds(worse[:1], seen(1, **far)) == [("learning_rate_high", 1, None)]
    assert kinds(worse, seen(3, moved=0.05)) == []  # the first weights were that bad
    thrown = [Observation(1.0, 0.0, 7.0, (0.0, 1.0))] * 2
    assert kinds(GUESSING[:2], thrown) == [
        ("dead_relu", 1, "dense_1"), ("learning_rate_high", 1, None), ("constant_predictions", 2, None),
    ]  # fmt: skip


def test_labels_that_look_shuffled():
    by_heart = rows(
        [2.2, 1.8, 1.4, 1.0, 0.6, 0.3], [0.15, 0.3, 0.5, 0.7, 0.8, 0.9], [0.1, 0.12, 0.08, 0.1, 0.1, 0.11]
    )
    assert kinds(by_heart, seen(6), ended=False) == [("shuffled_labels", 5, None)]
    assert kinds(by_heart[:4], seen(4)) == []
    once_better = [dict(row) for row in by_heart]
    once_better[1] |= {"val_accuracy": 0.14}
    assert kinds(once_better, seen(6)) == []
    assert kinds(GUESSING, seen(6)) == [("shuffled_labels", 6, None)]
    assert kinds(GUESSING, seen(6, spread=0.01)) == [("not_learning", 6, None)]
    assert kinds(GUESSING, seen(6), ended=False) == []
    # Those that are drawn with the images, or wrong on purpose, need no check.
    assert kinds(by_heart, seen(6), labels_are_known=True) == []
    assert kinds(GUESSING, seen(6), labels_are_known=True) == []
    assert kinds(GUESSING, seen(6, spread=0.01), labels_are_known=True) == [("not_learning", 6, None)]
    # After so few steps, it says nothing about the labels.
    assert kinds(GUESSING, seen(6), updates_per_epoch=16.5) == []
    assert kinds(GUESSING, seen(6, spread=0.01), updates_per_epoch=16.5) == []


@pytest.mark.parametrize(
    ("train", "validation"),
    [
        pytest.param((4, 4), (4, 4), id="eight images"),
        pytest.param((50, 50), (4, 4), id="eight validation images"),
        pytest.param((28, 7), (28, 7), id="one class is frequent"),
        pytest.param((50, 50), (28, 7), id="one class is frequent in validation"),
        pytest.param((50, 50), (20, 0), id="validation images of one class"),
        pytest.param((225, 25), (225, 25), id="a bar just below 1"),
        pytest.param((38, 2), (0, 0), id="no validation images"),
    ],
)
@pytest.mark.parametrize("accuracy", [1.0, 0.98])
def test_few_or_imbalanced_images_that_are_told_apart(train, validation, accuracy):
    history = rows([0.5, 0.3, 0.2, 0.1, 0.05, 0.02], [accuracy] * 6)
    for row in history if not sum(validation) else ():
        row["val_accuracy"] = None
    counts = {"train": LabelCounts(train), "validation": LabelCounts(validation)}
    counts["watched"] = counts["validation" if sum(validation) else "train"]
    observations = seen(6, moved=2.0, dead=(math.nan, math.nan))
    assert kinds(history, observations, class_names=("a", "b"), **counts) == []


@pytest.mark.parametrize("accuracy", [0.5, 0.625])
def test_eight_images_do_not_tell_guessing_from_learning(accuracy):
    few = LabelCounts((4, 4))
    slow = rows([0.6] * 6, [accuracy] * 6)
    assert kinds(slow, seen(6, moved=2.0), train=few, validation=few, class_names=("a", "b")) == []


@pytest.mark.parametrize("losses", [[1e-3, 1e-4, 8e-4], [1e-3, 1e-4, 8e-3]])
@pytest.mark.parametrize("entropy_loss", [True, False])
def test_a_loss_that_rises_without_harm_has_not_exploded(losses, entropy_loss):
    history = rows(losses, [1.0, 1.0, 0.9995])
    assert kinds(history, seen(3), entropy_loss=entropy_loss) == []


def test_another_loss_explodes_above_that_of_the_first_epoch():
    history = rows([0.08, 0.02, 0.9], [0.6, 0.9, 0.3])
    assert kinds(history, seen(3), entropy_loss=False) == [("exploding_loss", 3, None)]
    history = rows([0.2, 0.02, 0.15], [0.6, 0.9, 0.7])
    assert kinds(history, seen(3), entropy_loss=False) == []


def test_an_epoch_that_was_not_looked_at_is_not_judged():
    unseen = [Observation(math.nan, math.nan, math.nan, (math.nan, math.nan))] * 6
    assert kinds(GUESSING, unseen) == []


def test_epoch_by_epoch_the_same_is_found():
    observations = [*seen(2), *seen(4, dead=(0.0, 1.0), moved=7.0)]
    whole = diagnose(GUESSING, observations, circumstances(), ended=True)
    found = ()
    for epoch in range(1, 7):
        found = diagnose(
            GUESSING[:epoch], observations[:epoch], circumstances(), ended=epoch == 6, before=found
        )
    assert found == whole
    assert [each.kind for each in whole] == ["dead_relu", "learning_rate_high"]


@pytest.mark.parametrize("count", [1, 5, 256, 999, 1000])
def test_images_are_chosen_from_all_classes_of_a_sorted_split(count):
    from cnnlab.datasets.content import Split
    from cnnlab.training.observing import evenly_spaced

    labels = np.repeat(np.arange(5), 200)
    split = Split(labels.astype(np.uint8).reshape(-1, 1, 1, 1), labels)
    chosen = evenly_spaced(split, count)
    assert len(chosen) == count
    assert count < 5 or set(chosen.labels) == set(range(5))
    np.testing.assert_array_equal(chosen.images.reshape(-1), chosen.labels)


def test_labels_that_are_all_the_same():
    only = LabelCounts((0, 0, 0, 500, *(0,) * 6))
    [warning] = diagnose(LEARNING, seen(6, same_class=1.0), circumstances(train=only), ended=True)
    assert (warning.kind, warning.epoch) == ("constant_labels", 1)
    assert (
        warning.message
        == "all training images are of the class 3, so there is nothing to learn; check the labels"
    )


def test_a_frequent_class_is_no_constant_prediction():
    rare = LabelCounts((950, 50))
    always = rows([0.2] * 3, [0.95] * 3)
    assert kinds(always, seen(3, same_class=1.0), train=rare, validation=rare, class_names=("a", "b")) == []


def test_what_is_seen_of_predictions():
    probabilities = np.array([[0.7, 0.3], [0.6, 0.4], [0.2, 0.8], [0.9, 0.1]], np.float32)
    same_class, spread = predictions_seen(probabilities)
    assert (same_class, spread) == (0.75, pytest.approx(0.7))


def test_silent_units_are_counted(backend, experiment, dataset):
    """A hidden layer after He initialization whose biases put some units out of reach."""
    from cnnlab.model import build_model
    from cnnlab.training.observing import Observer

    layers = (
        "[Conv2D: {filters: 4, kernel_size: 5, kernel_initializer: he_normal}, ReLU, Flatten, "
        "Dense: {units: 8, activation: relu, kernel_initializer: he_normal}, Dense: {units: 10, activation: softmax}]"
    )
    config, data = experiment(layers), dataset()
    model = build_model(config)
    convolution, dense = model.get_layer("conv2d_1"), model.get_layer("dense_1")
    convolution.bias.assign([-1e4, 1e4, 1e4, 1e4])
    dense.bias.assign([-1e9] * 6 + [1e9] * 2)
    observer = Observer.of(config, model, data, batch_size=16)
    assert observer.circumstances.relu_layers == ("re_lu_1", "dense_1")
    row = {"accuracy": 0.9}
    probabilities = np.eye(10, dtype=np.float32)
    observation = observer.observe(row, probabilities, last=True)
    assert observation.dead == (0.25, 0.75)
    assert (observation.same_class, observation.spread, observation.moved) == (0.1, 1.0, 0.0)
    model.get_layer("dense_2").kernel.assign(model.get_layer("dense_2").kernel * 1.5)
    moved = observer.observe(row, probabilities, last=False)
    assert 0 < moved.moved < 0.5
    assert all(math.isnan(share) for share in moved.dead)


EXPECTED = {
    "nothing": [],
    "far too high": {"constant_predictions", "learning_rate_high"},
    "far too low": [["learning_rate_low", 3, None]],
    "far too low for one epoch": [["learning_rate_low", 1, None]],
    "dead layer": {"dead_relu", "constant_predictions"},
    "dead branch": [["dead_relu", 1, "parallel_1/branch_2/conv2d_1"]],
    "shuffled labels": [["shuffled_labels", 8, None]],
}


def check(found):
    assert found.keys() == EXPECTED.keys()
    for case, expected in EXPECTED.items():
        if isinstance(expected, set):
            assert expected <= {kind for kind, _, _ in found[case]}, case
        else:
            assert found[case] == expected, case
    assert ["dead_relu", 1, "conv2d_1"] in found["dead layer"]


def test_networks_that_are_made_to_fail(backend, tmp_path):
    with pytest.warns() as warned:
        check(runpy.run_path(str(SCRIPT))["all_of_them"](tmp_path, "tensorflow"))
    assert any("failing, seed 0, epoch 3: the weights hardly change" in str(each.message) for each in warned)


@pytest.mark.parametrize("other", ["jax", "torch"])
def test_networks_that_are_made_to_fail_elsewhere(other, tmp_path):
    variable = f"CNNLAB_{other.upper()}_PYTHON"
    interpreter = os.environ.get(variable) or (importlib.util.find_spec(other) and sys.executable)
    if not interpreter:
        pytest.skip(f"{other} is not installed, and {variable} names no Python that has it")
    arguments = [str(SCRIPT), other, str(tmp_path)]
    code = f"import runpy, sys; sys.modules['tensorflow'] = None; sys.argv = {arguments}; " \
           "runpy.run_path(sys.argv[0], run_name='__main__')"  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(HOUSE)}
    environment.pop("KERAS_BACKEND", None)
    done = subprocess.run(
        [interpreter, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    check(json.loads(done.stdout))


def test_being_looked_at_changes_no_bit(trained, experiment, cnn, dataset, weights_of, monkeypatch):
    from cnnlab.training.observing import Observer

    config, data = experiment(cnn, training="epochs: 2, batch_size: 16"), dataset()
    watched = trained(config, data)
    monkeypatch.setattr(Observer, "observe", lambda self, row, seen, last: Observation(0.2, 0.9, 0.1, (0.0,)))
    unwatched = trained(config, data)
    for one, other in zip(weights_of(watched), weights_of(unwatched), strict=True):
        np.testing.assert_array_equal(one, other)
    for key in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert [row[key] for row in watched.history] == [row[key] for row in unwatched.history]


def test_sorted_images_without_validation_images(trained, tmp_path):
    """The network is right on every image; the first 500 are all of one class."""
    from cnnlab.config.experiment import load_config
    from cnnlab.datasets import DataPaths, load_dataset

    labels = np.repeat(np.arange(2), 600)
    images = np.zeros((1200, 2, 2), np.uint8)
    images[labels == 1] = 255
    middle = slice(590, 610)
    np.savez(
        tmp_path / "sorted.npz",
        x_train=images, y_train=labels, x_test=images[middle], y_test=labels[middle],
    )  # fmt: skip
    text = f"""
    name: sorted
    dataset: {{npz: {tmp_path}/sorted.npz, validation_size: 0}}
    model: {{layers: [Flatten, Dense: {{units: 2, activation: softmax}}]}}
    training: {{epochs: 3, batch_size: 32, optimizer: {{name: adam, learning_rate: 0.1}}}}
    """
    (tmp_path / "sorted.yaml").write_text(text)
    config = load_config(str(tmp_path / "sorted.yaml"))
    record = trained(config, load_dataset(config.dataset, DataPaths.from_environment(None)))
    assert record.history[-1]["accuracy"] == 1.0
    assert record.result.warnings == ()


@pytest.mark.parametrize(("epochs", "seen_after"), [(4, 3), (2, 2)])
def test_a_resumed_run_ends_with_the_same_warnings(
    trained, interrupted, experiment, dataset, reporter, tmp_path, epochs, seen_after
):
    """Also where it was killed between its last epoch and its result."""
    config = experiment(training=f"epochs: {epochs}, optimizer: {{name: sgd, learning_rate: 1.e-9}}")
    data, out = dataset(), tmp_path / "out"
    whole = trained(config, data)
    said = [told for told in reporter.told if told[0] == "warn"]
    assert [each.kind for each in whole.result.warnings] == ["learning_rate_low"]
    assert said == [("warn", f"test, seed 0, epoch {seen_after}: {whole.result.warnings[0].message}")]
    interrupted(config, data, out, after=2)
    resumed = trained(config, data, out=out)
    assert resumed.result.warnings == whole.result.warnings
    document = json.loads((resumed.path / "result.json").read_text())
    assert document["warnings"] == [
        {
            "kind": "learning_rate_low",
            "epoch": seen_after,
            "layer": None,
            "message": whole.result.warnings[0].message,
        }
    ]
