"""What arithmetic made a run is recorded; a run that goes on under another one, or is reused, says so."""

import json
import shutil
from pathlib import Path

import pytest

from cnnlab.config.experiment import load_config, parse_config
from cnnlab.datasets import DataPaths
from cnnlab.jobs import Jobs
from cnnlab.language.source import parse_yaml
from cnnlab.reporting import Reporter
from cnnlab.run_folders.arithmetic import Arithmetic
from cnnlab.version import ARITHMETIC

GOLDEN = Path(__file__).parent / "golden"

OLD = {
    "cnnlab": "0.1.0", "keras": "3.12.0", "numpy": "2.4.6", "backend": "tensorflow", "tensorflow": "2.20.0",
    "device": "cpu", "device_name": "CPU (2 cores)", "cores": 2,
}  # fmt: skip
NEW = {
    **OLD, "arithmetic": 1, "keras": "3.15.1", "cpu": "A", "instruction_set": "AVX2", "onednn": True,
    "threads": 2, "parallel_operations": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        pytest.param({}, [], id="none"),
        pytest.param({"threads": 1, "onednn": False}, ["oneDNN: on → off", "threads: 2 → 1"], id="a few"),
        pytest.param({"arithmetic": 2}, ["cnnlab's arithmetic: 1 → 2"], id="number"),
        pytest.param(
            {"tensorflow": "2.21.0"}, ["backend: tensorflow 2.20.0 → tensorflow 2.21.0"], id="version"
        ),
        pytest.param({"instruction_set": "AVX-512"}, ["instruction set: AVX2 → AVX-512"], id="instructions"),
        pytest.param({"threads": None, "cpu": ["a", "list"]}, [], id="unknown"),
        pytest.param(
            {"device": "gpu", "device_name": "GPU (A)", "threads": 9}, ["device: cpu → gpu"], id="device"
        ),
    ],
)
def test_differences_are_phrases(changes, differences):
    here, there = Arithmetic.from_environment(NEW), Arithmetic.from_environment(NEW | changes)
    assert here.differences(there) == differences


def test_the_host_of_a_gpu_does_not_count_but_the_gpu_does():
    one, other = (
        NEW | {"device": "gpu", "device_name": f"GPU ({name})", "threads": threads}
        for name, threads in [("A", 2), ("B", 64)]
    )
    differences = Arithmetic.from_environment(one).differences(Arithmetic.from_environment(other))
    assert differences == ["device: GPU (A) → GPU (B)"]


def test_what_an_older_run_did_not_record_is_no_difference():
    older, newer = Arithmetic.from_environment(OLD), Arithmetic.from_environment(NEW)
    assert (older.number, newer.number) == (None, 1)
    assert older.differences(newer) == ["Keras: 3.12.0 → 3.15.1"]
    assert Arithmetic.from_environment({}).differences(newer) == []


CONFIG = """
dataset: {name: xo, train_count: 40, test_count: 20}
model: {layers: [Flatten, Dense: {units: 2, activation: softmax}]}
training: {epochs: 3}
"""


class Told(Reporter):
    """Keeps warnings; stops a run after the first epoch that it trains, where it is to."""

    def __init__(self, *, stops: bool = False) -> None:
        self.warnings: list[str] = []
        self.stops = stops

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def epoch_ended(self, row, *, epochs):
        if self.stops:
            raise KeyboardInterrupt


@pytest.fixture
def train(backend, tmp_path):
    """train(*seeds, stops=False) → the warnings; three epochs of a tiny run."""
    config = parse_config(parse_yaml(CONFIG, "tiny.yaml"), default_name="tiny")

    def call(*seeds: int, stops: bool = False) -> list[str]:
        told = Told(stops=stops)
        jobs = Jobs(tmp_path, DataPaths.from_environment(None), told)
        configs = [config.with_seed(seed) for seed in seeds or (0,)]
        if stops:
            with pytest.raises(KeyboardInterrupt):
                jobs.finished(configs)
        else:
            jobs.finished(configs)
        return told.warnings

    return call


def files(tmp_path, name):
    return sorted(tmp_path.glob(f"tiny-*/seed-*/{name}"))


def change(path, **facts):
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def test_resuming_under_other_arithmetic_is_told_and_marks_the_run_for_good(train, tmp_path):
    train(stops=True)
    (environment,) = files(tmp_path, "environment.json")
    change(environment, threads=99, onednn=None)
    (warning,) = train(stops=True)
    now = json.loads(environment.read_text())
    assert warning == (
        f"{environment.parent}: resumed under other arithmetic (threads: 99 → {now['threads']}); the last "
        "digits can differ from those of an uninterrupted run"
    )
    assert train() == []  # the arithmetic is that of the second epoch; the run stays marked
    for name in ("environment.json", "run.json"):
        assert json.loads((environment.parent / name).read_text())["resumed_elsewhere"] is True


def test_resuming_under_the_same_arithmetic_is_not_worth_a_word(train, tmp_path):
    train(stops=True)
    assert train() == []
    for path in (*files(tmp_path, "environment.json"), *files(tmp_path, "run.json")):
        assert "resumed_elsewhere" not in json.loads(path.read_text())


def test_reuse_of_runs_of_another_number_is_announced_once(train, monkeypatch):
    train(0, 1, 2)
    assert train(0, 1, 2) == []
    monkeypatch.setattr("cnnlab.run_folders.arithmetic.ARITHMETIC", ARITHMETIC + 1)
    assert train(0, 1, 2) == [
        f"reusing runs that were trained under arithmetic {ARITHMETIC}, which is {ARITHMETIC + 1} now; new "
        "runs can differ from them in the last digits; --fresh trains them again"
    ]


def test_reuse_of_runs_without_a_number_is_announced(tmp_path):
    shutil.copytree(GOLDEN / "0.1.0", tmp_path, dirs_exist_ok=True)
    told = Told()
    config = load_config(str(GOLDEN / "golden_dnn.yaml"))
    Jobs(tmp_path, DataPaths.from_environment(None), told).finished(
        [config.with_seed(0), config.with_seed(1)]
    )
    assert told.warnings == [
        f"reusing runs that were trained before cnnlab numbered its arithmetic, which is {ARITHMETIC} now; "
        "new runs can differ from them in the last digits; --fresh trains them again"
    ]
