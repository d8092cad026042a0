"""Plain data → a frozen, fully checked ExperimentConfig. No Keras: mistakes are found in milliseconds."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainSerializer, ValidationError

from cnnlab.accounting.architecture import Architecture, LayerShapeError, describe
from cnnlab.accounting.memory import TrainingMemory, training_memory
from cnnlab.config.checks import (
    input_mismatches,
    output_mismatches,
    repeated_names,
    shape_mismatch,
    training_mismatches,
)
from cnnlab.config.decisive import decides
from cnnlab.config.locating import located
from cnnlab.config.overrides import overridden
from cnnlab.config.sections import ModelConfig, RuntimeConfig, TrainingConfig, dump
from cnnlab.datasets import DATASETS, OWN_DATA, DatasetConfig
from cnnlab.errors import ShapeError, UserError, unknown
from cnnlab.language.fields import Name, Settings, Shape, as_written, chosen_by_name, written_only
from cnnlab.language.source import YamlNode, read_yaml, write_yaml
from cnnlab.layers.base import Layer
from cnnlab.layers.graph import GraphNode, expand

MOST_PROBLEMS = 20
"""So many mistakes of a file are shown; the others come to light when these are mended."""

Seed = Annotated[int, Field(ge=0, lt=2**32)]


class ExperimentConfig(Settings):
    """One experiment."""

    about: ClassVar[str] = "One experiment: data, network, training, seed."
    indecisive: ClassVar[frozenset[str]] = frozenset({"name", "description", "seed"})

    name: Name
    description: str = ""
    dataset: Annotated[
        DatasetConfig | None, chosen_by_name("dataset", DATASETS, OWN_DATA), PlainSerializer(dump)
    ] = None  # fmt: skip
    model: ModelConfig
    training: TrainingConfig = TrainingConfig()
    seed: Seed = 0
    runtime: RuntimeConfig = RuntimeConfig()

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
        data_format = self.dataset.data_format if self.dataset else None
        return describe(self.nodes, self.input_shape, data_format)

    @cached_property
    def training_memory(self) -> TrainingMemory:
        training = self.training
        return training_memory(
            self.architecture,
            batch_size=training.batch_size,
            optimizer=training.optimizer.name,
            slots=training.optimizer.slots,
            precision=self.runtime.precision,
        )

    @cached_property
    def written(self) -> YamlNode | None:
        """The text that it was read from, for messages; None where it was made in Python. Not compared."""
        return None

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
        if self.dataset is None:
            del data["dataset"]
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

    def with_seed(self, seed: int) -> ExperimentConfig:
        return self.model_copy(update={"seed": seed})


def load_config(experiment: str, overrides: Sequence[str] = ()) -> ExperimentConfig:
    """Read, override and check an experiment, given as a path or as a name in configs/.

    Args:
        overrides: such as "training.epochs=3", as given to --set.

    Raises:
        UserError: the file cannot be read, or anything in it is wrong; all mistakes are in the message.
    """
    path = find_config(experiment)
    root = read_config(path)
    for override in overrides:
        root = overridden(root, override)
    return parse_config(root, default_name=path.stem)


def read_config(path: Path) -> YamlNode:
    """The text of a config, unchecked, but for being a mapping.

    Raises:
        UserError: the file cannot be read, or holds something else.
    """
    root = read_yaml(path)
    if not isinstance(root.value, dict):
        found = as_written(root.plain())
        raise UserError(f"{root.place}: expected a mapping of keys to values, found {found}")
    return root


def parse_config(root: YamlNode, default_name: str) -> ExperimentConfig:
    """Check the data of one config; `default_name` is the experiment's where it gives none.

    Raises:
        UserError: anything is wrong; all mistakes are in the message.
    """
    data = {"name": default_name, **root.plain()}
    problems: list[str] = []
    try:
        config = ExperimentConfig.model_validate(data)
    except ValidationError as error:
        errors = error.errors()
        problems += [
            located(root, tuple(each["loc"]), str(each["ctx"]["message"]), each["type"]) for each in errors
        ]
        # What is right so far is checked further, so that shapes are not a second round of mistakes.
        wrong = {each["loc"][0] for each in errors if each["loc"]}
        right = {"name": "unnamed"} | {key: value for key, value in data.items() if key not in wrong}
        if wrong.isdisjoint(("dataset", "model")) and wrong:
            problems += _mismatches(ExperimentConfig.model_validate(right), root)
    else:
        problems += _mismatches(config, root)
    if problems:
        raise UserError("\n".join(_first_of(sorted(dict.fromkeys(problems), key=_line_and_column))))
    vars(config)["written"] = root
    return config


def _mismatches(config: ExperimentConfig, root: YamlNode) -> Iterator[str]:
    """Where the sections do not fit together, so far as one mistake lets the next be seen."""
    dataset = config.dataset
    wrong_input = list(input_mismatches(config.model, dataset, root))
    if wrong_input:
        yield from wrong_input
        return
    if dataset is not None:
        yield from training_mismatches(config.training, dataset, root)
    try:
        yield from repeated_names(config.nodes, root)
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
    raise unknown("experiment", experiment, known)


def _line_and_column(message: str) -> tuple[int, int]:
    """Sorts messages as a reader goes through the file; what --set brought in comes first."""
    place = re.search(r":(\d+):(\d+): ", message)
    return (int(place[1]), int(place[2])) if place else (0, 0)
