"""What every layer of the model language is: fields, arithmetic, build."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from cnnlab.errors import ShapeError
from cnnlab.language.fields import DataFormat, Name, Padding, Settings, Shape
from cnnlab.layers.penalties import Constraint, Regularizer

if TYPE_CHECKING:
    import keras

    from cnnlab.layers.graph import Graph, Where


class Weight(NamedTuple):
    """One array of a layer, as Keras would create it."""

    name: str
    shape: Shape
    trainable: bool = True

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class Window(NamedTuple):
    """What slides over the image: everything that decides where it lands and what it covers."""

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: Padding = "valid"
    dilation: tuple[int, int] = (1, 1)
    upsampling: tuple[int, int] = (1, 1)
    """How many outputs one step of the input becomes, in height and width."""

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width covered on the input, holes of the dilation included."""
        return (
            (self.size[0] - 1) * self.dilation[0] + 1,
            (self.size[1] - 1) * self.dilation[1] + 1,
        )


class Layer(Settings):
    """A layer: its fields are Keras's arguments, with Keras's names and defaults.

    A subclass says what it does to a shape and which weights it has; what it leaves out is "as it came"
    and "none". All shapes are without the batch axis.
    """

    filter_axes: ClassVar[Mapping[str, tuple[int, ...]]] = {}
    """By weight array, the axes along which the weights of one output lie; constraints need to know."""

    name: Name | None = None

    @classmethod
    def type(cls) -> str:
        """The class name, as a config writes it."""
        return cls.__name__

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
    def view(self) -> Window | None:
        """What one output sees of this layer's input: the window where there is one."""
        return self.window

    @property
    def sees_everything(self) -> bool:
        """Whether one output depends on every position of the input."""
        return False

    @property
    def hides_places(self) -> bool:
        """Whether it is not known what one output sees of the input."""
        return False

    def expand(self, graph: Graph, feed: int, name: str, where: Where) -> int:
        """Add this layer to the graph, fed by node `feed`; blocks add the layers they are made of."""
        return graph.add(self, (feed,), name, where)

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


def slide(spatial: tuple[int, int], window: Window, what: str = "window") -> tuple[int, int]:
    """How many places the window takes in height and width.

    ⌊(n − extent) / stride⌋ + 1 with padding="valid", ⌈n / stride⌉ with "same".

    Raises:
        ShapeError: the window is larger than its input.
    """
    if window.padding == "same":
        return -(-spatial[0] // window.stride[0]), -(-spatial[1] // window.stride[1])
    if any(extent > size for size, extent in zip(spatial, window.extent, strict=True)):
        dilated = f", dilated to {times(window.extent)}," if window.extent != window.size else ""
        raise ShapeError(
            f"the {times(window.size)} {what}{dilated} does not fit its {times(spatial)} input",
            "remove this layer, or set padding: same on it or on an earlier layer",
        )
    height, width = (
        (size - extent) // stride + 1
        for size, extent, stride in zip(spatial, window.extent, window.stride, strict=True)
    )
    return height, width


def times(shape: Shape) -> str:
    """(28, 28, 1) → 28×28×1"""
    return "×".join(str(size) for size in shape)


@cache
def snake_case(type_name: str) -> str:
    """MaxPooling2D → max_pooling2d, as Keras names its layers."""
    words = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", type_name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
