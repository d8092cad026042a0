"""What a network is made of: what prepares its images, its kinds of layers, what belongs to its loss."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.layers.base import Layer
from cnnlab.layers.blocks import Residual
from cnnlab.layers.core import Dense, Flatten
from cnnlab.layers.pooling import GlobalPooling2D, Pooling2D
from cnnlab.layers.rewriting import places_in

Layers = tuple[Layer, ...]

NORMALIZATIONS = frozenset(
    ("BatchNormalization", "GroupNormalization", "LayerNormalization", "LocalResponseNormalization")
)
REGULARIZATIONS = frozenset(("Dropout", "GaussianNoise", "SpatialDropout2D"))
_PREPARATIONS = frozenset(("Grayscale", "Rescaling"))


class DoesNotApply(Exception):
    """A rule has nothing to change in this network, or cannot change it; the message says why."""


def with_recipe_of(config: ExperimentConfig, other: ExperimentConfig) -> Layers:
    """The hidden layers of one network between what the other does to its images and its output layer.

    What precedes the first layer with weights, reshaping aside, prepares the images: it is the other's then.
    The last Dense layer and what follows it belong to the loss.
    """
    start, stop = _preparation(config.layers), _head(config.layers)
    hidden = config.layers[start:stop]
    if not any(isinstance(layer, Flatten) for layer in (*config.layers[:start], *hidden)):
        raise DoesNotApply(f"{config.name} has no Flatten layer in front of its hidden layers")
    flatten = [layer for layer in config.layers[:start] if layer.only_reshapes]
    head = other.layers[_head(other.layers) :] or config.layers[stop:]
    return (*_prepared(other), *flatten, *hidden, *head)


def recipe_differences(config: ExperimentConfig, other: ExperimentConfig) -> tuple[str, ...]:
    """What `with_recipe_of` and the other's data and training settings change, as a sentence names it."""
    heads = [each.layers[_head(each.layers) :] for each in (config, other)]
    aside = {"loss": None, "keep_epochs": False}  # named by itself; decides nothing
    trainings = [each.training.model_copy(update=aside) for each in (config, other)]
    differs = {
        "input": _prepared(config) != _prepared(other) or config.dataset != other.dataset,
        "output layer": bool(heads[1]) and heads[0] != heads[1],
        "loss": config.training.loss != other.training.loss,
        "training": trainings[0] != trainings[1],
        "precision": config.runtime.precision != other.runtime.precision,
    }
    return tuple(what for what, different in differs.items() if different)


def architecture_differences(config: ExperimentConfig, other: ExperimentConfig) -> tuple[str, ...]:
    """What kinds of layers only one of two networks has, convolutions and activations aside."""
    one, two = (_kinds_in(each) for each in (config, other))
    return tuple(
        kind if kind in two else f"no {kind}"
        for kind in dict.fromkeys([*two, *one])
        if (kind in one) != (kind in two)
    )


def _kinds_in(config: ExperimentConfig) -> list[str]:
    """Such as pooling and dropout, each once, in their order; images are prepared by other layers."""
    kinds = (
        "pooling" if isinstance(place.layer, Pooling2D | GlobalPooling2D) else kind_of(place.layer)
        for place in places_in(config.layers)
        if not place.layer.is_augmentation
    )
    return [kind for kind in dict.fromkeys(kinds) if kind is not None]


def _prepared(config: ExperimentConfig) -> Layers:
    """What a network does to its images before it learns from them."""
    return tuple(layer for layer in config.layers[: _preparation(config.layers)] if not layer.only_reshapes)


def _preparation(layers: Sequence[Layer]) -> int:
    """How many layers there are before the first one that learns, or pools."""
    return next(
        (
            index
            for index, layer in enumerate(layers)
            if not (layer.only_reshapes or layer.is_augmentation or layer.type() in _PREPARATIONS)
        ),
        len(layers),
    )


def _head(layers: Sequence[Layer]) -> int:
    """Where the output layer is: the last Dense one; behind all layers where there is none."""
    return max((index for index, layer in enumerate(layers) if isinstance(layer, Dense)), default=len(layers))


def kind_of(layer: Layer) -> str | None:
    """What kind of ingredient a layer is that can be left out by itself."""
    if layer.type() in NORMALIZATIONS:
        return "normalization"
    if layer.type() in REGULARIZATIONS:
        return "dropout" if "Dropout" in layer.type() else "noise"
    if layer.is_augmentation:
        return "augmentation"
    return "residual connection" if isinstance(layer, Residual) else None
