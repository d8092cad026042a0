"""Any layer that Keras ships and cnnlab's language does not know: shapes and weights come from Keras."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from cnnlab.errors import ShapeError, first_sentence
from cnnlab.language.fields import Shape
from cnnlab.layers.base import DrawingRole, Layer, Weight, times
from cnnlab.layers.from_keras.classes import kind_of

if TYPE_CHECKING:
    import keras

_POINTWISE_NAMES = """
    Activation ActivityRegularization AlphaDropout AutoContrast BatchNormalization Dropout ELU GaussianDropout
    GaussianNoise GroupNormalization Identity LayerNormalization LeakyReLU Normalization PReLU
    RMSNormalization RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomGrayscale
    RandomHue RandomInvert RandomPosterization RandomSaturation ReLU Rescaling Softmax Solarization
    SpatialDropout1D SpatialDropout2D SpatialDropout3D UnitNormalization
"""
_SYMBOLS = {
    "Add": "+", "Average": "mean", "Maximum": "max", "Minimum": "min", "Multiply": "×", "Subtract": "−",
}  # fmt: skip
"""Branches meet in them, number by number; they have no weights."""

_ACTIVATIONS = frozenset(("ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"))
"""They are called by the function that they apply."""

_POINTWISE = _SYMBOLS.keys() | frozenset(_POINTWISE_NAMES.split())
"""They change numbers where they stand: nothing about them counts as a multiplication, as in cnnlab's own."""

_IN_TRAINING_ONLY = frozenset(
    name for name in _POINTWISE if "Dropout" in name or name == "GaussianNoise" or name.startswith("Random")
)
_NORMALIZING = frozenset(
    ("GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization")
)

_DENSE_NAMES = """
    Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose Dense DepthwiseConv1D
    DepthwiseConv2D EinsumDense SeparableConv1D SeparableConv2D
"""
_DENSE = frozenset(_DENSE_NAMES.split())
"""Convolutions and dense layers: their outputs are neurons."""

_REFUSALS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What Keras raises where a layer cannot take its settings or its input."""


class Facts(NamedTuple):
    """What Keras says of a layer on an input."""

    output_shape: Shape
    weights: tuple[Weight, ...]


class KerasLayer(Layer):
    """A layer of Keras's own, with Keras's settings.

    Subclasses, made by `keras_layer`, are called as the layer is. How many multiplications it takes and what
    an output sees of its input is not known, unless it changes numbers where they stand.
    """

    about: ClassVar[str] = (
        "A Keras layer outside cnnlab's model language; Keras reports its shapes and weights."
    )

    config: dict[str, Any]
    separate_inputs: bool = False
    """Several inputs are several arguments, as query and value are; else they are one list."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.output_shape_of((input_shape,))

    def output_shape_of(self, input_shapes: tuple[Shape, ...]) -> Shape:
        return self._facts(input_shapes).output_shape

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        return self.weights_of((input_shape,))

    def weights_of(self, input_shapes: tuple[Shape, ...]) -> tuple[Weight, ...]:
        return self._facts(input_shapes).weights

    def macs(self, input_shape: Shape) -> int | None:
        return 0 if self._is_pointwise else None

    def neurons(self, input_shape: Shape) -> int:
        return math.prod(self.output_shape(input_shape)) if self.type() in _DENSE else 0

    def dense_equivalent_params(self, input_shape: Shape) -> int | None:
        if self.symbol is not None:
            return 0
        return super().dense_equivalent_params(input_shape) if self._is_pointwise else None

    @property
    def hides_positions(self) -> bool:
        return not self._is_pointwise

    def spanned_axes(self, input_shape: Shape, output_shape: Shape) -> frozenset[int]:
        if self.type() != "Softmax":
            return super().spanned_axes(input_shape, output_shape)
        axis = self.config.get("axis", -1)
        axes = axis if isinstance(axis, list | tuple) else [axis]
        return frozenset((each - 1 if each > 0 else each) % len(input_shape) for each in axes)

    @property
    def short_name(self) -> str:
        if self.type() == "Activation":
            return self.output_activation
        return self.type() if self.type() in _ACTIVATIONS else super().short_name

    @property
    def output_activation(self) -> str:
        by_itself = self.type().lower() if self.type() in _ACTIVATIONS else "linear"
        function = self.config.get("activation", by_itself)
        return function if isinstance(function, str) else str(function["class_name"]).lower()

    def explain_output(self, input_shapes: tuple[Shape, ...], output_shape: Shape) -> Iterator[str]:
        if len(input_shapes) == 1:
            yield from super().explain_output(input_shapes, output_shape)
            return
        inputs, total = " and ".join(map(times, input_shapes)), math.prod(output_shape)
        yield f"{len(input_shapes)} inputs: {inputs}. Output: {times(output_shape)}, {total:,} numbers."

    def build(self, name: str, dtype: str = "float32") -> keras.layers.Layer:
        return deserialized(self.type(), self.config, name=name, dtype=dtype)

    def connect(self, layer: keras.layers.Layer, feeds: Sequence[Any]) -> Any:
        return layer(*feeds) if self.separate_inputs else super().connect(layer, feeds)

    @property
    def _is_pointwise(self) -> bool:
        return self.type() in _POINTWISE

    def _facts(self, input_shapes: tuple[Shape, ...]) -> Facts:
        config = json.dumps(self.config, sort_keys=True)
        return _facts(self.type(), config, input_shapes, self.separate_inputs)


def keras_layer(class_name: str, config: Mapping[str, Any], *, separate_inputs: bool = False) -> KerasLayer:
    """A layer by the name of its class and its settings, both as `read_keras` leaves them."""
    settings = {key: value for key, value in config.items() if key != "name"}
    return _class_called(class_name)(config=settings, separate_inputs=separate_inputs)


@cache
def _class_called(class_name: str) -> type[KerasLayer]:
    """A layer's class is what summary and drawings call it by, and what it says of itself."""
    facts = {
        "drawing_role": _drawing_role(class_name),
        "symbol": _SYMBOLS.get(class_name),
        "acts_in_training_only": class_name in _IN_TRAINING_ONLY,
        "prepares_images": class_name in ("CenterCrop", "Normalization", "Resizing"),
        "takes_statistics": class_name in _NORMALIZING,
        "is_augmentation": class_name.startswith("Rand") or class_name == "AugMix",
        "only_reshapes": class_name in ("Flatten", "Reshape"),
    }
    return type(class_name, (KerasLayer,), {"__module__": __name__, **facts})


def _drawing_role(class_name: str) -> DrawingRole:
    if class_name in _DENSE:
        return "convolution" if "Conv" in class_name else "dense"
    if class_name in _SYMBOLS or class_name in ("Concatenate", "Dot"):
        return "merge"
    if class_name.startswith("ZeroPadding"):
        return "hidden"
    return "pooling" if "Pooling" in class_name else "note"


def deserialized(
    class_name: str, config: Mapping[str, Any], *, name: str, dtype: str = "float32"
) -> keras.layers.Layer:
    """The Keras layer of a class that `read_keras` has let pass.

    Raises:
        ShapeError: Keras does not take its settings.
    """
    import keras

    from cnnlab.layers import custom

    settings = {key: _as_keras_writes(key, value, dtype) for key, value in config.items()}
    kind = custom.RandomCrop if class_name == "RandomCrop" else getattr(keras.layers, class_name)
    try:
        settings["name"] = name
        if class_name != "Pipeline":  # which has no precision of its own
            settings["dtype"] = "float32" if _is_for_images(class_name) else dtype
        layer: keras.layers.Layer = kind.from_config(settings)
    except _REFUSALS as error:
        raise _refusal(error) from None
    return layer


def _as_keras_writes(key: str, value: Any, dtype: str) -> Any:
    """Objects with the modules that they come from: Keras looks nothing else up."""
    if isinstance(value, list):
        return [_as_keras_writes(key, each, dtype) for each in value]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value:
        return {name: _as_keras_writes(name, each, dtype) for name, each in value.items()}
    kind, class_name = kind_of(key), value["class_name"]
    config = {name: _as_keras_writes(name, each, dtype) for name, each in value["config"].items()}
    if kind == "layers":
        config["dtype"] = "float32" if _is_for_images(class_name) else dtype
    own = (kind, class_name) == ("layers", "RandomCrop")
    return {
        "module": None if own else f"keras.{kind}",
        "class_name": class_name,
        "config": config,
        "registered_name": "cnnlab>RandomCrop" if own else None,
    }


def _is_for_images(class_name: str) -> bool:
    """Whether it prepares or augments images: Keras draws and resamples by what has no half precision."""
    import keras

    return issubclass(getattr(keras.layers, class_name), keras.layers.RandomFlip.__base__)


@lru_cache(maxsize=4096)
def _facts(class_name: str, config: str, input_shapes: tuple[Shape, ...], separate_inputs: bool) -> Facts:
    """Let Keras build a layer without values for its weights.

    Raises:
        ShapeError: it cannot take its settings or its input.
    """
    import keras

    state = random.getstate()  # initializers draw seeds from here; whoever else does is not to notice
    try:
        with keras.StatelessScope(initialize_variables=False):
            layer = deserialized(class_name, json.loads(config), name="layer")
            feeds = [keras.KerasTensor((None, *shape)) for shape in input_shapes]
            apart = separate_inputs or len(feeds) == 1
            output = layer(*feeds) if apart else layer(feeds)
            if not isinstance(output, keras.KerasTensor):
                raise ShapeError("gives several tensors", "expected layers that give one")
            if None in output.shape[1:]:  # left open in the settings, as EinsumDense allows
                output = keras.Operation.compute_output_spec(layer, *(feeds if apart else [feeds]))
    except _REFUSALS as error:
        raise _refusal(error) from None
    finally:
        random.setstate(state)
    shape = tuple(output.shape[1:])
    if None in shape:
        raise ShapeError(f"its output has the open shape {list(shape)}", "say how large each axis is")
    trainable = {id(variable) for variable in layer.trainable_weights}
    weights = tuple(
        Weight(variable.path.partition("/")[2], tuple(variable.shape), id(variable) in trainable)
        for variable in layer.weights
    )
    return Facts(shape or (1,), weights)


def _refusal(error: BaseException) -> ShapeError:
    if isinstance(error, ShapeError):
        return error
    # Keras repeats the whole config first, and what it calls a layer here is of no use to anyone.
    said = first_sentence(error, after="Exception encountered: ")
    reason = re.sub(r"^Input \d.* is incompatible with the layer: ", "", said)
    return ShapeError(f"Keras refuses it: {reason}", "change its settings, or the layer before it")
