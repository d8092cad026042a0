"""`cnnlab.sweep_commands`: the points of a sweep as command lines, for machines that share nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from typing import Any

from cnnlab.api.arguments import (
    Seeds,
    check_at_once,
    cluster_of,
    out_folder,
    path_of,
    settings_of,
    with_runtime,
)
from cnnlab.api.sweeping import plan_of
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.given import given_by
from cnnlab.config.runs_at_once import RunsAtOnce
from cnnlab.errors import OptionError, UserError


def sweep_commands(
    experiment: str | PathLike[str],
    *,
    vary: Mapping[str, Iterable[Any]] | None = None,
    search: str | None = None,
    trials: int | None = None,
    prune: bool | None = None,
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
    quiet: bool = False,
) -> list[str]:
    """What a sweep would train, one `cnnlab train` line for each point. Nothing is trained or written.

    Each line, run on any machine that has the experiment's file, trains the runs that `cnnlab.sweep` with the
    same arguments looks for: where their folders lie in `out`, it trains nothing again.

    >>> for line in cnnlab.sweep_commands("cnn", vary={"training.batch_size": [50, 100]}, seeds=range(2)):
    ...     print(line)
    cnnlab train cnn --set training.batch_size=50 --seeds 0-1
    cnnlab train cnn --set training.batch_size=100 --seeds 0-1

    Args:
        experiment: a name or a path.

    The other arguments are those of `cnnlab.sweep`; those of the training become options of each line.

    Raises:
        UserError: a setting or a value is wrong, a point is impossible, or what is tried depends on what came
            of earlier points: with tpe, or where trials are pruned.
    """
    if not isinstance(experiment, str | PathLike):
        raise UserError(f"expected an experiment's name or path for a command line, found {experiment!r:.60}")
    fixed = {key: given_by("--set", key, value).plain() for key, value in settings_of(set).items()}
    settings = with_runtime(fixed, backend=backend, device=device, precision=precision)
    plan, derive = plan_of(
        experiment, settings, out_folder(out), vary=vary, search=search, trials=trials, prune=prune,
        seeds=seeds,
    )  # fmt: skip
    _check_independent(plan.search, prune=plan.prune)
    check_at_once(workers, threads, together, on_cluster=cluster_of(on) is not None)

    from cnnlab.search.commands import train_commands
    from cnnlab.search.study import planned_points

    planned = planned_points(plan, derive)
    for _, config in planned:
        _check_validated(config)
    words = {
        "--out": None if out is None else fspath(path_of(out, "out")),
        "--data-dir": None if data_dir is None else fspath(path_of(data_dir, "data_dir")),
        "--backend": backend,
        "--device": device,
        "--precision": precision,
        "--workers": None if workers is None else str(workers),
        "--threads": None if threads is None else str(threads),
        "--together": None if together == "auto" else str(together),
        "--on": on,
    }
    flags = {"--fresh": fresh, "--force": force, "--quiet": quiet}
    return train_commands(
        fspath(experiment), planned, seeds=plan.seeds, fixed=fixed,
        options=[
            *(word for option, value in words.items() if value is not None for word in (option, value)),
            *(flag for flag, given in flags.items() if given),
        ],
    )  # fmt: skip


def _check_independent(search: str, *, prune: bool) -> None:
    """Refuse what cannot be planned in advance.

    Raises:
        UserError: points depend on each other.
    """
    if search == "tpe":
        raise OptionError(
            "search", "tpe chooses each point by what came of earlier ones, so its commands are not known in "
            "advance; use grid or random",
        )  # fmt: skip
    if prune:
        raise OptionError(
            "prune", "whether a trial is stopped depends on the others, which a command on another machine "
            "does not see; leave it out",
        )  # fmt: skip


def _check_validated(config: ExperimentConfig) -> None:
    """Refuse an experiment without validation images, so far as the config tells: none are read.

    Raises:
        UserError: it has none.
    """
    if config.dataset is not None and config.dataset.validation_size == 0:
        from cnnlab.search.study import without_validation

        raise without_validation(config)
