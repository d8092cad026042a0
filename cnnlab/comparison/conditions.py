"""What experiments were trained on, and what differs between them besides the network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cnnlab.comparison.outcomes import Outcome
from cnnlab.config.effects import known_counts
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.layers.base import Layer
from cnnlab.wording import counted

_LEFT_OUT = frozenset(("dataset.name", "dataset.train_size", "training.epochs", "training.metrics"))
"""Training images and epochs are always told; the data are the same, and metrics only measure."""

_ALWAYS_TOLD = ("training images", "epochs")

_WORDS = {"dataset.seed": "dataset seed", "dataset.generator_seed": "generator seed"}


class Distinction(NamedTuple):
    """What differs, in words, and its value in each of the experiments."""

    what: str
    values: tuple[str, ...]


class Conditions(NamedTuple):
    """Under what an experiment was trained, in words."""

    images: str  # 10,000 images
    epochs: str  # 20 epochs


def conditions(outcome: Outcome) -> Conditions:
    """The training images of an experiment, and for how many epochs its runs were trained."""
    records = outcome.records
    ran = [record.result.epochs or record.config.training.epochs for record in records]
    fewest, most = min(ran), max(ran)
    return Conditions(
        _images(records[0].config, outcome.folds),
        counted(most, "epoch") if fewest == most else f"{fewest:,} to {counted(most, 'epoch')}",
    )


def _images(config: ExperimentConfig, folds: int | None) -> str:
    dataset = config.dataset
    if dataset is None:
        return "no images"
    if folds is not None and dataset.train_size is None:
        return f"the images of {counted(folds - 1, 'fold')}"
    counts = known_counts(dataset)
    if counts is not None:
        return counted(counts.train, "image")
    return "all training images" if dataset.train_size is None else counted(dataset.train_size, "image")


def distinctions(outcomes: Sequence[Outcome]) -> list[Distinction]:
    """What differs between experiments besides the layers that make up their networks.

    Training images and epochs, then settings of data, training and arithmetic, augmentation, and layers that
    only prepare images. What has no effect on results is not among them.
    """
    told = [conditions(each) for each in outcomes]
    found = [
        Distinction("training images", tuple(each.images.removesuffix(" images") for each in told)),
        Distinction("epochs", tuple(each.epochs.removesuffix(" epochs") for each in told)),
        *_settings([each.records[0].config for each in outcomes]),
    ]
    layers = [[node.layer for node in each.records[0].config.nodes] for each in outcomes]
    found += [
        Distinction(what, tuple(_layers(each, flag) for each in layers))
        for what, flag in (("augmentation", "is_augmentation"), ("preprocessing", "prepares_images"))
    ]
    return [each for each in found if len(set(each.values)) > 1]


def have_one_network(outcomes: Sequence[Outcome]) -> bool:
    """Whether the networks are the same, layer by layer, augmentation and preparation of images aside."""
    networks = [
        [
            (node.layer.type(), node.layer.model_dump(exclude={"name"}), len(node.inputs))
            for node in each.records[0].config.nodes
            if not (node.layer.is_augmentation or node.layer.prepares_images)
        ]
        for each in outcomes
    ]
    return all(each == networks[0] for each in networks)


def trained_on(outcomes: Sequence[Outcome]) -> str:
    """Such as "trained on 10,000 images for 20 epochs"; with names where it is not the same for all."""
    told = {each.name: conditions(each) for each in outcomes}
    if len(set(told.values())) == 1:
        (same,) = set(told.values())
        return f"trained on {same.images} for {same.epochs}"
    return "trained: " + "; ".join(
        f"{name} on {each.images} for {each.epochs}" for name, each in told.items()
    )


def condition_sentences(a: Outcome, b: Outcome) -> str:
    """On what two experiments were trained, and what else differs between them than the network."""
    told = [conditions(each) for each in (a, b)]
    if told[0] == told[1]:
        trained = f"Both were trained on {told[0].images} for {told[0].epochs}."
    else:
        (one, other) = told
        trained = (
            f"{a.name} was trained on {one.images} for {one.epochs}, {b.name} on {other.images} for "
            f"{other.epochs}."
        )
    different = distinctions((a, b))
    if not different:
        return trained
    others = _in_words([each for each in different if each.what not in _ALWAYS_TOLD], (a, b))
    if have_one_network((a, b)):
        return f"{trained} Their networks are the same{f'; they differ in {others}' if others else ''}."
    return f"{trained} They differ not only in the network{f', but also in {others}' if others else ''}."


def difference_note(outcomes: Sequence[Outcome]) -> str | None:
    """What differs besides the network, training images and epochs, for the title of a table."""
    others = [each for each in distinctions(outcomes) if each.what not in _ALWAYS_TOLD]
    return f"different {_in_words(others, outcomes)}" if others else None


def _in_words(different: Sequence[Distinction], outcomes: Sequence[Outcome]) -> str:
    """batch size (dnn: 16, cnn: 100), optimizer (dnn: sgd, cnn: adam)"""
    return ", ".join(f"{each.what} ({_named(outcomes, each.values)})" for each in different)


def _named(outcomes: Sequence[Outcome], values: Sequence[str]) -> str:
    return ", ".join(f"{each.name}: {value}" for each, value in zip(outcomes, values, strict=True))


def _settings(configs: Sequence[ExperimentConfig]) -> Iterator[Distinction]:
    """The settings outside of the network that differ, but for those that are always told."""
    plain = [config.plain() for config in configs]
    for section in ("dataset", "training", "runtime"):
        parts = [each.get(section) or {} for each in plain]
        indecisive = {
            key
            for config in configs
            if (settings := getattr(config, section)) is not None
            for key in settings.indecisive
        }
        for key in dict.fromkeys(key for part in parts for key in part):
            if key not in indecisive and f"{section}.{key}" not in _LEFT_OUT:
                yield from _setting(f"{section}.{key}", [part.get(key) for part in parts])


def _setting(path: str, values: Sequence[Any]) -> Iterator[Distinction]:
    """One for a setting; of one with several parts, such as an optimizer, one for each part that differs."""
    if (
        all(isinstance(value, Mapping) for value in values)
        and len({value.get("name") for value in values}) == 1
    ):
        for key in dict.fromkeys(key for value in values for key in value):
            yield from _setting(f"{path}.{key}", [value.get(key) for value in values])
        return
    yield Distinction(_name(path), tuple(_value(each) for each in values))


def _name(path: str) -> str:
    """training.optimizer.learning_rate → learning rate; dataset.distort.angle → distort angle"""
    if path in _WORDS:
        return _WORDS[path]
    _, *parts = path.split(".")
    parts = parts[1:] if parts[0] == "optimizer" and len(parts) > 1 else parts
    return " ".join(parts).replace("_", " ")


def _value(value: Any) -> str:
    """As people write it: 16, adam, none."""
    if value is None or value is False:
        return "none" if value is None else "no"
    if value is True:
        return "yes"
    if isinstance(value, Mapping):
        if "name" in value:
            rate = value.get("learning_rate")
            return f"{value['name']}" + (f" with learning rate {_value(rate)}" if rate is not None else "")
        return " ".join(f"{key.replace('_', ' ')} {_value(each)}" for key, each in value.items())
    if isinstance(value, list):
        return " ".join(map(_value, value)) or "none"
    return value if isinstance(value, str) else json.dumps(value)


def _layers(layers: Sequence[Layer], flag: str) -> str:
    found = [layer for layer in layers if getattr(layer, flag)]
    return " ".join(_described(each) for each in found) or "none"


def _described(layer: Layer) -> str:
    """RandomFlip mode=horizontal: a layer with the settings that are not at their defaults."""
    fields = type(layer).model_fields
    given = {
        key: value for key, value in layer.model_dump(mode="json").items()
        if key not in ("name", "data_format") and getattr(layer, key) != fields[key].default
    }  # fmt: skip
    return " ".join([layer.type(), *(f"{key}={_value(value)}" for key, value in given.items())])
