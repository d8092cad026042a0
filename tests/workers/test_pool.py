"""What worker processes are told, and what comes of them, without any: they are played."""

import pickle
import signal
from collections import namedtuple
from functools import partial
from pathlib import Path

import pytest

from cnnlab.backend import Backend
from cnnlab.config.experiment import ExperimentConfig, known_configs, load_config
from cnnlab.datasets import DataPaths
from cnnlab.errors import OptionError
from cnnlab.reporting import Reporter
from cnnlab.workers import capacity, pool
from cnnlab.workers.messages import Ended, Estimated, Event, Failed, Message, Ready, SharedSettings
from cnnlab.workers.pool import Run, Workers
from cnnlab.workers.process import WorkerDied

CPU = Backend("tensorflow", "2.21.0", "cpu", "CPU (2 cores)")
GPU = Backend("tensorflow", "2.21.0", "gpu", "GPU (NVIDIA H100)")
PROBLEM = OptionError("seed", "a run failed", value=1)


class Played:
    """Takes the place of a worker process: it answers at once, as `script` says for each task."""

    backend = CPU
    script: list[list[Message]]
    all: list["Played"]

    def __init__(self, start, task, inbox) -> None:
        self.start, self.task, self.inbox = start, task, inbox
        self.is_ready, self.is_closed, self.begun = False, False, []
        self.all.append(self)
        self.inbox.put((self, Ready(self.backend)))

    def begin(self, task) -> None:
        self.task = task
        self.begun.append((task.config.seed, task.side_by_side))
        for message in self.script.pop(0):
            self.inbox.put((self, message))

    def close(self) -> None:
        self.is_closed = True

    def wait(self, seconds: float) -> None:
        assert self.is_closed


class Watching(Reporter):
    def __init__(self) -> None:
        self.told = []

    def side_by_side(self, runs):
        self.told.append(("side_by_side", runs))

    def note(self, message):
        self.told.append(("note", message))

    def warn(self, message):
        self.told.append(("warn", message))

    def stepped(self, config, epoch, step, steps, *, loss, accuracy):
        self.told.append((config.seed, epoch, step, steps, loss, accuracy))


@pytest.fixture
def play(monkeypatch):
    """play(script, count=2) → the workers, what came of the runs, and what the reporter was told."""
    monkeypatch.setattr(pool, "WorkerProcess", Played)
    monkeypatch.setattr(pool, "may_have_gpu", lambda: True)

    def call(script, *, runs, count=2, backend=CPU, requested=2, announce=None):
        Played.script, Played.backend, Played.all = list(script), backend, []
        reporter = Watching()
        paths = DataPaths.from_environment(None)
        settings = SharedSettings(Path("out"), paths, fresh=False, command=("cnnlab",))
        with Workers(settings, count, reporter, requested=requested) as workers:
            trained = workers.trained(runs, announce=announce and partial(announce, reporter.told))
            outcomes = [(config.seed, outcome) for config, outcome in trained]
        assert all(each.is_closed for each in Played.all)
        return Played.all, outcomes, reporter.told

    return call


def runs(*seeds: int, threads: int = 1, config: ExperimentConfig | None = None) -> list[Run]:
    return [Run((config or load_config("colors_cnn")).with_seed(seed), threads) for seed in seeds]


def test_events_name_their_run(play):
    stepped = Event("stepped", (1, 2, 3), {"loss": 0.5, "accuracy": 0.25})
    script = [[stepped, Event("warn", ("mind this",)), Failed(PROBLEM)] for _ in range(2)]
    _, outcomes, told = play(script, runs=runs(7, 8))
    assert sorted(told[:1] + told[2:3]) == [(7, 1, 2, 3, 0.5, 0.25), (8, 1, 2, 3, 0.5, 0.25)]
    assert told[1] == told[3] == ("warn", "mind this")
    assert outcomes == [(7, PROBLEM), (8, PROBLEM)]


def test_a_worker_is_used_again_for_runs_of_its_kind(play):
    mixed = [*runs(0, threads=1), *runs(1, threads=2), *runs(2, threads=1)]
    workers, outcomes, _ = play([[Failed(PROBLEM)]] * 3, runs=mixed, count=1)
    assert [seed for seed, _ in outcomes] == [0, 2, 1]
    assert [(each.start.threads, each.begun) for each in workers] == [(1, [(0, 1), (2, 1)]), (2, [(1, 1)])]


def test_backends_have_processes_of_their_own(play):
    on_jax = load_config("colors_cnn", ["runtime.backend=jax"])
    workers, _, _ = play([[Failed(PROBLEM)]] * 2, runs=[*runs(0), *runs(0, config=on_jax)])
    assert [each.start.runtime.backend for each in workers] == ["tensorflow", "jax"]


def test_a_worker_that_dies_costs_its_run_and_is_replaced(play):
    script = [[Ended(-signal.SIGSEGV, "")], [Failed(PROBLEM)], [Ended(3, "no module named x")]]
    workers, outcomes, _ = play(script, runs=runs(0, 1, 2), count=1)
    assert [each.begun for each in workers] == [[(0, 1)], [(1, 1), (2, 1)]]
    assert [str(outcome).splitlines()[0] for _, outcome in outcomes] == [
        "its worker process was killed by SIGSEGV",
        str(PROBLEM),
        "its worker process ended with exit code 3: no module named x",
    ]
    assert all(isinstance(outcomes[place][1], WorkerDied) for place in (0, 2))
    assert outcomes[0][1].exit_code == 1


def test_a_gpu_refuses_several_workers_before_anything_is_trained(play):
    with pytest.raises(OptionError) as refused:
        play([], runs=runs(0, 1), backend=GPU)
    assert refused.value.on_command_line() == (
        "--workers 2: a GPU trains one run at a time, because several would share its memory and slow each "
        "other down; use --workers auto or --device cpu"
    )
    [worker] = Played.all  # no other one was started before the device was known
    assert worker.begun == []


def test_on_a_gpu_the_automatic_number_is_one(play):
    workers, outcomes, told = play([[Failed(PROBLEM)]] * 2, runs=runs(0, 1), backend=GPU, requested="auto")
    assert [each.begun for each in workers] == [[(0, 1), (1, 1)]]
    assert told == [("note", "a GPU trains one run at a time: in one worker process"), ("side_by_side", 1)]
    assert len(outcomes) == 2


def announce(told) -> None:
    told.append(("announced",))


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_workers_are_announced_once_it_is_certain_that_they_start(play, device: str) -> None:
    config = load_config("colors_cnn", [f"runtime.device={device}"])
    script = [[Event("note", ("first",)), Failed(PROBLEM)], [Failed(PROBLEM)]]
    _, _, told = play(script, runs=runs(0, 1, config=config), announce=announce)
    assert told == [("announced",), ("note", "first")]
    _, _, told = play(script, runs=runs(0, 1), backend=GPU, requested="auto", announce=announce)
    assert told == [
        ("note", "a GPU trains one run at a time: in one worker process"),
        ("side_by_side", 1),
        ("note", "first"),
    ]


def test_a_worker_estimates_costs_and_stays_for_the_next(monkeypatch) -> None:
    monkeypatch.setattr(pool, "WorkerProcess", Played)
    Played.backend, Played.all = CPU, []
    Played.script = [[Estimated("cheap")], [Failed(PROBLEM)], [Estimated("dear")]]
    paths = DataPaths.from_environment(None)
    settings = SharedSettings(Path("out"), paths, fresh=False, command=("cnnlab",))
    first, second, third = runs(0, 1, 2, threads=3)
    with Workers(settings, 1, Watching()) as workers:
        assert workers.estimated(first) == "cheap"
        with pytest.raises(OptionError, match="a run failed"):
            workers.estimated(second)
        assert workers.estimated(third) == "dear"
    [worker] = Played.all
    assert (worker.start.threads, worker.begun) == (3, [(0, 1), (1, 1), (2, 1)])
    assert worker.task is None


@pytest.mark.parametrize(
    ("cpus", "gibibytes", "count", "workers"),
    [
        pytest.param(4, 64, 12, 4, id="CPUs"),
        pytest.param(64, 64, 12, 12, id="runs"),
        pytest.param(64, 4, 12, 4, id="memory"),
        pytest.param(64, 0.1, 12, 1, id="at least one"),
        pytest.param(4, 64, 0, 1, id="nothing to train"),
    ],
)
def test_the_automatic_number(monkeypatch, cpus, gibibytes, count, workers):
    monkeypatch.setattr(capacity, "usable_cpus", lambda: cpus)
    monkeypatch.setattr(capacity, "available_memory", lambda: int(gibibytes * 2**30))
    config = load_config("colors_dnn")
    assert capacity.automatic_workers([(config, 10**6)] * count) == workers


@pytest.fixture
def control_groups(monkeypatch, tmp_path: Path) -> Path:
    """A machine with 100 GiB available, and the group /around/own of this process."""
    free = namedtuple("Memory", "available")(100 * 2**30)
    monkeypatch.setattr("psutil.virtual_memory", lambda: free)
    monkeypatch.setattr("cnnlab.workers.control_groups.MOUNT", tmp_path)
    monkeypatch.setattr("cnnlab.workers.control_groups.OWN_GROUPS", tmp_path / "cgroup")
    (tmp_path / "cgroup").write_text("4:memory:/elsewhere\n0::/around/own\n")
    (tmp_path / "around" / "own").mkdir(parents=True)
    return tmp_path


def limit_memory(group: Path, limit: object, taken: int = 0, files: int = 0) -> None:
    (group / "memory.max").write_text(f"{limit}\n")
    (group / "memory.current").write_text(f"{taken}\n")
    (group / "memory.stat").write_text(f"anon 17\ninactive_file {files}\n")


def test_memory_is_limited_by_the_container_and_what_is_around_it(control_groups: Path):
    own, around = control_groups / "around" / "own", control_groups / "around"
    assert capacity.available_memory() == 100 * 2**30
    limit_memory(own, "max")
    assert capacity.available_memory() == 100 * 2**30
    limit_memory(own, 8000, taken=6000)
    assert capacity.available_memory() == 2000
    limit_memory(own, 8000, taken=6000, files=5000)  # read lately, and kept only as long as there is room
    assert capacity.available_memory() == 7000
    limit_memory(around, 3000, taken=1000)
    assert capacity.available_memory() == 2000
    limit_memory(around, 3000, taken=3500)
    assert capacity.available_memory() == 0


def test_memory_is_limited_where_cached_files_are_not_counted(control_groups: Path):
    own = control_groups / "around" / "own"
    limit_memory(own, 8000, taken=6000)
    (own / "memory.stat").write_text("anon 17\n")
    assert capacity.available_memory() == 2000


def limit_memory_in_version_1(group: Path, limit: int, taken: int, files: int) -> None:
    group.mkdir(parents=True, exist_ok=True)
    (group / "memory.limit_in_bytes").write_text(f"{limit}\n")
    (group / "memory.usage_in_bytes").write_text(f"{taken}\n")
    (group / "memory.stat").write_text(f"inactive_file 1\ntotal_inactive_file {files}\n")


def test_version_1_of_control_groups_limits_memory_as_well(control_groups: Path):
    memory = control_groups / "memory"
    limit_memory_in_version_1(memory, 2**63 - 4096, taken=6000, files=10)  # no limit
    assert capacity.available_memory() == 100 * 2**30
    limit_memory_in_version_1(memory / "elsewhere", 8000, taken=6000, files=500)
    assert capacity.available_memory() == 2500
    limit_memory_in_version_1(memory, 4000, taken=2000, files=0)  # as a container sees its own group
    assert capacity.available_memory() == 2000


@pytest.mark.parametrize(
    ("own", "outermost", "cpus"), [(-1, -1, 8), (200_000, -1, 2), (50_000, -1, 1), (-1, 350_000, 3)]
)
def test_version_1_of_control_groups_limits_cpus_as_well(monkeypatch, control_groups, own, outermost, cpus):
    monkeypatch.setattr(capacity, "usable_cpus", lambda: 8)
    (control_groups / "cgroup").write_text("3:cpu,cpuacct:/own\n0::/around/own\n")
    for group, quota in ((control_groups / "cpu", outermost), (control_groups / "cpu" / "own", own)):
        group.mkdir()
        (group / "cpu.cfs_quota_us").write_text(f"{quota}\n")
        (group / "cpu.cfs_period_us").write_text("100000\n")
    assert capacity.available_cpus() == cpus


@pytest.mark.parametrize(
    ("own", "around", "workers"),
    [("max 100000", None, 8), ("200000 100000", None, 2), ("50000 100000", None, 1),
     ("max 100000", "350000 100000", 3)],
)  # fmt: skip
def test_cpus_are_limited_by_the_container(monkeypatch, control_groups: Path, own, around, workers):
    monkeypatch.setattr(capacity, "usable_cpus", lambda: 8)
    (control_groups / "around" / "own" / "cpu.max").write_text(f"{own}\n")
    if around:
        (control_groups / "around" / "cpu.max").write_text(f"{around}\n")
    assert capacity.automatic_workers([(load_config("colors_dnn"), 10**6)] * 20) == workers


def test_warnings_of_libraries_keep_their_category_and_place(play):
    told = Event("python_warning", ("overflow", RuntimeWarning, "library.py", 17))
    with pytest.warns(RuntimeWarning, match="overflow") as caught:
        play([[told, Failed(PROBLEM)]], runs=runs(0), count=1)
    assert (caught[0].filename, caught[0].lineno) == ("library.py", 17)


def test_configs_and_errors_pass_between_processes():
    for path in known_configs().values():
        config = load_config(str(path))
        there = pickle.loads(pickle.dumps(config))
        assert (there, there.digest, there.to_yaml()) == (config, config.digest, config.to_yaml())
    died = pickle.loads(pickle.dumps(WorkerDied(Ended(-9, ""))))
    assert str(died) == str(WorkerDied(Ended(-9, "")))


@pytest.mark.parametrize(
    ("code", "said", "how"),
    [
        pytest.param(
            -signal.SIGKILL, "",
            "was killed by SIGKILL; the system may have run out of memory (fewer --workers need less)",
            id="killed",
        ),
        pytest.param(-signal.SIGSEGV, "a line", "was killed by SIGSEGV", id="crashed"),
        pytest.param(128 + signal.SIGTERM, "", "was killed by SIGTERM", id="asked to end"),
        pytest.param(255, "", "ended with exit code 255", id="exit -1"),
        pytest.param(-63, "", "was killed by signal 63", id="without a name"),
        pytest.param(1, "No module named x", "ended with exit code 1: No module named x", id="has said why"),
        pytest.param(0, "", "ended with exit code 0", id="silent"),
    ],
)  # fmt: skip
def test_how_a_worker_died(code, said, how):
    assert str(WorkerDied(Ended(code, said))) == (
        f"its worker process {how}\n   run the same command again to resume this run"
    )
