"""What keeps a config from being trained by cnnlab's own engine, `backend: scratch`."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnlab.config.locating import located, with_classes
from cnnlab.language.source import Path_, YamlNode, dotted
from cnnlab.layers.graph import GraphNode, Where

if TYPE_CHECKING:
    from cnnlab.config.experiment import ExperimentConfig
    from cnnlab.config.optimizers import Optimizer
    from cnnlab.config.sections import RuntimeConfig

_ELSEWHERE = "or use another backend, such as --backend tensorflow"


def foreign_layers(config: ExperimentConfig, root: YamlNode) -> Iterator[str]:
    """Layers of a Keras model that cnnlab has no layer for; it takes Keras to ask for their shapes."""
    if config.model.keras is None:
        return
    from cnnlab.layers.from_keras.network import foreign

    for where, class_name in foreign(config.model.keras):
        yield _no_layer(where, class_name, root)


def engine_mismatches(config: ExperimentConfig, root: YamlNode) -> Iterator[str]:
    """What the engine lacks for a config whose layers are all cnnlab's, each with its place."""
    yield from _of_runtime(config.runtime, root)
    if config.dataset is not None:
        yield from _of_optimizer(config.training.optimizer, root)
    yield from _of_layers(config.nodes, root)


def _of_runtime(runtime: RuntimeConfig, root: YamlNode) -> Iterator[str]:
    where: Path_ = ("runtime",)
    if runtime.device == "gpu":
        message = f"backend scratch computes on the CPU; expected cpu or auto, {_ELSEWHERE}"
        yield located(root, (*where, "device"), message)
    if runtime.precision != "float32":
        message = f"backend scratch computes in float32; expected that, {_ELSEWHERE}"
        yield located(root, (*where, "precision"), message)
    if runtime.convolution == "numba" and importlib.util.find_spec("numba") is None:
        message = "Numba is not installed; install it with pip install 'cnnlab[numba]', or use im2col"
        yield located(root, (*where, "convolution"), message)


def _of_optimizer(optimizer: Optimizer, root: YamlNode) -> Iterator[str]:
    from cnnlab.scratch.optimizers import UPDATES

    where: Path_ = ("training", "optimizer")
    if optimizer.name not in UPDATES:
        message = f"backend scratch has no {optimizer.name}; expected {', '.join(UPDATES)}, {_ELSEWHERE}"
        yield located(root, (*where, "name"), message)
    for field in ("use_ema", "gradient_accumulation_steps"):
        if getattr(optimizer, field):
            yield located(
                root, (*where, field), f"backend scratch has no {field}; leave it out, {_ELSEWHERE}"
            )


def _of_layers(nodes: tuple[GraphNode, ...], root: YamlNode) -> Iterator[str]:
    from cnnlab.scratch.lacking import lacking

    for node, field, what in lacking(nodes):
        if field is None:
            yield _no_layer(node.where, node.layer.type(), root)
        else:
            message = f"backend scratch has no {what}; leave it out, {_ELSEWHERE}"
            yield located(root, (*node.where, field), message)


def _no_layer(where: Where, class_name: str, root: YamlNode) -> str:
    place = root.find(with_classes(root, where)).place
    problem = f"backend scratch has no such layer; leave it out, {_ELSEWHERE}"
    return f"{place}: {dotted(where)} {class_name}: {problem}"


def uncomputable(config: ExperimentConfig) -> Iterator[tuple[Path_, str]]:
    """Layers, and settings of them, whose outputs or gradients the engine cannot compute, and where they are.

    Penalties and constraints are the training's affair.
    """
    from cnnlab.layers.from_keras.layer import KerasLayer
    from cnnlab.scratch.lacking import PENALTIES, lacking

    # A layer of Keras's may have the name of one of cnnlab's whose settings say less.
    foreign = {id(node): node for node in config.nodes if isinstance(node.layer, KerasLayer)}
    lacks = [
        each for each in lacking(config.nodes) if each.field is None or not each.field.endswith(PENALTIES)
    ]
    for node in config.nodes:
        kind = node.layer.type()
        own = [each for each in lacks if each.node is node]
        if id(node) in foreign or any(each.field is None for each in own):
            yield node.where, f"{node.name}: the NumPy engine has no {kind}"
            continue
        for each in own:
            yield (*node.where, str(each.field)), f"{node.name}: the NumPy engine has no {each.what}"
