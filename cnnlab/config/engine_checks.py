"""What keeps a config from being trained by cnnlab's own engine, `backend: scratch`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnlab.config.locating import into_layer, located, with_classes
from cnnlab.config.sections import ModelConfig, RuntimeConfig, TrainingConfig
from cnnlab.language.source import Path_, YamlNode, dotted
from cnnlab.layers import LAYERS
from cnnlab.layers.graph import GraphNode, Where

_ELSEWHERE = "or use another backend, such as --backend tensorflow"


def unknown_to_engine(runtime: RuntimeConfig, training: TrainingConfig, root: YamlNode) -> Iterator[str]:
    """Where the network is to be computed, and how it is trained."""
    if runtime.device == "gpu":
        message = f"backend scratch computes on the CPU; expected cpu or auto, {_ELSEWHERE}"
        yield located(root, ("runtime", "device"), message)
    if runtime.precision != "float32":
        message = f"backend scratch computes in float32; leave it out, {_ELSEWHERE}"
        yield located(root, ("runtime", "precision"), message)
    from cnnlab.scratch.optimizers import UPDATES

    optimizer = training.optimizer
    if optimizer.name not in UPDATES:
        message = f"backend scratch has no {optimizer.name}; expected {', '.join(UPDATES)}, {_ELSEWHERE}"
        yield located(root, ("training", "optimizer", "name"), message)
    for field in ("use_ema", "gradient_accumulation_steps"):
        if getattr(optimizer, field):
            yield located(root, ("training", "optimizer", field), _lacking(field))


def foreign_layers(model: ModelConfig, root: YamlNode) -> Iterator[str]:
    """Layers of a Keras model that cnnlab has none for. Their shapes, which Keras knows, do not matter."""
    if model.keras is None:
        return
    from cnnlab.layers.from_keras.network import foreign

    for where, class_name in foreign(model.keras):
        yield _no_layer(where, class_name, root, "such layer")


def layers_without_arithmetic(nodes: Sequence[GraphNode], root: YamlNode) -> Iterator[str]:
    """Layers of cnnlab's that the engine does not compute, or not with these settings."""
    from cnnlab.scratch.lacking import lacking

    for node, field, what in lacking(nodes):
        if field is None:
            yield _no_layer(node.where, node.layer.type(), root, what)
        else:
            yield located(root, (*node.where, field), _lacking(what))


def _no_layer(where: Where, class_name: str, root: YamlNode, what: str) -> str:
    path = with_classes(root, where)
    written = into_layer(root, path)[-1]
    name = written if written in LAYERS else class_name  # what stands there may be the block of a layer
    return f"{root.find(path).place}: {dotted(where)} {name}: {_lacking(what)}"


def _lacking(what: str) -> str:
    return f"backend scratch has no {what}; leave it out, {_ELSEWHERE}"


def uncomputable(nodes: Sequence[GraphNode]) -> Iterator[tuple[Path_, str]]:
    """Layers, and settings of them, whose outputs or gradients the engine cannot compute, and where they are.

    Penalties and constraints are the training's affair.
    """
    from cnnlab.layers.from_keras.layer import KerasLayer
    from cnnlab.scratch.lacking import PENALTIES, lacking

    lacks = [each for each in lacking(nodes) if each.field is None or not each.field.endswith(PENALTIES)]
    for node in nodes:
        own = [each for each in lacks if each.node is node]
        # A layer of Keras's may have the name of one of cnnlab's, with settings that this one does not have.
        if isinstance(node.layer, KerasLayer) or any(each.field is None for each in own):
            yield node.where, f"{node.name}: the NumPy engine has no {node.layer.type()}"
            continue
        for each in own:
            yield (*node.where, str(each.field)), f"{node.name}: the NumPy engine has no {each.what}"
