"""`cnnlab.train`: experiments → finished runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from cnnlab.api.arguments import Seeds, cluster_of, data_paths, jobs_of, out_folder, seeds_of, with_runtime
from cnnlab.api.experiment import ExperimentLike, load_all
from cnnlab.api.progress import ProgressLike, reporter_for
from cnnlab.api.run import Run, Runs
from cnnlab.config.runs_at_once import RunsAtOnce, check_threads
from cnnlab.errors import CnnlabError

if TYPE_CHECKING:
    from cnnlab.cluster.costs import DeviceCost
    from cnnlab.run_outcomes import RunsFailed
    from cnnlab.training.costs import CostEstimate


class TrainingFailed(CnnlabError):
    """At least one run failed. `runs` holds the runs that finished, `errors` why the others did not."""

    def __init__(self, failed: RunsFailed) -> None:
        super().__init__(str(failed))
        self.runs = Runs(Run(record.path) for record in failed.records)
        self.errors = list(failed.errors)
        self.exit_code = failed.exit_code
        self._on_command_line = failed.on_command_line()

    def on_command_line(self) -> str:
        return self._on_command_line


def train(
    experiments: ExperimentLike | Iterable[ExperimentLike],
    *,
    seeds: Seeds | None = None,
    set: Mapping[str, Any] | None = None,
    out: str | PathLike[str] | None = None,
    data_dir: str | PathLike[str] | None = None,
    backend: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    workers: RunsAtOnce | None = None,
    threads: int | None = None,
    together: RunsAtOnce = "auto",
    on: str | None = None,
    fresh: bool = False,
    force: bool = False,
    progress: ProgressLike = None,
) -> Runs:
    """Train experiments; finished runs are not trained again, interrupted ones are resumed.

    >>> runs = cnnlab.train("cnn", seeds=range(3))
    >>> runs[0].history

    Args:
        experiments: one or several; see `cnnlab.load`.
        seeds: each experiment is trained once with each; by default with the seed in its config.
        set: settings to change in all of them, by the keys that `--set` takes.
        out: where runs are kept; by default CNNLAB_EXPERIMENTS, else "experiments".
        data_dir: where dataset files are looked for first; by default CNNLAB_DATA_DIR.
        backend: tensorflow, jax or torch, of which a process has one; or scratch, cnnlab's own engine.
        device: auto, cpu or gpu.
        precision: float32, mixed_bfloat16 or mixed_float16.
        workers: how many runs to train at the same time, each in its own process, or "auto": as many as CPUs
            and memory allow. By default 1; with `on`, as many as the cluster has room for.
        threads: CPU threads of each run; by default all CPUs, divided among the workers; with `on`, 1.
            Without it, a resumed run keeps the number that it was begun with.
        together: how many seeds of an experiment to train as one program, on JAX, or "auto": on a GPU as many
            as its memory has room for, at most 32, elsewhere 1. The number decides the last digits, as that
            of threads does. Seeds that are resumed stay together as they were begun, unless this number is
            smaller or the GPU has no room for them. On a CPU, they have the threads of this process.
        on: "ray": the runs are trained by Ray, which is started on this machine; "ray://HOST:PORT": on the
            machines of a running cluster. Nothing is trained in this process then.
        fresh: start over, even where a run is finished; the folder of a damaged run is kept beside it.
        force: train even if the parameters cannot fit in memory.
        progress: True for a bar in a notebook, or a function such as print; by default nothing is shown.

    Returns:
        The runs, a list: the first experiment with all seeds, then the next.

    Raises:
        UserError: an experiment cannot be trained; nothing has been trained then.
        TrainingFailed: a run failed; the exception carries those that finished.
    """
    settings = with_runtime(set, backend=backend, device=device, precision=precision)
    loaded = load_all(experiments, settings)
    chosen = seeds_of(seeds)
    jobs = jobs_of(
        out=out, data_dir=data_dir, workers=workers, threads=threads, together=together, on=on,
        fresh=fresh, force=force, reporter=reporter_for(progress),
    )  # fmt: skip
    configs = [each.config.with_seed(seed) for each in loaded for seed in chosen or (each.seed,)]
    from cnnlab.run_outcomes import RunsFailed

    try:
        records = jobs.finished(configs)
    except RunsFailed as error:
        raise TrainingFailed(error) from None
    return Runs(Run(record.path) for record in records)


def estimate_costs(
    experiments: ExperimentLike | Iterable[ExperimentLike],
    *,
    set: Mapping[str, Any] | None = None,
    data_dir: str | PathLike[str] | None = None,
    backend: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
    on: str | None = None,
    force: bool = False,
    progress: ProgressLike = None,
) -> list[CostEstimate] | list[DeviceCost]:
    """Run a few training steps of each experiment and estimate what a whole run will cost; nothing is kept.

    The arguments are those of `train`. With `on`, the steps are run on each kind of machine that the cluster
    has: the result is one item for each experiment and kind.

    Raises:
        UserError: an experiment cannot be trained here.
        CnnlabError: the cluster cannot be reached.
    """
    settings = with_runtime(set, backend=backend, device=device, precision=precision)
    loaded = load_all(experiments, settings)
    from cnnlab.jobs import Jobs

    # Nothing is written: whether the folder of runs can be does not matter.
    check_threads(threads)
    jobs = Jobs(
        out_folder(None), data_paths(data_dir), reporter_for(progress), force=force, threads=threads,
        on=cluster_of(on),
    )  # fmt: skip
    if jobs.on is not None:
        return [cost for costs in jobs.device_costs([each.config for each in loaded]) for cost in costs]
    with jobs.cost_estimates() as estimate_cost:
        return [estimate_cost(each.config) for each in loaded]
