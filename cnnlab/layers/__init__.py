"""The model language: every layer that a config may name."""

from cnnlab.layers.base import Layer
from cnnlab.layers.convolution import Conv2D
from cnnlab.layers.core import Activation, Dense, Dropout, Flatten, Grayscale, Rescaling
from cnnlab.layers.normalization import BatchNormalization
from cnnlab.layers.pooling import AveragePooling2D, MaxPooling2D

LAYERS: dict[str, type[Layer]] = {
    layer.type(): layer
    for layer in (
        Activation,
        AveragePooling2D,
        BatchNormalization,
        Conv2D,
        Dense,
        Dropout,
        Flatten,
        Grayscale,
        MaxPooling2D,
        Rescaling,
    )
}
