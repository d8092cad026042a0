"""What no section of a config can know by itself: how dataset, layers, classes and training fit together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cnnlab.config.locating import located, with_classes
from cnnlab.config.sections import ModelConfig, TrainingConfig
from cnnlab.datasets import DatasetConfig
from cnnlab.errors import suggestion
from cnnlab.language.fields import Shape, as_written
from cnnlab.language.source import Path_, YamlNode, dotted
from cnnlab.layers.base import times
from cnnlab.layers.graph import GraphNode

if TYPE_CHECKING:
    from cnnlab.accounting.architecture import LayerShapeError

_SMOOTHED = ("categorical_crossentropy", "categorical_focal_crossentropy")


def input_mismatches(model: ModelConfig, dataset: DatasetConfig | None, root: YamlNode) -> Iterator[str]:
    """Where the shape of the images comes from: the dataset, the config, or what a Keras model declares."""
    given, declared = model.input_shape, model.declared_input
    shape = given or (dataset.input_shape if dataset else None)
    if shape is None and model.declared_shape is None:
        yield located(root, (), "expected a dataset, or model.input_shape for a summary only; found neither")
    elif given is not None and dataset is not None and given != dataset.input_shape:
        message = f"expected {times(dataset.input_shape)}, the shape of {dataset.name}'s images"
        yield located(root, ("model", "input_shape"), f"{message}, found {times(given)}; leave it out")
    elif shape is not None and declared is not None and not _fits(declared[0], shape):
        whose = f"{dataset.name}'s images" if dataset is not None else "model.input_shape"
        wanted = "×".join("any" if size is None else str(size) for size in declared[0])
        message = f"the model takes {wanted}; the shape of {whose} is {times(shape)}"
        yield located(root, declared[1], message)


def _fits(declared: tuple[int | None, ...], shape: Shape) -> bool:
    """Whether images of a shape are what a model says that it takes; None stands for any size."""
    return len(declared) == len(shape) and all(
        size in (None, given) for size, given in zip(declared, shape, strict=True)
    )


def training_mismatches(training: TrainingConfig, dataset: DatasetConfig, root: YamlNode) -> Iterator[str]:
    """What the training asks of the data and of itself."""
    if dataset.stratified and dataset.train_size is None:
        message = "has no effect without train_size, because all images are used; set it, or leave this out"
        yield located(root, ("dataset", "stratified"), message, "key")
    if dataset.validation_size == 0:
        if training.keep == "best":
            message = "best needs validation images, but dataset.validation_size is 0; expected last"
            yield located(root, ("training", "keep"), message)
        for section in ("early_stopping", "reduce_on_plateau"):
            rule = getattr(training, section)
            if rule and rule.monitor.startswith("val_"):
                message = f"{rule.monitor} needs validation images, but dataset.validation_size is 0"
                yield located(root, ("training", section, "monitor"), f"{message}; expected loss or accuracy")
    if isinstance(training.class_weights, dict):
        for name in training.class_weights:
            if name not in dataset.class_names:
                message = f"unknown class {name!r}; {suggestion(name, dataset.class_names)}"
                yield located(root, ("training", "class_weights", name), message, "key")
    if training.reduce_on_plateau and training.optimizer.learning_rate.changes:
        message = "the learning rate already has a schedule; remove one of the two"
        yield located(root, ("training", "reduce_on_plateau"), message)
    floor, rate = training.reduce_on_plateau, training.optimizer.learning_rate
    if floor and not rate.changes and floor.min_learning_rate >= rate.initial:
        message = f"expected less than the learning rate, {rate.initial:g}, found {floor.min_learning_rate:g}"
        yield located(root, ("training", "reduce_on_plateau", "min_learning_rate"), message)
    if training.label_smoothing and training.loss not in _SMOOTHED:
        message = f"{training.loss} does not support label smoothing; expected {' or '.join(_SMOOTHED)}"
        yield located(root, ("training", "loss"), message)
    warm_up = training.optimizer.learning_rate.warm_up
    if warm_up >= training.epochs and warm_up:
        message = f"expected less than the {training.epochs} epochs of training, found {as_written(warm_up)}"
        yield located(root, ("training", "optimizer", "learning_rate", "warm_up"), message)
    for index, metric in enumerate(training.metrics):
        if metric.startswith("top_") and int(metric.split("_")[1]) >= dataset.num_classes:
            message = f"with {dataset.num_classes} classes, {metric} is always 1; expected a smaller number"
            yield located(root, ("training", "metrics", index), message)


def repeated_names(nodes: Sequence[GraphNode], root: YamlNode) -> Iterator[str]:
    """Every layer has a name of its own: it is what the summary and Keras call it."""
    names: dict[str, Path_] = {}
    for node in nodes:
        if node.name in names:
            if root.has(with_classes(root, node.where)):
                message = f"duplicate layer name {node.name!r}; {dotted(names[node.name])} has it already"
                yield located(root, (*node.where, "name"), message)
            else:  # the block adds it to what is written
                message = f"{node.layer.name} is the name of the block's own layer; choose another"
                yield located(root, (*names[node.name], "name"), message)
        names.setdefault(node.name, node.where)


def place_of_width(node: GraphNode, root: YamlNode) -> str:
    """file:line:column: path of what says how wide a layer is, or of the layer where nothing does."""
    if node.layer.width_field is None:
        return f"{root.find(with_classes(root, node.where)).place}: {dotted(node.where)} {node.layer.type()}"
    width = (*node.where, node.layer.width_field)
    return f"{root.find(with_classes(root, width)).place}: {dotted(width)}"


def shape_mismatch(error: LayerShapeError, root: YamlNode) -> str:
    """A layer that cannot take its input, with the shapes on the way to it."""
    node = error.node
    place = root.find(with_classes(root, node.where)).place
    return (
        f"{place}: {dotted(node.where)} {node.layer.type()}: {error.problem}\n"
        f"   {error.shape_path}\n   {error.remedy}"
    )


def output_mismatches(
    last: GraphNode, output_shape: Shape, dataset: DatasetConfig, root: YamlNode
) -> Iterator[str]:
    """A classifier's last layer gives one number for each class, and probabilities or logits."""
    label = layer = (
        f"{root.find(with_classes(root, last.where)).place}: {dotted(last.where)} {last.layer.type()}"
    )
    if output_shape != (dataset.num_classes,):
        if len(output_shape) == 1:
            label = place_of_width(last, root)
        yield (
            f"{label}: expected {dataset.num_classes} outputs, one for each class of "
            f"{dataset.name}, found {times(output_shape)}"
        )
    activation = last.layer.output_activation
    if activation not in ("softmax", "linear"):
        key = (*last.where, "activation")
        if root.has(with_classes(root, key)):
            layer = f"{root.find(with_classes(root, key)).place}: {dotted(key)}"
        yield (
            f"{layer}: the network ends in {activation}; expected softmax (probabilities), "
            "or no activation (logits, which the loss then turns into probabilities)"
        )
