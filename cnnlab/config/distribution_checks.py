"""What keeps a network from being trained with `runtime.distribution: data_parallel`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnlab.config.locating import with_classes
from cnnlab.config.sections import RuntimeConfig
from cnnlab.language.source import YamlNode, dotted
from cnnlab.layers import LAYERS
from cnnlab.layers.graph import GraphNode


def indivisible_layers(nodes: Sequence[GraphNode], runtime: RuntimeConfig, root: YamlNode) -> Iterator[str]:
    """Layers that nobody knows to compute the same from a part of a batch as from all of it.

    On JAX the compiler divides the work, whatever a layer computes.
    """
    if runtime.distribution == "none" or runtime.backend != "tensorflow":
        return
    from cnnlab.layers.from_keras.layer import KerasLayer

    for node in nodes:
        name = node.layer.type()
        if isinstance(node.layer, KerasLayer):
            whose = "a layer of Keras's that cnnlab does not know"
        elif package := LAYERS.distribution(name):
            whose = f"a layer from {package.name}"
        else:
            continue
        yield (
            f"{root.find(with_classes(root, node.where)).place}: {dotted(node.where)} {name}: on TensorFlow, "
            f"each device computes its part of a batch, and whether {whose} allows that is not known; "
            "use --backend jax, or runtime.distribution: none"
        )
