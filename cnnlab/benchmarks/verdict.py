"""Seconds to a verdict: whole commands from a cold start, beside the loop one would write in plain Keras."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cnnlab.benchmarks.timing import Timing, ratios
from cnnlab.comparison import conclusion
from cnnlab.config.experiment import ExperimentConfig, load_config, shipped_configs
from cnnlab.config.runs_at_once import RunsAtOnce
from cnnlab.datasets import DataPaths
from cnnlab.datasets.content import Dataset
from cnnlab.errors import CnnlabError, UserError
from cnnlab.jobs import Jobs
from cnnlab.process_environment import environment_of_the_user
from cnnlab.reporting import Reporter
from cnnlab.run_folders.folders import disk
from cnnlab.studies.comparing import train_and_compare
from cnnlab.user_files import temporary_folder
from cnnlab.verification.training_process import COMMAND, ENDS_WITH_ITS_PARENT

PLAIN_LOOP = Path(__file__).parent / "plain_keras_loop.py"

PLAIN_NETWORKS = ("dnn", "cnn")
"""What the plain loop trains, in its order: the shipped configs of these names."""

ERROR_LIMIT = 2000
"""Characters of a failed process's messages that are shown, from the end."""

SCRIPT = f"""\
{ENDS_WITH_ITS_PARENT}
import runpy

del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""A program in a file of its own, whose path and arguments follow."""


@dataclass(frozen=True)
class TimedVerdict:
    """How long one tool takes from the start of its process to its end, and the verdict that it prints."""

    seconds: Timing
    verdict: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"seconds": self.seconds.as_dict(), "verdict": self.verdict}


@dataclass(frozen=True)
class VerdictSpeed:
    """Seconds to a verdict on several experiments; `plain_keras` is None where the plain loop has no such."""

    experiments: tuple[str, ...]
    seeds: tuple[int, ...]
    epochs: tuple[int, ...]  # of each experiment
    workers: RunsAtOnce  # of cnnlab
    cnnlab: TimedVerdict
    plain_keras: TimedVerdict | None
    left_out: str | None  # why there is no plain loop

    @property
    def ratio(self) -> Timing | None:
        """Seconds of cnnlab ÷ seconds of the plain loop, for each pair of measurements."""
        return None if self.plain_keras is None else ratios(self.cnnlab.seconds, self.plain_keras.seconds)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "experiments": list(self.experiments),
            "seeds": list(self.seeds),
            "epochs": list(self.epochs),
            "workers": self.workers,
            "cnnlab": self.cnnlab.as_dict(),
            "plain_keras": self.plain_keras and self.plain_keras.as_dict(),
            "ratio": self.ratio and self.ratio.as_dict(),
            "left_out": self.left_out,
            "plain_loop": str(PLAIN_LOOP),
        }


def measure_verdict(
    configs: Sequence[ExperimentConfig],
    *,
    seeds: Sequence[int],
    repeats: int,
    workers: RunsAtOnce = 1,
    threads: int | None = None,
    data_paths: DataPaths,
    reporter: Reporter,
) -> VerdictSpeed:
    """Run `cnnlab compare` in a fresh process and an empty folder, and the plain loop in another, in turn.

    Data is downloaded or decoded before the clock starts. Everything happens in a temporary folder, which is
    removed in the end.

    Raises:
        UserError: the experiments cannot be trained or compared, or there are fewer than two seeds.
        CnnlabError: a process failed.
    """
    if len(seeds) < 2:
        raise UserError("a verdict needs two or more seeds, and six to be significant")
    left_out = why_no_plain_loop(configs)
    ours, theirs, plain_verdict = [], [], ""
    with temporary_folder("cnnlab-bench-") as folder:
        jobs = Jobs(folder, data_paths, reporter)
        data = [jobs.dataset(config) for config in configs]
        files = [folder / f"{place}-{config.name}.yaml" for place, config in enumerate(configs)]
        for file, config in zip(files, configs, strict=True):
            with disk(file):
                file.write_text(config.to_yaml(), encoding="utf-8")
        if left_out is None:
            write_mnist(folder / "mnist.npz", data[0])
        for repeat in range(repeats):
            out = folder / f"runs-{repeat}"
            reporter.note(_progress("cnnlab compare", repeat, repeats))
            command = _compare(files, out, seeds, workers, threads, data_paths)
            # Programs that JAX has compiled before, for the user or in the round before, are not reused.
            compiled = {"JAX_COMPILATION_CACHE_DIR": str(folder / f"compiled-{repeat}")}
            ours.append(_timed(command, "cnnlab compare", environment_of_the_user() | compiled)[0])
            if left_out is None:
                reporter.note(_progress("the plain Keras loop", repeat, repeats))
                seconds, plain_verdict = _plain_loop(folder / "mnist.npz", configs[0], seeds)
                theirs.append(seconds)
        # All runs are finished: nothing is trained here, and the verdict is the one that was printed.
        compared = train_and_compare(configs, seeds=seeds, jobs=replace(jobs, out=out, reporter=Reporter()))
    return VerdictSpeed(
        experiments=tuple(config.name for config in configs),
        seeds=tuple(seeds),
        epochs=tuple(config.training.epochs for config in configs),
        workers=workers,
        cnnlab=TimedVerdict(Timing(tuple(ours)), "\n\n".join(conclusion(compared))),
        plain_keras=None if left_out else TimedVerdict(Timing(tuple(theirs)), plain_verdict),
        left_out=left_out,
    )


def _progress(what: str, repeat: int, repeats: int) -> str:
    return f"running {what}" + (f" ({repeat + 1} of {repeats})" if repeats > 1 else "")


def why_no_plain_loop(configs: Sequence[ExperimentConfig]) -> str | None:
    """Why the plain loop would not train the same; None where it does."""
    first = configs[0]
    if first.runtime.backend == "scratch":
        return "the plain Keras loop needs a backend of Keras, such as tensorflow; only cnnlab was measured"
    changes = [f"training.epochs={first.training.epochs}", f"runtime.backend={first.runtime.backend}"]
    lecture = {
        load_config(str(shipped_configs() / f"{name}.yaml"), changes).digest for name in PLAIN_NETWORKS
    }
    if len(configs) == len(lecture) and {config.digest for config in configs} == lecture:
        return None
    return (
        "the plain Keras loop is written for dnn and cnn as they come with cnnlab, apart from epochs, "
        "backend and device; only cnnlab was measured"
    )


def write_mnist(path: Path, data: Dataset) -> None:
    """The images that train and validate, and those that test, as keras.datasets.mnist has them."""
    import numpy as np

    images = np.concatenate([data.train.images, data.validation.images])  # (15000, 28, 28, 1) uint8
    labels = np.concatenate([data.train.labels, data.validation.labels])
    with disk(path):
        np.savez(
            path, x_train=images[..., 0], y_train=labels,
            x_test=data.test.images[..., 0], y_test=data.test.labels,
        )  # fmt: skip


def _compare(
    files: Sequence[Path],
    out: Path,
    seeds: Sequence[int],
    workers: RunsAtOnce,
    threads: int | None,
    data_paths: DataPaths,
) -> list[str]:
    package = Path(__file__).parents[2]
    command = [sys.executable, "-P", "-c", COMMAND, str(package), "compare", *map(str, files)]
    command += ["--seeds", ",".join(map(str, seeds)), "--out", str(out), "--quiet"]
    command += ["--workers", str(workers)]
    if threads is not None:
        command += ["--threads", str(threads)]
    if data_paths.data_dir is not None:
        command += ["--data-dir", str(data_paths.data_dir)]
    return command


def _plain_loop(mnist: Path, config: ExperimentConfig, seeds: Sequence[int]) -> tuple[float, str]:
    """Seconds and the last line of what is printed. The backend and the device are those of `config`."""
    environment = environment_of_the_user() | {"KERAS_BACKEND": config.runtime.backend}
    if config.runtime.device == "cpu":
        environment |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-P", "-c", SCRIPT, str(PLAIN_LOOP), str(mnist), str(config.training.epochs)]
    command += map(str, seeds)
    seconds, printed = _timed(command, "the plain Keras loop", environment)
    return seconds, printed.splitlines()[-1]


def _timed(command: Sequence[str], what: str, environment: Mapping[str, str]) -> tuple[float, str]:
    """Seconds of a process from its start to its end, and what it printed; it does not outlive this process.

    Raises:
        UserError: it refused what it was given.
        CnnlabError: it failed; the message has what it said last.
    """
    stdin, held = os.pipe()
    try:
        began = time.perf_counter()
        done = subprocess.run(
            command, env=environment, stdin=stdin, capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - began
    finally:
        os.close(stdin)
        os.close(held)
    if done.returncode != 0:
        kind = UserError if done.returncode == UserError.exit_code else CnnlabError
        message = done.stderr.strip()[-ERROR_LIMIT:] or f"exit code {done.returncode}, no message"
        raise kind(f"{what} failed\n   {message}")
    return seconds, done.stdout
