"""An experiment as a value: made in Python or loaded from YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.api.arguments import settings_of
from cnnlab.config.from_python import read_experiment
from cnnlab.errors import UserError
from cnnlab.wording import counted

if TYPE_CHECKING:
    import keras

    from cnnlab.api.progress import ProgressLike
    from cnnlab.api.summaries import Summary
    from cnnlab.config.experiment import ExperimentConfig
    from cnnlab.layers.base import Layer
    from cnnlab.pictures.diagrams.drawing import NetworkDrawing
    from cnnlab.training.costs import CostEstimate


class Experiment:
    """Data, network, training and seed: what a YAML config describes. Immutable.

    >>> import cnnlab
    >>> from cnnlab.layers import Conv2D, Dense, Flatten
    >>> tiny = cnnlab.Experiment(
    ...     name="tiny",
    ...     dataset="colors",
    ...     layers=[Conv2D(filters=4, kernel_size=3), Flatten(), Dense(units=6, activation="softmax")],
    ...     training={"epochs": 2},
    ... )
    >>> tiny.summary().total_params
    ...

    Args:
        dataset: a dataset's name, its settings ({"name": "mnist", "train_size": 10000}), or your own data
            ({"folder": PATH} or {"npz": FILE}).
        layers: layer objects from `cnnlab.layers`, or layers as YAML has them: "Flatten",
            {"Dense": {"units": 10}}.
        training: the settings of the config's `training:` section.
        name: becomes part of file names: letters, digits, - and _.
        seed: of the initial weights, dropout and the order of the images.
        runtime: {"backend": ..., "device": ..., "precision": ...}.
        input_shape: of one image, where there is no dataset; such an experiment can be summarized only.

    Raises:
        UserError: anything is wrong; the message has all mistakes, as for a YAML file.
    """

    def __init__(
        self,
        *,
        dataset: str | Mapping[str, Any] | None = None,
        layers: Sequence[Layer | str | Mapping[str, Any]],
        training: Mapping[str, Any] | None = None,
        name: str = "experiment",
        description: str = "",
        seed: int = 0,
        runtime: Mapping[str, Any] | None = None,
        input_shape: Sequence[int] | None = None,
    ) -> None:
        model: dict[str, Any] = {"layers": layers}
        if input_shape is not None:
            model["input_shape"] = input_shape
        sections = {"dataset": dataset, "training": training, "runtime": runtime}
        given = {key: value for key, value in sections.items() if value is not None}
        self._config = read_experiment(
            {"name": name, "description": description, "model": model, "seed": seed, **given}, {}
        )

    @classmethod
    def from_config(cls, config: ExperimentConfig) -> Experiment:
        """The experiment of a checked config."""
        experiment = cls.__new__(cls)
        experiment._config = config
        return experiment

    @classmethod
    def from_keras(
        cls,
        model: keras.Model,
        *,
        dataset: str | Mapping[str, Any],
        training: Mapping[str, Any] | None = None,
        name: str | None = None,
        description: str = "",
        seed: int = 0,
        runtime: Mapping[str, Any] | None = None,
    ) -> Experiment:
        """An experiment with the architecture of a Keras model; each seed starts from fresh weights.

        The config holds Keras's own serialized config, so the experiment can be trained again from its file
        alone. Only layers that Keras ships are accepted: a file never runs code.

        Args:
            model: sequential or functional, with one input and one output.
            name: by default the model's own, with _ where a name of an experiment has no such character;
                keras_model where Keras numbered it.
            runtime: its backend is by default the one that Keras runs on.

        Raises:
            UserError: a layer is not one of Keras's own, or the model does not fit the dataset.
        """
        import keras

        from cnnlab.layers.from_keras.calls import is_counted
        from cnnlab.layers.from_keras.reading import keras_section

        section = keras_section(model)
        own_name = re.sub(r"[^A-Za-z0-9_-]+", "_", model.name)
        if is_counted(type(model).__name__, model.name):
            own_name = "keras_model"
        content = {
            "name": own_name if name is None else name,
            "description": description,
            "dataset": dataset,
            "model": {"keras": section},
            "training": training or {},
            "seed": seed,
            "runtime": {"backend": keras.backend.backend(), **(runtime or {})},
        }
        return cls.from_config(read_experiment(content, {}))

    @property
    def config(self) -> ExperimentConfig:
        """Every setting, defaults filled in: `config.training.epochs`."""
        return self._config

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def seed(self) -> int:
        return self._config.seed

    @property
    def digest(self) -> str:
        """64 hex digits of what decides the result, the seed aside; the first eight name the run's folder."""
        return self._config.digest

    def with_settings(self, settings: Mapping[str, Any]) -> Experiment:
        """A copy with settings changed, by the keys that `--set` takes.

        >>> cnn.with_settings({"training.epochs": 3, "model.layers[0].filters": 8})

        Raises:
            UserError: a key or a value is wrong.
        """
        return Experiment.from_config(read_experiment(self._config.plain(), settings)) if settings else self

    def with_seed(self, seed: int) -> Experiment:
        """A copy with another seed."""
        return self.with_settings({"seed": seed})

    def to_yaml(self, path: str | PathLike[str] | None = None) -> str:
        """The experiment as YAML, every default written out; `load` reads it back as an equal experiment.

        Args:
            path: a file to write it to as well.
        """
        text = self._config.to_yaml()
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return self._config.plain()

    def summary(self) -> Summary:
        """Where the parameters are: see `cnnlab.summary`."""
        from cnnlab.api.summaries import Summary

        return Summary(self._config)

    def draw(
        self, *, block: str | None = None, aspect: str = "auto", font_scale: float = 1.0
    ) -> NetworkDrawing:
        """A drawing of the network, or of one of its blocks: `.figure`, `.svg`, `.save(path)`.

        Args:
            aspect: of its sides: auto, 16:9, 4:3.
            font_scale: how much larger its text is, 0.5 to 2.

        Raises:
            UserError: there is no such block or aspect.
        """
        from cnnlab.pictures.diagrams.drawing import NetworkDrawing
        from cnnlab.pictures.diagrams.network import fitted_shapes
        from cnnlab.pictures.kit.files import PictureFiles

        page = PictureFiles.of(aspect=aspect, font_scale=font_scale).page
        return NetworkDrawing(fitted_shapes(self._config, block, page), page)

    def estimate_cost(
        self,
        *,
        data_dir: str | PathLike[str] | None = None,
        force: bool = False,
        progress: ProgressLike = None,
    ) -> CostEstimate:
        """Try a few training steps and estimate what a whole run will cost; nothing is kept.

        Raises:
            UserError: the experiment cannot be trained here.
        """
        from cnnlab.api.arguments import data_paths, out_folder
        from cnnlab.api.progress import reporter_for
        from cnnlab.jobs import Jobs

        jobs = Jobs(out_folder(None), data_paths(data_dir), reporter_for(progress), force=force)
        with jobs.cost_estimates() as estimate_cost:
            return estimate_cost(self._config)

    @cached_property
    def _text(self) -> str:
        config = self._config
        data = config.dataset.title if config.dataset else "no dataset"
        counts = [
            counted(len(config.nodes), "layer"),
            counted(config.architecture.total_params, "parameter"),
            counted(config.training.epochs, "epoch"),
        ]
        return f"<Experiment {config.name}: {data}, {', '.join(counts)}, seed {config.seed}>"

    def __repr__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Experiment) and self._config == other._config

    def __hash__(self) -> int:
        return hash((self.name, self.digest, self.seed))


ExperimentLike = Experiment | str | PathLike[str] | Mapping[str, Any]
"""An experiment, its name, the path of its YAML file, or its settings as a mapping."""


def load(source: ExperimentLike, set: Mapping[str, Any] | None = None) -> Experiment:
    """Load and check an experiment.

    >>> cnn = cnnlab.load("cnn", {"training.epochs": 5})

    Args:
        source: a name in ./configs/ or among the configs that come with cnnlab, the path of a YAML file, a
            mapping with the same content, an Experiment, or a Run.
        set: settings to change, by the keys that `--set` takes.

    Raises:
        UserError: there is no such experiment, or something in it is wrong; the message has all mistakes.
    """
    return loaded(source, set)


def loaded(source: ExperimentLike, set: Mapping[str, Any] | None, *, trained: bool = False) -> Experiment:
    """`load`; with `trained`, whatever keeps an experiment from being trained is no mistake of its file."""
    settings = settings_of(set)
    of_a_run = getattr(source, "experiment", None)  # a Run: that module imports this one
    if isinstance(of_a_run, Experiment):
        source = of_a_run
    if isinstance(source, Experiment):
        return source.with_settings(settings)
    if not isinstance(source, str | PathLike | Mapping):
        raise UserError(
            f"expected an experiment's name, a path, a mapping or an Experiment, found {source!r:.60}"
        )
    return Experiment.from_config(
        read_experiment(source if isinstance(source, Mapping) else str(source), settings, trained=trained)
    )


def load_all(
    sources: ExperimentLike | Iterable[ExperimentLike], set: Mapping[str, Any] | None
) -> list[Experiment]:
    """One experiment or several, loaded."""
    if isinstance(sources, str | PathLike | Mapping) or not isinstance(sources, Iterable):
        sources = [sources]
    return [load(source, set) for source in sources]
