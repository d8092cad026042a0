"""A locally connected layer with equal weights everywhere is a convolution: outputs and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnlab.layers import LAYERS

CASES: list[dict[str, Any]] = [
    {"kernel_size": 3, "activation": "relu"},
    {"kernel_size": [3, 2], "strides": [2, 3], "data_format": "channels_first"},
    {"kernel_size": [2, 3], "dilation_rate": [2, 1], "use_bias": False},
]


def assert_equal_weights_make_a_convolution() -> None:
    """On the backend that runs; images of both formats."""
    import keras

    from cnnlab.gradients import differentiated

    rng = np.random.default_rng(0)
    for fields in CASES:
        shape = (2, 9, 8) if fields.get("data_format") == "channels_first" else (9, 8, 2)
        images = rng.normal(size=(3, *shape)).astype(np.float32)
        local, shared = (
            LAYERS[kind].model_validate({"filters": 4, **fields}).build(kind)
            for kind in ("LocallyConnected2D", "Conv2D")
        )
        answers = [keras.ops.convert_to_numpy(layer(images)) for layer in (local, shared)]
        kernel, *bias = (rng.normal(size=weight.shape).astype(np.float32) for weight in shared.weights)
        shared.set_weights([kernel, *bias])
        flat = kernel.reshape(-1, 4)
        everywhere = [np.broadcast_to(each, local.bias.shape) for each in bias]
        local.set_weights([np.broadcast_to(flat, local.kernel.shape), *everywhere])
        factors = rng.normal(size=answers[0].shape[1:]).astype(np.float32)

        def score(pictures: Any, layer: Any, factors: np.ndarray = factors) -> Any:
            return keras.ops.sum(layer(pictures) * keras.ops.convert_to_tensor(factors), axis=(1, 2, 3))

        found, wanted = (
            differentiated(lambda pictures, layer=layer: score(pictures, layer))(images)
            for layer in (local, shared)
        )
        for one, other in zip(found, wanted, strict=True):
            assert np.abs(other).max() > 1
            np.testing.assert_allclose(one, other, atol=1e-4)
