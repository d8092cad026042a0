"""`cnnlab.why`: which of its ingredients makes a CNN better than a DNN?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.api.arguments import Seeds, jobs_of, out_folder, seeds_of, with_runtime
from cnnlab.api.experiment import Experiment, ExperimentLike, load
from cnnlab.api.progress import ProgressLike, reporter_for
from cnnlab.api.run import Run, Runs, unfinished
from cnnlab.api.study import StudyResult
from cnnlab.api.training import TrainingFailed
from cnnlab.config.runs_at_once import RunsAtOnce
from cnnlab.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from cnnlab.comparison import Style
    from cnnlab.ladder.document import Document
    from cnnlab.ladder.study import Study
    from cnnlab.pictures.kit.files import PictureFiles
    from cnnlab.run_folders.folders import Folder

SEEDS = tuple(range(6))
"""Of a study that names none."""


class Why(StudyResult):
    """The experiments between a DNN and a CNN, one change each: verdict, tables, figure.

    Run folders and the rungs' configs are written while it is carried out, all else when `save` is called.
    """

    def __init__(self, study: Study, out: Path) -> None:
        self._study = study
        self._out = out

    @cached_property
    def _document(self) -> Document:
        from cnnlab.ladder.writing import study_document

        return study_document(self._study, self._out)

    @property
    def verdict(self) -> str:
        """Which ingredient contributes how many points, and which claims the seeds do not support."""
        return self._document["verdict"]

    @property
    def left_out(self) -> Mapping[str, str]:
        """Rungs that do not apply, are too large or failed: why."""
        return self._study.left_out

    @property
    def table(self) -> pd.DataFrame:
        """One row per rung, in full precision: accuracies as shares, the difference from its parent."""
        from cnnlab.ladder.tables import rung_table

        return rung_table(self._document)

    @property
    def experiments(self) -> Mapping[str, Experiment]:
        """By the id of a rung its experiment, to be trained or changed further."""
        return {rung.id: Experiment.from_config(rung.config) for rung in self._study.rungs}

    @property
    def _reading_table(self) -> pd.DataFrame:
        from cnnlab.ladder.tables import step_table

        return step_table(self._document)

    @cached_property
    def figures(self) -> Mapping[str, Figure]:
        """The picture "why", drawn when it is looked up."""
        from cnnlab.ladder.pictures import picture
        from cnnlab.pictures.kit.figures import LazyFigures

        return LazyFigures({"why": lambda: picture(self._document)})

    @property
    def runs(self) -> Runs:
        """All runs that take part."""
        return Runs(Run(record.path) for record in self._study.records)

    def _text(self, style: Style) -> str:
        from cnnlab.ladder.writing import study_text

        return study_text(self._document, style)

    def saved(self, how: PictureFiles | None = None) -> Folder:
        """Write tables, picture and JSON to OUT/comparisons/why-A-vs-B/, where the configs are."""
        from cnnlab.ladder.writing import write_study
        from cnnlab.pictures.kit.files import PNG

        return write_study(self._study, self._out, how or PNG)


def why(
    dnn: ExperimentLike | Run,
    cnn: ExperimentLike | Run,
    *,
    rungs: Iterable[str] | str | None = None,
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
) -> Why:
    """Train the experiments between a DNN and a CNN, one change each, and say which change matters.

    >>> study = cnnlab.why("dnn", "cnn", rungs=["locally_connected", "cnn_strided"])
    >>> print(study.verdict)

    Args:
        dnn: the network without convolutions: a name, a path, a mapping or an Experiment, but no finished
            run, as rungs are derived from a config.
        cnn: the network with convolutions, on the same data.
        rungs: the ids of the experiments to train, such as "cnn_strided", as a list or with commas between;
            both networks, and what a rung hangs off, take part as well. By default all that apply and have
            at most ten million parameters.
        seeds: by default 0 to 5.

    The other arguments are those of `cnnlab.train`.

    Raises:
        UserError: these are no DNN and CNN on the same data, or a rung does not exist or does not apply;
            nothing is trained then.
        TrainingFailed: no run of one of the two networks finished.
    """
    out_path = out_folder(out)
    settings = with_runtime(set, backend=backend, device=device, precision=precision)
    reason = "rungs are derived from a config"
    configs = [load(unfinished(each, out_path, reason), settings).config for each in (dnn, cnn)]
    chosen = seeds_of(seeds) or SEEDS
    from cnnlab.ladder.rungs import derive

    ladder = derive(*configs, wanted=_ids(rungs))
    from cnnlab.ladder.study import carry_out
    from cnnlab.ladder.writing import write_configs
    from cnnlab.run_outcomes import RunsFailed

    reporter = reporter_for(progress)
    jobs = jobs_of(
        out=out_path, data_dir=data_dir, workers=workers, threads=threads, together=together, on=on,
        fresh=fresh, force=force, reporter=reporter,
    )  # fmt: skip
    write_configs(ladder, jobs.out)
    for rung, reason in ladder.left_out.items():
        reporter.note(f"{rung} is left out: {reason}")
    try:
        study = carry_out(ladder, seeds=chosen, jobs=jobs)
    except RunsFailed as error:
        raise TrainingFailed(error) from None
    return Why(study, jobs.out)


def _ids(rungs: Iterable[str] | str | None) -> list[str] | None:
    """The ids of rungs, each once.

    Raises:
        UserError: none, or something else.
    """
    if rungs is None:
        return None
    given = rungs.split(",") if isinstance(rungs, str) else list(rungs)
    if not all(isinstance(each, str) for each in given):
        raise OptionError("rungs", f"expected names of rungs such as cnn_strided, found {rungs!r:.60}")
    ids = list(dict.fromkeys(each.strip() for each in given if each.strip()))
    if not ids:
        raise OptionError("rungs", "expected at least one rung, found none")
    return ids
