"""Every layer and block that a config may name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnlab.language.lazy_table import LazyTable

if TYPE_CHECKING:
    from cnnlab.layers.base import Layer

_MODULES = {
    "activations": ("Activation", "ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"),
    "augmentation": ("RandomCrop", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom"),
    "blocks": ("Parallel", "Repeat", "Residual"),
    "convolution": ("Conv2D",),
    "core": ("Dense", "Flatten", "Grayscale", "Rescaling"),
    "erasing": ("RandomErasing",),
    "locally_connected": ("LocallyConnected2D",),
    "normalization": (
        "BatchNormalization",
        "GroupNormalization",
        "LayerNormalization",
        "LocalResponseNormalization",
    ),
    "pooling": ("AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "MaxPooling2D"),
    "regularization": ("Dropout", "GaussianNoise", "SpatialDropout2D"),
    "reshaping": ("Permute", "Reshape"),
    "resizing": ("Cropping2D", "UpSampling2D", "ZeroPadding2D"),
    "separable_convolution": ("DepthwiseConv2D", "SeparableConv2D"),
    "spatial_transformer": ("SpatialTransformer",),
    "transposed_convolution": ("Conv2DTranspose",),
}

OWN = dict(
    sorted((name, f"cnnlab.layers.{module}:{name}") for module, names in _MODULES.items() for name in names)
)
"""The layers that come with cnnlab, and where they stand."""

LAYERS: LazyTable[Layer] = LazyTable(
    OWN,
    group="cnnlab.layers",
    base="cnnlab.layers.base:Layer",
    name_of=lambda layer: layer.__name__,
)
"""Every layer by the name it has in a config, which is its class's; those of plug-ins included."""
