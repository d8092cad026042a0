"""Plain data → a frozen, fully checked ExperimentConfig. No Keras: mistakes are found in milliseconds."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, PlainSerializer, PrivateAttr, ValidationError

from cnnlab.config.checks import (
    input_mismatches,
    output_mismatches,
    place_of_width,
    repeated_names,
    shape_mismatch,
    training_mismatches,
)
from cnnlab.config.decisive import decides
from cnnlab.config.distribution_checks import indivisible_layers
from cnnlab.config.engine_checks import foreign_layers, layers_without_arithmetic, unknown_to_engine
from cnnlab.config.hints import with_hint
from cnnlab.config.locating import located
from cnnlab.config.overrides import overridden
from cnnlab.config.sections import ModelConfig, RuntimeConfig, TrainingConfig, dump
from cnnlab.config.sweep_section import SweepConfig
from cnnlab.cpu_settings import threads_of
from cnnlab.datasets import DATASETS, OWN_DATA, DatasetConfig
from cnnlab.datasets.fold import Fold
from cnnlab.datasets.own_paths import starting_in
from cnnlab.errors import ShapeError, UserError, unknown
from cnnlab.language.fields import Name, Settings, Shape, as_written, chosen_by_name, written_only
from cnnlab.language.source import Path_, YamlNode, dotted, read_yaml, write_yaml
from cnnlab.layers.base import Layer
from cnnlab.layers.graph import GraphNode, expand

if TYPE_CHECKING:  # what only a config without mistakes needs is imported when it is needed
    from cnnlab.accounting.architecture import Architecture
    from cnnlab.accounting.memory import TrainingMemory
    from cnnlab.config.effects import ImageCounts

MOST_PROBLEMS = 20
"""So many mistakes of a file are shown; the others come to light when these are mended."""

Seed = Annotated[int, Field(ge=0, lt=2**32)]


@dataclass(frozen=True)
class Source:
    """The text that a config was read from, for messages; two configs are equal wherever they stand."""

    root: YamlNode | None = field(default=None, compare=False, repr=False)


class ExperimentConfig(Settings):
    """One experiment."""

    about: ClassVar[str] = "One experiment: data, network, training, seed."
    indecisive: ClassVar[frozenset[str]] = frozenset({"name", "description", "seed", "sweep"})

    name: Name
    description: str = ""
    dataset: Annotated[
        DatasetConfig | None, chosen_by_name("dataset", DATASETS, OWN_DATA), PlainSerializer(dump)
    ] = None  # fmt: skip
    model: ModelConfig
    training: TrainingConfig = TrainingConfig.model_construct()
    seed: Seed = 0
    runtime: RuntimeConfig = RuntimeConfig.model_construct()
    sweep: SweepConfig | None = None

    _source: Source = PrivateAttr(default=Source())

    @property
    def input_shape(self) -> Shape:
        """What the network sees of one image, without the batch axis."""
        shape = self.model.input_shape or (self.dataset.input_shape if self.dataset else None)
        shape = shape or self.model.declared_shape
        if shape is None:
            raise ValueError("neither dataset nor model.input_shape; load_config refuses such a config")
        return shape

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of the network, blocks not written out; a Keras model is one block."""
        if self.model.keras is None:
            return self.model.layers
        from cnnlab.layers.from_keras.network import KerasNetwork

        return (
            KerasNetwork(
                model=self.model.keras,
                input_shape=self.input_shape,
                backend=self.runtime.backend,
                device=self.runtime.device,
            ),
        )

    @cached_property
    def architecture(self) -> Architecture:
        from cnnlab.accounting.architecture import describe

        data_format = self.dataset.data_format if self.dataset else None
        return describe(self.nodes, self.input_shape, data_format)

    @cached_property
    def training_memory(self) -> TrainingMemory:
        from cnnlab.accounting.memory import training_memory

        training = self.training
        return training_memory(
            self.architecture,
            batch_size=training.batch_size,
            optimizer=training.optimizer.name,
            slots=training.optimizer.slots,
            precision=self.runtime.precision,
            windows_at_once=threads_of("scratch")[0] if self.runtime.writes_windows_out else 0,
        )

    @property
    def evaluation_batch(self) -> int:
        """How many images are evaluated at once; see `cnnlab.accounting.memory.evaluation_batch`."""
        from cnnlab.accounting.memory import evaluation_batch

        return evaluation_batch(self.architecture, windows=self.runtime.writes_windows_out)

    @cached_property
    def nodes(self) -> tuple[GraphNode, ...]:
        """The network as a flat graph, blocks written out: what summary, model and drawings walk."""
        return expand(self.layers)

    @property
    def gives_logits(self) -> bool:
        """Whether the last layer leaves scores, not probabilities: the loss then applies the softmax."""
        return self.nodes[-1].layer.output_activation != "softmax"

    def plain(self) -> dict[str, Any]:
        """Every setting, defaults written out, as JSON and YAML can hold it."""
        data = self.model_dump(mode="json")
        for section in ("dataset", "sweep"):
            if data.get(section) is None:
                data.pop(section, None)
        return data

    def to_yaml(self) -> str:
        """The text of a run's `config.yaml`: read again, it is the same experiment."""
        return write_yaml(self.plain())

    @property
    def digest(self) -> str:
        """64 hex digits (SHA-256) of what decides the result, the seed aside."""
        with written_only(decides):
            decisive = {"dataset": None} | self.plain()
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    def impossible(self, counts: ImageCounts | None = None) -> list[str]:
        """Settings that no training comes through, each with its place.

        Args:
            counts: once the images are read; before that, they are known of some sets only.
        """
        if self.dataset is None:
            return []
        from cnnlab.config.effects import impossible_settings, known_counts, silent_layers

        known = counts or known_counts(self.dataset)
        found = [*impossible_settings(self.training, self.dataset, known)]
        with suppress(ShapeError):  # layers that do not fit together have a message of their own
            found += silent_layers(self.nodes)
        return [self._located(*each) for each in found]

    def beyond_engine(self) -> list[str]:
        """Layers, and settings of them, that cnnlab's own engine cannot compute, each with its place."""
        from cnnlab.config.engine_checks import uncomputable

        return [self._located(*each) for each in uncomputable(self.nodes)]

    def idle(self, counts: ImageCounts | None = None) -> list[str]:
        """Settings that change nothing about the result, or miss their purpose, each with its place."""
        if self.dataset is None:
            return []
        from cnnlab.config.effects import idle_layers, idle_settings, known_counts, scattering_layers

        known = counts or known_counts(self.dataset)
        found = [
            *idle_settings(self.training, self.dataset, known),
            *idle_layers(self.nodes),
            *scattering_layers(self.nodes, self.dataset),
        ]
        return [self._located(*each) for each in found]

    def _located(self, path: Path_, message: str) -> str:
        root = self._source.root
        return f"{self.name}: {dotted(path)}: {message}" if root is None else located(root, path, message)

    def place_of_width(self, node: GraphNode) -> str:
        """Where the text says how wide a layer is; the experiment's name where it was made in Python."""
        root = self._source.root
        return self.name if root is None else place_of_width(node, root)

    def with_seed(self, seed: int) -> ExperimentConfig:
        return self.model_copy(update={"seed": seed})

    def without_sweep(self) -> ExperimentConfig:
        """The same experiment as one of many: what is varied around it is not its own affair."""
        return self if self.sweep is None else self.model_copy(update={"sweep": None})

    @property
    def fold(self) -> int | None:
        """The fold of the training images that tests; None where the test images do."""
        return None if self.dataset is None or self.dataset.fold is None else self.dataset.fold.index

    def with_fold(self, fold: Fold | None) -> ExperimentConfig:
        """The same experiment, tested on a fold of its training images, or (None) on its test images."""
        assert self.dataset is not None
        return self.model_copy(update={"dataset": self.dataset.model_copy(update={"fold": fold})})

    @property
    def run_title(self) -> str:
        """What a run of this config is called among others: cnn, seed 0, or cnn, seed 0, fold 2."""
        fold = "" if self.fold is None else f", fold {self.fold}"
        return f"{self.name}, seed {self.seed}{fold}"


def load_config(experiment: str, overrides: Sequence[str] = (), *, trained: bool = False) -> ExperimentConfig:
    """Read, override and check an experiment, given as a path or as a name in configs/.

    Args:
        overrides: such as "training.epochs=3", as given to --set.
        trained: whether it is the config of a run, which may be older than the newest check.

    Raises:
        UserError: the file cannot be read, or anything in it is wrong; all mistakes are in the message.
    """
    path = find_config(experiment)
    root = read_config(path)
    for override in overrides:
        root = overridden(root, override)
    return parse_config(root, default_name=path.stem, trained=trained)


def read_config(path: Path) -> YamlNode:
    """The text of a config, unchecked, but for being a mapping; relative paths in it start at its folder.

    Raises:
        UserError: the file cannot be read, or holds something else.
    """
    root = read_yaml(path)
    if not isinstance(root.value, dict):
        found = as_written(root.plain())
        raise UserError(f"{root.place}: expected a mapping of keys to values, found {found}")
    if (path.parent / "run.json").exists():
        return root  # a run's own config: its paths are absolute, or of a version in which they started here
    for where in (("dataset", key) for key in OWN_DATA):
        node = root.find(where)
        if root.has(where) and isinstance(node.value, str):
            root = root.with_value(where, replace(node, value=starting_in(path.parent, node.value)))
    return root


def parse_config(root: YamlNode, default_name: str, *, trained: bool = False) -> ExperimentConfig:
    """Check the data of one config; `default_name` is the experiment's where it gives none.

    Args:
        trained: whether it is the config of a run, or of what will not be trained: what makes a training
            pointless, or impossible for cnnlab's own engine, does not keep it from being read.

    Raises:
        UserError: anything is wrong; all mistakes are in the message.
    """
    data = {"name": default_name, **root.plain()}
    problems: list[str] = []
    try:
        config = ExperimentConfig.model_validate(data)
    except ValidationError as error:
        errors, known = error.errors(), tuple(ExperimentConfig.model_fields)
        problems += [
            located(
                root,
                loc := tuple(each["loc"]),
                with_hint(loc, str(each["ctx"]["message"]), known),
                each["type"],
            )
            for each in errors
        ]
        # What is right so far is checked further, so that shapes are not a second round of mistakes.
        wrong = {each["loc"][0] for each in errors if each["loc"]}
        right = {"name": "unnamed"} | {key: value for key, value in data.items() if key not in wrong}
        if wrong.isdisjoint(("dataset", "model")) and wrong:
            problems += _mismatches(ExperimentConfig.model_validate(right), root, trained=trained)
    else:
        config._source = Source(root)
        problems += _mismatches(config, root, trained=trained)
        if not trained:
            problems += config.impossible()
    if problems:
        raise UserError("\n".join(_first_of(sorted(dict.fromkeys(problems), key=_line_and_column))))
    return config


def _mismatches(config: ExperimentConfig, root: YamlNode, *, trained: bool) -> Iterator[str]:
    """Where the sections do not fit together, so far as one mistake lets the next be seen."""
    from cnnlab.accounting.architecture import LayerShapeError

    dataset = config.dataset
    wrong_input = list(input_mismatches(config.model, dataset, root))
    if wrong_input:
        yield from wrong_input
        return
    if dataset is not None:
        yield from training_mismatches(config.training, dataset, root)
    by_engine = config.runtime.backend == "scratch" and not trained
    if by_engine:
        yield from unknown_to_engine(config.runtime, config.training, root)
        if foreign := list(foreign_layers(config.model, root)):
            yield from foreign
            return
    try:
        yield from repeated_names(config.nodes, root)
        if by_engine:
            yield from layers_without_arithmetic(config.nodes, root)
        if not trained:
            yield from indivisible_layers(config.nodes, config.runtime, root)
        output_shape = config.architecture.output_shape
    except LayerShapeError as error:
        yield shape_mismatch(error, root)
    except ShapeError as error:
        section = "layers" if config.model.keras is None else "keras"
        yield located(root, ("model", section), str(error))
    else:
        if dataset is not None:
            yield from output_mismatches(config.nodes[-1], output_shape, dataset, root)


def _first_of(problems: list[str]) -> list[str]:
    """As many as anyone reads."""
    left = len(problems) - MOST_PROBLEMS
    return [*problems[:MOST_PROBLEMS], f"… and {left:,} more"] if left > 0 else problems


def shipped_configs() -> Path:
    """The folder of the configs that come with cnnlab: inside the wheel, or the checkout's own."""
    package = Path(__file__).parent.parent
    return package / "configs" if (package / "configs").is_dir() else package.parent / "configs"


def known_configs() -> dict[str, Path]:
    """Every experiment that goes by a name: those in ./configs first, then the shipped ones."""
    found: dict[str, Path] = {}
    for folder in (Path("configs"), shipped_configs()):
        for path in sorted(folder.glob("*.yaml")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def find_config(experiment: str) -> Path:
    """The file behind an argument: a path → ./configs/NAME.yaml → the shipped configs."""
    path = Path(experiment)
    try:
        if path.is_file():
            return path
    except OSError as error:
        raise UserError(f"{as_written(experiment)}: cannot be read: {error.strerror}") from None
    known = known_configs()
    if experiment in known:
        return known[experiment]
    if path.exists() or path.suffix in (".yaml", ".yml") or len(path.parts) != 1:
        return path  # reading it says what is wrong with it
    beside = next(
        (each for each in (f"{experiment}.yaml", f"{experiment}.yml") if Path(each).is_file()), None
    )
    if beside is not None:
        raise UserError(f"unknown experiment {experiment!r}; did you mean {beside}, the file in this folder?")
    raise unknown("experiment", experiment, known)


def _line_and_column(message: str) -> tuple[int, int]:
    """Sorts messages as a reader goes through the file; what --set brought in comes first."""
    place = re.search(r":(\d+):(\d+): ", message)
    return (int(place[1]), int(place[2])) if place else (0, 0)
