"""A run as a value: what its folder holds, read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from cnnlab.api.arguments import data_paths, path_of
from cnnlab.api.experiment import Experiment, ExperimentLike
from cnnlab.api.predictions import ImageLike, ImagePredictions, predict_images
from cnnlab.api.progress import ProgressLike, reporter_for
from cnnlab.errors import UserError
from cnnlab.run_folders.records import (
    Record,
    read_config,
    read_facts,
    read_history,
    read_record,
    read_status,
)
from cnnlab.run_folders.states import state_of
from cnnlab.wording import counted

if TYPE_CHECKING:
    import keras
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

    from cnnlab.explanations.explanation import Explanation
    from cnnlab.explanations.technique import Technique
    from cnnlab.pictures.kit.figures import LazyFigures
    from cnnlab.pictures.kit.files import PictureFiles
    from cnnlab.run_folders.contents import RunResult, RunWarning
    from cnnlab.run_folders.listing.differences import Difference
    from cnnlab.run_folders.predictions import Predictions


class Run:
    """One training of one experiment with one seed. What it left behind is read from its folder.

    Args:
        folder: of the run, such as experiments/cnn-1a2b3c4d/seed-0.

    Raises:
        UserError: this is not a run's folder.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._folder = path_of(folder, "folder")
        self._place = self._folder.resolve()  # whatever directory the process changes to
        _ = self._status

    @property
    def folder(self) -> Path:
        """The folder, as it was given."""
        return self._folder

    @property
    def _status(self) -> Mapping[str, Any]:
        status = read_facts(self._place / "run.json")
        if not status:
            read_status(self._place)  # says so where the file has been lost
            raise UserError(f"{self._folder}: not a run; expected a folder with run.json")
        return status

    @property
    def state(self) -> str | None:
        """running, finished, failed, interrupted or pruned, at this moment."""
        return state_of(self._place, self._status)

    @cached_property
    def record(self) -> Record:
        """What a finished run left behind, as the rest of cnnlab takes it.

        Raises:
            UserError: the run is not finished, or its folder is not whole.
        """
        return read_record(self._place)

    @cached_property
    def experiment(self) -> Experiment:
        """The experiment, with this run's seed."""
        return Experiment.from_config(read_config(self._place))

    @property
    def name(self) -> str:
        return self.experiment.name

    @property
    def seed(self) -> int:
        return self.experiment.seed

    @property
    def history(self) -> pd.DataFrame:
        """One row per epoch: epoch, loss, accuracy, val_loss, val_accuracy, learning_rate, seconds, ….

        Without validation images the val columns are NaN. An unfinished run has the epochs so far.
        """
        import pandas as pd

        _ = self._status
        there = (self._place / "history.csv").is_file()
        return pd.DataFrame(read_history(self._place) if there else [])

    @property
    def result(self) -> RunResult:
        """Train, validation and test loss and accuracy, params, macs, seconds, …, as attributes.

        Raises:
            UserError: the run is not finished.
        """
        return self.record.result

    @property
    def warnings(self) -> tuple[RunWarning, ...]:
        """Signs that the training did not go well: `.kind`, `.epoch`, `.layer`, `.message`.

        Raises:
            UserError: the run is not finished.
        """
        return self.result.warnings

    @property
    def environment(self) -> Mapping[str, Any]:
        """Versions, machine, precision, and the data it was trained on."""
        return read_facts(self._place / "environment.json")

    @property
    def predictions(self) -> Predictions:
        """The predictions for the test images, in their order.

        `.labels`, `.predicted`, `.right`: (N,); `.probabilities`: (N, num_classes).

        Raises:
            UserError: the run is not finished, or the file is gone.
        """
        predictions = self.record.predictions
        if predictions is None:
            raise UserError(f"{self._folder}: predictions.npz is missing; train this run again with --fresh")
        return predictions

    @cached_property
    def model(self) -> keras.Model:
        """The trained model, loaded once, on the backend it was trained on.

        Raises:
            UserError: the file is missing or damaged, or this process uses another backend.
        """
        from cnnlab.backend import start_backend

        start_backend(self.record.config.runtime)
        from cnnlab.analyses.network import load_model

        return load_model(self._place / "model.keras")

    @property
    def kept_epochs(self) -> list[int]:
        """The epochs whose weights the run has kept, ascending; 0 stands for the initial weights.

        Empty where it was trained without `training.keep_epochs: true`.
        """
        from cnnlab.run_folders.epochs import kept_epochs

        return kept_epochs(self._place)

    def weights_of(self, epoch: int) -> dict[str, np.ndarray]:
        """The weights after an epoch, by Keras's names of them, such as conv2d_1/kernel, in Keras's order.

        `run.model.set_weights(list(run.weights_of(3).values()))` puts them into the model.

        Args:
            epoch: one of `kept_epochs`.

        Raises:
            UserError: the run has not kept this epoch, or its file is damaged.
        """
        from cnnlab.run_folders.epochs import named_weights

        return named_weights(self._place, epoch)

    def explain(
        self,
        technique: str | Technique,
        *,
        data_dir: str | PathLike[str] | None = None,
        backend: str | None = None,
        device: str | None = None,
        progress: ProgressLike = None,
        **options: Any,
    ) -> Explanation:
        """What the network has learned: see `cnnlab.explain`."""
        from cnnlab.explanations.explaining import explain, technique_of

        return explain(
            technique_of(technique, options), self._place, out=self._place.parent.parent,
            data_paths=data_paths(data_dir), reporter=reporter_for(progress), backend=backend, device=device,
        )  # fmt: skip

    def predict(
        self,
        images: ImageLike | Iterable[ImageLike],
        *,
        data_dir: str | PathLike[str] | None = None,
        backend: str | None = None,
        device: str | None = None,
        progress: ProgressLike = None,
    ) -> ImagePredictions:
        """What the network predicts for images of your own: see `cnnlab.predict`."""
        from cnnlab.config.asked_runtime import asked_runtime
        from cnnlab.prediction import NetworkOfRun

        runtime = asked_runtime(self.record.config.runtime, backend=backend, device=device)
        network = NetworkOfRun(self.record, data_paths(data_dir), runtime)
        return predict_images(network, images, folder=self._folder, reporter=reporter_for(progress))

    def differences(self, other: Run) -> list[Difference]:
        """What differs between two runs, key by key: config, result, environment."""
        from cnnlab.run_folders.listing import differences

        if not isinstance(other, Run):
            raise UserError(f"expected a Run, found {other!r:.60}")
        return differences(self._place, other._place)

    def remove(self) -> None:
        """Remove the run's folder for good.

        Raises:
            CnnlabError: a process is training this run, or the folder cannot be removed.
        """
        from cnnlab.run_folders.holding import remove_run

        remove_run(self._place)

    @property
    def figures(self) -> LazyFigures:
        """Loss and accuracy of all epochs so far, as the figure "curves".

        Looking it up raises a UserError where the run has no epoch yet.
        """
        from cnnlab.pictures.kit.figures import LazyFigures

        return LazyFigures({"curves": self._curves})

    def _curves(self) -> Figure:
        from cnnlab.pictures.plots import history_curves

        self._check_epochs()
        return history_curves(read_history(self._place), title=self.experiment.config.run_title)

    def _check_epochs(self) -> None:
        """Refuse a run without an epoch.

        Raises:
            UserError: there is nothing to draw.
        """
        _ = self._status
        if not (self._place / "history.csv").is_file():
            raise UserError(f"{self._folder}: this run has no epoch yet")

    def save_figures(
        self,
        *,
        format: str | Iterable[str] | None = None,
        aspect: str = "auto",
        font_scale: float = 1.0,
        output: str | PathLike[str] | None = None,
    ) -> list[Path]:
        """Draw the curves anew, as `cnnlab train` does with the same options; returns the files.

        Args:
            format: png, svg, pdf, or several with commas between.
            aspect: of the sides: auto, 16:9, 4:3.
            font_scale: how much larger the text is, 0.5 to 2.
            output: a path, with or without the ending of a format, instead of "curves" in the run's folder.

        Raises:
            CnnlabError: the folder cannot be written, or a process is training this run, which is waited for
                up to a minute.
            UserError: there is no such format or aspect, the output cannot be written, or the run has no
                epoch yet.
        """
        return Runs([self]).save_figures(format=format, aspect=aspect, font_scale=font_scale, output=output)

    def as_dict(self) -> dict[str, Any]:
        """What `cnnlab train --json` prints for it."""
        return {**self.record.result.as_dict(), "run": str(self._folder)}

    def facts(self) -> dict[str, Any]:
        """Everything that is known of the run, finished or not: what `cnnlab runs show --json` prints."""
        status = self._status
        files = sorted(each for each in self._place.iterdir() if not each.name.startswith("."))
        return {
            "run": str(self._folder),
            "status": {**status, "state": state_of(self._place, status)},
            **{
                section: read_facts(self._place / file)
                for section, file in (
                    ("result", "result.json"), ("environment", "environment.json"), ("config", "config.yaml"),
                )
            },
            "files": {each.name: each.stat().st_size for each in files},
        }  # fmt: skip

    def __repr__(self) -> str:
        state = self.state
        outcome = f", test accuracy {self.result.test_accuracy:.2%}" if state == "finished" else ""
        return f"<Run {self._folder}: {state}{outcome}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and self._place == other._place

    def __hash__(self) -> int:
        return hash(self._place)


class Runs(list[Run]):
    """A list of runs that shows itself as a table, and so do its slices."""

    @overload
    def __getitem__(self, index: SupportsIndex) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Runs: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Run | Runs:
        return Runs(super().__getitem__(index)) if isinstance(index, slice) else super().__getitem__(index)

    def __add__(self, other: list[Run]) -> Runs:  # type: ignore[override]
        return Runs([*self, *other])

    @property
    def table(self) -> pd.DataFrame:
        """One row per run: name, seed, state, accuracies, parameters, seconds, folder.

        `side_by_side` is how many runs shared the machine, where it was more than this one.
        """
        import pandas as pd

        rows = []
        for run in self:
            state = run.state
            result = run.result.as_dict() if state == "finished" else {}
            rows.append(
                {"name": run.name, "seed": run.seed, "state": state}
                | {key: result.get(key) for key in _TABLE_KEYS}
                | {"folder": str(run.folder)}
            )
        return pd.DataFrame(rows, columns=["name", "seed", "state", *_TABLE_KEYS, "folder"])

    def save_figures(
        self,
        *,
        format: str | Iterable[str] | None = None,
        aspect: str = "auto",
        font_scale: float = 1.0,
        output: str | PathLike[str] | None = None,
    ) -> list[Path]:
        """The same as `Run.save_figures`, for each run; of several, `output` is followed by their names."""
        from cnnlab.pictures.kit.files import PictureFiles

        return self.saved(PictureFiles.of(format=format, aspect=aspect, font_scale=font_scale, output=output))

    def saved(self, how: PictureFiles) -> list[Path]:
        """`save_figures`, with its options as one value."""
        from cnnlab.pictures.kit.figures import LazyFigures
        from cnnlab.run_folders.folders import Folder

        for run in self:  # nothing is drawn where one of them has nothing to draw
            run._check_epochs()
        if how.output is not None:
            named: dict[str, Callable[[], Figure]] = {}
            for run in self:
                name = free = f"{run.folder.parent.name}-{run.folder.name}"
                number = 1
                while free in named:
                    number += 1
                    free = f"{name}-{number}"
                named[free] = run._curves
            return [Path(name) for name in how.write_here(LazyFigures(named))]
        files: list[Path] = []
        for run in self:
            folder = Folder(run._place)
            with folder.alone():
                files += [run.folder / name for name in how.write(folder, run.figures)]
        return files

    def as_dict(self) -> list[dict[str, Any]]:
        """What `cnnlab train --json` prints for several runs."""
        return [run.as_dict() for run in self]

    def _repr_html_(self) -> str:
        from cnnlab.summary_tables.text import html_text

        return f"{html_text(self.table, missing='–')}<p>{counted(len(self), 'run')}</p>"


_TABLE_KEYS = (
    *("train_accuracy", "validation_accuracy", "test_accuracy", "params", "macs", "seconds", "side_by_side"),
)


def unfinished(experiment: ExperimentLike | Run, out: Path, reason: str) -> ExperimentLike:
    """An experiment where only a config will do.

    Args:
        out: the folder of all runs, where names of runs are looked up.
        reason: why, such as "settings are changed in a config".

    Raises:
        UserError: it is a finished run, or the name or folder of one.
    """
    from cnnlab.run_folders.listing import runs_meant

    found: list[Path] = []
    if isinstance(experiment, Run):
        found = [experiment.folder]
    elif isinstance(experiment, str | PathLike):
        found = runs_meant(str(experiment), out)
    if found or isinstance(experiment, Run):
        raise UserError(
            f"{experiment}: expected an experiment, found a finished run; {reason}, such as "
            f"{found[0] / 'config.yaml'}"
        )
    return experiment
