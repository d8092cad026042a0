"""What no section of a config can know by itself: how dataset, layers, classes and training fit together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnlab.accounting.architecture import Architecture, LayerShapeError
from cnnlab.config.locating import located, with_classes
from cnnlab.errors import ShapeError, suggestion
from cnnlab.language.fields import Shape, as_written
from cnnlab.language.source import Path_, YamlNode, dotted
from cnnlab.layers.base import times
from cnnlab.layers.graph import output_activation

if TYPE_CHECKING:
    from cnnlab.config.experiment import ExperimentConfig
    from cnnlab.datasets import DatasetConfig

_SMOOTHED = ("categorical_crossentropy", "categorical_focal_crossentropy")


def mismatches(config: ExperimentConfig, root: YamlNode) -> Iterator[str]:
    """What no section can know by itself: how dataset, layers and classes fit together."""
    given, dataset = config.model.input_shape, config.dataset
    if given is None and dataset is None and config.model.declared_shape is None:
        yield located(root, (), "expected a dataset, or model.input_shape for a summary only; found neither")
        return
    if given is not None and dataset is not None and given != dataset.input_shape:
        message = f"{times(given)} is not the shape of {dataset.name}'s images, {times(dataset.input_shape)}"
        yield located(root, ("model", "input_shape"), f"{message}; leave it out")
        return
    if dataset is not None:
        yield from _training_mismatches(config, dataset, root)
        if dataset.stratified and dataset.train_size is None:
            message = "has no effect without train_size: all images are used; give it, or leave this out"
            yield located(root, ("dataset", "stratified"), message, "key")
    declared = config.model.declared_input
    if declared is not None and not _fits(declared[0], config.input_shape):
        whose = f"{dataset.name}'s images" if dataset is not None else "model.input_shape"
        wanted = "×".join("any" if size is None else str(size) for size in declared[0])
        message = f"the model takes {wanted}; the shape of {whose} is {times(config.input_shape)}"
        yield located(root, declared[1], message)
        return
    names: dict[str, Path_] = {}
    try:
        nodes = config.nodes
    except ShapeError as error:
        section = "layers" if config.model.keras is None else "keras"
        yield located(root, ("model", section), str(error))
        return
    for node in nodes:
        if node.name in names:
            message = f"two layers are called {node.name!r}; the first is {dotted(names[node.name])}"
            yield located(root, (*node.where, "name"), message)
        names.setdefault(node.name, node.where)
    try:
        architecture = config.architecture
    except LayerShapeError as misfit:
        node = misfit.node
        place = root.find(with_classes(root, node.where)).place
        yield (
            f"{place}: {dotted(node.where)} {node.layer.type()}: {misfit.problem}\n"
            f"   {misfit.ladder}\n   {misfit.remedy}"
        )
        return
    if dataset is not None:
        yield from _output_mismatches(config, dataset, architecture, root)


def _fits(declared: tuple[int | None, ...], shape: Shape) -> bool:
    """Whether images of a shape are what a model says that it takes; None stands for any size."""
    return len(declared) == len(shape) and all(
        size in (None, given) for size, given in zip(declared, shape, strict=True)
    )


def _training_mismatches(config: ExperimentConfig, dataset: DatasetConfig, root: YamlNode) -> Iterator[str]:
    """What the training asks of the data and of itself."""
    training = config.training
    if dataset.validation_size == 0:
        if training.keep == "best":
            message = "best is told by validation accuracy, and dataset.validation_size is 0; expected last"
            yield located(root, ("training", "keep"), message)
        for section in ("early_stopping", "reduce_on_plateau"):
            rule = getattr(training, section)
            if rule and rule.monitor.startswith("val_"):
                message = f"{rule.monitor} needs validation images, and dataset.validation_size is 0"
                yield located(root, ("training", section, "monitor"), f"{message}; expected loss or accuracy")
    if isinstance(training.class_weights, dict):
        for name in training.class_weights:
            if name not in dataset.class_names:
                message = f"unknown class {name!r}; {suggestion(name, dataset.class_names)}"
                yield located(root, ("training", "class_weights", name), message, "key")
    if training.reduce_on_plateau and training.optimizer.learning_rate.changes:
        message = "the learning rate has a schedule already; remove one of the two"
        yield located(root, ("training", "reduce_on_plateau"), message)
    floor, rate = training.reduce_on_plateau, training.optimizer.learning_rate
    if floor and not rate.changes and floor.min_learning_rate >= rate.initial:
        message = f"expected less than the learning rate, {rate.initial:g}, found {floor.min_learning_rate:g}"
        yield located(root, ("training", "reduce_on_plateau", "min_learning_rate"), message)
    if training.label_smoothing and training.loss not in _SMOOTHED:
        message = f"{training.loss} has no label smoothing; expected {' or '.join(_SMOOTHED)}"
        yield located(root, ("training", "loss"), message)
    warm_up = training.optimizer.learning_rate.warm_up
    if warm_up >= training.epochs and warm_up:
        message = f"expected less than the {training.epochs} epochs of training, found {as_written(warm_up)}"
        yield located(root, ("training", "optimizer", "learning_rate", "warm_up"), message)
    for index, metric in enumerate(training.metrics):
        if metric.startswith("top_") and int(metric.split("_")[1]) >= dataset.num_classes:
            message = f"with {dataset.num_classes} classes {metric} is always 1; expected fewer"
            yield located(root, ("training", "metrics", index), message)


def _output_mismatches(
    config: ExperimentConfig, dataset: DatasetConfig, architecture: Architecture, root: YamlNode
) -> Iterator[str]:
    """A classifier's last layer gives one number for each class, and probabilities or logits."""
    last = config.nodes[-1]
    label = f"{dotted(last.where)} {last.layer.type()}"
    place = root.find(with_classes(root, last.where)).place
    if architecture.output_shape != (dataset.num_classes,):
        units = (*last.where, "units")
        if len(architecture.output_shape) == 1 and isinstance(getattr(last.layer, "units", None), int):
            place = root.find(with_classes(root, units)).place
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
