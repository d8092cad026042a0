"""`cnnlab.compare`: which network is better, by how much, and how sure is that?"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, get_args, overload

from cnnlab.api.arguments import Seeds, jobs_of, out_folder, seeds_of, with_folds, with_runtime
from cnnlab.api.experiment import Experiment, ExperimentLike, load
from cnnlab.api.progress import ProgressLike, reporter_for
from cnnlab.api.run import Run, Runs
from cnnlab.api.settling import settling_of
from cnnlab.api.training import TrainingFailed
from cnnlab.api.varying import Variation, vary_experiments
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.runs_at_once import RunsAtOnce
from cnnlab.errors import OptionError, UserError, suggestion
from cnnlab.run_folders.records import Record, read_record

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from cnnlab.comparison import Style
    from cnnlab.pictures.kit.files import PictureFiles
    from cnnlab.run_folders.folders import Folder
    from cnnlab.studies.comparing import ComparedExperiments

Budget = Literal["parameters", "macs", "seconds"]


class Comparison:
    """Two or more experiments on the same test images: verdict, tables, figures.

    Nothing is written before `save` or `report` is called.
    """

    def __init__(self, compared: ComparedExperiments, out: Path) -> None:
        self._compared = compared
        self._out = out
        self._folder: Folder | None = None
        self._older_page: Path | None = None
        self._how: PictureFiles | None = None

    @property
    def verdict(self) -> str:
        """Which network is better, by how much, and how sure that is, in one or more paragraphs."""
        from cnnlab.comparison import conclusion

        return "\n\n".join(conclusion(self._compared.comparison))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was odd about the data of some run."""
        return self._compared.comparison.warnings

    @property
    def notes(self) -> tuple[str, ...]:
        """How the comparison was set up, such as a network that was resized."""
        return self._compared.comparison.notes

    @property
    def table(self) -> pd.DataFrame:
        """One row per experiment, in full precision: accuracies as shares, spreads over the seeds, costs."""
        from cnnlab.comparison import accuracy_table

        return accuracy_table(self._compared.comparison)

    @property
    def classes(self) -> pd.DataFrame:
        """The test accuracy class by class, in full precision."""
        from cnnlab.comparison import class_accuracies

        return class_accuracies(self._compared.comparison)

    @property
    def figures(self) -> Mapping[str, Figure]:
        """Figures by name, drawn when they are looked up: curves, accuracy, parameters, confusion, …."""
        from cnnlab.studies.pictures import pictures

        return pictures(self._compared.comparison, self._compared.answers)

    @property
    def runs(self) -> Runs:
        """All runs that were compared."""
        outcomes = self._compared.comparison.experiments
        return Runs(Run(record.path) for outcome in outcomes for record in outcome.records)

    def as_text(
        self,
        style: Style = "terminal",
        *,
        per_class: bool = False,
        with_warnings: bool = True,
        columns: Sequence[str] = (),
    ) -> str:
        """Caption, tables and verdict as text, in one of three styles.

        Args:
            columns: instead, one table of these columns, such as Experiment, Parameters and Test.

        Raises:
            UserError: there is no such style or column.
        """
        from cnnlab.comparison.formats import check_style
        from cnnlab.studies.writing import chosen_columns, comparison_text

        check_style(style)
        if columns:
            return chosen_columns(self._compared.comparison, columns, style)

        return comparison_text(
            self._compared.comparison, style, per_class=per_class, with_warnings=with_warnings
        )

    def as_dict(self) -> dict[str, Any]:
        """What `cnnlab compare --json` prints."""
        return self._compared.comparison.as_dict()

    def save(
        self,
        *,
        format: str | Iterable[str] | None = None,
        aspect: str = "auto",
        font_scale: float = 1.0,
        output: str | PathLike[str] | None = None,
    ) -> Path:
        """Write tables, pictures and JSON to OUT/comparisons/A-vs-B/, as `cnnlab compare` does; the folder.

        Where experiments of the same names and other settings have that folder, it is A-vs-B-XXXXXXXX.

        Args:
            format: of the pictures: png, svg, pdf, or several with commas between.
            aspect: of their sides: auto, 16:9, 4:3.
            font_scale: how much larger their text is, 0.5 to 2.
            output: the name that pictures get instead of their own, as a path.

        Raises:
            CnnlabError: the folder cannot be written.
            UserError: there is no such format or aspect, or the output cannot be written.
        """
        from cnnlab.pictures.kit.files import PictureFiles

        how = PictureFiles.of(format=format, aspect=aspect, font_scale=font_scale, output=output)
        return self.saved(how).path

    def saved(self, how: PictureFiles | None = None) -> Folder:
        """The same; the folder knows what was written to it."""
        from cnnlab.pictures.kit.files import PNG
        from cnnlab.studies.writing import write_comparison

        how = how or PNG
        if self._folder is None or how != self._how:
            written = write_comparison(self._compared, self._out, how=how)
            self._folder, self._older_page, self._how = written.folder, written.older_page, how
        return self._folder

    @property
    def older_report(self) -> Path | None:
        """The report.html that `save` has left where it is because it shows earlier numbers, if there is one.

        It says so itself, if this version of cnnlab has written it, and `report` writes it anew.
        """
        return self._older_page

    def report(self, path: str | PathLike[str] | None = None) -> Path:
        """Write the comparison as one HTML page that needs no other file.

        Args:
            path: by default OUT/comparisons/A-vs-B/report.html; tables and pictures are then saved there
                too.

        Raises:
            UserError: the file cannot be written there.
        """
        from cnnlab.ladder.writing import read_study
        from cnnlab.report import render_report
        from cnnlab.studies.writing import write_comparison
        from cnnlab.user_files import check_folder_of, written
        from cnnlab.variation.writing import read_variations

        page = Path(path) if path is not None else None
        if page is not None:
            check_folder_of(page)
        experiments = {each.name: each.digest for each in self._compared.comparison.experiments}
        text = render_report(
            self._compared.comparison, self._compared.answers, why=read_study(experiments, self._out),
            variations=list(read_variations(experiments, self._out)),
        )  # fmt: skip
        if page is None:
            self._folder = write_comparison(self._compared, self._out, page=text).folder
            self._older_page = None
            return self._folder.path / "report.html"
        with written(page):
            page.write_text(text, encoding="utf-8")
        return page

    def __str__(self) -> str:
        return self.as_text()

    def __repr__(self) -> str:
        names = " and ".join(each.name for each in self._compared.comparison.experiments)
        return f"<Comparison of {names}: {self.verdict}>"

    def _repr_html_(self) -> str:
        from cnnlab.comparison import COST_KEY, caption, cost_table, fold_table, rounded_table
        from cnnlab.summary_tables.text import html_text

        comparison = self._compared.comparison
        by_fold = fold_table(comparison)
        paragraphs = [*self.notes, *self.verdict.split("\n\n")]
        return "".join(
            [
                f"<p>{html.escape(caption(comparison))}</p>",
                html_text(rounded_table(comparison)),
                html_text(cost_table(comparison)),
                f"<p>{COST_KEY}</p>",
                *([html_text(by_fold)] if len(by_fold) else []),
                *(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs),
            ]
        )


class TrainingArguments(TypedDict, total=False):
    """What `compare` passes on to the training of missing runs; see `cnnlab.train`."""

    seeds: Seeds | None
    set: Mapping[str, Any] | None
    out: str | PathLike[str] | None
    data_dir: str | PathLike[str] | None
    backend: str | None
    device: str | None
    precision: str | None
    workers: RunsAtOnce | None
    threads: int | None
    together: RunsAtOnce
    on: str | None
    fresh: bool
    force: bool
    progress: ProgressLike


class ComparisonArguments(TrainingArguments, total=False):
    """All that `compare` takes where nothing varies."""

    match: Budget | None
    resize: str | None
    folds: int | None
    until_settled: bool
    max_seeds: int | None
    margin: float | None


@overload
def compare(
    experiments: Iterable[ExperimentLike | Run],
    *,
    vary: None = None,
    **arguments: Unpack[ComparisonArguments],
) -> Comparison: ...


@overload
def compare(
    experiments: Iterable[ExperimentLike | Run],
    *,
    vary: Mapping[str, Iterable[Any]],
    equal_steps: bool = False,
    **arguments: Unpack[TrainingArguments],
) -> Variation: ...


@overload
def compare(
    experiments: Iterable[ExperimentLike | Run],
    *,
    vary: Mapping[str, Iterable[Any]] | None,
    equal_steps: bool = False,
    **arguments: Unpack[ComparisonArguments],
) -> Comparison | Variation: ...


def compare(
    experiments: Iterable[ExperimentLike | Run],
    *,
    seeds: Seeds | None = None,
    set: Mapping[str, Any] | None = None,
    match: Budget | None = None,
    resize: str | None = None,
    vary: Mapping[str, Iterable[Any]] | None = None,
    equal_steps: bool = False,
    folds: int | None = None,
    until_settled: bool = False,
    max_seeds: int | None = None,
    margin: float | None = None,
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
) -> Comparison | Variation:
    """Train what is missing, then compare experiments over the same seeds.

    >>> comparison = cnnlab.compare(["dnn", "cnn"], seeds=range(6))
    >>> print(comparison.verdict)

    Args:
        experiments: two or more: names, paths, mappings, Experiments, Runs, or the folders of runs. Finished
            runs take part as they are; the arguments about training are for the others.
        seeds: by default all seeds that the experiments have finished in common, else the one in each config.
        match: resize one of two networks until it costs what the other does.
        resize: the name of the network to resize; by default the one without convolutions.
        vary: settings by the keys that `set` takes, one or two, and the values of each: two experiments are
            compared at every value, and the result is a Variation. Each value is paired with each where
            there are two settings.
        equal_steps: with `vary`, change the epochs, so that every value trains for about as many steps as
            the experiment without `vary`.
        folds: cross-validation for small data: train each experiment once for each of so many folds of its
            training images, and test it on that fold, instead of on test images.
        until_settled: add seeds from 0 on until each question is settled, with an error rate of 5% over all
            looks; `seeds` is left out then.
        max_seeds: with `until_settled`, stop after so many seeds all the same; by default 30.
        margin: also test whether the experiments are equal within so many percentage points.

    The other arguments are those of `cnnlab.train`.

    Raises:
        UserError: the experiments cannot be compared; nothing is trained then.
        TrainingFailed: a run failed; the exception carries those that finished.
    """
    if isinstance(experiments, str | PathLike | Mapping | Experiment | Run):
        raise UserError("expected two or more experiments, found one")
    if not isinstance(experiments, Iterable):
        raise UserError(f"expected two or more experiments, found {experiments!r:.60}")
    if match is not None and match not in get_args(Budget):
        raise OptionError("match", suggestion(str(match), get_args(Budget)), value=match)
    chosen = seeds_of(seeds)
    settling = settling_of(until_settled=until_settled, max_seeds=max_seeds, margin=margin, seeds=seeds)
    settings = with_runtime(set, backend=backend, device=device, precision=precision)
    make_jobs = partial(
        jobs_of, out=out, data_dir=data_dir, workers=workers, threads=threads, together=together, on=on,
        fresh=fresh, force=force, reporter=reporter_for(progress),
    )  # fmt: skip
    if equal_steps and vary is None:
        raise OptionError("equal_steps", "expected vary as well; without it nothing changes the steps")
    if vary is not None:
        _refuse("vary", match=match, resize=resize, folds=folds, until_settled=until_settled, margin=margin)
        return vary_experiments(
            list(experiments), vary, settings=settings, seeds=chosen, equal_steps=equal_steps,
            jobs=make_jobs(),
        )  # fmt: skip
    if folds is not None:
        _refuse("folds", until_settled=until_settled, margin=margin)
        settings = with_folds(settings, folds)
    folder = out_folder(out)
    from cnnlab.run_folders.listing import runs_meant

    meant: list[ExperimentConfig | Run | Path] = []
    for each in experiments:
        if isinstance(each, Run):
            meant.append(each)
        elif isinstance(each, str | PathLike) and (folders := runs_meant(str(each), folder)):
            meant += folders
        else:
            meant.append(load(each, settings).config)
    # It imports pandas; what is wrong with a config is said before that.
    from cnnlab.studies.comparing import compare_experiments, whole

    entries, left_out = whole(meant, read=_entry, experiment_of=_experiment)
    if not any(isinstance(entry, ExperimentConfig) for entry in entries):
        options = {
            "seeds": chosen is not None, "set": set, "backend": backend, "device": device,
            "precision": precision, "workers": workers not in (None, 1), "threads": threads, "on": on,
            "together": together != "auto", "fresh": fresh, "force": force, "folds": folds,
        }  # fmt: skip
        unused = ", ".join(f"--{name}" for name, value in options.items() if value)
        if unused:
            raise UserError(f"{unused}: these are finished runs; give the experiment's config to train more")
    from cnnlab.run_outcomes import RunsFailed

    jobs = make_jobs()
    try:
        compared = compare_experiments(
            entries, seeds=chosen, jobs=jobs, match=match, resize=resize, folds=folds, left_out=left_out,
            max_seeds=settling.max_seeds, margin=settling.margin,
        )  # fmt: skip
    except RunsFailed as error:
        raise TrainingFailed(error) from None
    return Comparison(compared, jobs.out)


def _entry(meant: ExperimentConfig | Run | Path) -> ExperimentConfig | Record:
    """What takes part in a comparison: a config as it is, of a run its record."""
    if isinstance(meant, Run):
        return meant.record
    return read_record(meant) if isinstance(meant, Path) else meant


def _experiment(meant: ExperimentConfig | Run | Path) -> Path | str:
    """Which experiment that is of, where its runs cannot be asked."""
    if isinstance(meant, ExperimentConfig):
        return meant.digest
    return (meant.folder if isinstance(meant, Run) else meant).resolve().parent


def _refuse(beside: str, **options: object) -> None:
    """Refuse options that ask for another kind of comparison.

    Raises:
        UserError: one was given.
    """
    for option, value in options.items():
        if value is not None and value is not False:
            raise OptionError(option, f"cannot be combined with --{beside}; leave one of the two out")
