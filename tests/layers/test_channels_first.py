"""Channels-first layers give the numbers of their channels-last twins, in each precision, on every device.

Each test runs with whatever kernels this device has, and once more as if it had none for channels first.
"""

import functools
import inspect

import numpy as np
import pytest

from cnnlab import channels_first
from cnnlab.layers import LAYERS
from cnnlab.layers.base import SpatialLayer
from cnnlab.layers.from_keras.classes import ALLOWED
from cnnlab.layers.from_keras.layer import keras_layer

POOLING = {"pool_size": 2}
CONVOLUTION = {"filters": 4, "kernel_size": 3}

EXAMPLES = {
    "AdaptiveAveragePooling1D": {"output_size": 3},
    "AdaptiveAveragePooling2D": {"output_size": 3},
    "AdaptiveAveragePooling3D": {"output_size": 3},
    "AdaptiveMaxPooling1D": {"output_size": 3},
    "AdaptiveMaxPooling2D": {"output_size": 3},
    "AdaptiveMaxPooling3D": {"output_size": 3},
    "AveragePooling1D": POOLING,
    "AveragePooling2D": {**POOLING, "padding": "same"},
    "AveragePooling3D": POOLING,
    "CenterCrop": {"height": 4, "width": 5},
    "Conv1D": {**CONVOLUTION, "strides": 2},
    "Conv1DTranspose": {**CONVOLUTION, "strides": 2},
    "Conv2D": {**CONVOLUTION, "activation": "relu"},
    "Conv2DTranspose": {**CONVOLUTION, "strides": 2},
    "Conv3D": {**CONVOLUTION, "kernel_size": 2},
    "Conv3DTranspose": {**CONVOLUTION, "kernel_size": 2},
    "ConvLSTM1D": CONVOLUTION,
    "ConvLSTM2D": CONVOLUTION,
    "ConvLSTM3D": {**CONVOLUTION, "kernel_size": 2},
    "Cropping2D": {"cropping": [[1, 0], [1, 2]]},
    "Cropping3D": {"cropping": 1},
    "DepthwiseConv1D": {"kernel_size": 3},
    "DepthwiseConv2D": {"kernel_size": 3, "strides": 2, "padding": "same", "depth_multiplier": 2},
    "Flatten": {},
    "GlobalAveragePooling1D": {},
    "GlobalAveragePooling2D": {},
    "GlobalAveragePooling3D": {},
    "GlobalMaxPooling1D": {},
    "GlobalMaxPooling2D": {"keepdims": True},
    "GlobalMaxPooling3D": {},
    "Grayscale": {},
    "LocalResponseNormalization": {"depth_radius": 1},
    "LocallyConnected2D": {**CONVOLUTION, "strides": [1, 2], "activation": "relu"},
    "MaxPooling1D": POOLING,
    "MaxPooling2D": POOLING,
    "MaxPooling3D": POOLING,
    "Resizing": {"height": 5, "width": 9},
    "SeparableConv1D": CONVOLUTION,
    "SeparableConv2D": {**CONVOLUTION, "kernel_size": [3, 2], "dilation_rate": 2},
    "UpSampling2D": {"interpolation": "bilinear"},
    "UpSampling3D": {},
    "ZeroPadding1D": {"padding": 1},
    "ZeroPadding2D": {"padding": [[1, 0], [2, 1]]},
    "ZeroPadding3D": {"padding": 1},
}

NOT_COMPARED = {
    "ContrastLimitedAdaptiveHistogramEqualization": "histograms of channels have no gradient",
    "AutoContrast": "Keras looks at other axes there",
    "Equalization": "histograms of channels have no gradient",
    "STFTSpectrogram": "a spectrum has no counterpart with channels first",
    "Solarization": "it draws at random",
    "SpatialDropout2D": "it draws at random",
    "SpatialDropout3D": "it draws at random",
}

TOLERANCE = {"float32": 1e-5, "mixed_bfloat16": 5e-2}
"""Sums in another order, some of hundreds of terms; bfloat16 has 8 binary digits."""


AS_IT_IS, WITHOUT_KERNELS = "as it is", "without kernels"

CASES = [
    (kind, device)
    for kind in EXAMPLES
    for device in (AS_IT_IS, WITHOUT_KERNELS)
    if device == AS_IT_IS or "Conv" in kind  # all other layers do without such kernels
]


@pytest.fixture
def tried(request, monkeypatch, backend):
    """The formats that are tried, on the device as it is or one that has no channels-first convolution."""
    formats = []
    computes = channels_first.computes

    def trial(convolution, operands, settings):
        format_ = dict(settings)["data_format"]
        formats.append(format_)
        return computes(convolution, operands, settings) and not (
            request.param == WITHOUT_KERNELS and format_ == "channels_first"
        )

    monkeypatch.setattr(channels_first, "computes", trial)
    return formats


def takes_a_format(kind: str) -> bool:
    import keras
    from keras.src.layers.preprocessing.image_preprocessing.base_image_preprocessing_layer import (
        BaseImagePreprocessingLayer,
    )

    layer = getattr(keras.layers, kind)
    return "data_format" in inspect.signature(layer).parameters or issubclass(
        layer, BaseImagePreprocessingLayer
    )


def test_every_layer_with_a_data_format_is_tried(backend):
    own = {kind for kind, layer in LAYERS.items() if issubclass(layer, SpatialLayer)}
    kinds = own | {kind for kind in ALLOWED["layers"] if takes_a_format(kind)}
    compared = {kind for kind in kinds if not kind.startswith("Rand") and kind != "AugMix"}
    assert compared == EXAMPLES.keys() | NOT_COMPARED.keys()


def shape_of(kind: str) -> tuple[int, ...]:
    """Of images, channels last; those of a recurrent layer come three in a row."""
    dimensions = next(int(digit) for digit in [*kind, "2"] if digit.isdigit())
    steps = (3,) if "LSTM" in kind else ()
    return 2, *steps, *(9, 8, 7)[:dimensions], 3 if kind == "Grayscale" else 4


def built(kind: str, data_format: str, precision: str):
    fields = {**EXAMPLES[kind], "data_format": data_format}
    layer = LAYERS[kind].model_validate(fields) if kind in LAYERS else keras_layer(kind, fields)
    return layer.build("layer", precision)


def outputs_and_gradients(kind: str, layer, images: np.ndarray) -> list[np.ndarray]:
    """Outputs, channels last, then the gradients of the images and of the weights.

    In a compiled function, as training has them.
    """
    import keras
    import tensorflow as tf

    is_first = layer.get_config()["data_format"] == "channels_first"
    axis = 2 if "LSTM" in kind else 1
    weights = [variable.value for variable in layer.trainable_variables]
    # Of both signs: TensorFlow adds up the gradient of a bias in bfloat16, where 256 + 1 is 256.
    weighting = tf.constant(np.random.default_rng(1).random(50_000, np.float32) - 0.5)

    @tf.function(autograph=False)
    def compute(batch):
        with tf.GradientTape() as tape:
            tape.watch(batch)
            outputs = layer(keras.ops.moveaxis(batch, -1, axis) if is_first else batch)
            if is_first and len(outputs.shape) > 2:
                outputs = keras.ops.moveaxis(outputs, 1, -1)
            outputs = tf.cast(outputs, tf.float32)
            flat = tf.reshape(outputs, [-1])
            total = tf.reduce_sum(flat * weighting[: tf.size(flat)])
        return [outputs, *tape.gradient(total, [batch, *weights], unconnected_gradients="zero")]

    return [each.numpy() for each in compute(tf.constant(images))]


@functools.cache
def channels_last_twin(kind: str, precision: str) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Images, weights, and what comes of them: the same on a device without kernels for channels first."""
    images = np.random.default_rng(0).random(shape_of(kind), np.float32)
    layer = built(kind, "channels_last", precision)
    layer.build(images.shape)
    return images, layer.get_weights(), outputs_and_gradients(kind, layer, images)


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize(("kind", "tried"), CASES, indirect=["tried"])
def test_outputs_and_gradients_are_those_of_the_channels_last_twin(kind, precision, tried):
    images, weights, expected = channels_last_twin(kind, precision)
    first = built(kind, "channels_first", precision)
    first.build(np.moveaxis(images, -1, 2 if "LSTM" in kind else 1).shape)
    first.set_weights(weights)
    for found, wanted in zip(outputs_and_gradients(kind, first, images), expected, strict=True):
        scale = max(1.0, float(np.abs(wanted).max()))
        np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE[precision] * scale)
    assert ("channels_first" in tried) == ("Conv" in kind)


@pytest.mark.parametrize("tried", [AS_IT_IS, WITHOUT_KERNELS], indirect=True)
def test_a_bias_goes_along_the_channels_where_the_image_is_as_wide_as_it_has_channels(tried):
    layer = built("Conv1D", "channels_first", "float32")
    layer.build((1, 2, 9))
    layer.set_weights([np.zeros((3, 2, 4)), np.arange(4)])
    outputs = np.asarray(layer(np.zeros((1, 2, 9), np.float32)))
    np.testing.assert_array_equal(outputs, np.repeat(np.arange(4.0), 4).reshape(1, 4, 4))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("kernel_size", [1, [3, 2]])
def test_gaps_in_a_kernel_can_be_zeros(kernel_size, data_format, backend, monkeypatch):
    """Without oneDNN, TensorFlow has no transposed convolution with a dilation on CPUs."""
    import keras

    fields = {"filters": 3, "kernel_size": kernel_size, "dilation_rate": [2, 3], "data_format": data_format}
    layer = LAYERS["Conv2DTranspose"].model_validate(fields).build("layer")
    images = np.random.default_rng(0).random((2, 5, 4, 3), np.float32)
    found = np.asarray(layer(images))
    computes = channels_first.computes

    def trial(convolution, operands, settings):
        of_keras = not hasattr(convolution, "__wrapped__")
        return computes(convolution, operands, settings) and not (
            of_keras and dict(settings)["dilation_rate"] != 1
        )

    monkeypatch.setattr(channels_first, "computes", trial)
    spread = np.zeros((*(np.array(layer.kernel.shape[:2]) - 1) * (2, 3) + 1, *layer.kernel.shape[2:]))
    spread[::2, ::3] = np.asarray(layer.kernel)
    wanted = keras.ops.conv_transpose(images, spread.astype(np.float32), data_format=data_format)
    np.testing.assert_allclose(found, np.asarray(wanted), atol=1e-6)
    np.testing.assert_allclose(np.asarray(layer(images)), found, atol=1e-6)


def test_a_convolution_that_fails_in_both_formats_fails_for_its_own_reason(backend):
    import keras

    images, kernel = np.zeros((1, 3, 5, 5), np.float32), np.zeros((3, 3, 2, 4), np.float32)
    with pytest.raises(ValueError, match=r"Depth of input \(3\) is not a multiple"):
        keras.ops.conv(images, kernel, data_format="channels_first")


def test_a_convolution_is_tried_once(backend, monkeypatch):
    import keras

    images, kernel = np.ones((1, 5, 7, 6), np.float32), np.ones((2, 3, 5, 3), np.float32)
    channels_first.computes.cache_clear()
    for _ in range(3):
        keras.ops.conv(images, kernel, data_format="channels_first")
    assert channels_first.computes.cache_info().misses <= 2  # one for each format


@pytest.mark.parametrize(
    ("error", "said", "answer"),
    [
        ("AbortedError", "Status: 3, message: could not create a primitive descriptor for it", False),
        ("AbortedError", "Status: 1, message: could not create a primitive", None),
        ("AbortedError", "Status: 1, message: could not execute a primitive", None),
        ("UnimplementedError", "as the device says", False),
        ("InvalidArgumentError", "as the device says", False),
        ("ResourceExhaustedError", "as the device says", None),
    ],
)
def test_a_lack_of_memory_is_no_answer_to_a_trial(error, said, answer, backend):
    import tensorflow as tf

    failures = [getattr(tf.errors, error)(None, None, said)]

    def convolution(images):
        if failures:
            raise failures.pop()
        return images * 2

    trial = (convolution, (channels_first.Operand((2, 3), "float32"),), ())
    if answer is None:
        with pytest.raises(getattr(tf.errors, error)):
            channels_first.computes(*trial)
        answer = True  # there is room again
    assert channels_first.computes(*trial) is answer
