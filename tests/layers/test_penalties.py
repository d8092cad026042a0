"""Regularizers and constraints against NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from cnnlab.backend import Backend
from cnnlab.layers.penalties import Constraint, Regularizer
from cnnlab.layers.serialization import read_layer

KERNELS = [
    pytest.param({"Dense": {"units": 5}}, (7,), (0,), "kernel", id="dense"),
    pytest.param({"Conv2D": {"filters": 5, "kernel_size": 3}}, (6, 6, 2), (0, 1, 2), "kernel", id="conv2d"),
    pytest.param(
        {"Conv2DTranspose": {"filters": 5, "kernel_size": 3}}, (6, 6, 2), (0, 1, 3), "kernel", id="transpose"
    ),
    pytest.param(
        {"LocallyConnected2D": {"filters": 5, "kernel_size": 3}}, (6, 6, 2), (1,), "kernel", id="local"
    ),
    pytest.param({"DepthwiseConv2D": {"kernel_size": 3}}, (6, 6, 2), (0, 1), "depthwise", id="depthwise"),
    pytest.param(
        {"SeparableConv2D": {"filters": 5, "kernel_size": 3}},
        (6, 6, 2),
        (0, 1, 2),
        "pointwise",
        id="pointwise",
    ),
]


def built(
    layer: dict[str, dict[str, object]], shape: tuple[int, ...], **fields: object
) -> keras.layers.Layer:
    ((kind, given),) = layer.items()
    keras.utils.set_random_seed(1)
    in_keras = read_layer({kind: given | fields}).build("layer")
    in_keras.build((None, *shape))
    return in_keras


def kernel_of(layer: keras.layers.Layer, prefix: str) -> keras.Variable:
    names = (prefix, f"{prefix}_kernel") if len(layer.trainable_variables) > 2 else ("kernel",)
    return next(each for each in layer.trainable_variables if each.name in names)


@pytest.mark.parametrize(("layer", "shape", "axes", "prefix"), KERNELS)
def test_regularizers_add_their_sums_to_the_loss(
    layer: dict, shape: tuple, axes: tuple, prefix: str, backend: Backend
) -> None:
    in_keras = built(layer, shape, **{f"{prefix}_regularizer": {"l1": 0.1, "l2": 0.01}})
    weights = np.asarray(kernel_of(in_keras, prefix))
    expected = 0.1 * np.abs(weights).sum() + 0.01 * np.square(weights).sum()
    assert float(sum(in_keras.losses)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("layer", "shape", "axes", "prefix"), KERNELS)
@pytest.mark.parametrize("constraint", ["max_norm", "unit_norm", "non_neg"])
def test_constraints_hold_for_every_filter(
    layer: dict, shape: tuple, axes: tuple, prefix: str, constraint: str, backend: Backend
) -> None:
    value = {"max_norm": 0.5} if constraint == "max_norm" else constraint
    in_keras = built(layer, shape, **{f"{prefix}_constraint": value})
    kernel = kernel_of(in_keras, prefix)
    optimizer = keras.optimizers.SGD(1.0)
    gradient = np.random.default_rng(0).normal(size=kernel.shape).astype(np.float32)
    optimizer.apply([keras.ops.convert_to_tensor(gradient)], [kernel])
    weights = np.asarray(kernel)
    norms = np.sqrt(np.square(weights).sum(axis=axes))
    if constraint == "non_neg":
        assert (weights >= 0).all()
        assert (weights > 0).any()
    elif constraint == "unit_norm":
        np.testing.assert_allclose(norms, 1, rtol=1e-3)
    else:
        assert (norms <= 0.5 + 1e-4).all()
        assert norms.max() == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        pytest.param("l2", Regularizer(l2=0.01), id="l2"),
        pytest.param("l1_l2", Regularizer(l1=0.01, l2=0.01), id="l1_l2"),
    ],
)
def test_short_regularizers_have_the_strength_of_keras(short: str, long: Regularizer) -> None:
    assert read_layer({"Dense": {"units": 2, "kernel_regularizer": short}}).kernel_regularizer == long


def test_a_short_constraint() -> None:
    layer = read_layer({"Dense": {"units": 2, "kernel_constraint": "max_norm"}})
    assert layer.kernel_constraint == Constraint(max_norm=2.0)
