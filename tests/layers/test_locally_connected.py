"""A convolution without weight sharing against loops, against Conv2D, and what is said of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import ShapeError
from cnnlab.layers import LAYERS, LocallyConnected2D
from tests.layers.local_connections import assert_equal_weights_make_a_convolution


def built(data_format="channels_last", **fields):
    return LAYERS["LocallyConnected2D"].model_validate(fields | {"data_format": data_format}).build("layer")


def by_loops(images, kernel, bias, *, kernel_size, strides, dilation, upstream):
    """Outputs, and the gradients of Σ outputs · upstream: (N, H', W', filters), images', kernel's."""
    (high, wide), (down, right), (tall, broad) = kernel_size, strides, dilation
    rows, columns, filters = bias.shape
    outputs, of_images, of_kernel = np.zeros_like(upstream), np.zeros_like(images), np.zeros_like(kernel)
    for row, column in np.ndindex(rows, columns):
        position = row * columns + column
        for place, (i, j, channel) in enumerate(np.ndindex(high, wide, images.shape[3])):
            pixel = (slice(None), row * down + i * tall, column * right + j * broad, channel)
            for number in range(filters):
                weight, given = kernel[position, place, number], upstream[:, row, column, number]
                outputs[:, row, column, number] += images[pixel] * weight
                of_images[pixel] += given * weight
                of_kernel[position, place, number] += (images[pixel] * given).sum()
        outputs[:, row, column] += bias[row, column]
    return outputs, of_images, of_kernel


PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=20)
@given(
    kernel_size=PAIRS,
    strides=PAIRS,
    dilation=PAIRS,
    spare=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
    data_format=st.sampled_from(["channels_last", "channels_first"]),
)
def test_outputs_and_gradients_are_those_of_loops(
    backend, kernel_size, strides, dilation, spare, channels, filters, data_format
):
    import tensorflow as tf

    extents = [(size - 1) * step + 1 for size, step in zip(kernel_size, dilation, strict=True)]
    height, width = (extent + more for extent, more in zip(extents, spare, strict=True))
    rng = np.random.default_rng(0)
    layer = built(
        data_format, filters=filters, kernel_size=kernel_size, strides=strides, dilation_rate=dilation
    )
    images = rng.normal(size=(2, height, width, channels)).astype(np.float32)
    inputs = tf.constant(images if data_format == "channels_last" else images.transpose(0, 3, 1, 2))
    layer.build(inputs.shape)
    kernel, bias = (rng.normal(size=weight.shape).astype(np.float32) for weight in layer.weights)
    layer.set_weights([kernel, bias])
    upstream = rng.normal(size=(2, *bias.shape)).astype(np.float32)
    wanted = by_loops(
        images, kernel, bias, kernel_size=kernel_size, strides=strides, dilation=dilation, upstream=upstream
    )
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs)
        last = outputs if data_format == "channels_last" else tf.transpose(outputs, (0, 2, 3, 1))
        total = tf.reduce_sum(last * upstream)
    of_images, of_kernel, of_bias = tape.gradient(total, [inputs, layer.kernel.value, layer.bias.value])
    if data_format == "channels_first":
        of_images = tf.transpose(of_images, (0, 2, 3, 1))
    for found, expected in zip((last, of_images, of_kernel), wanted, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(of_bias, upstream.sum(axis=0), atol=1e-4)


def test_with_equal_weights_everywhere_it_is_a_convolution(backend):
    assert_equal_weights_make_a_convolution()


@pytest.mark.parametrize(
    "initializer",
    ["glorot_uniform", "he_normal", "lecun_uniform", "variance_scaling", "random_normal", "orthogonal"],
)
def test_initial_weights_are_as_large_as_those_of_a_convolution(initializer, backend):
    """With 324 positions counted in, as in Keras 2, glorot_uniform would give weights 18 times smaller."""
    import keras

    keras.utils.set_random_seed(3)
    fields = {"filters": 20, "kernel_size": 3, "kernel_initializer": initializer}
    layers = [LAYERS[kind].model_validate(fields).build("it") for kind in ("LocallyConnected2D", "Conv2D")]
    for layer in layers:
        layer.build((None, 20, 20, 10))
    local, shared = (np.asarray(layer.kernel) for layer in layers)
    assert local.std() == pytest.approx(shared.std(), rel=0.05)
    assert not np.array_equal(local[0], local[1])  # each position draws its own


@pytest.mark.parametrize("filters", [2, 9])
def test_orthogonal_weights_are_so_at_every_position(filters, backend):
    layer = built(filters=filters, kernel_size=2, kernel_initializer="orthogonal")
    layer.build((None, 4, 3, 1))
    kernel = np.asarray(layer.kernel)
    few = kernel if filters < 4 else kernel.swapaxes(1, 2)
    products = np.einsum("pkf,pkg->pfg", few, few)
    np.testing.assert_allclose(products, np.broadcast_to(np.eye(min(filters, 4)), products.shape), atol=1e-5)


def without_sharing(*behind, data_format="channels_last"):
    """The lecture's CNN, its convolutions without sharing."""
    layers = [
        {"LocallyConnected2D": {"filters": 25, "kernel_size": 3, "data_format": data_format}},
        {"MaxPooling2D": {"pool_size": 2, "data_format": data_format}},
        {"LocallyConnected2D": {"filters": 50, "kernel_size": 3, "data_format": data_format}},
        {"MaxPooling2D": {"pool_size": 2, "data_format": data_format}},
        "Flatten",
        *({"Dense": {"units": units}} for units in (100, 10)),
    ]
    shape = [28, 28, 1] if data_format == "channels_last" else [1, 28, 28]
    return ExperimentConfig.model_validate(
        {"name": "local", "model": {"input_shape": shape, "layers": layers}}
    )


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_parameters_are_those_of_keras_2(data_format):
    """H'·W'·(kh·kw·C·filters) + H'·W'·filters; all else but the sharing is that of the CNN."""
    from cnnlab.config.experiment import load_config

    rows = without_sharing(data_format=data_format).architecture.rows
    first, second = rows[0], rows[2]
    assert first.params == 26 * 26 * 9 * 25 + 26 * 26 * 25 == 169_000
    assert second.params == 11 * 11 * (9 * 25 + 1) * 50 == 1_367_300
    assert sum(row.params for row in rows) == 1_662_410
    for found, shared in zip((first, second), load_config("cnn").architecture.rows[:3:2], strict=True):
        for column in ("macs", "neurons", "receptive_field", "dense_equivalent_params", "locality_saving"):
            assert getattr(found, column) == getattr(shared, column), column
        assert found.sharing_saving == 1


def test_the_windows_count_in_the_memory():
    """What the kernels are multiplied with is kept for the backward pass: 9 numbers at 676 positions."""
    assert LocallyConnected2D(filters=25, kernel_size=3).working_numbers((28, 28, 1)) == 676 * 9


def test_it_is_drawn_as_a_convolution():
    from cnnlab.pictures.diagrams.elements import Volume, network_elements

    config = without_sharing()
    first = next(
        each
        for each in network_elements(config.layers, config.architecture).elements
        if isinstance(each, Volume) and each.title == "LocallyConnected2D 3×3"
    )
    assert (first.shape, first.params) == ((26, 26, 25), 169_000)


def test_padding_is_refused_with_a_way_out():
    with pytest.raises(ValidationError) as caught:
        LAYERS["LocallyConnected2D"].model_validate({"filters": 2, "kernel_size": 3, "padding": "same"})
    assert [each["msg"] for each in caught.value.errors()] == [
        "expected valid, found 'same'; put ZeroPadding2D before the layer"
    ]


def test_a_kernel_that_is_too_large_is_refused():
    with pytest.raises(ShapeError) as caught:
        LocallyConnected2D(filters=2, kernel_size=5).output_shape((4, 4, 1))
    assert str(caught.value) == (
        "the 5×5 kernel does not fit its 4×4 input\n"
        "   remove this layer, or set padding: same on an earlier layer"
    )


def test_images_of_any_size_are_refused(backend):
    import keras

    with pytest.raises(ValueError, match="Expected images of one size"):
        built(filters=2, kernel_size=3)(keras.Input((None, 8, 1)))


def test_explanations_of_it(backend):
    """Kernels are those of the position in the middle; Grad-CAM finds its maps."""
    from cnnlab.analyses.features import features
    from cnnlab.analyses.filters import kernels_of, shown_position
    from cnnlab.analyses.grad_cam import grad_cam
    from cnnlab.analyses.network import last_convolution, summary_name
    from cnnlab.model import build_model

    model = build_model(without_sharing())
    layer = last_convolution(model)
    assert summary_name(layer) == "locally_connected2d_2"
    assert shown_position(layer) == (5, 5)
    kernel = np.asarray(layer.kernel)[5 * 11 + 5]
    np.testing.assert_array_equal(
        kernels_of(model, "locally_connected2d_2"), kernel.reshape(3, 3, 25, 50).transpose(3, 0, 1, 2)
    )
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    stages, _ = features(model, images)
    assert [stage.kind for stage in stages[:2]] == ["convolution", "pooling"]
    assert [stage.operation for stage in stages[:2]] == ["LocallyConnected2D", "MaxPooling2D"]
    maps = grad_cam(model, images, np.array([3, 4]), layer="locally_connected2d_2")
    assert maps.shape == (2, 11, 11)
    assert maps.max() > 0
