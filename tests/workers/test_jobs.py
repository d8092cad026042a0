"""What workers are given, with how many threads, and what one failure means for the rest; without workers."""

import os
from pathlib import Path

import pytest

from cnnlab import jobs as jobs_module
from cnnlab.config.experiment import ExperimentConfig, load_config
from cnnlab.datasets import DataPaths
from cnnlab.errors import CnnlabError, UserError
from cnnlab.jobs import Jobs
from cnnlab.reporting import Reporter
from cnnlab.run_outcomes import RunsFailed
from cnnlab.workers.pool import Run


class Pool:
    """Takes the place of the worker processes: `outcome` says what comes of a run, or what it costs."""

    outcome = staticmethod(lambda run: CnnlabError("failed"))
    all: list["Pool"] = []  # noqa: RUF012

    def __init__(self, settings, count, reporter, *, requested) -> None:
        self.count, self.runs, self.is_open = count, [], False
        self.all.append(self)

    def __enter__(self):
        self.is_open = True
        return self

    def __exit__(self, *error) -> None:
        self.is_open = False

    def trained(self, runs, *, announce):
        self.runs += runs
        return [(run.config, self.outcome(run)) for run in runs]

    def estimated(self, run):
        assert self.is_open
        self.runs.append(run)
        return run.threads


@pytest.fixture
def pool(monkeypatch) -> type[Pool]:
    """Where eight CPUs and enough memory for three workers are available."""
    monkeypatch.setattr("cnnlab.workers.pool.Workers", Pool)
    monkeypatch.setattr("cnnlab.cpu_settings.usual_threads", lambda backend: 8)
    monkeypatch.setattr(jobs_module, "available_cpus", lambda: 8)
    monkeypatch.setattr("cnnlab.workers.capacity.available_cpus", lambda: 8)
    monkeypatch.setattr("cnnlab.workers.capacity.available_memory", lambda: 3 * 2**30)
    monkeypatch.setattr(Pool, "all", [])
    return Pool


def jobs(out: Path, **options) -> Jobs:
    return Jobs(out, DataPaths.from_environment(None), Reporter(), **options)


def seeds(count: int, *changes: str) -> list[ExperimentConfig]:
    config = load_config("colors_dnn", changes)
    return [config.with_seed(seed) for seed in range(count)]


def threads_given(pool: type[Pool]) -> dict[int, int]:
    """Seed → threads, of the last command."""
    return {run.config.seed: run.threads for run in pool.all[-1].runs}


def test_threads_of_automatic_workers_do_not_depend_on_what_is_missing(pool, make_run, tmp_path) -> None:
    with pytest.raises(RunsFailed):
        jobs(tmp_path, workers="auto").finished(seeds(4))
    assert threads_given(pool) == {0: 2, 1: 2, 2: 2, 3: 2}
    assert pool.all[-1].count == 3  # there is no memory for a fourth
    for seed in (0, 2, 3):
        make_run(tmp_path, "colors_dnn", seed=seed)
    with pytest.raises(RunsFailed):
        jobs(tmp_path, workers="auto").finished(seeds(4))
    assert threads_given(pool) == {1: 2}
    with pytest.raises(RunsFailed):
        jobs(tmp_path, workers="auto").finished([*seeds(20), *seeds(20)])
    assert set(threads_given(pool).values()) == {1}


def test_a_single_run_with_automatic_workers_has_all_cpus(tmp_path) -> None:
    assert jobs(tmp_path, workers="auto").share_of_cpus(1) is None
    assert jobs(tmp_path, workers=1).share_of_cpus(12) is None


@pytest.mark.parametrize("other", ["backend=torch", "precision=mixed_float16"])
def test_what_one_runtime_lacks_ends_no_run_on_another(pool, monkeypatch, tmp_path, other: str) -> None:
    lacking = load_config("colors_dnn", [f"runtime.{other}"])
    problem = UserError("it is not installed")

    def outcome(run: Run) -> CnnlabError:
        return problem if run.config == lacking else CnnlabError(f"{run.config.seed} ended")

    monkeypatch.setattr(pool, "outcome", staticmethod(outcome))
    with pytest.raises(RunsFailed) as failed:
        jobs(tmp_path, workers=2).finished([lacking, *seeds(2)])
    assert [str(error) for error in failed.value.errors] == ["it is not installed", "0 ended", "1 ended"]


def test_what_all_lack_is_said_once(pool, monkeypatch, tmp_path) -> None:
    problem = UserError("torch is not installed")
    monkeypatch.setattr(pool, "outcome", staticmethod(lambda run: problem))
    with pytest.raises(UserError) as raised:
        jobs(tmp_path, workers=2).finished(seeds(2, "runtime.backend=torch"))
    assert raised.value is problem


def test_costs_are_estimated_with_the_threads_of_the_runs(pool, tmp_path) -> None:
    """In one process, which ends with the block; this one is left as it is."""
    environment = dict(os.environ)
    for options, runs, threads in (
        ({"threads": 3}, 1, 3),
        ({"workers": 2}, 1, 4),
        ({"workers": "auto"}, 4, 2),
    ):
        pool.all.clear()
        with jobs(tmp_path, **options).cost_estimates(runs) as estimate_cost:
            assert [estimate_cost(config) for config in seeds(2)] == [threads, threads]
            [worker] = pool.all
            assert worker.runs == [Run(config, threads) for config in seeds(2)]
        assert not worker.is_open
    assert dict(os.environ) == environment
