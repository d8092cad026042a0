"""The weights of each epoch: which they are, after a kill too, and that a changed file is noticed."""

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cnnlab
from cnnlab.errors import CnnlabError, UserError
from cnnlab.run_folders.epochs import check_epochs, epoch_weights, kept_bytes, kept_epochs, named_weights
from cnnlab.run_folders.integrity import DamagedRun
from cnnlab.run_folders.records import Record, read_record, read_status
from cnnlab.verification.same_bits import differences

AVERAGED = "optimizer: {name: adam, use_ema: true, ema_momentum: 0.5}"
KEPT = "epochs: 4, batch_size: 16, keep_epochs: true"


@pytest.fixture
def with_averages(trained, experiment, cnn, dataset) -> Record:
    """A run with moving averages of the weights and of the batches' statistics."""
    return trained(experiment(cnn, training=f"{KEPT}, {AVERAGED}"), dataset())


def assert_equal(found: Any, expected: Any) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_first_and_last_epoch(with_averages: Record, weights_of) -> None:
    """Epoch 0 is a freshly built network, the last one what model.keras holds."""
    from cnnlab.model import build_model

    assert kept_epochs(with_averages.path) == [0, 1, 2, 3, 4]
    fresh = build_model(with_averages.config)
    assert list(named_weights(with_averages.path, 0)) == [each.path for each in fresh.weights]
    assert_equal(epoch_weights(with_averages.path, 0), fresh.get_weights())
    assert_equal(epoch_weights(with_averages.path, 4), weights_of(with_averages))


def test_each_epoch_has_the_accuracy_of_its_row(trained, experiment, cnn, dataset) -> None:
    data = dataset(validation=100)
    record = trained(experiment(cnn, training=f"{KEPT}, {AVERAGED}"), data)
    model = keras.models.load_model(record.path / "model.keras")
    images, labels = data.validation.images.astype(np.float32) / 255, data.validation.labels
    for row in record.history:
        model.set_weights(epoch_weights(record.path, int(row["epoch"])))
        answers = keras.ops.convert_to_numpy(model(images, training=False))
        assert (answers.argmax(axis=1) == labels).mean() == pytest.approx(row["val_accuracy"], abs=1e-6)
        expected = -np.log(answers[np.arange(len(labels)), labels]).mean()
        assert row["val_loss"] == pytest.approx(expected, rel=1e-4)


def test_averages_are_kept_without_validation_images(trained, experiment, dataset, weights_of) -> None:
    record = trained(experiment(training=f"{KEPT}, {AVERAGED}"), dataset(validation=0))
    assert_equal(epoch_weights(record.path, 4), weights_of(record))


def test_the_result_is_the_same(trained, experiment, cnn, dataset) -> None:
    """Keeping weights changes neither the digest nor a bit of the run."""
    data = dataset()
    one, other = (
        trained(
            experiment(cnn, training=f"epochs: 4, batch_size: 16, keep_epochs: {keeps}, {AVERAGED}"), data
        )
        for keeps in ("true", "false")
    )
    assert one.config.digest == other.config.digest
    assert one.path.parent.name == other.path.parent.name
    assert differences(one.path, other.path, removed=True) == []
    assert [each.file for each in differences(one.path, other.path)] == [
        f"epoch-00{epoch}.npz" for epoch in range(5)
    ]
    assert kept_epochs(other.path) == []


def test_with_the_best_epoch_the_last_one_is_the_last_trained(
    trained, experiment, dataset, weights_of
) -> None:
    training = f"{KEPT}, keep: best, optimizer: {{name: sgd, learning_rate: 0.5}}"
    record = trained(experiment(training=training), dataset())
    best = record.result.tested_epoch
    assert kept_epochs(record.path) == [0, 1, 2, 3, 4]
    assert_equal(epoch_weights(record.path, best), weights_of(record))


def test_with_early_stopping(trained, experiment, dataset) -> None:
    stopping = "early_stopping: {monitor: loss, patience: 1, min_delta: 9}"
    record = trained(experiment(training=f"{KEPT}, {stopping}"), dataset())
    assert len(record.history) == 2
    assert kept_epochs(record.path) == [0, 1, 2]


@pytest.mark.parametrize("last", [0, 1, 3])
def test_a_killed_run_keeps_what_one_in_a_go_keeps(
    trained, interrupted, experiment, cnn, dataset, monkeypatch, tmp_path: Path, last: int
) -> None:
    """Killed between the file of an epoch and its checkpoint, too."""
    from cnnlab.run_folders.run_writer import RunWriter

    config, data, out = experiment(cnn, training=f"{KEPT}, {AVERAGED}"), dataset(), tmp_path / "out"
    whole = trained(config, data)
    write = RunWriter.write_epoch

    def interrupt(run: RunWriter, epoch: int, weights: Any) -> None:
        write(run, epoch, weights)
        if epoch == last:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "write_epoch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            trained(config, data, out=out)
    resumed = trained(config, data, out=out)
    assert differences(whole.path, resumed.path) == []
    assert read_status(resumed.path)["files"].keys() == read_status(whole.path)["files"].keys()


def test_a_run_that_was_begun_without(trained, interrupted, experiment, dataset, reporter, tmp_path) -> None:
    """What can be kept is: the initial weights, which follow from the seed, and from the checkpoint on."""
    data, out = dataset(), tmp_path / "out"
    interrupted(experiment(training="epochs: 4, batch_size: 16"), data, out, after=2)
    whole, resumed = (trained(experiment(training=KEPT), data, out=each) for each in (None, out))
    assert kept_epochs(resumed.path) == [0, 2, 3, 4]
    for epoch in (0, 2, 3, 4):
        assert_equal(epoch_weights(resumed.path, epoch), epoch_weights(whole.path, epoch))
    [warning] = [told[1] for told in reporter.told if told[0] == "warn"]
    assert warning == (
        "test, seed 0: the weights of epoch 1 were not kept, because training.keep_epochs was not set then; "
        "--fresh trains the run again with all of them"
    )
    with pytest.raises(UserError) as caught:
        epoch_weights(resumed.path, 1)
    assert str(caught.value) == (
        f"{resumed.path}: expected the weights of epoch 1; found 0, 2 to 4; training.keep_epochs: true keeps "
        "them, with --fresh where the run is finished"
    )


def test_an_interrupted_run_keeps_what_it_has(interrupted, experiment, dataset, tmp_path: Path) -> None:
    interrupted(experiment(training=KEPT), dataset(), tmp_path, after=2)
    [path] = tmp_path.glob("*/seed-0")
    assert kept_epochs(path) == [0, 1, 2]
    assert [each.shape for each in epoch_weights(path, 2)] == [(784, 10), (10,)]


@pytest.mark.parametrize("harm", ["another", "torn"])
def test_a_changed_file_is_noticed(trained, experiment, dataset, tmp_path: Path, harm: str) -> None:
    record = trained(experiment(training=KEPT), dataset(), out=tmp_path / "there")
    file = record.path / "epoch-002.npz"
    if harm == "another":
        shutil.copy(record.path / "epoch-001.npz", file)
    else:
        file.write_bytes(file.read_bytes()[:-100])
    said = "epoch-002.npz is not the file that the run finished with"
    with pytest.raises(DamagedRun, match=said):
        epoch_weights(record.path, 2)
    with pytest.raises(DamagedRun, match=said):
        check_epochs(record.path, read_status(record.path))
    [merged] = cnnlab.merge(tmp_path / "there", out=tmp_path / "here").runs
    assert (merged.outcome, merged.reason) == ("damaged", said)
    assert read_record(record.path).result == record.result  # no result is made of it
    assert len(epoch_weights(record.path, 1)) == 2


def test_files_that_are_not_the_runs_are_not_read(trained, experiment, dataset) -> None:
    record = trained(experiment(training=KEPT), dataset())
    for name in ("epoch-009.npz", "epoch-0001.npz", "epoch-mine.npz"):
        shutil.copy(record.path / "epoch-001.npz", record.path / name)
    assert kept_epochs(record.path) == [0, 1, 2, 3, 4]
    (record.path / "epoch-003.npz").unlink()
    assert kept_epochs(record.path) == [0, 1, 2, 4]
    assert [each.file for each in differences(record.path, record.path)] == []


def test_merged_runs_bring_their_epochs(trained, experiment, dataset, tmp_path: Path) -> None:
    record = trained(experiment(training=KEPT), dataset(), out=tmp_path / "there")
    [merged] = cnnlab.merge(tmp_path / "there", out=tmp_path / "here").taken
    assert merged.path is not None
    assert kept_epochs(merged.path) == [0, 1, 2, 3, 4]
    assert differences(record.path, merged.path) == []


def test_how_much_they_take(trained, experiment, dataset, monkeypatch, tmp_path: Path) -> None:
    record = trained(experiment(training=KEPT), dataset())
    size = sum(file.stat().st_size for file in record.path.glob("epoch-*.npz"))
    assert kept_bytes(record.config) == pytest.approx(size, rel=0.05)
    assert kept_bytes(experiment()) == 0


def test_a_disk_that_is_too_small(experiment, monkeypatch, tmp_path: Path) -> None:
    from cnnlab.run_folders.epochs import check_room

    config, path = experiment(training=KEPT), tmp_path / "test" / "seed-0"
    need = kept_bytes(config)
    for free, fits in ((need, True), (need - 1, False)):
        usage = type("Usage", (), {"free": free})
        monkeypatch.setattr("shutil.disk_usage", lambda _, usage=usage: usage)
        if fits:
            check_room(path, config)
            continue
        with pytest.raises(CnnlabError, match=r"needs 0.00 GB, but the disk has 0.00 GB left; free some"):
            check_room(path, config)
        path.mkdir(parents=True)
        (path / "epoch-000.npz").touch()  # written already
        check_room(path, config)


def test_on_the_engine(backend, tmp_path: Path) -> None:
    settings = {"runtime.backend": "scratch", "training.keep_epochs": True, "training.epochs": 2,
                "dataset.train_size": 100, "dataset.validation_size": 50}  # fmt: skip
    [run] = cnnlab.train("colors_dnn", set=settings, out=tmp_path)
    assert run.kept_epochs == [0, 1, 2]
    assert_equal(list(run.weights_of(2).values()), run.model.get_weights())
    assert not np.array_equal(epoch_weights(run.folder, 1)[0], epoch_weights(run.folder, 0)[0])


CODE = """
import json

import cnnlab

settings = {"runtime.backend": "NAME", "training.keep_epochs": True, "training.epochs": 2,
            "dataset.train_size": 100, "dataset.validation_size": 50}
together = 2 if "NAME" == "jax" else 1
runs = cnnlab.train("colors_dnn", set=settings, out="OUT", seeds=[0, 1], together=together)
for run in runs:
    assert run.kept_epochs == [0, 1, 2]
    weights = run.model.get_weights()
    assert all((one == other).all() for one, other in zip(run.weights_of(2).values(), weights, strict=True))
    assert not (run.weights_of(1)["dense_1/kernel"] == run.weights_of(2)["dense_1/kernel"]).all()
assert not (runs[0].weights_of(0)["dense_1/kernel"] == runs[1].weights_of(0)["dense_1/kernel"]).all()
"""


def test_on_another_backend(other, elsewhere, tmp_path: Path) -> None:
    """On JAX, two seeds in one program."""
    elsewhere(CODE.replace("NAME", other).replace("OUT", str(tmp_path)))


def test_the_files_are_in_run_json(with_averages: Record) -> None:
    files = json.loads((with_averages.path / "run.json").read_text())["files"]
    assert {name for name in files if name.startswith("epoch")} == {f"epoch-00{n}.npz" for n in range(5)}
