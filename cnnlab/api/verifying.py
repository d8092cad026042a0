"""`cnnlab.verify_resume`, `verify_gradients`, `verify_runs`: promises, and claims of others, tried out."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from cnnlab.api.arguments import data_paths, out_folder, path_of, with_runtime
from cnnlab.api.experiment import ExperimentLike, load, loaded
from cnnlab.api.progress import ProgressLike, reporter_for
from cnnlab.api.run import Run
from cnnlab.errors import OptionError

if TYPE_CHECKING:
    from cnnlab.run_folders.records import Record
    from cnnlab.scratch.convolution import ConvolutionName
    from cnnlab.verification.gradients.results import DtypeName, GradientVerification
    from cnnlab.verification.hand_ins.results import RunVerification
    from cnnlab.verification.resuming import ResumeVerification


MOST_IMAGES = 256
"""Of a batch whose gradients are compared; more would find nothing else."""


def verify_resume(
    experiment: ExperimentLike,
    *,
    set: Mapping[str, Any] | None = None,
    backend: str | None = None,
    data_dir: str | PathLike[str] | None = None,
    kills: int = 5,
    kill_seed: int = 0,
    progress: ProgressLike = None,
) -> ResumeVerification:
    """Train an experiment once without interruption, and once killed and resumed; compare the bits.

    Both are trained in other processes and in a temporary folder, which is removed in the end.

    >>> cnnlab.verify_resume("colors_cnn", kills=10).equal
    True

    Args:
        experiment: a name, a path, a mapping or an Experiment; see `cnnlab.load`.
        set: settings to change, by the keys that `--set` takes.
        backend: tensorflow, jax, torch or scratch; by default the one in the config.
        data_dir: where dataset files are looked for first; by default CNNLAB_DATA_DIR.
        kills: how many times the second training is killed: while the first checkpoint is written, in the
            final writes, and at random moments all over the run.
        kill_seed: of these moments.
        progress: see `cnnlab.train`.

    Returns:
        `.equal`, `.kills`, `.resumed` and `.differences`; as text, a sentence.

    Raises:
        UserError: the experiment cannot be trained.
        CnnlabError: the training without interruption fails, or ends too soon for that many kills.
    """
    _check_number("kills", kills, least=1)
    _check_number("kill_seed", kill_seed, least=0)
    config = load(experiment, with_runtime(set, backend=backend)).config
    paths = data_paths(data_dir)
    from cnnlab.jobs import Jobs
    from cnnlab.verification.resuming import verify_resume

    jobs = Jobs(out_folder(None), paths, reporter_for(progress))
    return verify_resume(config, jobs, kills=kills, kill_seed=kill_seed, data_dir=paths.data_dir)


def verify_gradients(
    experiment: ExperimentLike | Run,
    *,
    set: Mapping[str, Any] | None = None,
    out: str | PathLike[str] | None = None,
    data_dir: str | PathLike[str] | None = None,
    backend: str | None = None,
    dtype: DtypeName = "float64",
    convolution: ConvolutionName | None = None,
    batch: int | None = None,
    seed: int | None = None,
    progress: ProgressLike = None,
) -> GradientVerification:
    """Compute each layer in Keras and in NumPy, forwards and backwards, and compare; nothing is written.

    Both engines get the same inputs, weights and gradient. The gradients of the NumPy engine are compared
    with finite differences as well.

    >>> cnnlab.verify_gradients("colors_cnn").ok
    True

    Args:
        experiment: fresh weights of an experiment: see `cnnlab.load`; or those of a Run, or of its folder.
        set: settings of an experiment to change, by the keys that `--set` takes.
        out: where runs are kept.
        data_dir: where dataset files are looked for first. Without images, random numbers are used.
        backend: of Keras; by default the one in the config.
        dtype: float64 or float32.
        convolution: im2col, loops or numba; by default the one in the config, im2col.
        batch: how many images, at most 256; by default 8, of large networks 2.
        seed: of fresh weights, images, gradients and entries; by default the config's.
        progress: see `cnnlab.train`.

    Returns:
        `.ok`, `.layers` and `.differing`; as text, a sentence.

    Raises:
        UserError: the NumPy engine lacks a layer, or an argument is wrong.
    """
    from cnnlab.config.asked_runtime import asked_runtime
    from cnnlab.scratch.convolution import ConvolutionName
    from cnnlab.verification.gradients.results import DtypeName

    for option, value, known in (
        ("dtype", dtype, get_args(DtypeName)), ("convolution", convolution, get_args(ConvolutionName)),
    ):  # fmt: skip
        if value not in known and not (value is None and option == "convolution"):
            raise OptionError(option, f"expected {', '.join(known)}", value=value)
    if batch is not None:
        _check_number("batch", batch, least=1, below=MOST_IMAGES + 1)
    if seed is not None:
        _check_number("seed", seed, least=0, below=2**32)
    record = _record_of(experiment, out_folder(out))
    if record is None:
        config = loaded(experiment, set, trained=True).config  # type: ignore[arg-type]
    elif set:
        raise OptionError("set", f"{experiment} is a run, whose settings are what they are; name its config")
    else:
        config = record.config
    convolution = convolution or config.runtime.convolution
    config = config.model_copy(
        update={
            "runtime": asked_runtime(config.runtime, backend=backend, device=None),
            "seed": config.seed if seed is None else seed,
        }
    )
    paths = data_paths(data_dir)
    from cnnlab.jobs import Jobs
    from cnnlab.verification.gradients.verifying import verify_gradients

    return verify_gradients(
        config,
        None if record is None else record.path / "model.keras",
        Jobs(out_folder(out), paths, reporter_for(progress)),
        dtype=dtype, batch=batch, convolution=convolution,
    )  # fmt: skip


def verify_runs(
    folder: str | PathLike[str],
    *,
    against: ExperimentLike | Run,
    set: Mapping[str, Any] | None = None,
    out: str | PathLike[str] | None = None,
    data_dir: str | PathLike[str] | None = None,
    backend: str | None = None,
    progress: ProgressLike = None,
) -> RunVerification:
    """Check runs that others have handed in: are they whole, of this experiment, and as good as claimed?

    Each model is evaluated on the test images here. Nothing in a hand-in is trusted, and nothing is written.

    >>> [each.path for each in cnnlab.verify_runs("hand-ins", against="cnn").hand_ins if not each.ok]

    Args:
        folder: of hand-ins, as they come: runs' folders and zips of them, nested; or a zip of it.
        against: what was to be trained: an experiment (see `cnnlab.load`), a Run or its folder.
        set: settings of the experiment to change, by the keys that `--set` takes.
        out: where runs are kept.
        data_dir: where dataset files are looked for first.
        backend: what computes the models; by default the one in the config.
        progress: see `cnnlab.train`.

    Returns:
        `.hand_ins`, each with `.path`, `.state`, `.differences`, `.claimed_accuracy`, `.measured_accuracy`,
        `.ok` and `.reason`; `.ok`, whether all are; as text, a sentence.

    Raises:
        UserError: there are no hand-ins, or what they are checked against cannot be read. A hand-in that is
            damaged or hostile is never an error: its `reason` says what it is.
    """
    from cnnlab.config.asked_runtime import asked_runtime

    place = path_of(folder, "folder")
    record = _record_of(against, out_folder(out))
    if record is None:
        config = loaded(against, set, trained=True).config  # type: ignore[arg-type]
    elif set:
        raise OptionError("set", f"{against} is a run, whose settings are what they are; name its config")
    else:
        config = record.config
    runtime = asked_runtime(config.runtime, backend=backend, device=None)
    paths, reporter = data_paths(data_dir), reporter_for(progress)
    from cnnlab.verification.hand_ins.verifying import verify_runs

    return verify_runs(place, config, record, runtime=runtime, data_paths=paths, reporter=reporter)


def _record_of(experiment: ExperimentLike | Run, out: Path) -> Record | None:
    """The run that is meant, of several seeds the one that was finished last; None where a config is."""
    from cnnlab.run_folders.listing import latest_run, runs_meant
    from cnnlab.run_folders.records import read_record

    if isinstance(experiment, Run):
        return experiment.record
    if isinstance(experiment, str | PathLike) and runs_meant(str(experiment), out):
        return read_record(latest_run(str(experiment), out))
    return None


def _check_number(option: str, value: Any, *, least: int, below: int | None = None) -> None:
    whole = hasattr(value, "__index__") and not isinstance(value, bool)
    if not whole or value < least or (below is not None and value >= below):
        expected = f"{least} or more" if below is None else f"from {least} to {below - 1:,}"
        raise OptionError(option, f"expected a whole number, {expected}, found {value!r:.60}")
