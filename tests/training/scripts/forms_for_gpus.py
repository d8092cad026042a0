"""What JAX computes in a form of its own on a GPU, tried on a CPU against Keras's forms and against loops.

In a process of its own: Keras's backend is JAX here.
"""

import inspect
import sys
from collections import Counter
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnlab import backend
from cnnlab.backend import Backend, start_backend
from cnnlab.config.sections import RuntimeConfig

start_backend(RuntimeConfig(backend="jax", device="cpu"))

import jax  # noqa: E402  # only once the backend is chosen
import jax.numpy as jnp  # noqa: E402
import keras  # noqa: E402
from keras.src.backend.jax import nn  # noqa: E402

from cnnlab import fast_forms_jax  # noqa: E402
from cnnlab.training.objective import Objective  # noqa: E402

USUAL = {name: inspect.unwrap(getattr(nn, name)) for name in ("max_pool", "average_pool", "conv")}
FORMATS = ("channels_last", "channels_first")
TOLERANCE = {"float32": 2e-6, "float16": 2e-3, "bfloat16": 2e-2}
"""Of sums of up to some hundred products: relative to the largest number there is."""

programs = Counter()
jax.monitoring.register_event_duration_secs_listener(
    lambda event, _, **about: programs.update(
        ["built"] if event.endswith("jaxpr_to_mlir_module_duration") else []
    )
)

examples = partial(settings, deadline=None, derandomize=True, database=None)


def images_of(kind, shape, dtype, seed):
    """Images with many ties and with none: constant, zeros behind ReLU, three values, noise."""
    noise = np.random.default_rng(seed).normal(size=shape)
    values = {
        "noise": noise,
        "relu": np.maximum(noise, 0),
        "few": np.rint(noise),
        "constant": np.ones(shape),
        "one colour a channel": np.broadcast_to(noise[:, :1, :1], shape),
    }[kind]
    return np.asarray(values, jnp.dtype(dtype))


def with_gradients(functions, *arrays):
    """Of each function, values, and the gradients of their sum with weights that differ everywhere."""

    @jax.jit  # one program for all, because compiling takes nearly all of the time
    def program(*arrays):
        found = []
        for function in functions:
            values, back = jax.vjp(function, *arrays)
            weights = np.random.default_rng(1).normal(size=values.shape)
            found.append([values, *back(jnp.asarray(weights, values.dtype))])
        return found

    return [[np.asarray(each) for each in found] for found in program(*arrays)]


def close(found, wanted, dtype):
    found, wanted = (np.asarray(each, np.float64) for each in (found, wanted))
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE[dtype] * max(1.0, np.abs(wanted).max()))


windowed = {
    "count": st.integers(1, 3), "height": st.integers(1, 9), "width": st.integers(1, 9),
    "channels": st.integers(1, 3), "data_format": st.sampled_from(FORMATS),
    "dtype": st.sampled_from(tuple(TOLERANCE)), "padding": st.sampled_from(["valid", "same"]),
    "kind": st.sampled_from(["noise", "relu", "few", "constant", "one colour a channel"]),
}  # fmt: skip


def shape_of(count, height, width, channels, data_format):
    last = data_format == "channels_last"
    return (count, height, width, channels) if last else (count, channels, height, width)


@given(pool=st.tuples(st.integers(1, 3), st.integers(1, 3)), **windowed)
@examples(max_examples=12)
def pooling_is_keras_s(pool, count, height, width, channels, data_format, dtype, padding, kind):
    shape = shape_of(count, height, width, channels, data_format)
    images = images_of(kind, shape, dtype, seed=height * 10 + width)
    settings = {"pool_size": pool, "strides": pool, "padding": padding, "data_format": data_format}
    found = jax.eval_shape(partial(fast_forms_jax.max_pool, **settings), images)
    covered = all(length % size == 0 for length, size in zip((height, width), pool, strict=True))
    some = height >= pool[0] and width >= pool[1]
    assert (found is not None) == (some and (covered or padding == "valid"))
    if found is None:
        assert jax.eval_shape(partial(fast_forms_jax.average_pool, **settings), images) is None
        return
    forms = [fast_forms_jax.max_pool, USUAL["max_pool"], fast_forms_jax.average_pool, USUAL["average_pool"]]
    largest, keras_s_largest, mean, keras_s_mean = with_gradients(
        [partial(each, **settings) for each in forms], images
    )
    for mine, keras_s in zip(largest + mean, keras_s_largest + keras_s_mean, strict=True):
        assert mine.dtype == keras_s.dtype
        close(mine, keras_s, dtype)
    for mine, keras_s in zip(largest, keras_s_largest, strict=True):
        assert np.array_equal(mine, keras_s)


def looped(images, kernel, stride, padding):
    """(N, H, W, C) × (rows, columns, C, filters) → the convolution, position by position, in float64."""
    rows, columns, _, filters = kernel.shape
    if padding == "same":
        pads = [
            max((-(-length // stride) - 1) * stride + size - length, 0)
            for length, size in zip(images.shape[1:3], (rows, columns), strict=True)
        ]
        images = np.pad(images, ((0, 0), *((pad // 2, pad - pad // 2) for pad in pads), (0, 0)))
    height, width = (
        (length - size) // stride + 1 for length, size in zip(images.shape[1:3], (rows, columns), strict=True)
    )
    found = np.empty((len(images), height, width, filters))
    for row in range(height):
        for column in range(width):
            top, left = row * stride, column * stride
            patch = images[:, top : top + rows, left : left + columns]
            found[:, row, column] = np.einsum("nrcd,rcdf->nf", patch, kernel)
    return found


@given(
    kernel_size=st.tuples(st.integers(1, 4), st.integers(1, 4)), stride=st.integers(1, 3),
    filters=st.integers(1, 3), **windowed,
)  # fmt: skip
@examples(max_examples=12)
def convolution_is_keras_s(
    kernel_size, stride, filters, count, height, width, channels, data_format, dtype, padding, kind
):
    shape = shape_of(count, height, width, channels, data_format)
    images = images_of(kind, shape, dtype, seed=height * 10 + width)
    kernel = images_of("noise", (*kernel_size, channels, filters), dtype, seed=stride)
    settings = {"strides": stride, "padding": padding, "data_format": data_format}
    if padding == "valid" and (height < kernel_size[0] or width < kernel_size[1]):
        assert jax.eval_shape(partial(fast_forms_jax.conv, **settings), images, kernel) is None
        return
    forms = [partial(each, **settings) for each in (fast_forms_jax.conv, USUAL["conv"])]
    fast, usual = with_gradients(forms, images, kernel)
    for mine, keras_s in zip(fast, usual, strict=True):
        assert mine.dtype == keras_s.dtype
        close(mine, keras_s, dtype)
    last = (0, 1, 2, 3) if data_format == "channels_last" else (0, 2, 3, 1)
    exact = looped(np.asarray(images, float).transpose(last), np.asarray(kernel, float), stride, padding)
    close(np.asarray(fast[0], float).transpose(last), exact, dtype)


def under_vmap():
    """Many networks in one program: what each gets alone."""
    images = images_of("few", (4, 2, 6, 6, 3), "float32", seed=0)
    kernels = images_of("noise", (4, 3, 3, 3, 5), "float32", seed=1)

    def score(images, kernel):
        maps = fast_forms_jax.conv(images, kernel, padding="same")
        return jnp.sum(jnp.sin(fast_forms_jax.max_pool(jax.nn.relu(maps), 2)))

    gradients = jax.grad(score, argnums=(0, 1))
    together = jax.jit(jax.vmap(gradients))(images, kernels)
    for index in (0, 3):
        for mine, alone in zip(together, jax.jit(gradients)(images[index], kernels[index]), strict=True):
            close(mine[index], alone, "float32")
    # Both directions of differentiation, and twice: what a technique may ask for.
    forward, backward = (jax.jit(way(score)) for way in (jax.jacfwd, jax.jacrev))
    close(forward(images[0], kernels[0]), backward(images[0], kernels[0]), "float32")
    ones = jnp.ones_like(images[0])
    _, curved = jax.jvp(lambda each: backward(each, kernels[0]), (images[0],), (ones,))
    assert np.isfinite(curved).all()
    assert np.abs(curved).max() > 0


def nothing_is_lost_in_half_precision():
    """A pixel is in nine patches: its gradient is rounded once, not nine times."""
    images, kernel = jnp.zeros((1, 9, 9, 1), "bfloat16"), jnp.ones((3, 3, 1, 1), "bfloat16")
    weights = jnp.asarray(images_of("noise", (1, 7, 7, 1), "float32", seed=0), "bfloat16")
    _, back = jax.vjp(lambda each: fast_forms_jax.conv(each, kernel), images)
    (found,) = back(weights)
    exact = np.zeros((9, 9))
    for row in range(3):
        for column in range(3):
            exact[row : row + 7, column : column + 7] += np.asarray(weights, float)[0, :, :, 0]
    assert np.array_equal(found[0, :, :, 0], jnp.asarray(exact, "bfloat16"))


def not_a_number_goes_on():
    images = jnp.ones((1, 4, 4, 1)).at[0, 1, 2, 0].set(jnp.nan)
    ((values, gradients),) = with_gradients([partial(fast_forms_jax.max_pool, pool_size=2)], images)
    assert np.array_equal(np.isnan(values[0, :, :, 0]), [[False, True], [False, False]])
    assert np.count_nonzero(np.asarray(gradients)) == 4


def keras_computes_in_them():
    """Layers take the fast form where there is one, else Keras's own; a CPU has that of max pooling only."""
    images, deep = jnp.ones((1, 8, 8, 2)), jnp.ones((1, 3, 3, 2000))
    pool = lambda each, **settings: keras.ops.max_pool(each, 2, **{"strides": 2} | settings)  # noqa: E731

    def program(function, *arrays):
        return str(jax.make_jaxpr(lambda *each: function(*each))(*arrays))  # a program once traced is kept

    layer, large = keras.layers.Conv2D(3, 3), keras.layers.Conv2D(1, 1)
    layer(images), large(deep)
    plain = layer(images)
    assert "conv_general_dilated" in program(layer, images)
    assert "reduce_window" not in program(pool, images)
    for name in (*USUAL, *USUAL):
        fast_forms_jax.use_fast_form(name)
    assert "dot_general" in program(layer, images)
    assert "conv_general_dilated" not in program(layer, images)
    close(layer(images), plain, "float32")
    usual = {
        "windows overlap": ("reduce_window_max", partial(pool, strides=1), images),
        "padded": ("reduce_window_max", partial(pool, padding="same"), images[:, :7]),
        "large": ("conv_general_dilated", large, deep),
        "dilated": ("conv_general_dilated", keras.layers.Conv2D(1, 3, dilation_rate=2), images),
        "strides differ": ("conv_general_dilated", keras.layers.Conv2D(1, 3, strides=(1, 2)), images),
        "groups": ("conv_general_dilated", keras.layers.Conv2D(2, 3, groups=2), images),
        "one axis": ("reduce_window_max", pool, images[0]),
    }
    for name, (primitive, operation, arrays) in usual.items():
        operation(arrays)
        assert primitive in program(operation, arrays), name
    assert "reduce_window" not in program(pool, images)
    with pytest.raises(ValueError, match="empty output"):
        keras.ops.conv(images, jnp.ones((9, 9, 2, 1)))


def built(work):
    """How many programs some work takes."""
    before = programs["built"]
    work()
    return programs["built"] - before


def a_loss_is_one_program():
    """For each size of a split, on a GPU; on a CPU its digits are those of single operations, as ever."""
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    rng = np.random.default_rng(0)
    labels, outputs = rng.integers(10, size=5000), rng.normal(size=(5000, 10)).astype(np.float32)

    def objective():
        return Objective(loss, one_hot=True, num_classes=10, logits=True, scores=True, class_weights=None)

    single = objective()
    (usual,) = {single.mean_loss(labels, outputs), float(single.loss(labels.astype(np.int32), outputs))}
    on_cpu = list(backend._running)
    backend._running[:] = [Backend("jax", jax.__version__, "gpu", "GPU (none)")]
    fused = objective()
    assert built(lambda: fused.mean_loss(labels[:77], outputs[:77])) == 1
    assert built(lambda: fused.mean_loss(labels[:77], outputs[:77])) == 0
    np.testing.assert_allclose(fused.mean_loss(labels, outputs), usual, rtol=1e-6)
    backend._running[:] = on_cpu


def nothing_is_compiled_to_fill_arrays():
    zeros, ones = keras.initializers.Zeros(), keras.initializers.Ones()
    for dtype in TOLERANCE:
        for initializer, number in ((zeros, 0), (ones, 1)):
            found = []
            assert built(lambda: found.append(initializer((3, 5, 7), dtype))) == 0  # noqa: B023
            assert (found[0].dtype, found[0].shape) == (dtype, (3, 5, 7))
            assert (np.asarray(found[0], np.float32) == number).all()


pooling_is_keras_s()
convolution_is_keras_s()
under_vmap()
nothing_is_lost_in_half_precision()
not_a_number_goes_on()
keras_computes_in_them()
a_loss_is_one_program()
nothing_is_compiled_to_fill_arrays()
sys.stdout.write("as Keras's own: max pooling, average pooling, convolution, losses\n")
