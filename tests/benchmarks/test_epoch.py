"""`cnnlab bench epoch`: what it counts, that it trains as `cnnlab train` does, and leaves nothing behind."""

import json
import re
import statistics
import time
from pathlib import Path

import pytest

import cnnlab
from cnnlab.benchmarks import matrix_multiply
from cnnlab.benchmarks.matrix_multiply import MatrixMultiplyPeak, matrix_multiply_peak
from cnnlab.benchmarks.timing import Timing, ratios
from cnnlab.cli import run
from cnnlab.wording import three_digits
from tests.benchmarks.conftest import MACS

pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture(autouse=True)
def small_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peak is measured in no time."""
    monkeypatch.setattr(matrix_multiply, "SIZES", (32, 64))
    monkeypatch.setattr(matrix_multiply, "MIN_SECONDS", 1e-4)


def bench(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert run(["bench", "epoch", *arguments, "--quiet", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("drop_last", "images"), [(False, 80), (True, 64)])
def test_operations_are_counted_as_by_hand(capsys, drop_last: bool, images: int) -> None:
    told = bench(capsys, "small.yaml", "--epochs", "3", "--set", f"training.drop_last={drop_last}".lower())
    assert (told["name"], told["images"], told["batch_size"]) == ("small", images, 32)
    assert (told["macs"], told["operations"]) == (MACS, 6 * MACS * images)
    seconds, peak = told["seconds"], told["peak"]
    assert len(seconds["values"]) == 3
    assert seconds["median"] == statistics.median(seconds["values"])
    assert told["images_per_second"] == images / seconds["median"]
    assert told["share"] == told["operations"] / seconds["median"] / peak["operations_per_second"]
    assert peak["matrix_size"] in (32, 64)
    assert told["first_epoch_seconds"] > 0
    assert told["environment"]["precision"] == "float32"


def test_it_trains_as_train_does(tmp_path_factory) -> None:
    """Epoch by epoch the same numbers, of a network with dropout too."""
    measured, trained = [], []
    random = {"set": {"training.epochs": 3}}
    cnnlab.bench_epoch("small.yaml", epochs=2, progress=measured.append, **random)
    out = tmp_path_factory.mktemp("runs")
    cnnlab.train("small.yaml", out=out, progress=trained.append, **random)
    losses = [
        [
            (each.row["epoch"], each.row["loss"], each.row["accuracy"])
            for each in told
            if each.event == "epoch"
        ]
        for told in (measured, trained)
    ]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 3


def test_the_first_epoch_counts_what_comes_before_its_steps(monkeypatch) -> None:
    """Such as the tracing on TensorFlow; the other epochs are those of the steps alone."""
    from cnnlab.training import train

    rows, prepare = [], train.prepare

    def slow(*arguments):
        time.sleep(0.25)
        return prepare(*arguments)

    monkeypatch.setattr(train, "prepare", slow)
    (speed,) = cnnlab.bench_epoch("small.yaml", epochs=2, progress=rows.append)
    first, *others = [each.row["seconds"] for each in rows if each.event == "epoch"]
    assert speed.first_epoch_seconds >= first + 0.25
    assert speed.seconds.values == tuple(others)


def test_a_table_for_people(capsys) -> None:
    changed = ["--set", "model.layers[0].filters=2"]
    assert run(["bench", "epoch", "small.yaml", "small.yaml", "--epochs", "1", "--quiet", *changed]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["Experiment", "Seconds/", "Lowest", "to", "Images/", "Share", "of", "First"]
    assert [line.split()[0] for line in lines[3:5]] == ["small", "small"]
    assert max(map(len, lines[:5])) <= 80
    assert "Seconds: median of 1 epoch, the first one left out." in lines
    assert any(line.startswith("Peak: ") and line.endswith(" float32 matrices.") for line in lines)


def test_the_engine_by_hand_says_what_multiplies(capsys) -> None:
    assert run(["bench", "epoch", "small.yaml", "--epochs", "1", "--quiet", "--backend", "scratch"]) == 0
    machine = capsys.readouterr().out.splitlines()[-1]
    assert re.search(r"; scratch with im2col, NumPy \S+ with \S+ .*\.$", machine)


def test_without_macs_there_is_no_share(capsys) -> None:
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((10, 10, 1)), layers.Reshape((10, 10)), layers.LSTM(4), layers.Dense(2, "softmax")]
    )
    dataset = {"name": "xo", "size": 10, "train_count": 100, "test_count": 40}
    experiment = cnnlab.Experiment.from_keras(model, dataset=dataset, name="recurrent")
    (speed,) = cnnlab.bench_epoch(experiment, epochs=1)
    assert (speed.macs, speed.operations, speed.share) == (None, None, None)
    assert speed.as_dict()["share"] is None


@pytest.mark.parametrize("epochs", [0, True, 1.5])
def test_a_wrong_number_of_epochs(epochs) -> None:
    with pytest.raises(cnnlab.UserError, match=r"^epochs: expected a whole number, 1 or more, found "):
        cnnlab.bench_epoch("small.yaml", epochs=epochs)


def test_no_experiment() -> None:
    with pytest.raises(cnnlab.UserError, match=r"^expected one or more experiments, found none$"):
        cnnlab.bench_epoch([])


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.05714, "0.0571"),
        (5.714, "5.71"),
        (999.4, "999"),
        (999.7, "1,000"),
        (5714.0, "5,714"),
        (1e6, "1,000,000"),
    ],
)
def test_seconds_are_never_in_exponents(seconds: float, shown: str) -> None:
    assert three_digits(seconds) == shown


def test_what_cannot_be_trained_is_refused(capsys) -> None:
    assert run(["bench", "epoch", "alexnet"]) == 2
    assert "this config has no dataset" in capsys.readouterr().err


def test_the_fastest_product_is_the_peak(monkeypatch) -> None:
    """And sizes that would take too long are not tried."""
    seconds = {100: 1e-3, 200: 4e-3, 400: 0.1, 800: 0.8}
    monkeypatch.setattr(matrix_multiply, "SIZES", tuple(seconds))
    tried = []

    def per_product(size: int, *, by_numpy: bool) -> float:
        tried.append(size)
        return seconds[size]

    monkeypatch.setattr(matrix_multiply, "_seconds_per_product", per_product)
    assert matrix_multiply_peak() == MatrixMultiplyPeak(2 * 200**3 / 4e-3, 200)
    assert tried == [100, 200, 400]


def test_timings() -> None:
    timing = Timing((3.0, 1.0, 2.0, 6.0))
    assert timing.as_dict() == {
        "median": 2.5, "min": 1.0, "max": 6.0, "mean": 3.0, "std": pytest.approx(2.160246899),
        "ci95": [pytest.approx(-0.437435, abs=1e-6), pytest.approx(6.437435, abs=1e-6)],
        "values": [3.0, 1.0, 2.0, 6.0],
    }  # fmt: skip
    assert ratios(Timing((1.0, 3.0)), Timing((2.0, 4.0))) == Timing((0.5, 0.75))


def test_the_lecture_is_measured_by_default(monkeypatch, capsys) -> None:
    asked = []
    monkeypatch.setattr(
        "cnnlab.benchmarks.epoch.measure_epochs",
        lambda configs, jobs, *, epochs: asked.extend([[each.name for each in configs], epochs]) or [],
    )
    assert cnnlab.bench_epoch() == []
    assert asked == [["dnn", "cnn"], 5]


def test_nothing_is_read_from_or_written_to_the_folder_of_runs(capsys, monkeypatch, folder: Path) -> None:
    monkeypatch.setenv("CNNLAB_EXPERIMENTS", str(folder / "runs"))
    bench(capsys, "small.yaml", "--epochs", "1")
    assert not (folder / "runs").exists()
