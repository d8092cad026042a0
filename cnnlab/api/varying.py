"""`cnnlab.compare(…, vary=…)`: does the better network stay better when a setting changes?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.api.experiment import ExperimentLike, load
from cnnlab.api.run import Run, Runs, unfinished
from cnnlab.api.study import StudyResult
from cnnlab.api.training import TrainingFailed
from cnnlab.config.axes import axes_of
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.given import given_by
from cnnlab.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from cnnlab.comparison import Style
    from cnnlab.jobs import Jobs
    from cnnlab.pictures.kit.files import PictureFiles
    from cnnlab.run_folders.folders import Folder
    from cnnlab.variation.document import Document
    from cnnlab.variation.study import Variation as Study


class Variation(StudyResult):
    """Two experiments, compared at several values of one setting or two: verdict, tables, figure.

    Nothing is written before `save` is called.
    """

    def __init__(self, study: Study, out: Path) -> None:
        self._study = study
        self._out = out

    @cached_property
    def _document(self) -> Document:
        from cnnlab.variation.document import document_of

        return document_of(self._study)

    @property
    def verdict(self) -> str:
        """Which network is better at which values, and which of that the seeds support."""
        return self._document["verdict"]

    @property
    def table(self) -> pd.DataFrame:
        """One row per value and experiment, in full precision: accuracies as shares, steps, difference."""
        from cnnlab.variation.tables import value_table

        return value_table(self._document)

    @property
    def _reading_table(self) -> pd.DataFrame:
        from cnnlab.variation.tables import reading_table

        return reading_table(self._document)

    @cached_property
    def figures(self) -> Mapping[str, Figure]:
        """The picture "vary", drawn when it is looked up."""
        from cnnlab.pictures.kit.figures import LazyFigures
        from cnnlab.variation.pictures import picture

        return LazyFigures({"vary": lambda: picture(self._document)})

    @property
    def runs(self) -> Runs:
        """All runs that take part."""
        return Runs(
            Run(record.path)
            for point in self._study.points
            for outcome in point.comparison.experiments
            for record in outcome.records
        )

    def _text(self, style: Style) -> str:
        from cnnlab.variation.writing import variation_text

        return variation_text(self._document, style)

    def saved(self, how: PictureFiles | None = None) -> Folder:
        """Write vary-KEY.csv, .md, .png and .json to OUT/comparisons/A-vs-B/; the folder knows them."""
        from cnnlab.pictures.kit.files import PNG
        from cnnlab.variation.writing import write_variation

        return write_variation(self._document, self._out, how or PNG)


def vary_experiments(
    experiments: Sequence[ExperimentLike | Run],
    vary: Mapping[str, Iterable[Any]],
    *,
    settings: Mapping[str, Any],
    seeds: Sequence[int] | None,
    equal_steps: bool,
    jobs: Jobs,
) -> Variation:
    """What `compare` does where settings vary.

    Raises:
        UserError: these are not two experiments that can be compared at all values; nothing is trained then.
        TrainingFailed: no value has finished runs of both.
    """
    if len(experiments) != 2:
        raise OptionError("vary", f"expected two experiments, found {len(experiments)}")
    axes = axes_of(vary, settings)
    one, other = (unfinished(each, jobs.out, "settings are changed in a config") for each in experiments)

    def derive(changes: dict[str, Any]) -> tuple[ExperimentConfig, ExperimentConfig]:
        both = {**settings, **{key: given_by("--vary", key, value) for key, value in changes.items()}}
        return load(one, both).config, load(other, both).config

    from cnnlab.run_outcomes import RunsFailed
    from cnnlab.variation.study import vary as carry_out

    try:
        study = carry_out(derive, axes, seeds=seeds, jobs=jobs, equal_steps=equal_steps)
    except RunsFailed as error:
        raise TrainingFailed(error) from None
    return Variation(study, jobs.out)
