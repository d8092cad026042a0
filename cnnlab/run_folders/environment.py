"""What else a result may depend on: versions, machine, precision, commit, data."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

from cnnlab.backend import Backend
from cnnlab.blas import blas_name
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.sections import RuntimeConfig
from cnnlab.cpu_settings import threads_of, uses_onednn
from cnnlab.datasets import DATASETS, OWN_DATA
from cnnlab.language.fields import settings_within
from cnnlab.layers import LAYERS
from cnnlab.layers.base import Layer
from cnnlab.plugins import Distribution
from cnnlab.processor import cpu_name, instruction_set
from cnnlab.run_folders.contents import DatasetFacts
from cnnlab.version import __version__, arithmetic_of


def environment(config: ExperimentConfig, backend: Backend, dataset: DatasetFacts) -> dict[str, Any]:
    """The content of a run's environment.json; `dataset` is what is known of its data."""
    import psutil

    return {
        **computed_with(backend, config.runtime),
        "precision": config.runtime.precision,
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "git_commit": _git("rev-parse", "--verify", "HEAD") or None,
        "git_dirty": _git_dirty(),
        "dataset": dataset.as_dict(),
        "plugins": {each.name: each.version for each in sorted(plugins_used(config))},
    }


def computed_with(backend: Backend, runtime: RuntimeConfig) -> dict[str, Any]:
    """Versions, device and threads of this process."""
    threads, parallel_operations = threads_of(backend.name)
    framework: dict[str, str] = {backend.name: backend.version}
    devices = [str(each) for each in backend.devices] if runtime.distribution != "none" else []
    if backend.host is not None:
        framework = _of_engine(runtime, backend.host)
    return {
        "cnnlab": __version__,
        "arithmetic": arithmetic_of(backend.name, backend.device),
        "python": platform.python_version(),
        "keras": version("keras"),
        "numpy": version("numpy"),
        "backend": backend.name,
        **framework,
        "device": backend.device,
        "device_name": backend.device_name,
        **({"devices": len(devices), "device_names": devices} if devices else {}),
        "cpu": cpu_name(),
        "instruction_set": instruction_set(),
        "onednn": uses_onednn(backend.name),
        "threads": threads,
        "parallel_operations": parallel_operations,
    }


def _of_engine(runtime: RuntimeConfig, host: Backend) -> dict[str, str]:
    """What stands in a framework's place: how NumPy computes, and what Keras runs on."""
    convolution = runtime.convolution
    compiler = {"numba": version("numba")} if convolution == "numba" else {}
    facts = {"blas": blas_name(), "convolution": convolution, **compiler}
    return {**facts, "host": host.name, host.name: host.version}


def plugins_used(config: ExperimentConfig) -> set[Distribution]:
    """The distributions that layers or the dataset of a config come from, cnnlab itself aside."""
    layers = (each for each in settings_within(config.model) if isinstance(each, Layer))
    origins = {LAYERS.distribution(layer.type()) for layer in layers}
    if config.dataset is not None and config.dataset.name not in OWN_DATA:
        origins.add(DATASETS.distribution(config.dataset.name))
    return {each for each in origins if each is not None}


def _git_dirty() -> bool | None:
    """Whether files that git knows have been changed since the commit; None outside of a checkout.

    Files that git does not know, such as notes or the runs themselves, do not count, as in `git describe`,
    nor does what lies in submodules.
    """
    off: dict[str, str] = {}
    for name in (_git("config", "--null", "--name-only", "--list") or "").split("\0"):
        driver, _, setting = name.rpartition(".")
        if driver.startswith("filter.") and setting in ("clean", "process"):
            off |= {name: "", f"{driver}.required": "false"}
    changes = _git("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all", settings=off)
    return None if changes is None else bool(changes)


def _git(*arguments: str, settings: Mapping[str, str] = MappingProxyType({})) -> str | None:
    """What git says of the checkout that the user stands in; None outside of one, or without git.

    A repository may name programs that watch its files, change their content on the way in, or fetch what is
    missing in it. None of them is to be started.
    """
    known = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    added = enumerate({"core.fsmonitor": "false", **settings}.items(), start=known)
    environment = {
        **os.environ,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "",
    }
    for number, (key, value) in added:  # on a command line, a name with = in it would be cut there
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        environment["GIT_CONFIG_COUNT"] = str(number + 1)
    try:
        answer = subprocess.run(
            ["git", *arguments], env=environment, capture_output=True, text=True, check=False,
            errors="surrogateescape",
        )  # fmt: skip
    except FileNotFoundError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
