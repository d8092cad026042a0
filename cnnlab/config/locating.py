"""Where in a config's text a setting stands: paths as messages and --set write them → places in the file."""

from __future__ import annotations

from cnnlab.language.source import Path_, YamlNode, dotted
from cnnlab.layers import LAYERS


def into_layer(root: YamlNode, path: Path_) -> Path_:
    """Below `layers: [{Conv2D: {…}}]` a path may leave out the class name: put it in."""
    if len(path) < 2 or not isinstance(path[-1], int):
        return path
    node = root.find(path)
    if isinstance(node.value, dict) and len(node.value) == 1 and next(iter(node.value)) in LAYERS:
        return (*path, next(iter(node.value)))
    if isinstance(node.value, str) and node.value in LAYERS:
        return (*path, node.value)
    return path


def with_classes(root: YamlNode, loc: Path_) -> Path_:
    """A path as the data has it: with the class names that a place in the messages leaves out."""
    path: Path_ = ()
    for step in loc:
        path = (*into_layer(root, path), step)
    return path


def located(root: YamlNode, loc: Path_, message: str, kind: str = "value") -> str:
    """One line of the error: place, path, message."""
    path = with_classes(root, loc)
    place = root.place_of_key(path) if kind == "key" else root.find(path).place
    if place in (f"--set {dotted(loc)}", f"--vary {dotted(loc)}"):
        return f"{place}: {message}"
    return f"{place}: {dotted(loc) or 'config'}: {message}"
