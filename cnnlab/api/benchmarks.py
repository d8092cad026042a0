"""`cnnlab.bench_epoch`, `bench_verdict` and `bench_convolution`: how fast it is on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from cnnlab.api.arguments import Seeds, data_paths, out_folder, seeds_of, with_runtime
from cnnlab.api.experiment import ExperimentLike, load_all
from cnnlab.api.progress import ProgressLike, reporter_for
from cnnlab.config.asked_runtime import asked_runtime
from cnnlab.config.runs_at_once import RunsAtOnce, check_threads, check_workers
from cnnlab.config.sections import RuntimeConfig
from cnnlab.errors import OptionError, UserError

if TYPE_CHECKING:
    from cnnlab.benchmarks.convolution import ConvolutionSpeed
    from cnnlab.benchmarks.epoch import EpochSpeed
    from cnnlab.benchmarks.verdict import VerdictSpeed

LECTURE = ("dnn", "cnn")
"""What is measured unless experiments are named."""


def bench_epoch(
    experiments: ExperimentLike | Iterable[ExperimentLike] = LECTURE,
    *,
    epochs: int = 5,
    set: Mapping[str, Any] | None = None,
    data_dir: str | PathLike[str] | None = None,
    backend: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    progress: ProgressLike = None,
) -> list[EpochSpeed]:
    """Measure seconds per epoch, and the share of the matrix-multiply peak; nothing is kept.

    >>> cnn, = cnnlab.bench_epoch("cnn")
    >>> cnn.seconds.median, cnn.images_per_second, cnn.share

    Args:
        experiments: one or several; see `cnnlab.load`.
        epochs: how many are measured after the first one, which compiles.

    The other arguments are those of `cnnlab.train`.

    Returns:
        One result for each experiment, in order; `.as_dict()` is what `cnnlab bench epoch --json` prints.

    Raises:
        UserError: an experiment cannot be trained here.
        CnnlabError: a training diverged.
    """
    _check_count("epochs", epochs)
    loaded = load_all(experiments, with_runtime(set, backend=backend, device=device, precision=precision))
    if not loaded:
        raise UserError("expected one or more experiments, found none")
    paths, reporter = data_paths(data_dir), reporter_for(progress)
    from cnnlab.benchmarks.epoch import measure_epochs
    from cnnlab.jobs import Jobs

    # Nothing is written: whether the folder of runs can be does not matter.
    jobs = Jobs(out_folder(None), paths, reporter)
    return measure_epochs([each.config for each in loaded], jobs, epochs=epochs)


def bench_verdict(
    experiments: Iterable[ExperimentLike] = LECTURE,
    *,
    seeds: Seeds = "0-5",
    repeats: int = 1,
    workers: RunsAtOnce = 1,
    threads: int | None = None,
    set: Mapping[str, Any] | None = None,
    data_dir: str | PathLike[str] | None = None,
    backend: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    progress: ProgressLike = None,
) -> VerdictSpeed:
    """Measure the seconds that `cnnlab compare` takes to a verdict, beside a loop in plain Keras.

    Both run in processes of their own, from a cold start; the folder of runs is empty and temporary. The
    plain loop is `cnnlab/benchmarks/plain_keras_loop.py`. It trains the lecture's dnn and cnn; for other
    experiments or settings, only cnnlab is measured.

    >>> speed = cnnlab.bench_verdict(set={"training.epochs": 3})
    >>> speed.cnnlab.seconds.median, speed.plain_keras.seconds.median

    Args:
        experiments: two or more.
        seeds: of each experiment; two or more.
        repeats: how often both are run, in turn.
        workers, threads: of cnnlab; the plain loop trains one run at a time, with all CPUs.

    The other arguments are those of `cnnlab.train`.

    Raises:
        UserError: the experiments cannot be compared.
        CnnlabError: a process failed.
    """
    _check_count("repeats", repeats)
    check_workers(workers)
    check_threads(threads)
    chosen = seeds_of(seeds)
    loaded = load_all(experiments, with_runtime(set, backend=backend, device=device, precision=precision))
    if len({each.digest for each in loaded}) < 2:
        raise UserError("expected two or more different experiments")
    paths, reporter = data_paths(data_dir), reporter_for(progress)
    from cnnlab.benchmarks.verdict import measure_verdict

    return measure_verdict(
        [each.config for each in loaded],
        seeds=chosen or (),
        repeats=repeats,
        workers=workers,
        threads=threads,
        data_paths=paths,
        reporter=reporter,
    )


MOST_IMAGES = 10_000
"""Of a batch whose convolution is measured: in loops, that takes a quarter of an hour a pass."""


def bench_convolution(
    *,
    images: int = 64,
    repeats: int = 20,
    backend: str | None = None,
    device: str | None = None,
    progress: ProgressLike = None,
) -> ConvolutionSpeed:
    """Measure one convolution in loops, compiled by Numba, as im2col and in Keras, forwards and backwards.

    It is that of the lecture: images of 28×28×3 and 4 kernels of 3×3×3. The loops are timed once, and take
    seconds; without Numba, the others are measured all the same.

    >>> speed = cnnlab.bench_convolution(images=16)
    >>> {each.name: each.passes["forward"].seconds.median for each in speed.implementations}
    >>> speed.figure

    Args:
        images: in a batch, at most 10,000.
        repeats: how often all but the loops are timed, in turn and after a warm-up.
        backend, device: of Keras.

    Raises:
        UserError: the backend or the device is not there.
    """
    _check_count("images", images, most=MOST_IMAGES)
    _check_count("repeats", repeats)
    if backend == "scratch":  # which is measured anyway
        raise OptionError("backend", "it is that of Keras here; expected tensorflow, jax or torch")
    runtime = asked_runtime(RuntimeConfig(), backend=backend, device=device)
    reporter = reporter_for(progress)
    from cnnlab.benchmarks.convolution import measure_convolution

    return measure_convolution(images, repeats=repeats, runtime=runtime, reporter=reporter)


def _check_count(option: str, value: int, *, most: int | None = None) -> None:
    whole = hasattr(value, "__index__") and not isinstance(value, bool)
    if not whole or value < 1 or (most is not None and value > most):
        expected = "1 or more" if most is None else f"from 1 to {most:,}"
        raise OptionError(option, f"expected a whole number, {expected}, found {value!r:.60}")
