"""What every layer of the model language is: fields, arithmetic, build."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from pydantic import ValidationError

from cnnlab.errors import ShapeError, UserError
from cnnlab.language.fields import DataFormat, Name, Settings, Shape, mistakes, without_numpy
from cnnlab.language.source import dotted
from cnnlab.layers.penalties import Constraint, Regularizer
from cnnlab.layers.window import Footprint, Footprints, Window

if TYPE_CHECKING:
    import keras


class Weight(NamedTuple):
    """One array of a layer, as Keras would create it."""

    name: str
    shape: Shape
    trainable: bool = True

    @property
    def size(self) -> int:
        return math.prod(self.shape)


SUMMING_ACTIVATIONS = frozenset(("log_softmax", "softmax", "sparsemax"))
"""Activation functions in which numbers depend on their neighbours along the last axis."""

DrawingRole = Literal["convolution", "pooling", "dense", "merge", "note", "hidden"]
"""What a drawing shows of a layer: a volume of such a kind, a note on the volume before it, or nothing."""


class Layer(Settings):
    """A layer: its fields are Keras's arguments, with Keras's names and defaults.

    A subclass says what it does to a shape and which weights it has; by default the shape stays, and there
    are no weights. Summary, drawings and explanations ask the layer, and know no type. All shapes are without
    the batch axis.
    """

    filter_axes: ClassVar[Mapping[str, tuple[int, ...]]] = {}
    """By weight array, the axes along which the weights of one output lie; constraints need to know."""

    drawing_role: ClassVar[DrawingRole] = "note"
    """How it is drawn; a "note" that changes the shape is drawn as a volume after all."""

    symbol: ClassVar[str | None] = None
    """What a drawing writes where it merges branches, such as +; None: its output is drawn as a volume."""

    is_convolution: ClassVar[bool] = False
    is_augmentation: ClassVar[bool] = False
    """Whether it changes images at random, in training only."""

    acts_in_training_only: ClassVar[bool] = False
    """Whether it passes its input on unchanged outside training, whatever its settings."""

    takes_statistics: ClassVar[bool] = False
    """Whether it normalizes each image by statistics of its own, which receptive fields do not count."""

    prepares_images: ClassVar[bool] = False
    """Whether it brings images into a form, such as gray values, before a network proper begins."""

    moves_pixels: ClassVar[bool] = False
    """Whether it turns, shifts, mirrors, scales or crops images: of use where neighbors belong together."""

    only_reshapes: ClassVar[bool] = False
    """Whether its output is its input under another shape, which takes no memory of its own."""

    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {}
    """The values of fields with which, all together, a layer passes its input on unchanged; {}: never."""

    silent_at: ClassVar[Mapping[str, tuple[object, ...]]] = {}
    """The values of fields with which, all together, its output does not depend on its input; {}: never."""

    width_field: ClassVar[str | None] = None
    """The field that says how wide the layer is, such as filters: what is resized to meet a budget."""

    name: Name | None = None

    if not TYPE_CHECKING:  # type checkers see the fields as keywords

        def __init__(self, /, *positional: Any, **fields: Any) -> None:
            """A layer in Python code, where no config says where a mistake stands.

            Raises:
                UserError: a field is missing, unknown or wrong; all mistakes are in the message.
            """
            if positional:
                names = [name for name in type(self).model_fields if name != "name"][: len(positional)]
                required = [name for name, each in type(self).model_fields.items() if each.is_required()]
                example = ", ".join(f"{name}=…" for name in required or names)
                raise UserError(f"{self.type()}: expected fields by name, such as {self.type()}({example})")
            try:
                super().__init__(**{name: without_numpy(value) for name, value in fields.items()})
            except ValidationError as error:
                lines = (f"{dotted((self.type(), *where))}: {what}" for where, what in mistakes(error))
                raise UserError("\n".join(lines)) from None

        # As Pydantic marks its own: a config's fields are validated without going through here.
        __init__.__pydantic_base_init__ = True

    @classmethod
    def type(cls) -> str:
        """The class name, as a config writes it."""
        return cls.__name__

    @property
    def is_idle(self) -> bool:
        """Whether the layer passes its input on unchanged, because its settings make it."""
        return self._has(self.idle_at)

    @property
    def is_silent(self) -> bool:
        """Whether the output does not depend on the input, because the settings make it so."""
        return self._has(self.silent_at)

    def _has(self, values: Mapping[str, tuple[object, ...]]) -> bool:
        return bool(values) and all(getattr(self, field) in each for field, each in values.items())

    @property
    def short_name(self) -> str:
        """The type as one says it, for notes in drawings: BatchNormalization → batch norm."""
        words = snake_case(self.type()).replace("_", " ").replace("normalization", "norm")
        return words.removesuffix("2d").strip()

    @property
    def output_activation(self) -> str:
        """The activation function that its output has gone through last."""
        return "linear"

    def reject_unused_bias(self, use_bias: bool) -> None:
        """For layers with a bias: what is said about one that is not used is a mistake."""
        if not use_bias:
            fields = ("bias_initializer", "bias_regularizer", "bias_constraint")
            self.reject_unused(*fields, reason="with use_bias: false")

    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape that comes out.

        Raises:
            ShapeError: the layer cannot take `input_shape`.
        """
        return input_shape

    def output_shape_of(self, input_shapes: tuple[Shape, ...]) -> Shape:
        """The same for any number of inputs; layers that merge branches take several."""
        (input_shape,) = input_shapes
        return self.output_shape(input_shape)

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        """The arrays that Keras creates for this layer, in Keras's order."""
        return ()

    def weights_of(self, input_shapes: tuple[Shape, ...]) -> tuple[Weight, ...]:
        """The same for any number of inputs."""
        return self.weights(input_shapes[0])

    def macs(self, input_shape: Shape) -> int | None:
        """Multiplications with weights in the forward pass of one image; biases are not counted.

        None where nobody has counted them.
        """
        return 0

    def working_numbers(self, input_shape: Shape) -> int:
        """Float32 numbers that one image takes on the way to the output, where they are far more than it."""
        return 0

    def window_numbers(self, input_shape: Shape) -> int:
        """How many numbers the windows of a convolution are, each written out; 0 for every other layer."""
        return 0

    def neurons(self, input_shape: Shape) -> int:
        """Number of outputs of a convolution or dense layer; 0 for every other layer."""
        return 0

    def locally_connected_params(self, input_shape: Shape) -> int | None:
        """Parameters if each output had weights of its own over its window; None without a kernel."""
        return None

    def dense_equivalent_params(self, input_shape: Shape) -> int | None:
        """Parameters of a Dense layer between the same input and output; own ones if not a convolution.

        None where it is not known which of the two it is.
        """
        return sum(weight.size for weight in self.weights(input_shape))

    @property
    def window(self) -> Window | None:
        """The window that slides over the image, for layers that have one."""
        return None

    @property
    def sees_everything(self) -> bool:
        """Whether one output depends on every position of the input."""
        return False

    @property
    def hides_positions(self) -> bool:
        """Whether it is not known which inputs an output depends on."""
        return False

    @property
    def axes_order(self) -> tuple[int, ...] | None:
        """For each axis of the output the axis of the input that it was, where their order changes."""
        return None

    def written_order(self, input_shape: Shape) -> tuple[int, ...]:
        """Of a layer that only reshapes: the axes of its input in the order in which it writes them out."""
        return tuple(range(len(input_shape)))

    @property
    def dropped_axes(self) -> tuple[int, ...]:
        """The axes of its input that its output has no longer: each output sees all of them."""
        return ()

    @property
    def joined_axis(self) -> int | None:
        """The axis along which a layer puts its inputs one behind the other; −1: the last."""
        return None

    def footprints(self, input_shape: Shape) -> Mapping[int, Footprint]:
        """By axis, which inputs an output depends on; on other axes the input at its own position."""
        return {}

    def spanned_axes(self, input_shape: Shape, output_shape: Shape) -> frozenset[int]:
        """Axes along which every output depends on all inputs.

        Where a size changes and `footprints` does not say how, that is what has to be assumed. A softmax
        depends on all numbers along the last axis.
        """
        summed = {len(output_shape) - 1} if self.output_activation in SUMMING_ACTIVATIONS else set()
        told = {*self.footprints(input_shape)}
        if self.joined_axis is not None:
            told.add(self.joined_axis % len(input_shape))
        sizes = enumerate(zip(input_shape, output_shape, strict=True))
        return frozenset(
            axis
            for axis, (before, after) in sizes
            if axis in summed or (before != after and axis not in told)
        )

    def explain_output(self, input_shapes: tuple[Shape, ...], output_shape: Shape) -> Iterator[str]:
        """Sentences that work the output's shape out."""
        (input_shape,) = input_shapes
        if output_shape == input_shape:
            yield f"The shape does not change: {times(output_shape)}."
        else:
            total = math.prod(output_shape)
            yield f"Input: {times(input_shape)}. Output: {times(output_shape)}, {total:,} numbers."

    def explain_parameters(self, input_shapes: tuple[Shape, ...]) -> Iterator[str]:
        """Sentences that work the number of parameters out; not asked of a layer without any."""
        weights = self.weights_of(input_shapes)
        for weight in weights:
            sizes = f"{product(weight.shape)} = " if len(weight.shape) > 1 else ""
            yield f"{weight.name.replace('_', ' ')}: {sizes}{weight.size:,}."
        if len(weights) > 1:
            sizes = " + ".join(f"{weight.size:,}" for weight in weights)
            yield f"Total: {sizes} = {sum(weight.size for weight in weights):,}."

    def explain_macs(self, input_shape: Shape, output_shape: Shape) -> Iterator[str]:
        """Sentences that work the multiplications out; not asked where there are none or they are unknown."""
        outputs, macs = math.prod(output_shape), self.macs(input_shape)
        assert macs is not None
        terms, rest = divmod(macs, outputs)
        if rest:
            yield f"{macs:,} multiplications per image."
            return
        yield f"Each of the {outputs:,} outputs is a sum of {terms:,} inputs, each multiplied by a weight."
        yield f"{outputs:,} × {terms:,} = {macs:,} multiplications per image."

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the Keras layer, its name aside."""
        arguments = self.model_dump(exclude={"name"})
        for field in arguments:
            value = getattr(self, field)
            if isinstance(value, Regularizer):
                arguments[field] = value.build()
            elif isinstance(value, Constraint):
                arguments[field] = value.build(self.filter_axes[field.removesuffix("_constraint")])
        return arguments

    def build(self, name: str, dtype: str = "float32") -> keras.layers.Layer:
        """The Keras layer of the same class name, with these fields; `dtype` is a policy: mixed_bfloat16."""
        import keras

        layer: keras.layers.Layer = getattr(keras.layers, self.type())(
            **self.arguments(), name=name, dtype=dtype
        )
        return layer

    def connect(self, layer: keras.layers.Layer, feeds: Sequence[Any]) -> Any:
        """Call the built layer on symbolic tensors: on the one that feeds it, or on a list of several."""
        return layer(feeds[0] if len(feeds) == 1 else list(feeds))


class SpatialLayer(Layer):
    """A layer on images: (H, W, C), or (C, H, W) where `data_format` says channels_first."""

    data_format: DataFormat = "channels_last"

    def footprints(self, input_shape: Shape) -> Mapping[int, Footprint]:
        height, width, _ = self.spatial(input_shape)
        along_image = self.spatial_footprints((height, width))
        return dict(zip(self.spatial_axes, along_image, strict=True)) if along_image else {}

    def spatial_footprints(self, spatial: tuple[int, int]) -> Footprints | None:
        """The footprints along height and width of an input of this size; None: those of single pixels."""
        return self.window.footprints(spatial) if self.window else None

    def window_channels(self, input_shape: Shape) -> int:
        """How many channels of its input one output sees through the window: here its own alone."""
        return 1

    @property
    def spatial_axes(self) -> tuple[int, int]:
        """Which axes are height and width, the batch axis not counted."""
        return (1, 2) if self.data_format == "channels_first" else (0, 1)

    @property
    def channel_axis(self) -> int:
        """Which axis the channels are on, the batch axis not counted."""
        return 0 if self.data_format == "channels_first" else 2

    def spatial(self, input_shape: Shape) -> tuple[int, int, int]:
        """Height, width and channels of an image, whatever its format.

        Raises:
            ShapeError: the input is not an image.
        """
        if len(input_shape) != 3:
            raise ShapeError(
                f"expected an image, (height, width, channels), received {times(input_shape)}",
                f"put {self.type()} before Flatten and Dense",
            )
        if self.data_format == "channels_first":
            channels, height, width = input_shape
        else:
            height, width, channels = input_shape
        return height, width, channels

    def from_spatial(self, height: int, width: int, channels: int) -> Shape:
        """The shape of an image in this layer's format."""
        return (
            (channels, height, width) if self.data_format == "channels_first" else (height, width, channels)
        )

    def explain_positions(self, input_shape: Shape, output_shape: Shape, what: str) -> Iterator[str]:
        """Sentences on how often the window, a kernel or not, fits into its input."""
        window = self.window
        assert window is not None
        if window.dilation != (1, 1):
            yield (
                f"With a dilation of {times(window.dilation)}, the {times(window.size)} {what} spans "
                f"{times(window.extent)} of its input."
            )
        if window.padding == "same":
            yield (
                f"The edges are padded, so only the stride matters: the {what} takes ⌈n / stride⌉ positions."
            )
        else:
            yield f"A {what} of size k takes ⌊(n − k) / stride⌋ + 1 positions along an axis of size n."
        along = [
            (size, extent, stride, found)
            for size, extent, stride, found in zip(
                self.spatial(input_shape)[:2], window.extent, window.stride, self.spatial(output_shape)[:2],
                strict=True,
            )
        ]  # fmt: skip
        rows, columns = (
            f"⌈{size} / {stride}⌉ = {found}"
            if window.padding == "same"
            else f"⌊({size} − {extent}) / {stride}⌋ + 1 = {found}"
            for size, extent, stride, found in along
        )
        yield f"Rows: {rows}; columns: {'the same' if along[0] == along[1] else columns}."


def slide(
    spatial: tuple[int, int], window: Window, what: str = "window", *, pads: bool = True
) -> tuple[int, int]:
    """How many positions the window takes in height and width.

    ⌊(n − extent) / stride⌋ + 1 with padding="valid", ⌈n / stride⌉ with "same".

    Args:
        pads: whether the layer itself can pad its input, which an error then suggests.

    Raises:
        ShapeError: the window is larger than its input.
    """
    if window.padding == "same":
        return -(-spatial[0] // window.stride[0]), -(-spatial[1] // window.stride[1])
    if any(extent > size for size, extent in zip(spatial, window.extent, strict=True)):
        dilated = f", dilated to {times(window.extent)}," if window.extent != window.size else ""
        raise ShapeError(
            f"the {times(window.size)} {what}{dilated} does not fit its {times(spatial)} input",
            f"remove this layer, or set padding: same on {'it or on ' if pads else ''}an earlier layer",
        )
    height, width = (
        (size - extent) // stride + 1
        for size, extent, stride in zip(spatial, window.extent, window.stride, strict=True)
    )
    return height, width


def times(shape: Shape) -> str:
    """(28, 28, 1) → 28×28×1"""
    return "×".join(str(size) for size in shape)


def product(shape: Shape) -> str:
    """(3, 3, 1250) → 3 × 3 × 1,250, as part of an equation."""
    return " × ".join(f"{size:,}" for size in shape)


@cache
def snake_case(type_name: str) -> str:
    """MaxPooling2D → max_pooling2d, as Keras names its layers."""
    words = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", type_name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
