"""Arguments that several functions of the library share, as the rest of cnnlab takes them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cnnlab.config.axes import overlap
from cnnlab.config.runs_at_once import (
    RunsAtOnce,
    check_threads,
    check_together,
    check_workers,
)
from cnnlab.config.sections import RuntimeConfig
from cnnlab.config.seeds import parse_seeds
from cnnlab.errors import OptionError
from cnnlab.files import name_problem
from cnnlab.language.fields import mistakes

if TYPE_CHECKING:
    from cnnlab.cluster.address import Address
    from cnnlab.datasets import DataPaths
    from cnnlab.jobs import Jobs
    from cnnlab.reporting import Reporter

Seeds = Iterable[int] | int | str
"""range(3), [0, 2], 3, or as the command line has it: "0-4", "0,2"."""


def with_runtime(settings: Mapping[str, Any] | None, **runtime: str | None) -> dict[str, Any]:
    """Settings with those of `runtime:` that have arguments of their own.

    Raises:
        UserError: an argument has a wrong value, or `settings` is no mapping.
    """
    given = {key: value for key, value in runtime.items() if value is not None}
    try:
        RuntimeConfig.model_validate(given)
    except ValidationError as error:
        ((option,), problem), *_ = mistakes(error)
        raise OptionError(str(option), problem) from None
    return settings_of(settings) | {f"runtime.{key}": value for key, value in given.items()}


def with_folds(settings: Mapping[str, Any], folds: int) -> dict[str, Any]:
    """Settings with which an experiment is tested on the first of so many folds.

    Raises:
        UserError: not a number of folds.
    """
    if isinstance(folds, bool) or not hasattr(folds, "__index__") or int(folds) < 2:
        raise OptionError("folds", f"expected 2 or more, found {folds!r:.60}")
    if twice := next((key for key in settings if overlap(key, "dataset.fold") and key != "dataset"), None):
        raise OptionError("folds", f"it decides about {twice}, which is set besides; leave one out")
    return {**settings, "dataset.fold": {"of": int(folds), "index": 0}}


def settings_of(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Settings to change, by the keys that --set takes.

    Raises:
        UserError: no mapping of keys to values.
    """
    if settings is None:
        return {}
    if not isinstance(settings, Mapping):
        raise OptionError(
            "set", f'expected a mapping such as {{"training.epochs": 3}}, found {settings!r:.60}'
        )
    return dict(settings)


def seeds_of(seeds: Seeds | None) -> tuple[int, ...] | None:
    """Seeds, each once, in their order.

    Raises:
        UserError: not one seed, or something else.
    """
    if seeds is None:
        return None
    if isinstance(seeds, str):
        return parse_seeds(seeds)
    given = list(seeds) if isinstance(seeds, Iterable) else [seeds]
    for seed in given:
        if isinstance(seed, bool) or not hasattr(seed, "__index__") or not 0 <= int(seed) < 2**32:
            raise OptionError("seeds", f"expected whole numbers from 0 to 2³²-1, found {seed!r:.60}")
    if not given:
        raise OptionError("seeds", "expected at least one seed, found none")
    return tuple(dict.fromkeys(int(seed) for seed in given))


def out_folder(out: str | PathLike[str] | None) -> Path:
    """Where runs are kept."""
    if out is None:
        return path_of(os.environ.get("CNNLAB_EXPERIMENTS") or "experiments", "CNNLAB_EXPERIMENTS")
    return path_of(out, "out")


def path_of(path: object, argument: str) -> Path:
    """A path that a caller gave.

    Raises:
        UserError: it is something else.
    """
    if not isinstance(path, str | PathLike) or path == "":
        raise OptionError(argument, f"expected a path, found {path!r:.60}")
    if problem := name_problem(Path(path)):
        raise OptionError(argument, f"expected a path, found {problem}")
    return Path(path)


def jobs_of(
    *,
    out: str | PathLike[str] | None,
    data_dir: str | PathLike[str] | None,
    workers: RunsAtOnce | None,
    threads: int | None,
    together: RunsAtOnce,
    on: str | None,
    fresh: bool,
    force: bool,
    reporter: Reporter,
) -> Jobs:
    """What finds finished runs and trains missing ones.

    Raises:
        UserError: `out` cannot be written, there is no folder `data_dir`, `workers`, `threads` or
            `together` is not a number that can be used, or `on` is no address.
    """
    cluster = cluster_of(on)
    check_at_once(workers, threads, together, on_cluster=cluster is not None)
    count: RunsAtOnce = (1 if cluster is None else "auto") if workers is None else workers
    from cnnlab.jobs import Jobs
    from cnnlab.user_files import check_can_be_made

    folder = out_folder(out)
    check_can_be_made(folder)
    return Jobs(
        folder, data_paths(data_dir), reporter, fresh=fresh, force=force, workers=count, threads=threads,
        together=together, on=cluster,
    )  # fmt: skip


def check_at_once(
    workers: RunsAtOnce | None, threads: int | None, together: RunsAtOnce, *, on_cluster: bool
) -> None:
    """Refuse numbers of runs and threads that are none, or exclude each other.

    Raises:
        OptionError: which of them.
    """
    check_workers(1 if workers is None else workers)
    check_threads(threads)
    if on_cluster and together not in ("auto", 1):
        raise OptionError(
            "together",
            "on a cluster, each run is a program of its own; leave out on, or together",
            value=together,
        )
    check_together(together, 1 if workers is None else workers)


def cluster_of(on: str | None) -> Address | None:
    """The cluster that trains; None: this machine does.

    Raises:
        UserError: it is no address, or Ray is not installed.
    """
    if on is None:
        return None
    from cnnlab.cluster.address import Address
    from cnnlab.cluster.connection import ray_module

    address = Address.parse(on)
    ray_module()
    return address


def data_paths(data_dir: str | PathLike[str] | None) -> DataPaths:
    """Where dataset files are looked for.

    Raises:
        UserError: there is no such folder.
    """
    from cnnlab.datasets import DataPaths

    return DataPaths.from_environment(None if data_dir is None else path_of(data_dir, "data_dir"))
