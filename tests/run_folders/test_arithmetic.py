"""What arithmetic made a run is recorded; a run that goes on under another one, or is reused, says so."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from cnnlab.config.experiment import parse_config
from cnnlab.datasets import DataPaths
from cnnlab.jobs import Jobs
from cnnlab.language.source import parse_yaml
from cnnlab.reporting import Reporter
from cnnlab.run_folders.arithmetic import (
    Arithmetic,
    differences_among,
    of_other_arithmetic,
    reused_from_before,
    threads_begun_with,
)
from cnnlab.run_folders.records import read_record
from cnnlab.version import ARITHMETIC, OWN_ARITHMETIC, arithmetic_of

pytestmark = pytest.mark.usefixtures("unrendered")

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


def test_of_the_engine_blas_and_host_count():
    engine = {"backend": "scratch", "host": "tensorflow", "blas": "openblas 0.3.31 (Haswell)"}
    one = NEW | engine | {"tensorflow": "2.21.0"}
    other = NEW | engine | {"host": "jax", "jax": "0.11.2", "blas": "mkl 2026.0", "threads": 5}
    assert Arithmetic.from_environment(one).facts["backend"] == "scratch"
    assert Arithmetic.from_environment(one).differences(Arithmetic.from_environment(other)) == [
        "BLAS: openblas 0.3.31 (Haswell) → mkl 2026.0",
        "Keras's backend: tensorflow 2.21.0 → jax 0.11.2",
    ]


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


@pytest.mark.parametrize(
    ("environments", "differences"),
    [
        pytest.param(
            [{}, {"threads": 1, "onednn": True}, {"threads": 8, "onednn": True}], ["threads: 1, 8"],
            id="the first knows nothing",
        ),
        pytest.param(
            [{"threads": 2}, {"threads": 1, "keras": "3.12.0"}, {"keras": "3.15.1"}, {"threads": 2}],
            ["Keras: 3.12.0, 3.15.1", "threads: 2, 1"],
            id="each knows another part",
        ),
        pytest.param([{"onednn": True}, {"onednn": False}], ["oneDNN: on, off"], id="oneDNN"),
        pytest.param([{"arithmetic": None}, {"arithmetic": 1}], [], id="unknown"),
        pytest.param(
            [
                {"device": "gpu", "device_name": "A", "threads": 1},
                {"device": "gpu", "device_name": "A", "threads": 2},
                {"device": "cpu", "device_name": "C", "threads": 4},
            ],
            ["device: gpu, cpu"],
            id="a GPU's host and a CPU's name",
        ),
        pytest.param(
            [{"threads": "\x1b[2J"}, {"threads": 1}, {"threads": [1]}, {"device": {}, "backend": ["a"]}], [],
            id="what no run writes",
        ),
    ],
)  # fmt: skip
def test_differences_are_found_among_all_runs_of_an_experiment(environments, differences):
    records = [SimpleNamespace(environment=each) for each in environments]
    assert differences_among(records) == differences


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

    def epoch_ended(self, config, row):
        if self.stops:
            raise KeyboardInterrupt


TINY = parse_config(parse_yaml(CONFIG, "tiny.yaml"), default_name="tiny")


def train_in(
    out: Path, seeds: Sequence[int] = (0,), *, stops: bool = False, threads: int | None = None
) -> list[str]:
    """Trains tiny runs of three epochs; returns the warnings."""
    told = Told(stops=stops)
    jobs = Jobs(out, DataPaths.from_environment(None), told, threads=threads)
    configs = [TINY.with_seed(seed) for seed in seeds]
    if stops:
        with pytest.raises(KeyboardInterrupt):
            jobs.finished(configs)
    else:
        jobs.finished(configs)
    return told.warnings


@pytest.fixture(scope="module")
def stopped(backend, tmp_path_factory) -> Path:
    """A run that was stopped after its first epoch."""
    out = tmp_path_factory.mktemp("stopped")
    assert train_in(out, stops=True) == []
    return out


@pytest.fixture
def environment(stopped, tmp_path) -> Path:
    """That of a copy of the stopped run."""
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    (path,) = files(tmp_path, "environment.json")
    return path


@pytest.fixture(scope="module")
def resumed_elsewhere(stopped, tmp_path_factory) -> tuple[Path, str]:
    """A copy that was resumed under other arithmetic and stopped after the second epoch; the warning."""
    out = tmp_path_factory.mktemp("resumed-elsewhere")
    shutil.copytree(stopped, out, dirs_exist_ok=True)
    (path,) = files(out, "environment.json")
    change(path, parallel_operations=99, onednn=None)
    (warning,) = train_in(out, stops=True)
    return out, warning


@pytest.fixture
def marked(resumed_elsewhere, tmp_path) -> None:
    """A copy of the run that was resumed elsewhere."""
    shutil.copytree(resumed_elsewhere[0], tmp_path, dirs_exist_ok=True)


@pytest.fixture
def train(backend, tmp_path):
    """train(*seeds, stops=False) → the warnings; three epochs of a tiny run."""
    return lambda *seeds, **options: train_in(tmp_path, seeds or (0,), **options)


def files(tmp_path, name):
    return sorted(tmp_path.glob(f"tiny-*/seed-*/{name}"))


def change(path, **facts):
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def test_resuming_under_other_arithmetic_is_told_and_marks_the_run_for_good(
    resumed_elsewhere, train, tmp_path
):
    out, warning = resumed_elsewhere
    (environment,) = files(out, "environment.json")
    now = json.loads(environment.read_text())
    assert warning == (
        f"{environment.parent}: resumed under other arithmetic (parallel operations: 99 → "
        f"{now['parallel_operations']}); the last digits can differ from those of an uninterrupted run"
    )
    shutil.copytree(out, tmp_path, dirs_exist_ok=True)
    assert train() == []  # the arithmetic is that of the second epoch; the run stays marked
    for name in ("environment.json", "run.json"):
        (path,) = files(tmp_path, name)
        assert json.loads(path.read_text())["resumed_elsewhere"] is True


@pytest.mark.usefixtures("environment")
def test_resuming_under_the_same_arithmetic_is_not_worth_a_word(train, tmp_path):
    assert train() == []
    for path in (*files(tmp_path, "environment.json"), *files(tmp_path, "run.json")):
        assert "resumed_elsewhere" not in json.loads(path.read_text())


def test_a_run_is_resumed_with_the_threads_that_it_was_begun_with(environment, train):
    """In a process of its own, where this one has others."""
    begun = json.loads(environment.read_text())["threads"] + 1
    change(environment, threads=begun, parallel_operations=begun)
    assert train() == []
    record = read_record(environment.parent)
    assert (record.environment["threads"], record.environment["parallel_operations"]) == (begun, begun)
    assert len(record.history) == 3
    assert "resumed_elsewhere" not in record.environment


@pytest.mark.parametrize(
    "facts",
    [
        {"threads": None},
        {"threads": 0},
        {"threads": 10**9},
        {"threads": "2"},
        {"threads": 2, "device": "gpu"},
    ],
    ids=str,
)
def test_threads_that_no_run_can_have_been_begun_with_are_left_alone(tmp_path, facts):
    (tmp_path / "checkpoint.npz").touch()
    (tmp_path / "environment.json").write_text(json.dumps({"device": "cpu", **facts}))
    assert threads_begun_with(tmp_path) is None


def test_the_word_of_the_user_beats_the_threads_of_the_process_before(environment, train):
    now = json.loads(environment.read_text())["threads"]
    change(environment, threads=now + 1)
    (warning,) = train(threads=now)
    assert f"resumed under other arithmetic (threads: {now + 1} → {now})" in warning


UNKNOWN = (
    "resumed; it is not recorded under which arithmetic this run was begun; the last digits can differ from "
    "those of an uninterrupted run"
)


@pytest.mark.parametrize(
    "content",
    ["", "[1]", "{}", '{"arithmetic": [1], "backend": {"a": 1}, "device": [], "threads": {}}', None],
    ids=["empty", "list", "nothing in it", "other types", "missing"],
)
def test_resuming_where_the_arithmetic_is_not_known_is_told_and_marks_the_run(environment, train, content):
    environment.unlink()
    if content is not None:
        environment.write_text(content)
    assert train() == [f"{environment.parent}: {UNKNOWN}"]
    assert read_record(environment.parent).environment["resumed_elsewhere"] is True


def test_a_run_that_was_begun_under_unknown_arithmetic_stays_marked(environment, train):
    environment.write_text("")
    assert train(stops=True) == [f"{environment.parent}: {UNKNOWN}"]
    assert train() == []
    assert read_record(environment.parent).environment["resumed_elsewhere"] is True


@pytest.mark.usefixtures("marked")
def test_the_mark_survives_a_damaged_environment(train, tmp_path):
    """run.json has it as well; a comparison reads environment.json."""
    (environment,) = files(tmp_path, "environment.json")
    now = json.loads(environment.read_text())
    environment.write_text(json.dumps({**now, "resumed_elsewhere": "?"}))
    assert train() == []
    assert read_record(environment.parent).environment["resumed_elsewhere"] is True


@pytest.mark.usefixtures("marked")
def test_a_run_that_begins_anew_has_no_mark(train, tmp_path):
    (environment,) = files(tmp_path, "environment.json")
    for path in files(tmp_path, "checkpoint*.npz"):
        path.unlink()
    assert train() == []
    for name in ("environment.json", "run.json"):
        assert "resumed_elsewhere" not in json.loads((environment.parent / name).read_text())


def test_reuse_of_runs_of_another_number_is_announced_once(train, settle, tmp_path):
    train(0, 1)
    assert train(0, 1) == []
    for path in files(tmp_path, "environment.json"):
        change(path, arithmetic=ARITHMETIC + 1)
        settle(path.parent)
    ending = "new runs can differ from them in the last digits; --fresh trains them again"
    assert train(0, 1) == [
        f"reusing runs that were trained with arithmetic version {ARITHMETIC + 1}; this version of cnnlab "
        f"has version {ARITHMETIC}; {ending}"
    ]
    for path in files(tmp_path, "environment.json"):
        change(path, arithmetic=None)
        settle(path.parent)
    assert train(0, 1) == [
        "reusing runs that were trained before cnnlab numbered its arithmetic; this version of cnnlab has "
        f"arithmetic version {ARITHMETIC}; {ending}"
    ]


def test_a_change_on_one_device_concerns_its_runs_only():
    """On JAX a number of its own; a run on TensorFlow with the common number is of today."""
    own = arithmetic_of("jax", "gpu")
    assert arithmetic_of("tensorflow", "cpu") == arithmetic_of("tensorflow", "gpu") == ARITHMETIC
    assert min(OWN_ARITHMETIC.values()) > ARITHMETIC

    def run(backend, device, number):
        return SimpleNamespace(environment={"backend": backend, "device": device, "arithmetic": number})

    today = [run("jax", "gpu", own), run("torch", "cpu", ARITHMETIC), run("tensorflow", "gpu", ARITHMETIC)]
    assert of_other_arithmetic(today) is None
    assert [reused_from_before(each) for each in today] == [None] * 3
    before = run("jax", "gpu", ARITHMETIC)
    assert reused_from_before(before) == (
        f"reusing runs that were trained with arithmetic version {ARITHMETIC}; this version of cnnlab has "
        f"version {own}; new runs can differ from them in the last digits; --fresh trains them again"
    )
    assert of_other_arithmetic([before, *today]) == (
        "1 of 4 runs was trained with another arithmetic version of cnnlab than the present one, "
        f"{own}; new runs can differ from it in the last digits"
    )
