"""The model language: `from cnnlab.layers import Conv2D`, or by the name in a config, `LAYERS["Conv2D"]`.

A layer's fields are Keras's arguments: `Conv2D(filters=8, kernel_size=3)`. Its module is imported when it is
first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnlab.layers.table import LAYERS as LAYERS
from cnnlab.layers.table import OWN

if TYPE_CHECKING:  # what `__getattr__` finds, for type checkers
    from cnnlab.layers.activations import ELU as ELU
    from cnnlab.layers.activations import Activation as Activation
    from cnnlab.layers.activations import LeakyReLU as LeakyReLU
    from cnnlab.layers.activations import PReLU as PReLU
    from cnnlab.layers.activations import ReLU as ReLU
    from cnnlab.layers.activations import Softmax as Softmax
    from cnnlab.layers.augmentation import RandomCrop as RandomCrop
    from cnnlab.layers.augmentation import RandomFlip as RandomFlip
    from cnnlab.layers.augmentation import RandomRotation as RandomRotation
    from cnnlab.layers.augmentation import RandomTranslation as RandomTranslation
    from cnnlab.layers.augmentation import RandomZoom as RandomZoom
    from cnnlab.layers.blocks import Parallel as Parallel
    from cnnlab.layers.blocks import Repeat as Repeat
    from cnnlab.layers.blocks import Residual as Residual
    from cnnlab.layers.convolution import Conv2D as Conv2D
    from cnnlab.layers.core import Dense as Dense
    from cnnlab.layers.core import Flatten as Flatten
    from cnnlab.layers.core import Grayscale as Grayscale
    from cnnlab.layers.core import Rescaling as Rescaling
    from cnnlab.layers.erasing import RandomErasing as RandomErasing
    from cnnlab.layers.locally_connected import LocallyConnected2D as LocallyConnected2D
    from cnnlab.layers.normalization import BatchNormalization as BatchNormalization
    from cnnlab.layers.normalization import GroupNormalization as GroupNormalization
    from cnnlab.layers.normalization import LayerNormalization as LayerNormalization
    from cnnlab.layers.normalization import LocalResponseNormalization as LocalResponseNormalization
    from cnnlab.layers.pooling import AveragePooling2D as AveragePooling2D
    from cnnlab.layers.pooling import GlobalAveragePooling2D as GlobalAveragePooling2D
    from cnnlab.layers.pooling import GlobalMaxPooling2D as GlobalMaxPooling2D
    from cnnlab.layers.pooling import MaxPooling2D as MaxPooling2D
    from cnnlab.layers.regularization import Dropout as Dropout
    from cnnlab.layers.regularization import GaussianNoise as GaussianNoise
    from cnnlab.layers.regularization import SpatialDropout2D as SpatialDropout2D
    from cnnlab.layers.reshaping import Permute as Permute
    from cnnlab.layers.reshaping import Reshape as Reshape
    from cnnlab.layers.resizing import Cropping2D as Cropping2D
    from cnnlab.layers.resizing import UpSampling2D as UpSampling2D
    from cnnlab.layers.resizing import ZeroPadding2D as ZeroPadding2D
    from cnnlab.layers.separable_convolution import DepthwiseConv2D as DepthwiseConv2D
    from cnnlab.layers.separable_convolution import SeparableConv2D as SeparableConv2D
    from cnnlab.layers.spatial_transformer import SpatialTransformer as SpatialTransformer
    from cnnlab.layers.transposed_convolution import Conv2DTranspose as Conv2DTranspose


__all__ = ["LAYERS", *OWN]


def __getattr__(name: str) -> Any:
    if name in LAYERS:
        return LAYERS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *LAYERS})
