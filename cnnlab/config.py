"""Plain data → a frozen, fully checked ExperimentConfig. No Keras: mistakes are found in milliseconds."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, ValidationError

from cnnlab.architecture import Architecture, Misfit, describe
from cnnlab.datasets import DATASETS, DatasetConfig
from cnnlab.errors import UserError, unknown
from cnnlab.fields import Name, Positive, Settings, Shape, ShapeField, chosen_by_name, shown
from cnnlab.layers import LAYERS
from cnnlab.layers.base import Layer, times
from cnnlab.layers.graph import Node as LayerNode
from cnnlab.layers.graph import expand
from cnnlab.layers.notation import Layers
from cnnlab.optimizers import OPTIMIZERS, Adam, Optimizer
from cnnlab.source import Node, Path_, dotted, parse_value, read_yaml, write_yaml

Seed = Annotated[int, Field(ge=0, lt=2**32)]


def _dump(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(mode="json")


class ModelConfig(Settings):
    """`model:` — the layers, and the input's shape where no dataset gives it."""

    input_shape: ShapeField | None = None
    layers: Layers


class TrainingConfig(Settings):
    """`training:` — how the weights are found."""

    epochs: Positive = 10
    batch_size: Positive = 32
    optimizer: Annotated[
        Optimizer, chosen_by_name("optimizer", OPTIMIZERS), PlainSerializer(_dump)
    ] = Adam()  # fmt: skip
    loss: Literal["categorical_crossentropy", "sparse_categorical_crossentropy"] = "categorical_crossentropy"
    keep: Literal["last", "best"] = "last"


class RuntimeConfig(Settings):
    """`runtime:` — what the arithmetic runs on."""

    backend: Literal["tensorflow", "jax", "torch"] = "tensorflow"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"


class ExperimentConfig(Settings):
    """One experiment: data, network, training, seed."""

    name: Name
    description: str = ""
    dataset: Annotated[
        DatasetConfig | None, chosen_by_name("dataset", DATASETS), PlainSerializer(_dump)
    ] = None  # fmt: skip
    model: ModelConfig
    training: TrainingConfig = TrainingConfig()
    seed: Seed = 0
    runtime: RuntimeConfig = RuntimeConfig()

    @property
    def input_shape(self) -> Shape:
        """What the network sees of one image, without the batch axis."""
        shape = self.model.input_shape or (self.dataset.input_shape if self.dataset else None)
        if shape is None:
            raise ValueError("neither dataset nor model.input_shape; load_config refuses such a config")
        return shape

    @property
    def architecture(self) -> Architecture:
        return describe(self.model.layers, self.input_shape)

    @property
    def nodes(self) -> tuple[LayerNode, ...]:
        return expand(self.model.layers)

    @property
    def gives_logits(self) -> bool:
        """Whether the last layer leaves scores, not probabilities: the loss then applies the softmax."""
        return output_activation(self.nodes[-1].layer) != "softmax"

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
        data = self.plain()
        runtime = {key: data["runtime"][key] for key in ("backend", "precision")}
        decisive = {key: data.get(key) for key in ("dataset", "model", "training")} | {"runtime": runtime}
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
    root = read_yaml(path)
    if not isinstance(root.value, dict):
        raise UserError(f"{root.place}: expected a mapping of keys to values, found {shown(root.plain())}")
    for override in overrides:
        root = _overridden(root, override)
    return parse_config(root, default_name=path.stem)


def parse_config(root: Node, default_name: str) -> ExperimentConfig:
    """Check the data of one config; `default_name` is the experiment's where it gives none."""
    data = {"name": default_name, **root.plain()}
    try:
        config = ExperimentConfig.model_validate(data)
    except ValidationError as error:
        problems = [
            _located(root, tuple(each["loc"]), str(each["ctx"]["message"]), each["type"])
            for each in error.errors()
        ]
        raise UserError("\n".join(sorted(dict.fromkeys(problems), key=_line_and_column))) from None
    problems = list(_mismatches(config, root))
    if problems:
        raise UserError("\n".join(problems))
    return config


def shipped_configs() -> Path:
    """The folder of the configs that come with cnnlab: inside the wheel, or the checkout's own."""
    package = Path(__file__).parent
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
    if path.is_file():
        return path
    known = known_configs()
    if experiment in known:
        return known[experiment]
    if path.exists() or path.suffix in (".yaml", ".yml") or len(path.parts) != 1:
        return path  # reading it says what is wrong with it
    raise unknown("experiment", experiment, known)


def output_activation(layer: Layer) -> str:
    """The activation that the network's last layer ends in."""
    return str(getattr(layer, "activation", None) or "linear")


def _overridden(root: Node, override: str) -> Node:
    """The config with one --set KEY=VALUE applied."""
    key, equals, text = override.partition("=")
    key = key.strip()
    if not equals or not re.fullmatch(r"[^\s.\[\]]+(\[\d+\]|\.[^\s.\[\]]+)*", key):
        raise UserError(f"--set {override}: expected KEY=VALUE, such as training.epochs=3")
    place = f"--set {key}"
    path: Path_ = ()
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", key):
        path = _into_layer(root, path)
        path += (_layer_index(root, path, name, place),) if name else (int(index),)
        node = root.find(path[:-1])
        if index and not (isinstance(node.value, tuple) and int(index) < len(node.value)):
            count = len(node.value) if isinstance(node.value, tuple) else 0
            raise UserError(f"{place}: {dotted(path[:-1])} has {count} items, so no [{index}]")
    if isinstance(path[-1], str):
        path = (*_into_layer(root, path[:-1]), path[-1]) if len(path) > 1 else path
    return root.with_value(path, parse_value(text, place))


def _into_layer(root: Node, path: Path_) -> Path_:
    """Below `layers: [{Conv2D: {…}}]` a path may leave out the class name: put it in."""
    if len(path) < 2 or not isinstance(path[-1], int):
        return path
    node = root.find(path)
    if isinstance(node.value, dict) and len(node.value) == 1 and next(iter(node.value)) in LAYERS:
        return (*path, next(iter(node.value)))
    if isinstance(node.value, str) and node.value in LAYERS:
        return (*path, node.value)
    return path


def _layer_index(root: Node, path: Path_, name: str, place: str) -> str | int:
    """In a list of layers, the index of the layer called `name`; elsewhere the name itself."""
    node = root.find(path)
    if not isinstance(node.value, tuple) or not path or path[-1] != "layers":
        return name
    names = _written_names(node)
    if name not in names:
        raise UserError(f"{place}: {unknown('layer', name, names)}")
    return names.index(name)


def _written_names(layers: Node) -> list[str]:
    """The names that the summary gives to the items of a list of layers."""
    from cnnlab.layers.base import snake_case

    names: list[str] = []
    kinds: list[str] = []
    for item in layers.value if isinstance(layers.value, tuple) else ():
        plain = item.plain()
        kind, fields = next(iter(plain.items())) if isinstance(plain, dict) and plain else (str(plain), None)
        kinds.append(snake_case(kind))
        name = fields.get("name") if isinstance(fields, dict) else None
        names.append(str(name or f"{kinds[-1]}_{kinds.count(kinds[-1])}"))
    return names


def _located(root: Node, loc: Path_, message: str, kind: str = "value") -> str:
    """One line of the error: place, path, message."""
    path: Path_ = ()
    for step in loc:
        path = (*_into_layer(root, path), step)
    place = root.place_of_key(path) if kind == "key" else root.find(path).place
    if place == f"--set {dotted(loc)}":
        return f"{place}: {message}"
    return f"{place}: {dotted(loc) or 'config'}: {message}"


def _line_and_column(message: str) -> tuple[int, int]:
    """Sorts messages as a reader goes through the file; what --set brought in comes first."""
    place = re.search(r":(\d+):(\d+): ", message)
    return (int(place[1]), int(place[2])) if place else (0, 0)


def _mismatches(config: ExperimentConfig, root: Node) -> Iterator[str]:
    """What no section can know by itself: how dataset, layers and classes fit together."""
    given, dataset = config.model.input_shape, config.dataset
    if given is None and dataset is None:
        yield _located(root, (), "expected a dataset, or model.input_shape for a summary only; found neither")
        return
    if given is not None and dataset is not None and given != dataset.input_shape:
        message = f"{times(given)} is not the shape of {dataset.name}'s images, {times(dataset.input_shape)}"
        yield _located(root, ("model", "input_shape"), f"{message}; leave it out")
        return
    names: dict[str, Path_] = {}
    for node in config.nodes:
        if node.name in names:
            message = f"two layers are called {node.name!r}; the first is {dotted(names[node.name])}"
            yield _located(root, (*node.where, "name"), message)
        names.setdefault(node.name, node.where)
    try:
        architecture = config.architecture
    except Misfit as misfit:
        node = misfit.node
        place = root.find(node.where).place
        yield (
            f"{place}: {dotted(node.where)} {node.layer.type()}: {misfit.problem}\n"
            f"   {misfit.ladder}\n   {misfit.remedy}"
        )
        return
    if dataset is not None:
        yield from _output_mismatches(config, dataset, architecture, root)


def _output_mismatches(
    config: ExperimentConfig, dataset: DatasetConfig, architecture: Architecture, root: Node
) -> Iterator[str]:
    """A classifier's last layer gives one number for each class, and probabilities or logits."""
    last = config.nodes[-1]
    label = f"{dotted(last.where)} {last.layer.type()}"
    place = root.find(last.where).place
    if architecture.output_shape != (dataset.num_classes,):
        units = (*last.where, "units")
        if len(architecture.output_shape) == 1 and isinstance(getattr(last.layer, "units", None), int):
            place = root.find((*_into_layer(root, last.where), "units")).place
            label = dotted(units)
        yield (
            f"{place}: {label}: expected {dataset.num_classes} outputs, one for each class of "
            f"{dataset.name}, found {times(architecture.output_shape)}"
        )
    activation = output_activation(last.layer)
    if activation not in ("softmax", "linear"):
        yield (
            f"{place}: {label}: the network ends in {activation}; expected softmax (probabilities), "
            "or no activation (logits, which the loss then turns into probabilities)"
        )
