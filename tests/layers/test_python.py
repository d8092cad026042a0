"""Layers as Python code makes them: Keras's arguments, our messages."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cnnlab.layers
from cnnlab.errors import UserError
from cnnlab.layers import LAYERS, Conv2D, Dense, Residual
from cnnlab.layers.serialization import read_layer, write_layer


def test_every_layer_is_an_attribute():
    for name, layer in LAYERS.items():
        assert getattr(cnnlab.layers, name) is layer
        assert name in dir(cnnlab.layers)
    with pytest.raises(AttributeError, match="Conv3D"):
        cnnlab.layers.Conv3D  # noqa: B018


def test_type_checkers_see_the_same_layers():
    tree = ast.parse(Path(cnnlab.layers.__file__).read_text(encoding="utf-8"))
    (block,) = (each for each in tree.body if isinstance(each, ast.If))
    seen = {
        alias.name: each.module
        for each in block.body
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    }
    assert seen == {name: layer.__module__ for name, layer in LAYERS.items()}


def test_importing_the_language_imports_no_layer():
    code = "import sys, cnnlab.layers; print([name for name in sys.modules if 'cnnlab.layers.' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['cnnlab.layers.table']"


def test_a_layer_is_what_its_config_says():
    layer = Conv2D(filters=8, kernel_size=3, strides=(2, 1), kernel_regularizer="l2")
    assert layer == read_layer(
        {"Conv2D": {"filters": 8, "kernel_size": 3, "strides": [2, 1], "kernel_regularizer": "l2"}}
    )
    block = Residual(layers=[layer, "ReLU", Conv2D(filters=8, kernel_size=(3, 3))], shortcut="projection")
    assert read_layer(write_layer(block)) == block


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda: Conv2D(filters=0, kernel_sise=3),
            "Conv2D.kernel_size: missing; this key is required\n"
            "Conv2D.filters: expected 1 or more, found 0\n"
            "Conv2D.kernel_sise: unknown key; did you mean kernel_size?",
            id="all at once",
        ),
        pytest.param(
            lambda: Conv2D(filters=3, kernel_size=3, groups=2),
            "Conv2D: expected filters divisible by groups, found 3 and 2", id="fields that do not fit",
        ),
        pytest.param(
            lambda: Dense(units=3, use_bias=False, bias_initializer="ones"),
            "Dense.bias_initializer: has no effect with use_bias: false; leave it out", id="without effect",
        ),
        pytest.param(
            lambda: Residual(layers=["Flaten"]),
            "Residual.layers[0]: unknown layer 'Flaten'; did you mean Flatten?", id="inside a block",
        ),
    ],
)  # fmt: skip
def test_mistakes(make, message):
    with pytest.raises(UserError) as caught:
        make()
    assert str(caught.value) == message


def test_numbers_of_numpy_are_numbers():
    layer = Conv2D(filters=np.int64(8), kernel_size=(np.int32(3), 3))
    assert layer == Conv2D(filters=8, kernel_size=3)


def test_fields_are_given_by_name():
    with pytest.raises(
        UserError, match=r"^Conv2D: expected fields by name, such as Conv2D\(kernel_size=…, filters=…\)"
    ):
        Conv2D(8, 3)


def test_a_star_brings_all_layers():
    names = {}
    exec("from cnnlab.layers import *", names)
    assert names["Conv2D"] is Conv2D
    assert set(LAYERS) <= set(names)
