"""Looking into a Keras model: scores before the softmax, maps of any layer, the part behind a layer.

All models here are functional, with one image as input. Maps come with channels last, whatever the
layer's own data format, and as float32, whatever the model computes in.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnnlab.errors import UserError, unknown
from cnnlab.gradients import evaluated, in_batches

LayerName = str
"""As the summary writes it: conv2d_1, residual_1/conv2d_2. Keras's spelling with dots is understood too."""


def load_model(path: Path) -> keras.Model:
    """A saved model, cnnlab's own layers included.

    Raises:
        UserError: Keras cannot read it, or it is not one image in, one answer out.
    """
    # What a file may name must be known to Keras first.
    import cnnlab.layers.custom  # noqa: F401

    try:
        model = keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"{path}: not a model that Keras can read: {reason}") from None
    if isinstance(model, keras.Sequential):
        model = keras.Model(model.inputs, model.outputs, name=model.name)
    inputs, outputs = getattr(model, "inputs", None) or [], getattr(model, "outputs", None) or []
    if len(inputs) != 1 or len(outputs) != 1 or len(inputs[0].shape) != 4 or len(outputs[0].shape) != 2:
        raise UserError(f"{path}: expected a network with one image as input and one score for each class")
    return keras.Model(inputs[0], outputs[0], name=model.name)


def find_layer(model: keras.Model, name: LayerName) -> keras.layers.Layer:
    """The layer of that name.

    Raises:
        UserError: there is none; the message names the closest.
    """
    layers = {summary_name(layer): layer for layer in inner_layers(model)}
    wanted = name.replace(".", "/")
    if wanted not in layers:
        raise unknown("layer", name, layers)
    return layers[wanted]


def inner_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """All layers but the input, in the order of computation."""
    return [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]


def convolutions(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers with a kernel that slides over an image, in order."""
    return [layer for layer in inner_layers(model) if isinstance(layer, keras.layers.Conv2D)]


def last_convolution(model: keras.Model) -> keras.layers.Layer:
    """The convolution nearest to the output.

    Raises:
        UserError: the network has none.
    """
    found = convolutions(model)
    if not found:
        raise UserError(f"{model.name}: this network has no convolution; choose one that has, such as cnn")
    return found[-1]


def summary_name(layer: keras.layers.Layer) -> LayerName:
    """A layer's name as the summary writes it."""
    return str(layer.name).replace(".", "/")


def logits_of(model: keras.Model) -> keras.Model:
    """Image → (batch, num_classes) float32 scores before the softmax.

    A softmax may be the last layer's activation or a layer of its own; without one the outputs are
    scores already.
    """
    return keras.Model(model.input, _float32(_scores(model)), name="scores")


def probabilities_of(model: keras.Model) -> keras.Model:
    """Image → (batch, num_classes) float32 probabilities, for models that end in scores too."""
    return keras.Model(model.input, keras.ops.softmax(_float32(_scores(model))), name="probabilities")


def maps_of(model: keras.Model, name: LayerName, *, before_activation: bool = False) -> keras.Model:
    """Image → a layer's output: (batch, h, w, channels) maps, or (batch, units), float32.

    Args:
        before_activation: what the layer computes before its own activation, if it has one.
    """
    layer = find_layer(model, name)
    tensor = _before_activation(layer) if before_activation else layer.output
    if len(tensor.shape) == 4 and channel_axis_of(model, layer) == 1:
        tensor = keras.ops.moveaxis(tensor, 1, -1)
    return keras.Model(model.input, _float32(tensor), name="maps")


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


def _scores(model: keras.Model) -> Any:
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax):
        return last.input
    return _before_activation(last) if _activation(last) == "softmax" else model.output


def _before_activation(layer: keras.layers.Layer) -> Any:
    """The tensor that goes into a layer's activation."""
    if isinstance(layer, keras.layers.Activation):
        return layer.input
    if _activation(layer) == "linear":
        return layer.output
    settings = {**layer.get_config(), "activation": "linear", "name": f"{layer.name}_before_activation"}
    twin = type(layer).from_config(settings)
    tensor = twin(layer.input)
    twin.set_weights(layer.get_weights())
    return tensor


def _activation(layer: keras.layers.Layer) -> str:
    function = getattr(layer, "activation", None)
    return "linear" if function is None else str(getattr(function, "__name__", function))


def _float32(tensor: Any) -> Any:
    return tensor if tensor.dtype == "float32" else keras.ops.cast(tensor, "float32")
