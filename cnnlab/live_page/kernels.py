"""Which layers a page can compute: one entry each, and what its kernel in kernels.js is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cnnlab.language.fields import Shape
from cnnlab.layers import base
from cnnlab.layers.from_keras.layer import KerasLayer
from cnnlab.layers.graph import GraphNode

Settings = dict[str, Any]
Shapes = tuple[Shape, ...]


class Kernel(NamedTuple):
    """A function in kernels.js.

    settings: of a layer on inputs of these shapes, what the function is told, ready for JSON.
    lacks: by field of the layer the values with which it cannot be computed.
    """

    name: str
    settings: Callable[[Any, Shapes], Settings]
    lacks: Mapping[str, frozenset[str]] = {}


_LACKING_ACTIVATIONS = {"activation": frozenset({"glu"})}
"""It halves the output, which neither the summary nor Keras's own shapes know."""


def _fields(*names: str) -> Callable[[Any, Shapes], Settings]:
    return lambda layer, shapes: {name: getattr(layer, name) for name in names}


def _nothing(layer: Any, shapes: Shapes) -> Settings:
    return {}


def _convolution(layer: Any, shapes: Shapes) -> Settings:
    """What all convolutions are told; `filters`: maps of the output."""
    output = layer.output_shape(shapes[0])
    told = {
        "window": layer.kernel_size,
        "strides": layer.strides,
        "padding": layer.padding,
        "dilation": layer.dilation_rate,
        "activation": layer.activation,
        "filters": layer.spatial(output)[2],
    }
    if hasattr(layer, "groups"):
        told["groups"] = layer.groups
    if hasattr(layer, "depth_multiplier"):
        told["multiplier"] = layer.depth_multiplier
    return told


def _transposed(layer: Any, shapes: Shapes) -> Settings:
    """`before`: how many rows and columns of what the kernels write lie above and left of the output."""
    footprints = layer.footprints(shapes[0])
    before = []
    for axis, kernel, dilation in zip(
        layer.spatial_axes, layer.kernel_size, layer.dilation_rate, strict=True
    ):
        # An output depends on inputs from (output + before − extent + 1) / stride on: see `Footprint`.
        before.append((kernel - 1) * dilation - footprints[axis].before)
    return {**_convolution(layer, shapes), "before": before}


def _pooling(layer: Any, shapes: Shapes) -> Settings:
    return {
        "window": layer.pool_size,
        "strides": layer.strides or layer.pool_size,
        "padding": layer.padding,
    }


def _layer_normalization(layer: Any, shapes: Shapes) -> Settings:
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    return {"axes": axes, "epsilon": layer.epsilon}


def _prelu(layer: Any, shapes: Shapes) -> Settings:
    (alpha,) = layer.weights(shapes[0])
    return {"alpha_shape": alpha.shape}


_IDENTITY = Kernel("Reshape", _nothing)
"""A layer that passes its input on, once the network has been trained."""

KERNELS: dict[str, Kernel] = {
    "Activation": Kernel("Activation", _fields("activation"), _LACKING_ACTIVATIONS),
    "Add": Kernel("Add", _nothing),
    "AffineSampling": Kernel("AffineSampling", _nothing),
    "Average": Kernel("Average", _nothing),
    "AveragePooling2D": Kernel("AveragePooling2D", _pooling),
    "BatchNormalization": Kernel("BatchNormalization", _fields("axis", "epsilon")),
    "Concatenate": Kernel("Concatenate", _fields("axis")),
    "Conv2D": Kernel("Conv2D", _convolution, _LACKING_ACTIVATIONS),
    "Conv2DTranspose": Kernel("Conv2DTranspose", _transposed, _LACKING_ACTIVATIONS),
    "Cropping2D": Kernel("Cropping2D", _fields("cropping")),
    "Dense": Kernel("Dense", _fields("activation"), _LACKING_ACTIVATIONS),
    "DepthwiseConv2D": Kernel("DepthwiseConv2D", _convolution, _LACKING_ACTIVATIONS),
    "Dropout": _IDENTITY,
    "ELU": Kernel("ELU", _fields("alpha")),
    "Flatten": Kernel("Flatten", _nothing),
    "GaussianNoise": _IDENTITY,
    "GlobalAveragePooling2D": Kernel("GlobalAveragePooling2D", _nothing),
    "GlobalMaxPooling2D": Kernel("GlobalMaxPooling2D", _nothing),
    "Grayscale": Kernel("Grayscale", _nothing),
    "GroupNormalization": Kernel("GroupNormalization", _fields("groups", "axis", "epsilon")),
    "LayerNormalization": Kernel("LayerNormalization", _layer_normalization),
    "LeakyReLU": Kernel("LeakyReLU", _fields("negative_slope")),
    "LocalResponseNormalization": Kernel(
        "LocalResponseNormalization", _fields("depth_radius", "bias", "alpha", "beta")
    ),
    "LocallyConnected2D": Kernel("LocallyConnected2D", _convolution, _LACKING_ACTIVATIONS),
    "MaxPooling2D": Kernel("MaxPooling2D", _pooling),
    "Maximum": Kernel("Maximum", _nothing),
    "PReLU": Kernel("PReLU", _prelu),
    "Permute": Kernel("Permute", _fields("dims")),
    "RandomCrop": Kernel("RandomCrop", _nothing),
    "RandomErasing": _IDENTITY,
    "RandomFlip": _IDENTITY,
    "RandomRotation": _IDENTITY,
    "RandomTranslation": _IDENTITY,
    "RandomZoom": _IDENTITY,
    "ReLU": Kernel("ReLU", _fields("max_value", "negative_slope", "threshold")),
    "Rescaling": Kernel("Rescaling", _fields("scale", "offset")),
    "Reshape": _IDENTITY,
    "SeparableConv2D": Kernel("SeparableConv2D", _convolution, _LACKING_ACTIVATIONS),
    "Softmax": Kernel("Softmax", _fields("axis")),
    "SpatialDropout2D": _IDENTITY,
    "UpSampling2D": Kernel(
        "UpSampling2D", _fields("size", "interpolation"),
        {"interpolation": frozenset({"bicubic", "lanczos3", "lanczos5"})},
    ),
    "ZeroPadding2D": Kernel("ZeroPadding2D", _fields("padding")),
}  # fmt: skip
"""By the type of a layer of cnnlab's own: those that a config names, and those that blocks expand to."""

KERNELS_OF_KERAS: dict[str, Kernel] = {
    **dict.fromkeys(
        ("ActivityRegularization", "AlphaDropout", "GaussianDropout", "Identity", "SpatialDropout1D"),
        _IDENTITY,
    ),
    **{name: Kernel(name, _nothing) for name in ("Minimum", "Multiply", "Subtract")},
}
"""The same for layers that only Keras has."""


MERGES = frozenset({"Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"})
"""They combine tensors number by number; an axis of size 1 is repeated."""


def kernel_of(layer: base.Layer) -> Kernel | None:
    """What computes a layer; None for one that a page cannot compute."""
    if isinstance(layer, KerasLayer):  # some have the name of a layer of cnnlab's, which takes other inputs
        return KERNELS_OF_KERAS.get(layer.type())
    is_own = type(layer).__module__.startswith("cnnlab.layers.")
    return KERNELS.get(layer.type()) if is_own else None


def lacking(nodes: Sequence[GraphNode]) -> Iterator[str]:
    """The layers that a page cannot compute, by name, with the reason."""
    for node in nodes:
        kernel = kernel_of(node.layer)
        if kernel is None:
            yield f"{node.name} is a {node.layer.type()} layer, which a page cannot compute"
            continue
        for field, values in kernel.lacks.items():
            if (value := getattr(node.layer, field)) in values:
                yield f"{node.name} has {field} {value}, which a page cannot compute"
