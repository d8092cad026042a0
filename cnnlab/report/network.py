"""A network's drawing, as `cnnlab draw` makes it, as a part of a page."""

from __future__ import annotations

from markupsafe import Markup

from cnnlab.accounting.architecture import Architecture
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.layers.base import times
from cnnlab.pictures.diagrams.network import network_shapes
from cnnlab.pictures.diagrams.svg import svg_element


def drawing(config: ExperimentConfig) -> Markup:
    """The SVG element; a screen reader says every layer, with shape and parameters."""
    return Markup(svg_element(network_shapes(config), _in_words(config.architecture)))


def _in_words(architecture: Architecture) -> str:
    layers = ", ".join(
        f"{row.type} {times(row.output_shape)}" + (f" with {row.params:,} parameters" if row.params else "")
        for row in architecture.rows
    )
    return f"{len(architecture.rows)} layers: input {times(architecture.input_shape)}, {layers}"
