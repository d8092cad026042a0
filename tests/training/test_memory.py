"""What a run takes of the memory: the same whatever was trained before; and nothing of it stays."""

import gc
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cnnlab import memory
from cnnlab.backend import Backend
from cnnlab.datasets.content import Split
from cnnlab.memory import PeakMemory

SCRIPT = Path(__file__).parent / "scripts" / "many_runs.py"
HOUSE = Path(__file__).parents[2]
MIB = 2**20


def dense(units, activation="relu"):
    layers = f"[Flatten, Dense: {{units: {units}, activation: {activation}}}, "
    return layers + "Dense: {units: 10, activation: softmax}]"


def test_a_network_takes_the_same_first_and_after_larger_ones(trained, experiment, dataset):
    data = dataset()

    def taken(units):
        config = experiment(dense(units), training="epochs: 1, optimizer: sgd")
        return trained(config, data).result.peak_memory_bytes

    small, large, small_later, large_later = taken(10), taken(20_000), taken(10), taken(20_000)
    weights = 4 * (784 + 1 + 10) * (20_000 - 10)
    assert small_later == pytest.approx(small, rel=0.03)
    # TensorFlow's threads decide how many of a step's gradients are there at the same time.
    assert large_later == pytest.approx(large, abs=weights)
    # Weights and gradients are there at the same time, and a few copies of them.
    assert 2 * weights <= large - small <= 6 * weights


def test_nothing_of_a_network_stays(trained, experiment, dataset):
    from tensorflow.python.framework import ops
    from tensorflow.python.framework.func_graph import FuncGraph

    def traced():
        gc.collect()
        return sum(issubclass(type(each), FuncGraph) for each in gc.get_objects())

    config, data = experiment(dense(8, "silu"), training="epochs: 2"), dataset()
    trained(config, data)
    gradients, graphs = set(ops.gradient_registry.list()), traced()
    for _ in range(2):
        trained(config, data)
    assert set(ops.gradient_registry.list()) == gradients
    assert traced() == graphs


def test_nothing_of_an_analysis_stays(backend):
    import keras
    from tensorflow.python.framework import ops

    from cnnlab.gradients import differentiated

    function = differentiated(lambda images: keras.ops.sum(keras.ops.silu(images), axis=1))
    before = set(ops.gradient_registry.list())
    values, gradients = function(np.zeros((3, 2), np.float32))
    assert (values == 0).all()
    assert (gradients == 0.5).all()
    assert set(ops.gradient_registry.list()) == before


class Counted:
    """Counts as told: `held` after the network is gone, `peak` before."""

    def __init__(self, *, restarts):
        self.restarts, self.highest, self.now = restarts, 0, 0

    def restart(self):
        return self.restarts

    def peak(self):
        return self.highest

    def held(self):
        return self.now


@pytest.fixture
def counted(backend, monkeypatch, dataset):
    """counted(restarts, device, runs=[(peak, left), …]) → what each run took, and how that is described."""

    def call(*, restarts, device, runs):
        counter = Counted(restarts=restarts)
        monkeypatch.setattr(memory, "_BEFORE_FIRST", {})
        monkeypatch.setattr(memory, "_counter_of", lambda backend: counter)
        monkeypatch.setattr(memory._Process, "held", lambda self: 1000 * MIB)
        results = []
        for counter.highest, counter.now in runs:
            run = PeakMemory(Backend("tensorflow", "2.21.0", device, "a device"), dataset())
            run.begin()
            results.append((run.of_run(run.peak()), run.description))
        return results

    return call


def test_on_a_gpu_only_the_network_counts(counted):
    taken = counted(restarts=True, device="gpu", runs=[(50, 20), (90, 30)])
    assert taken == [(30, "of the GPU"), (60, "of the GPU")]


def test_in_a_process_what_it_held_before_its_first_run_counts_for_all(counted):
    taken = counted(restarts=True, device="cpu", runs=[(50, 20), (90, 30)])
    assert taken == [(1000 * MIB + 30, "of the process"), (1000 * MIB + 60, "of the process")]


@pytest.mark.parametrize(
    ("device", "name", "first"), [("cpu", "process", 1000 * MIB + 30), ("gpu", "GPU", 30)]
)
def test_without_a_peak_of_its_own_a_later_run_has_none(counted, device, name, first):
    taken = counted(restarts=False, device=device, runs=[(50, 20), (90, 30)])
    why = "not stated: this system cannot tell a run's peak from that of an earlier run in the same process"
    assert taken == [(first, f"of the {name}"), (None, why)]


def test_the_run_records_why_its_peak_is_not_stated(trained, experiment, dataset, monkeypatch):
    trained(experiment(), dataset())  # the first
    monkeypatch.setattr(memory, "_counter_of", lambda backend: Counted(restarts=False))
    record = trained(experiment(), dataset())
    assert record.result.peak_memory_bytes is None
    assert record.environment["peak_memory"].startswith("not stated: this system cannot tell")


def test_tensorflow_counts_its_tensors_on_a_gpu(backend, monkeypatch):
    import tensorflow as tf

    restarted = []
    experimental = tf.config.experimental
    monkeypatch.setattr(experimental, "get_memory_info", {"GPU:0": {"current": 3, "peak": 7}}.__getitem__)
    monkeypatch.setattr(experimental, "reset_memory_stats", restarted.append)
    counter = memory._counter_of(Backend("tensorflow", "2.21.0", "gpu", "GPU"))
    assert (counter.restart(), counter.peak(), counter.held()) == (True, 7, 3)
    assert restarted == ["GPU:0"]


def test_views_hold_the_whole_array_and_files_nothing(tmp_path):
    images = np.zeros((10, 4, 4, 1), np.uint8)
    mapped = np.memmap(tmp_path / "images", np.uint8, "w+", shape=(10, 4, 4, 1))
    labels = np.zeros(2, np.int64)
    data = SimpleNamespace(
        train=Split(images[:2], labels), validation=Split(images[2:4], labels), test=Split(mapped[:2], labels)
    )
    assert memory._bytes_of(data) == 160 + 16


def many_runs(out, *arguments):
    """What each run took and what the process held after it, in bytes: network → both, run by run."""
    command = [sys.executable, str(SCRIPT), str(out), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HOUSE)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        network: np.array([row[1:] for row in rows if row[0] == network], dtype=float) for network, *_ in rows
    }


@pytest.mark.slow
def test_a_network_takes_the_same_in_a_process_of_its_own(tmp_path):
    together = many_runs(tmp_path / "together", "24", "tiny", "wide", "cnn", "tiny", "cnn", "wide")
    for network, runs in together.items():
        alone = many_runs(tmp_path / network, "1", network)[network][0, 0]
        np.testing.assert_allclose(runs[:, 0], alone, rtol=0.05)


@pytest.mark.slow
def test_a_process_does_not_grow_from_its_20th_run_to_its_500th(tmp_path):
    held = many_runs(tmp_path, "500", "tiny")["tiny"][:, 1]
    assert held[499] < 1.05 * held[19]
