"""What a comparison says of the differences that are not those of the networks."""

import json
from dataclasses import replace

import pytest

from cnnlab.cli import run
from cnnlab.comparison import ExperimentRuns, compare
from cnnlab.comparison.conditions import condition_sentences, conditions, distinctions
from cnnlab.comparison.tables import caption
from cnnlab.comparison.verdicts import verdict
from cnnlab.config.experiment import load_config
from cnnlab.report.provenance import facts


@pytest.fixture
def outcomes(record):
    """Two experiments that never ran, of configs with settings changed; by name."""

    def make(*experiments):
        runs = []
        for name, changes in experiments:
            config = load_config(name, changes)
            made = record("cnn" if name == "cnn" else "dnn", 0, 0.95, params=config.architecture.total_params)
            runs.append(ExperimentRuns.of([replace(made, config=config)]))
        return compare(runs)

    return make


def test_what_differs_is_in_the_verdict_the_caption_and_the_head_of_the_report(outcomes):
    changes = ["dataset.train_size=1000", "training.epochs=4", "training.optimizer.learning_rate=0.01",
               "runtime.precision=mixed_bfloat16"]  # fmt: skip
    compared = outcomes(("dnn", []), ("cnn", changes))
    sentences = (
        "dnn was trained on 10,000 images for 20 epochs, cnn on 1,000 images for 4 epochs. They differ not "
        "only in the network, but also in learning rate (dnn: 0.001, cnn: 0.01), precision (dnn: float32, "
        "cnn: mixed_bfloat16)."
    )
    assert condition_sentences(*compared.experiments) == sentences
    assert sentences in verdict(compared.pairs[0])
    assert caption(compared).endswith(
        "; trained: dnn on 10,000 images for 20 epochs; cnn on 1,000 images for 4 epochs; different learning "
        "rate (dnn: 0.001, cnn: 0.01), precision (dnn: float32, cnn: mixed_bfloat16)"
    )
    assert facts(compared) == {
        "Data": "MNIST",
        "Training images": "dnn: 10,000, cnn: 1,000",
        "Epochs": "dnn: 20, cnn: 4",
        "Seeds": "0",
        "Learning rate": "dnn: 0.001, cnn: 0.01",
        "Precision": "dnn: float32, cnn: mixed_bfloat16",
    }
    assert compared.as_dict()["pairs"][0]["also_differ"][0] == {
        "what": "training images", "a": "10,000", "b": "1,000",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "what", "value"),
    [
        ("training.batch_size=10", "batch size", "10"),
        ("training.optimizer={name: sgd, learning_rate: 0.5}", "optimizer", "sgd with learning rate 0.5"),
        ("training.label_smoothing=0.1", "label smoothing", "0.1"),
        ("training.keep=best", "keep", "best"),
        ("training.early_stopping={monitor: val_loss, patience: 3}", "early stopping", None),
        ("dataset.label_noise=0.2", "label noise", None),
        ("dataset.validation_size=2000", "validation size", "2000"),
        ("dataset.stratified=true", "stratified", "yes"),
        ("runtime.backend=jax", "backend", "jax"),
        ("training.epochs=3", "epochs", "3"),
        ("dataset.train_size=300", "training images", "300"),
    ],
)  # fmt: skip
def test_every_setting_that_decides_is_named(outcomes, changes, what, value):
    compared = outcomes(("dnn", []), ("cnn", [changes]))
    different = {each.what: each.values for each in distinctions(compared.experiments)}
    assert list(different) == [what]
    if value is not None:
        assert different[what][1] == value


@pytest.mark.parametrize("changes", [
    "seed=7", "description=mine", "runtime.device=cpu", "training.keep_epochs=true",
    "training.metrics=[macro_f1]",
])  # fmt: skip
def test_what_decides_nothing_is_not_named(outcomes, changes):
    compared = outcomes(("dnn", []), ("cnn", [changes]))
    assert distinctions(compared.experiments) == []
    assert condition_sentences(*compared.experiments) == "Both were trained on 10,000 images for 20 epochs."


def test_the_same_network_twice(outcomes):
    compared = outcomes(("cnn", []), ("cnn", ["training.epochs=2", "training.batch_size=50"]))
    one, other = (each.name for each in compared.experiments)
    assert condition_sentences(*compared.experiments) == (
        f"{one} was trained on 10,000 images for 20 epochs, {other} on 10,000 images for 2 epochs. Their "
        f"networks are the same; they differ in batch size ({one}: 100, {other}: 50)."
    )


def test_epochs_are_those_that_were_trained(experiment):
    compared = compare([
        experiment("dnn", [0.9, 0.92], epochs=20), experiment("cnn", [0.95, 0.96], epochs=20),
    ])  # fmt: skip
    dnn, cnn = compared.experiments
    assert conditions(dnn).epochs == "20 epochs"
    records = [
        replace(each, result=replace(each.result, epochs=epochs))
        for each, epochs in zip(cnn.records, (7, 12), strict=True)
    ]
    stopped = replace(cnn, records=tuple(records))
    assert conditions(stopped).epochs == "7 to 12 epochs"


def test_augmentation_and_preparation_are_no_part_of_the_network(tmp_path, record):
    """They are named, and networks that differ in nothing else are the same."""
    layers = "[{}Conv2D: {{filters: 2, kernel_size: 3}}, Flatten, Dense: {{units: 10, activation: softmax}}]"
    runs = []
    for name, first in (
        ("plain", ""),
        ("flipped", "RandomFlip: {mode: horizontal}, Rescaling: {scale: 2.0}, "),
    ):
        (tmp_path / f"{name}.yaml").write_text(
            f"name: {name}\ndataset: {{name: mnist, train_size: 500}}\n"
            f"model: {{layers: {layers.format(first)}}}\n"
        )
        config = load_config(str(tmp_path / f"{name}.yaml"))
        runs.append(ExperimentRuns.of([replace(record("cnn"), config=config)]))
    plain, flipped = compare(runs).experiments
    assert condition_sentences(plain, flipped) == (
        "Both were trained on 500 images for 10 epochs. Their networks are the same; they differ in "
        "augmentation (plain: none, flipped: RandomFlip mode=horizontal), preprocessing (plain: none, "
        "flipped: Rescaling scale=2.0)."
    )


def test_the_command_says_so(tmp_path, make_run, capsys, no_pictures):
    runs = [
        make_run(tmp_path, "colors_cnn"),
        make_run(tmp_path, "colors_cnn_minimal", changes=["training.epochs=3"]),
    ]  # fmt: skip
    assert run(["compare", *map(str, runs), "--out", str(tmp_path), "--quiet", "--json"]) == 0
    (pair,) = json.loads(capsys.readouterr().out)["pairs"]
    assert {"what": "epochs", "a": "20", "b": "3"} in pair["also_differ"]
    assert "colors_cnn was trained on 4,500 images for 20 epochs, colors_cnn_minimal on " in pair["verdict"]
