"""Which layers the engine has, by the names that they have in a config."""

from __future__ import annotations

from typing import Any

from cnnlab.language.lazy_table import LazyTable
from cnnlab.scratch.layer import ScratchLayer

_MODULES = {
    "activations": ("Activation", "ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"),
    "convolutions": (
        "Conv2D",
        "Conv2DTranspose",
        "DepthwiseConv2D",
        "LocallyConnected2D",
        "SeparableConv2D",
    ),
    "core": ("Dense", "Flatten", "Grayscale", "Rescaling"),
    "merging": ("Add", "Average", "Concatenate", "Maximum"),
    "normalization": (
        "BatchNormalization",
        "GroupNormalization",
        "LayerNormalization",
        "LocalResponseNormalization",
    ),
    "pooling": ("AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "MaxPooling2D"),
    "regularization": ("Dropout", "SpatialDropout2D"),
    "reshaping": ("Permute", "Reshape"),
    "resizing": ("Cropping2D", "UpSampling2D", "ZeroPadding2D"),
}

SCRATCH_LAYERS: LazyTable[ScratchLayer[Any]] = LazyTable(
    dict(
        sorted(
            (name, f"cnnlab.scratch.layers.{module}:{name}")
            for module, names in _MODULES.items()
            for name in names
        )
    )
)
