"""Which runs become one program: on a GPU that the tests make up, beside workers, threads, older groups."""

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest

from cnnlab.accounting.memory import EVALUATION_BYTES
from cnnlab.accounting.patches import patch_numbers
from cnnlab.backend import Backend
from cnnlab.config.experiment import ExperimentConfig, load_config
from cnnlab.datasets import DataPaths, load_dataset
from cnnlab.errors import CnnlabError, OptionError, UserError
from cnnlab.jobs import Jobs
from cnnlab.reporting import Reporter
from cnnlab.run_folders.arithmetic import seeds_begun_with
from cnnlab.run_outcomes import RunsFailed
from cnnlab.seed_memory import MEMORY_SHARE, seed_bytes
from cnnlab.trainer import Trainer

THREADS = 8
"""Of this process, as far as these tests are concerned."""


class Machine:
    """Stands for what trains; all that it trains fails.

    trained: seeds, a tuple for each program, and (seed, threads) for each run in a worker process.
    """

    def __init__(self) -> None:
        self.device = "gpu"
        self.trained: list[Any] = []
        self.room = 3
        self.refusal: UserError | None = None

    @property
    def device_bytes(self) -> int:
        return int((self.room * seed_bytes(*seeds(1)) + image_bytes()) / MEMORY_SHARE) + 2

    @property
    def note(self) -> str:
        return (
            f"(by the estimate, 80% of the {self.device_bytes / 2**30:,.1f} GiB that JAX may take of the "
            f"GPU's memory have room for {self.room:,})"
        )


class Listening(Reporter):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def seeds(count: int, *changes: str) -> list[ExperimentConfig]:
    config = load_config("colors_dnn", ["runtime.backend=jax", *changes])
    return [config.with_seed(seed) for seed in range(count)]


@cache
def image_bytes() -> int:
    [config] = seeds(1)
    data = load_dataset(config.dataset, DataPaths.from_environment(None))
    return int(data.train.images.nbytes)


@pytest.fixture
def machine(monkeypatch) -> Machine:
    """JAX has started in this process, on a GPU."""
    made = Machine()

    def start(trainer: Trainer, config: ExperimentConfig) -> Backend:
        if made.refusal:
            raise made.refusal
        backend = Backend("jax", "0", made.device, made.device)
        monkeypatch.setattr("cnnlab.backend._running", [backend])
        return backend

    def finish_together(trainer: Trainer, lanes: Any, configs: Any, tell: Callable[..., None]) -> None:
        made.trained.append(tuple(each.seed for each in lanes))
        for config in configs:
            tell(config, CnnlabError("ended"))

    def finished(trainer: Trainer, config: ExperimentConfig) -> None:
        if record := trainer.reused(config):
            return record
        trainer.start(config)
        made.trained.append(config.seed)
        raise CnnlabError("ended")

    class Pool:
        def __init__(self, *settings: Any, requested: Any) -> None:
            pass

        def __enter__(self) -> "Pool":
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def trained(self, runs: Any, *, announce: Any) -> Iterator[tuple[ExperimentConfig, CnnlabError]]:
            for run in runs:
                made.trained.append((run.config.seed, run.threads))
                yield run.config, CnnlabError("ended")

    monkeypatch.setattr("cnnlab.backend._running", [])
    monkeypatch.setattr(Trainer, "start", start)
    monkeypatch.setattr(Trainer, "finished", finished)
    monkeypatch.setattr(Trainer, "finish_together", finish_together)
    monkeypatch.setattr("cnnlab.workers.pool.Workers", Pool)
    monkeypatch.setattr("cnnlab.seed_groups.may_have_gpu", lambda: True)
    for module in ("cnnlab.seed_groups", "cnnlab.seed_memory"):
        monkeypatch.setattr(f"{module}.device_bytes", lambda: made.device_bytes)
    for module in ("cnnlab.seed_groups", "cnnlab.cpu_settings"):
        monkeypatch.setattr(f"{module}.usual_threads", lambda backend: THREADS)
    for module in ("cnnlab.jobs", "cnnlab.workers.capacity"):
        monkeypatch.setattr(f"{module}.available_cpus", lambda: THREADS)
    return made


@pytest.fixture
def train(machine, tmp_path) -> Callable[..., Listening]:
    """train(configs, **options of Jobs) → what was said; all runs have failed."""

    def call(configs: list[ExperimentConfig], **options: Any) -> Listening:
        reporter = Listening()
        with pytest.raises(RunsFailed):
            Jobs(tmp_path, DataPaths.from_environment(None), reporter, **options).finished(configs)
        return reporter

    return call


def test_by_default_a_gpu_trains_as_many_as_it_has_room_for(machine, train) -> None:
    said = train(seeds(5))
    assert machine.trained == [(0, 1, 2), (3, 4)]
    assert f"colors_dnn: 3 seeds in one program {machine.note}" in said.notes
    assert f"colors_dnn: 2 seeds in one program {machine.note}" in said.notes
    assert said.warnings == []


def test_by_default_no_more_than_32(machine, train) -> None:
    machine.room = 50
    said = train(seeds(33))
    assert machine.trained == [tuple(range(32)), 32]
    assert f"colors_dnn: 32 seeds in one program {machine.note}" in said.notes


def test_more_than_fit_are_warned_of(machine, train) -> None:
    said = train(seeds(4), together=4)
    assert machine.trained == [(0, 1, 2, 3)]
    [warning] = said.warnings
    assert warning.startswith("--together 4: by the estimate, 80% of the ")
    assert warning.endswith("have room for 3 seeds of colors_dnn; --together auto takes as many as fit")


def test_automatic_workers_leave_a_gpu_to_one_program(machine, train) -> None:
    train(seeds(4), workers="auto")
    assert machine.trained == [(0, 1, 2), 3]


def test_threads_leave_a_gpu_to_one_program(machine, train) -> None:
    said = train(seeds(4), threads=2)
    assert machine.trained == [(0, 1, 2), 3]
    assert (
        "--threads 2 has no effect: the GPU is used from this process, which has 8 CPU threads" in said.notes
    )


@pytest.mark.parametrize("options", [{"workers": "auto"}, {"threads": 2}])
def test_where_jax_finds_no_gpu_workers_train(machine, train, options) -> None:
    machine.device = "cpu"
    train(seeds(4), **options)
    assert machine.trained == [(0, 2), (1, 2), (2, 2), (3, 2)]


def test_several_backends_are_trained_one_seed_at_a_time(machine, train) -> None:
    said = train([*seeds(2), load_config("colors_dnn", ["runtime.backend=torch"])], workers="auto")
    assert len(machine.trained) == 3
    assert (
        "one seed at a time: on a GPU, several seeds in one program need one backend and device per command"
    ) in said.notes


def test_a_backend_that_is_missing_costs_its_own_runs_only(machine, make_run, tmp_path) -> None:
    machine.refusal = UserError("backend jax is not installed")
    make_run(tmp_path, "colors_dnn")
    jobs = Jobs(tmp_path, DataPaths.from_environment(None), Reporter())
    with pytest.raises(RunsFailed) as failed:
        jobs.finished([load_config("colors_dnn"), *seeds(2, "training.epochs=3")])
    assert len(failed.value.records) == 1
    assert [str(error) for error in failed.value.errors] == ["backend jax is not installed"] * 2


def test_a_group_that_no_longer_fits_is_trained_one_at_a_time(machine, train, monkeypatch) -> None:
    begun = tuple(range(4))
    monkeypatch.setattr("cnnlab.seed_groups.seeds_begun_with", lambda path, seed: begun)
    said = train(seeds(4))
    assert machine.trained == [0, 1, 2, 3]
    [warning] = said.warnings
    assert warning.startswith(
        "colors_dnn: 4 seeds were begun as one program, and by the estimate, 80% of the "
    )
    assert warning.endswith("they go on one at a time; to resume them as one program, use --together 4")
    machine.trained.clear()
    train(seeds(4), together=4)
    assert machine.trained == [begun]


def test_threads_are_refused_beside_together_on_a_cpu(machine, tmp_path) -> None:
    machine.device = "cpu"
    environment = dict(os.environ)
    jobs = Jobs(tmp_path, DataPaths.from_environment(None), Reporter(), threads=1, together=2)
    with pytest.raises(OptionError) as refused:
        jobs.finished(seeds(2))
    assert refused.value.on_command_line() == (
        "--together 2: on a CPU, several seeds in one program compute with the 8 threads of this process; "
        "leave out threads, or train one seed at a time"
    )
    assert machine.trained == []
    assert dict(os.environ) == environment


def test_threads_of_this_process_are_not_refused(machine, train) -> None:
    machine.device = "cpu"
    train(seeds(2), threads=THREADS, together=2)
    assert machine.trained == [(0, 1)]


def test_a_group_that_was_begun_with_other_threads_goes_on_in_workers(machine, train, monkeypatch) -> None:
    """This process keeps its threads, and the runs have theirs."""
    machine.device = "cpu"
    monkeypatch.setattr("cnnlab.seed_groups.seeds_begun_with", lambda path, seed: (0, 1))
    environment = dict(os.environ)
    monkeypatch.setattr("cnnlab.jobs.threads_begun_with", lambda path: 1)
    said = train(seeds(2))
    assert machine.trained == [(0, 1), (1, 1)]
    assert (
        "colors_dnn: one seed at a time, because the runs are to have 1 thread, and several in one program "
        "would have the 8 of this process"
    ) in said.notes
    assert dict(os.environ) == environment
    machine.trained.clear()
    monkeypatch.setattr("cnnlab.jobs.threads_begun_with", lambda path: THREADS)
    train(seeds(2))
    assert machine.trained == [(0, 1)]


def test_memory_for_parameters_is_that_of_all_seeds_of_a_program(machine, tmp_path, monkeypatch) -> None:
    configs = seeds(3)
    one = configs[0].architecture.trainable_params * (2 + configs[0].training.optimizer.slots) * 4
    machine.device = "cpu"
    monkeypatch.setattr("cnnlab.seed_groups.may_have_gpu", lambda: False)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=2.5 * one, available=2**40))
    jobs = Jobs(tmp_path, DataPaths.from_environment(None), Reporter(), together=32)
    with pytest.raises(UserError, match="× 3 seeds in one program = "):
        jobs.finished(configs)
    with pytest.raises(RunsFailed):
        jobs.finished(configs[:2])
    assert machine.trained == [(0, 1)]


@pytest.mark.parametrize(
    ("recorded", "seeds"),
    [
        pytest.param([0, 1, 2], (0, 1, 2), id="a group"),
        pytest.param(None, (), id="alone"),
        pytest.param([0, 1, 2**40], (), id="no seed"),
        pytest.param([0, 1, -2], (), id="negative"),
        pytest.param([0, True, 2], (), id="a truth value"),
        pytest.param([0, 1.0, 2], (), id="a fraction"),
        pytest.param([0, 0, 1], (), id="twice"),
        pytest.param([1, 2], (), id="of others"),
        pytest.param([0], (), id="one"),
        pytest.param(list(range(1025)), (), id="too many"),
    ],
)
def test_seeds_begun_with(tmp_path, recorded, seeds) -> None:
    assert seeds_begun_with(tmp_path, 0) is None
    (tmp_path / "checkpoint.npz").write_bytes(b"")
    (tmp_path / "environment.json").write_text(json.dumps({"together_seeds": recorded}))
    assert seeds_begun_with(tmp_path, 0) == seeds


def test_patches_count_in_the_memory_of_a_seed(experiment) -> None:
    """Of a 5×5 convolution, each pixel of 28×28 has 25 numbers: kept for the gradient, which has as many."""
    layers = "[Conv2D: {filters: 1, kernel_size: 5, padding: same}, Flatten, Dense: {units: 10}]"
    patches = 28 * 28 * 25
    needed = {
        size: seed_bytes(experiment(layers, training=f"epochs: 1, batch_size: {size}"))
        for size in (1, 10_000, 20_000)
    }
    activations = 28 * 28 + 28 * 28 + 10
    assert needed[20_000] - needed[10_000] == 10_000 * 4 * (activations + 2 * patches)
    weights = 26 + 7850
    assert needed[1] == (2 * 3 + 1) * 4 * weights + EVALUATION_BYTES + 500 * 4 * patches


@pytest.mark.parametrize(
    ("layer", "numbers"),
    [
        ("Conv2D: {filters: 3, kernel_size: 5, strides: 3}", [8 * 8 * 25]),
        ("Conv2D: {filters: 3, kernel_size: 5, strides: [3, 2]}", []),
        ("Conv2D: {filters: 3, kernel_size: 5, dilation_rate: 2}", []),
        ("Conv2D: {filters: 3, kernel_size: 20, padding: same}", []),
        ("SeparableConv2D: {filters: 3, kernel_size: 5, depth_multiplier: 2}", [24 * 24 * 2]),
        ("DepthwiseConv2D: {kernel_size: 5}", []),
    ],
)
def test_which_convolutions_have_patches(experiment, layer, numbers) -> None:
    config = experiment(f"[{layer}, Flatten, Dense: {{units: 10}}]")
    assert patch_numbers(config.architecture) == numbers
