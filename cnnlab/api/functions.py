"""The short functions of the library: what finds a run or an experiment first, and then asks it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from cnnlab.api.arguments import out_folder, path_of
from cnnlab.api.experiment import Experiment, ExperimentLike, load, load_all
from cnnlab.api.progress import LibraryReporter
from cnnlab.api.run import Run, Runs
from cnnlab.api.summaries import Summaries, Summary
from cnnlab.errors import OptionError, UserError
from cnnlab.run_folders.integrity import DamagedRun
from cnnlab.run_folders.records import is_run

if TYPE_CHECKING:
    from cnnlab.api.predictions import ImageLike, ImagePredictions
    from cnnlab.api.progress import ProgressLike


def summary(*experiments: ExperimentLike, set: Mapping[str, Any] | None = None) -> Summary | Summaries:
    """Where the parameters are: a Summary of one experiment, Summaries of several.

    >>> cnnlab.summary("cnn").total_params
    137660

    Args:
        experiments: names, paths, mappings or Experiments; none: every config that has a name.
        set: settings to change, by the keys that `--set` takes.

    Raises:
        UserError: there is no such experiment, or something in it is wrong.
    """
    if not experiments:
        from cnnlab.config.experiment import known_configs

        experiments = tuple(str(path) for path in known_configs().values())
        return Summaries([load(each, set).summary() for each in experiments])
    summaries = [loaded.summary() for each in experiments for loaded in load_all(each, set)]
    return summaries[0] if len(summaries) == 1 else Summaries(summaries)


def runs(
    names: str | Experiment | Iterable[str | Experiment] = (),
    *,
    where: str | None = None,
    sort: str | None = None,
    limit: int | None = None,
    out: str | PathLike[str] | None = None,
) -> Runs:
    """The runs in a folder, whatever their state.

    >>> cnnlab.runs(where="state = finished and test_accuracy > 0.98", sort="-test_accuracy")

    Args:
        names: of experiments; by default of all.
        where: a condition on results and settings, as `cnnlab runs list --where` takes it.
        sort: a key; with - before it, the highest first.
        limit: no more than so many.
        out: where runs are kept; by default CNNLAB_EXPERIMENTS, else "experiments".

    A run whose run.json is lost or damaged is left out, with a warning.

    Raises:
        UserError: no run has such a name, there is no such key, or the condition is wrong.
    """
    from cnnlab.run_folders.listing import select, sort_rows

    if limit is not None and (not isinstance(limit, int) or limit < 1):  # type: ignore[redundant-expr]
        raise OptionError("limit", f"expected 1 or more, found {limit!r:.60}")
    if where is not None and not isinstance(where, str):
        raise OptionError("where", f"expected a condition as text, found {where!r:.60}")
    chosen = [names] if isinstance(names, str | Experiment) else list(names)
    for name in chosen:
        if not isinstance(name, str | Experiment):
            raise OptionError("names", f"expected names of experiments, found {name!r:.60}")
    rows, unreadable = select(
        out_folder(out),
        names=[name.name if isinstance(name, Experiment) else name for name in chosen],
        where=where,
        keys=[] if sort is None else [sort.removeprefix("-")],
        nested=True,
    )
    for path in unreadable:
        LibraryReporter().warn(f"{path}: config.yaml cannot be read; its settings are unknown")
    if sort is not None:
        rows = sort_rows(rows, sort)
    found = Runs()
    for row in rows[:limit]:
        try:
            found.append(Run(row["path"]))
        except DamagedRun as error:
            LibraryReporter().warn(f"left out: {error}")
        except UserError:
            if is_run(row["path"]):
                raise
            # else it was removed, or is being trained afresh, since it was listed
    return found


def predict(
    run: Run | str | PathLike[str],
    images: ImageLike | Iterable[ImageLike],
    *,
    out: str | PathLike[str] | None = None,
    data_dir: str | PathLike[str] | None = None,
    backend: str | None = None,
    device: str | None = None,
    progress: ProgressLike = None,
) -> ImagePredictions:
    """What a trained network predicts for images. Each is prepared as the network's training data was.

    >>> cnnlab.predict("cnn", ["three.png", "seven.png"]).table

    Args:
        run: a Run, a run's folder, or an experiment's name: its latest finished run; or a file that
            `cnnlab.export` has written, .onnx or .tflite, which is run by its own runtime.
        images: one or several: paths of images or of folders of images, the bytes of an image file, or arrays
            of pixels, (H, W) or (H, W, C) uint8.
        out: where runs are kept.
        data_dir: where the training data is looked for, if the network's pixels were standardized by it.
        backend: by default what the run was trained on.
        device: auto, cpu or gpu.
        progress: see `cnnlab.train`.

    Raises:
        UserError: there is no such run, or no image can be used. Images that cannot be used while others can
            are warned of, and listed in `failures`.
    """
    if not isinstance(run, Run):
        from cnnlab.conversion.formats import format_of_file

        if kind := format_of_file(path := path_of(run, "run")):
            if backend is not None or device is not None:
                option, value = ("backend", backend) if backend is not None else ("device", device)
                raise OptionError(option, f"has no effect: {kind.runtime} runs {path.name}", value=value)
            from cnnlab.api.predictions import predict_images
            from cnnlab.api.progress import reporter_for
            from cnnlab.conversion.opening import open_exported

            return predict_images(
                open_exported(path, kind), images, folder=path, reporter=reporter_for(progress)
            )
        from cnnlab.run_folders.listing import latest_run

        run = Run(latest_run(str(run), out_folder(out)))
    return run.predict(images, data_dir=data_dir, backend=backend, device=device, progress=progress)
