"""`cnnlab.sweep`: which settings of an experiment are best?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cnnlab.api.arguments import Seeds, jobs_of, out_folder, seeds_of, with_runtime
from cnnlab.api.experiment import Experiment, ExperimentLike, load
from cnnlab.api.progress import ProgressLike, reporter_for
from cnnlab.api.run import Run, Runs, unfinished
from cnnlab.api.study import StudyResult
from cnnlab.api.training import TrainingFailed
from cnnlab.config.axes import space_of
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.given import given_by
from cnnlab.config.runs_at_once import RunsAtOnce
from cnnlab.config.sweep_section import SweepConfig
from cnnlab.errors import OptionError
from cnnlab.language.fields import mistakes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from cnnlab.comparison import Style
    from cnnlab.pictures.kit.files import PictureFiles
    from cnnlab.run_folders.folders import Folder
    from cnnlab.search.document import Document
    from cnnlab.search.plan import Derive, Plan
    from cnnlab.search.study import Study


class Sweep(StudyResult):
    """An experiment with many settings: which of them are best on the validation images.

    Run folders and study.db are written while it is carried out, all else when `save` is called.
    """

    def __init__(self, study: Study, out: Path) -> None:
        self._study = study
        self._out = out
        self._older_page: Path | None = None

    @cached_property
    def _document(self) -> Document:
        from cnnlab.search.document import document_of

        return document_of(self._study)

    @property
    def verdict(self) -> str:
        """Which point is best, and how sure that is."""
        return self._document["verdict"]

    @property
    def winner(self) -> Experiment | None:
        """The experiment with the best settings; None where no point finished."""
        best = self._study.winner
        return None if best is None or best.config is None else Experiment.from_config(best.config)

    @property
    def table(self) -> pd.DataFrame:
        """One row per point, in full precision: settings, validation accuracies as shares, rank."""
        from cnnlab.search.tables import point_table

        return point_table(self._document)

    @property
    def _reading_table(self) -> pd.DataFrame:
        from cnnlab.search.tables import reading_table

        return reading_table(self._document)

    @cached_property
    def figures(self) -> Mapping[str, Figure]:
        """Drawn when they are looked up: "slices", and of "map", "importance", "parallel" those it has."""
        from cnnlab.search.pictures import pictures

        return pictures(self._document)

    @property
    def runs(self) -> Runs:
        """All runs that finished."""
        return Runs(Run(record.path) for point in self._study.points for record in point.records)

    def _text(self, style: Style) -> str:
        from cnnlab.search.writing import sweep_text

        return sweep_text(self._document, style)

    def saved(self, how: PictureFiles | None = None) -> Folder:
        """Write sweep.json, tables and pictures to OUT/sweeps/NAME/; the folder knows them."""
        from cnnlab.pictures.kit.files import PNG
        from cnnlab.search.writing import write_sweep

        written = write_sweep(self._study, self._out, how or PNG)
        self._older_page = written.older_page
        return written.folder

    @property
    def older_report(self) -> Path | None:
        """The report.html that `save` has left where it is because it shows earlier numbers, if there is one.

        It says so itself, if this version of cnnlab has written it, and `report` writes it anew.
        """
        return self._older_page

    def report(self, path: str | PathLike[str] | None = None) -> Path:
        """Save the sweep, and write it as one HTML page that needs no other file.

        Args:
            path: by default OUT/sweeps/NAME/report.html.

        Raises:
            UserError: the file cannot be written there.
        """
        from cnnlab.api.sweep_reports import sweep_report

        page = sweep_report(self.save(), path)
        if path is None:
            self._older_page = None
        return page


def sweep(
    experiment: ExperimentLike | Run,
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
    progress: ProgressLike = None,
) -> Sweep:
    """Train an experiment with many settings, and find the best by validation accuracy.

    >>> cnnlab.sweep("cnn", vary={"training.batch_size": [50, 100, 200]}, seeds=range(2)).table

    Args:
        experiment: a name, a path, a mapping or an Experiment, but no finished run. What its section `sweep`
            says is the default of the next four arguments and of `seeds`.
        vary: by setting, named as --set has it, its values: a list, or a range such as "1e-4..1e-2", spread
            evenly over the logarithms, or "8..64", whole numbers.
        search: "grid": every combination; "random": drawn; "tpe": drawn where earlier ones were good.
        trials: how many combinations random and tpe try; 20 by default.
        prune: stop trials that are worse than the median of the others at the same epoch.
        seeds: of each point; by default the one in the config.

    The search is kept in OUT/sweeps/NAME/study.db, a study of Optuna: the same call goes on with it, or with
    `fresh` begins it anew. The other arguments are those of `cnnlab.train`.

    Raises:
        UserError: a setting or a value is wrong, or a point is impossible; nothing is trained then.
        CnnlabError: the study cannot be written, or another process carries out this sweep.
        TrainingFailed: no run finished.
    """
    out_path = out_folder(out)
    settings = with_runtime(set, backend=backend, device=device, precision=precision)
    plan, derive = plan_of(
        experiment, settings, out_path, vary=vary, search=search, trials=trials, prune=prune, seeds=seeds
    )  # fmt: skip
    if together not in ("auto", 1) and (plan.search == "tpe" or plan.prune):
        raise OptionError(
            "together", "TPE and pruning decide after each run, and train one seed at a time", value=together
        )

    from cnnlab.run_outcomes import RunsFailed
    from cnnlab.search.carrying_out import carry_out
    from cnnlab.search.watching import Watching

    watching = Watching(reporter_for(progress))
    jobs = jobs_of(
        out=out_path, data_dir=data_dir, workers=workers, threads=threads, together=together, on=on,
        fresh=fresh, force=force, reporter=watching,
    )  # fmt: skip
    try:
        study = carry_out(plan, derive, jobs, watching)
    except RunsFailed as error:
        raise TrainingFailed(error) from None
    return Sweep(study, jobs.out)


def plan_of(
    experiment: ExperimentLike | Run,
    settings: Mapping[str, Any],
    out: Path,
    *,
    vary: Mapping[str, Iterable[Any]] | None,
    search: str | None,
    trials: int | None,
    prune: bool | None,
    seeds: Seeds | None,
) -> tuple[Plan, Derive]:
    """What the arguments say, and otherwise the section `sweep`; and how settings become an experiment.

    Args:
        settings: what is fixed.
        out: where runs are kept.

    Raises:
        UserError: there is no such experiment, an argument is wrong, or nothing varies.
    """
    source = unfinished(experiment, out, "settings are changed in a config")
    base = load(source, settings).config
    section = base.sweep
    if vary is None and section is None:
        raise OptionError(
            "vary",
            "expected a setting and its values, such as training.batch_size=50,100,200, or a section sweep "
            "in the config; found neither",
        )
    asked = {"search": search, "trials": trials, "prune": prune}
    given = {key: value for key, value in asked.items() if value is not None}
    known = {} if section is None else section.model_dump()
    if given.get("search") == "grid":
        known.pop("trials", None)
    if trials is not None and (search or known.get("search", "grid")) == "grid":
        raise OptionError("trials", "a grid tries every combination; use --search random or tpe")
    space = space_of(known["vary"] if vary is None else vary, settings)
    known["vary"] = {axis.key: axis for axis in space}
    try:
        merged = SweepConfig.model_validate(known | given)
    except ValidationError as error:
        ((option,), problem), *_ = mistakes(error)
        raise OptionError(str(option), problem) from None
    from cnnlab.search.plan import Plan

    chosen = seeds_of(seeds if seeds is not None else merged.seeds) or (base.seed,)
    fixed = {key: given_by("--set", key, value).plain() for key, value in settings.items()}
    plan = Plan(
        base.without_sweep(), space, merged.search, chosen, merged.trials, merged.prune,
        experiment=fspath(source) if isinstance(source, str | PathLike) else None, fixed=fixed,
    )  # fmt: skip

    def derive(changes: Mapping[str, Any]) -> ExperimentConfig:
        given = {key: given_by("--vary", key, value) for key, value in changes.items()}
        return load(source, {**settings, **given}).config.without_sweep()

    return plan, derive
