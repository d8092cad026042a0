"""Arguments that several functions of the library share, as the rest of cnnlab takes them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.config.seeds import parse_seeds
from cnnlab.errors import UserError

if TYPE_CHECKING:
    from cnnlab.datasets import DataPaths
    from cnnlab.jobs import Jobs
    from cnnlab.reporting import Reporter

Seeds = Iterable[int] | int | str
"""range(3), [0, 2], 3, or as the command line has it: "0-4", "0,2"."""


def with_runtime(settings: Mapping[str, Any] | None, **runtime: str | None) -> dict[str, Any]:
    """Settings with those of `runtime:` that have arguments of their own."""
    given = {f"runtime.{key}": value for key, value in runtime.items() if value is not None}
    return {**(settings or {}), **given}


def seeds_of(seeds: Seeds | None) -> tuple[int, ...] | None:
    """Seeds, each once, in their order.

    Raises:
        UserError: not one seed, or something else.
    """
    if seeds is None:
        return None
    if isinstance(seeds, str):
        return parse_seeds(seeds)
    given = [seeds] if isinstance(seeds, int) else list(seeds)
    for seed in given:
        if isinstance(seed, bool) or not hasattr(seed, "__index__") or not 0 <= int(seed) < 2**32:
            raise UserError(f"--seeds: expected whole numbers from 0 to 2³²-1, found {seed!r:.60}")
    if not given:
        raise UserError("--seeds: expected at least one seed, found none")
    return tuple(dict.fromkeys(int(seed) for seed in given))


def out_folder(out: str | PathLike[str] | None) -> Path:
    """Where runs are kept."""
    return Path(os.environ.get("CNNLAB_EXPERIMENTS") or "experiments") if out is None else Path(out)


def jobs_of(
    *,
    out: str | PathLike[str] | None,
    data_dir: str | PathLike[str] | None,
    fresh: bool,
    force: bool,
    reporter: Reporter,
) -> Jobs:
    """What finds finished runs and trains missing ones.

    Raises:
        UserError: `out` cannot be written, or there is no folder `data_dir`.
    """
    from cnnlab.jobs import Jobs
    from cnnlab.user_files import check_can_be_made

    folder = out_folder(out)
    check_can_be_made(folder)
    return Jobs(folder, data_paths(data_dir), reporter, fresh=fresh, force=force)


def data_paths(data_dir: str | PathLike[str] | None) -> DataPaths:
    """Where dataset files are looked for.

    Raises:
        UserError: there is no such folder.
    """
    from cnnlab.datasets import DataPaths

    return DataPaths.from_environment(None if data_dir is None else Path(data_dir))
