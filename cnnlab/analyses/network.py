"""Looking into a Keras model: scores before the softmax, maps of any layer, the part behind a layer.

All models here are functional, with one image as input, and call each layer once: `load_model` makes
them so. Maps come with channels last, whatever the layer's own data format, and as float32, whatever the
model computes in.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnnlab.analyses.flattening import flattened
from cnnlab.errors import UserError, unknown
from cnnlab.gradients import evaluated, in_batches
from cnnlab.layers.keras_locally_connected import LocallyConnected2D
from cnnlab.saved_model import readable_model

LayerName = str
"""As the summary writes it: conv2d_1, residual_1/conv2d_2. Keras takes no / and has a dot or > instead."""


def load_model(path: Path) -> keras.Model:
    """A saved model, cnnlab's own layers included, flat: models within are opened.

    Raises:
        UserError: Keras cannot read it, or it is not one image in, one score for each class out.
    """
    # What a file may name must be known to Keras first.
    import cnnlab.layers.custom  # noqa: F401

    with readable_model(path, "not a model that Keras can read: {}"):
        model = keras.saving.load_model(path, compile=False)
        wanted = _is_classifier(model)
        model = flattened(model) if wanted else model
    if not wanted:
        raise UserError(
            f"{path}: expected a functional or sequential network with one image as input and one score for "
            "each of two or more classes"
        )
    if (last := activation_of(_last(model))) not in ("softmax", "linear"):
        raise UserError(f"{path}: ends in {last}; expected softmax, or scores without an activation")
    return model


def _is_classifier(model: keras.Model) -> bool:
    inputs, outputs = (getattr(model, side, None) or [] for side in ("inputs", "outputs"))
    return (
        hasattr(model, "operations" if not isinstance(model, keras.Sequential) else "layers")
        and [len(each.shape) for each in inputs] == [4]
        and [len(each.shape) for each in outputs] == [2]
        and outputs[0].shape[-1] > 1
    )


def at_size(model: keras.Model, shape: tuple[int, ...]) -> keras.Model:
    """A network for images of any size, with the same weights, for those of one shape (batch left out)."""
    twin = keras.models.clone_model(model, input_tensors=keras.Input(shape))
    twin.set_weights(model.get_weights())
    return twin


def find_layer(model: keras.Model, name: LayerName) -> keras.layers.Layer:
    """The layer of that name.

    Raises:
        UserError: there is none; the message names the closest.
    """
    layers = {summary_name(layer): layer for layer in inner_layers(model)}
    wanted = _with_slashes(name)
    if wanted not in layers:
        raise unknown("layer", name, layers)
    return layers[wanted]


def inner_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """All layers but the input, in the order of computation."""
    return [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]


def convolutions(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers with kernels that look at windows of the image, shared by all windows or not, in order."""
    kinds = (
        keras.layers.Conv2D | keras.layers.SeparableConv2D | keras.layers.DepthwiseConv2D | LocallyConnected2D
    )
    return [layer for layer in inner_layers(model) if isinstance(layer, kinds)]


def last_convolution(model: keras.Model) -> keras.layers.Layer:
    """The convolution with most operations before it; of a residual block not the one in the shortcut.

    Raises:
        UserError: the network has none.
    """
    found = convolutions(model)
    if not found:
        raise UserError(f"{model.name}: this network has no convolution; choose one that has, such as cnn")
    depths = _depths(model)
    return max(reversed(found), key=lambda layer: depths[id(layer.output)])


def layer_of_most_interest(model: keras.Model) -> keras.layers.Layer:
    """The last convolution; without one the last hidden Dense layer, or the only one there is.

    Raises:
        UserError: there are neither.
    """
    if convolutions(model):
        return last_convolution(model)
    dense = [layer for layer in inner_layers(model) if isinstance(layer, keras.layers.Dense)]
    if not dense:
        raise UserError(f"{model.name}: this network has neither a convolution nor a dense layer")
    return dense[-2:][0]


def _depths(model: keras.Model) -> dict[int, int]:
    """By the identity of each tensor: how many operations lead to it, along the longest way."""
    depths: dict[int, int] = {id(model.input): 0}
    for operation in model.operations:
        if not isinstance(operation, keras.layers.InputLayer):
            before = max(depths.get(id(each), 0) for each in keras.tree.flatten(operation.input))
            depths |= {id(each): before + 1 for each in keras.tree.flatten(operation.output)}
    return depths


def summary_name(layer: keras.layers.Layer) -> LayerName:
    """A layer's name as the summary writes it."""
    return _with_slashes(layer.name)


def _with_slashes(name: str) -> LayerName:
    return name.replace(".", "/").replace(">", "/")


def logits_of(model: keras.Model) -> keras.Model:
    """Image → (batch, num_classes) float32 scores before the softmax.

    A softmax may be the last layer's activation or a layer of its own; without one the outputs are
    scores already.
    """
    return keras.Model(model.input, _float32(_scores(model)), name="scores")


def probabilities_of(model: keras.Model) -> keras.Model:
    """Image → (batch, num_classes) float32 probabilities, for models that end in scores too."""
    scores = _scores(model)
    # Its name is one that the model cannot have: those that Keras gives by itself may be taken.
    softmax = keras.layers.Activation("softmax", dtype="float32", name=f"{scores.name}_softmax")
    return keras.Model(model.input, softmax(scores), name="probabilities")


def maps_of(model: keras.Model, name: LayerName, *, before_activation: bool = False) -> keras.Model:
    """Image → a layer's output: (batch, h, w, channels) maps, or (batch, units), float32.

    Args:
        before_activation: what the layer computes before its own activation, if it has one.
    """
    layer = find_layer(model, name)
    tensor = _before_activation(layer) if before_activation else layer.output
    if len(tensor.shape) == 4 and channel_axis_of(model, layer) == 1:
        tensor = channels_last(tensor)
    return keras.Model(model.input, _float32(tensor), name="maps")


def answers_of(model: keras.Model, name: LayerName) -> keras.Model:
    """`maps_of`, but of a softmax the scores before it: probabilities of 1 cannot be told apart."""
    is_softmax = activation_of(find_layer(model, name)) == "softmax"
    return maps_of(model, name, before_activation=is_softmax)


def layer_with_maps(model: keras.Model, name: LayerName) -> keras.layers.Layer:
    """The layer of that name.

    Raises:
        UserError: there is none, or it has no maps.
    """
    layer = find_layer(model, name)
    if len(layer.output.shape) != 4:
        raise UserError(f"{name} has no maps; choose a convolution, an activation or a pooling before it")
    return layer


def is_output(model: keras.Model, name: LayerName) -> bool:
    """Whether a layer's units are the classes, before or after the softmax."""
    tensor = find_layer(model, name).output
    return tensor is model.output or tensor is _scores(model)


def channels_last(maps: Any) -> Any:
    """A symbolic tensor (batch, channels, h, w) → (batch, h, w, channels)."""
    return keras.layers.Permute((2, 3, 1), name=f"{maps.name}_channels_last")(maps)


def scores_behind(model: keras.Model, name: LayerName) -> keras.Model:
    """[image, a layer's output in its own data format] → scores before the softmax.

    The image is there for branches that go around the layer.
    """
    layer = find_layer(model, name)
    return keras.Model([model.input, layer.output], _float32(_scores(model)), name="scores_behind")


def channel_axis_of(model: keras.Model, layer: keras.layers.Layer) -> int:
    """Where the channels of a layer's maps are, the batch axis counted: 1 or 3.

    A layer without a data format of its own keeps what the layers before it have made.
    """
    data_format = "channels_last"
    for each in inner_layers(model):
        data_format = getattr(each, "data_format", None) or data_format
        if each is layer:
            break
    return 1 if data_format == "channels_first" else 3


def image_channel_axis(model: keras.Model) -> int:
    """Where the channels of the model's images are, the batch axis counted, as its first layer takes them."""
    formats = (getattr(layer, "data_format", None) for layer in inner_layers(model))
    return 1 if next((each for each in formats if each), "channels_last") == "channels_first" else 3


def takes_raw_pixels(model: keras.Model) -> bool:
    """Whether the first layer makes values up to 255 small: then images are not to be scaled before."""
    first = inner_layers(model)[0]
    return isinstance(first, keras.layers.Rescaling) and bool(np.max(np.abs(first.scale)) <= 1 / 100)


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """The model's answers, in inference: (N, …) images → (N, …) float32."""
    (answers,) = in_batches(evaluated(lambda x: (model(x, training=False),)), images)
    return answers


def take_class(scores: Any, classes: Any) -> Any:
    """Of each image the score of its class: tensors (N, num_classes), (N,) int → (N,)."""
    return keras.ops.take_along_axis(scores, classes[:, None], axis=1)[:, 0]


def class_score(model: keras.Model) -> Callable[[Any, Any], Any]:
    """A function of image and class tensors: (N, …), (N,) → (N,) scores before the softmax."""
    scores = logits_of(model)
    return lambda x, classes: take_class(scores(x, training=False), classes)


def in_float32(model: keras.Model) -> keras.Model:
    """Let a model of mixed precision compute in float32, and return it.

    Its weights are float32 anyway; gradients in half precision lose what is small.
    """
    if all(layer.compute_dtype == "float32" for layer in model.layers):
        return model
    for layer in model.layers:
        if layer.compute_dtype != "float32":
            layer.dtype_policy = "float32"
    # The graph remembers the types that its tensors had: it is drawn anew, with the same weights.
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    return twin


def activation_of(operation: Any) -> str:
    """The name of what a layer or operation computes behind its weights, or is: relu, softmax, linear.

    Names of classes are written as Keras writes those of functions: ReLU and Relu are relu, LeakyReLU is
    leakyrelu.
    """
    if (function := getattr(operation, "activation", None)) is not None:
        return str(getattr(function, "__name__", function))
    if isinstance(operation, keras.layers.ReLU) and (operation.negative_slope or operation.threshold):
        return "relu with a negative slope or threshold"
    return type(operation).__name__.lower() if is_activation(operation) else "linear"


def is_activation(operation: Any) -> bool:
    """Whether a layer or operation is an activation and nothing else."""
    known = {"prelu", *(name.replace("_", "") for name in vars(keras.activations))}
    return isinstance(operation, keras.layers.Activation) or type(operation).__name__.lower() in known


def _last(model: keras.Model) -> Any:
    """The layer or operation that makes the model's output."""
    return next(each for each in reversed(model.operations) if each.output is model.output)


def _scores(model: keras.Model) -> Any:
    last = _last(model)
    return _before_activation(last) if activation_of(last) == "softmax" else model.output


def _before_activation(layer: Any) -> Any:
    """The tensor that goes into a layer's activation."""
    if is_activation(layer):
        return layer.input
    if activation_of(layer) == "linear":
        return layer.output
    settings = {**layer.get_config(), "activation": "linear", "name": f"{layer.name}_before_activation"}
    twin = type(layer).from_config(settings)
    tensor = twin(layer.input)
    twin.set_weights(layer.get_weights())
    return tensor


def _float32(tensor: Any) -> Any:
    if tensor.dtype == "float32":
        return tensor
    return keras.layers.Activation("linear", dtype="float32", name=f"{tensor.name}_float32")(tensor)
