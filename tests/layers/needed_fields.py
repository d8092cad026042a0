"""Of each layer that cannot do without them, fields that a small image can take."""

from typing import Any

NEEDED: dict[str, dict[str, Any]] = {
    "Activation": {"activation": "relu"}, "Conv2D": {"filters": 4, "kernel_size": 3},
    "Conv2DTranspose": {"filters": 4, "kernel_size": 3, "strides": 2}, "Dense": {"units": 5},
    "DepthwiseConv2D": {"kernel_size": 3}, "Dropout": {"rate": 0.5}, "GaussianNoise": {"stddev": 0.1},
    "GroupNormalization": {"groups": 3}, "LocallyConnected2D": {"filters": 4, "kernel_size": 3},
    "Permute": {"dims": [3, 1, 2]},
    "RandomCrop": {"height": 8, "width": 8}, "RandomRotation": {"factor": 0.1},
    "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1}, "RandomZoom": {"height_factor": 0.1},
    "Rescaling": {"scale": 2.0}, "Reshape": {"target_shape": [-1, 3]},
    "SeparableConv2D": {"filters": 4, "kernel_size": 3}, "SpatialDropout2D": {"rate": 0.5},
}  # fmt: skip
