"""What a user reads when a layer cannot be, or cannot take its input. The whole message is asserted."""

from typing import Any

import pytest
from pydantic import ValidationError

from cnnlab.config.sections import ModelConfig
from cnnlab.errors import ShapeError
from cnnlab.layers import LAYERS


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "problem", "remedy"),
    [
        pytest.param(
            "Conv2D", {"filters": 8, "kernel_size": 5}, (4, 6, 1),
            "the 5×5 kernel does not fit its 4×6 input",
            "remove this layer, or set padding: same on it or on an earlier layer", id="kernel too large",
        ),
        pytest.param(
            "Conv2D", {"filters": 8, "kernel_size": 3, "dilation_rate": 3}, (6, 6, 1),
            "the 3×3 kernel, dilated to 7×7, does not fit its 6×6 input",
            "remove this layer, or set padding: same on it or on an earlier layer",
            id="dilated kernel too large",
        ),
        pytest.param(
            "Conv2D", {"filters": 8, "kernel_size": 3}, (784,),
            "expected an image, (height, width, channels), received 784",
            "put Conv2D before Flatten and Dense", id="a row for an image",
        ),
        pytest.param(
            "Conv2D", {"filters": 4, "kernel_size": 3, "groups": 2}, (8, 8, 3),
            "expected input channels divisible by groups, found 3 and 2",
            "choose groups that divide both the input channels and the filters", id="groups",
        ),
        pytest.param(
            "MaxPooling2D", {}, (1, 1, 50),
            "the 2×2 window does not fit its 1×1 input",
            "remove this layer, or set padding: same on it or on an earlier layer", id="nothing left to pool",
        ),
        pytest.param(
            "Dense", {"units": 10}, (28, 28, 1),
            "expected a flat input, received 28×28×1; Keras would apply the same Dense layer to each of the "
            "784 positions separately, which is rarely intended",
            "put Flatten before it", id="Dense on an image",
        ),
        pytest.param(
            "BatchNormalization", {"axis": 4}, (8, 8, 3),
            "axis 4 is not an axis of the 8×8×3 input",
            "use axis: -1 for channels last, axis: 1 for channels first", id="no such axis",
        ),
        pytest.param(
            "Grayscale", {}, (8, 8, 1),
            "expected 3 channels (red, green, blue), received 1 in 8×8×1",
            "remove this layer: the input is gray already", id="grey already",
        ),
        pytest.param(
            "Grayscale", {}, (8, 8, 16),
            "expected 3 channels (red, green, blue), received 16 in 8×8×16",
            "move it to the beginning", id="grey too late",
        ),
    ],
)  # fmt: skip
def test_shapes(kind: str, fields: dict[str, Any], shape: tuple[int, ...], problem: str, remedy: str):
    layer = LAYERS[kind].model_validate(fields)
    with pytest.raises(ShapeError) as caught:
        layer.output_shape(shape)
    assert (caught.value.problem, caught.value.remedy) == (problem, remedy)


@pytest.mark.parametrize(
    ("layer", "where", "message"),
    [
        pytest.param("Conv3D", (), "unknown layer 'Conv3D'; did you mean Conv2D?", id="unknown"),
        pytest.param(
            {"Flatten": {}, "Dense": {}}, (),
            "expected one layer, such as Dense: {units: 10}, found the keys Flatten, Dense", id="two in one",
        ),
        pytest.param(3, (), "expected one layer, such as Dense: {units: 10}, found 3", id="a number"),
        pytest.param({"Dense": {}}, ("units",), "missing; this key is required", id="missing"),
        pytest.param({"Dense": {"units": 0}}, ("units",), "expected 1 or more, found 0", id="range"),
        pytest.param(
            {"Dense": {"units": 2, "name": "a/b"}}, ("name",),
            "expected letters, digits, - and _ only, because it becomes a file name, found 'a/b'", id="name",
        ),
        pytest.param(
            {"Dense": {"units": 2, "activation": "rellu"}}, ("activation",),
            "unknown value 'rellu'; did you mean relu?", id="activation",
        ),
        pytest.param(
            {"Conv2D": {"filters": 2, "kernel_size": 3, "stride": 2}}, ("stride",),
            "unknown key; did you mean strides?", id="unknown key",
        ),
        pytest.param(
            {"Conv2D": {"filters": 2, "kernel_size": [1, 2, 3]}}, ("kernel_size",),
            "expected a whole number, or two: [height, width]; found a list", id="a triple",
        ),
        pytest.param(
            {"Conv2D": {"filters": 3, "kernel_size": 3, "groups": 2}}, (),
            "expected filters divisible by groups, found 3 and 2", id="groups",
        ),
        pytest.param(
            {"Conv2D": {"filters": 3, "kernel_size": 3, "strides": 2, "dilation_rate": 2}}, (),
            "expected strides or dilation_rate above 1, not both; Keras has no such convolution",
            id="strides and dilation",
        ),
        pytest.param({"Dropout": {"rate": 1.0}}, ("rate",), "expected less than 1, found 1.0", id="rate"),
    ],
)  # fmt: skip
def test_fields(layer: Any, where: tuple[str, ...], message: str):
    with pytest.raises(ValidationError) as caught:
        ModelConfig.model_validate({"layers": [layer]})
    errors = {tuple(each["loc"]): each["msg"] for each in caught.value.errors()}
    assert errors == {("layers", 0, *where): message}
