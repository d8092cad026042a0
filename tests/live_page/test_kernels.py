"""Every layer of the language, computed in a browser, gives Keras's numbers."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from cnnlab.config.experiment import ExperimentConfig, load_config
from cnnlab.errors import UserError
from cnnlab.layers import LAYERS
from cnnlab.layers.core import ActivationName
from cnnlab.layers.graph import Block
from cnnlab.live_page.kernels import KERNELS, lacking
from cnnlab.live_page.network import check_supported, encoded, nodes_of
from tests.chromium import QUIET
from tests.layer_examples import EXAMPLES

pytestmark = QUIET

EVERY_LAYER = runpy.run_path(str(Path(__file__).parents[1] / "layers" / "scripts" / "every_layer.py"))
SIMPLE = [kind for kind, layer in LAYERS.items() if not issubclass(layer, Block)]

PHASES = (Phase.explicit, Phase.generate)
"""To shrink an example means to build hundreds of Keras models."""

FORWARD = """
const net = new LiveNetwork(arguments[0]);
const results = arguments[1].map((pixels) => net.forward(pixels));
return results.map(({ outputs, probabilities }) =>
  [outputs.map((each) => Array.from(each)), Array.from(probabilities)]);
"""


def as_page_has_it(config, model, *, factor=1.0, offset=0.0):
    """A network in the form that network.js takes, without a run."""
    height, width, channels = config.input_shape
    weights = [
        model.get_layer(node.keras_name).get_weights() if node.shares is None else [] for node in config.nodes
    ]
    return {
        "input": {
            "shape": [height, width, channels], "channels_first": False, "factor": [factor],
            "offset": [offset], "order": None,
        },
        "logits": False,
        "nodes": nodes_of(config, is_permuted=False),
        **encoded(weights, "float32"),
    }  # fmt: skip


def with_random_weights(model, seed):
    """Weights that leave no value at its default; variances stay positive."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        drawn = [rng.normal(0, 0.7, each.shape).astype(np.float32) for each in layer.get_weights()]
        for index, variable in enumerate(layer.weights):
            if variable.name == "moving_variance":
                drawn[index] = 0.1 + np.abs(drawn[index])
        if drawn:
            layer.set_weights(drawn)


def outputs_in_keras(config, model, images):
    """Of each layer, (N, …)."""
    import keras

    tensors = [model.get_layer(node.keras_name).output for node in config.nodes]
    found = keras.Model(model.input, tensors)(images, training=False)
    return [np.asarray(each) for each in found]


def network_with(kind, fields, shape):
    """The layer alone, then what makes a network of it."""
    before = [] if len(shape) == 3 else ["Flatten"]
    image = list(shape) if len(shape) == 3 else [1, 1, shape[0]]
    return {
        "name": "one",
        "model": {
            "input_shape": image,
            "layers": [*before, {kind: fields}, "Flatten", {"Dense": {"units": 2, "activation": "softmax"}}],
        },
    }


@pytest.mark.filterwarnings("ignore:.*softmax over axis:UserWarning")
@pytest.mark.parametrize("kind", SIMPLE)
@settings(max_examples=15, phases=PHASES)
@given(data=st.data())
def test_a_layer_computes_what_keras_computes(kind, backend, engine, data):
    from cnnlab.model import build_model

    fields, shape = data.draw(EXAMPLES[kind])
    try:
        config = ExperimentConfig.model_validate(network_with(kind, fields, shape))
        config.architecture  # noqa: B018  # shapes that do not fit are refused here
    except (UserError, ValueError):
        assume(False)
    assume(not list(lacking(config.nodes)))
    seed = data.draw(st.integers(0, 100))
    pixels = np.random.default_rng(seed).integers(0, 256, (2, *config.input_shape))
    model = build_model(config)
    with_random_weights(model, seed)
    wanted = outputs_in_keras(config, model, (pixels / 255 * 4 - 2).astype(np.float32))
    found = engine(
        FORWARD,
        as_page_has_it(config, model, factor=4.0, offset=-2.0),
        [each.ravel().tolist() for each in pixels],
    )
    for image, (outputs, probabilities) in enumerate(found):
        for node, ours, theirs in zip(config.nodes, outputs, wanted, strict=True):
            ours = np.array([np.nan if value is None else value for value in ours])  # JSON has no NaN
            scale = max(1.0, np.nanmax(np.abs(theirs[image]), initial=0))
            np.testing.assert_allclose(
                ours / scale, theirs[image].ravel() / scale, atol=2e-5, err_msg=node.name
            )
        assert len(probabilities) == 2


ACTIVATIONS = [name for name in ActivationName.__args__ if name != "glu"]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_computes_what_keras_computes(name, backend, engine):
    import keras

    values = (
        np.concatenate([np.linspace(-6, 6, 97), [-0.5, 0.5, -1, 1, 0, 30, -30]])
        .reshape(8, 13)
        .astype(np.float32)
    )
    ours = engine(
        "return Array.from(activated(arguments[0], Float32Array.from(arguments[1]), 13))",
        name,
        values.ravel().tolist(),
    )
    theirs = np.asarray(getattr(keras.activations, name)(values)).ravel()
    scale = np.maximum(1, np.abs(theirs))
    np.testing.assert_allclose(np.array(ours) / scale, theirs / scale, atol=1e-6)


def test_every_layer_at_once(backend, engine):
    from cnnlab.model import build_model

    config = EVERY_LAYER["network"]("float32", "channels_last", "tensorflow")
    model = build_model(config)
    with_random_weights(model, 1)
    pixels = EVERY_LAYER["images_of"]("channels_last")
    wanted = np.asarray(model((pixels / 255).astype(np.float32), training=False))
    found = engine(FORWARD, as_page_has_it(config, model), [each.ravel().tolist() for each in pixels])
    np.testing.assert_allclose([probabilities for _, probabilities in found], wanted, atol=1e-4)
    assert {node.layer.type() for node in config.nodes} <= KERNELS.keys()


def test_every_layer_of_the_language_has_a_kernel():
    assert set(SIMPLE) <= KERNELS.keys()


def test_no_kernel_is_missing_in_javascript(engine):
    assert {kernel.name for kernel in KERNELS.values()} - set(engine("return Object.keys(KERNELS)")) == set()


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({"Dense": {"units": 4, "activation": "glu"}}, "dense_1 has activation glu"),
        ({"UpSampling2D": {"interpolation": "lanczos3"}}, "up_sampling2d_1 has interpolation lanczos3"),
    ],
)
def test_what_has_no_counterpart_is_named(layer, said):
    first = ["Flatten"] if "Dense" in layer else []
    layers = [*first, layer, "Flatten", {"Dense": {"units": 2, "activation": "softmax"}}]
    config = ExperimentConfig.model_validate(
        {"name": "one", "model": {"input_shape": [4, 4, 1], "layers": layers}}
    )
    assert [problem.partition(", which")[0] for problem in lacking(config.nodes)] == [said]


def test_a_network_that_no_browser_could_open_is_refused():
    with pytest.raises(UserError, match=r"vgg16: the network has 138,357,544 weights; a page .* 75,000,000"):
        check_supported(load_config("vgg16"), "vgg16")
    check_supported(load_config("alexnet"), "alexnet")


@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_weights_are_read_as_they_were_written(precision, engine):
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    numbers = every[np.isfinite(every)].astype(np.float32)
    if precision == "float32":
        numbers = numbers * np.float32(1 / 3)
    text = encoded([[numbers]], precision)["weights"]
    assert engine("return Array.from(decodedWeights(...arguments))", text, precision) == numbers.tolist()


EXPLAIN = """
const net = new LiveNetwork(arguments[0]), { outputs } = net.forward(arguments[1]);
return net.data.nodes.map((node, position) => arguments[2].map((share) => {
  const index = Math.floor(share * outputs[position].length);
  const told = net.explain(position, index, outputs);
  const products = told.terms.map((term) => term.product ?? term.value);
  const total = products.reduce((a, b) => a + b, 0), most = Math.max(...products);
  return { ...told, value: outputs[position][index], terms: products.length, total, most };
}));
"""


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    ("kind", "said"), [("GlobalMaxPooling2D", "max"), ("GlobalAveragePooling2D", "mean")]
)
def test_a_global_pooling_is_of_all_values_of_a_map(kind, said, data_format, keepdims, backend, engine):
    from cnnlab.model import build_model

    config = ExperimentConfig.model_validate(
        network_with(kind, {"data_format": data_format, "keepdims": keepdims}, (5, 4, 3))
    )
    pixels = np.random.default_rng(6).integers(0, 256, (5, 4, 3))
    maps = np.moveaxis(pixels / 255, 0 if data_format == "channels_first" else 2, 0)
    shares = [(map_ + 0.5) / len(maps) for map_ in range(len(maps))]
    found = engine(EXPLAIN, as_page_has_it(config, build_model(config)), pixels.ravel().tolist(), shares)[0]
    for told, values in zip(found, maps, strict=True):
        assert told["kind"] == said
        assert told["terms"] == values.size
        assert told["result"] == pytest.approx(values.max() if said == "max" else values.mean(), abs=1e-6)
        assert told["total"] == pytest.approx(values.sum(), abs=1e-5)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_number_is_the_sum_that_is_shown(data_format, backend, engine):
    from cnnlab.model import build_model

    given_format = {"data_format": data_format}
    same = {"padding": "same", **given_format}
    layers = [
        {"Permute": {"dims": [3, 1, 2]}} if data_format == "channels_first" else {"ReLU": {}},
        {"Conv2D": {"filters": 4, "kernel_size": [3, 2], "strides": [2, 1], "activation": "relu", **same}},
        {"Conv2D": {"filters": 6, "kernel_size": 3, "groups": 2, "dilation_rate": 2, **same}},
        {"DepthwiseConv2D": {"kernel_size": 2, "depth_multiplier": 2, "activation": "tanh", **given_format}},
        {"MaxPooling2D": {"pool_size": 2, "strides": 1, "padding": "same", **given_format}},
        {"AveragePooling2D": {"pool_size": 2, "padding": "same", **given_format}},
        {"LocallyConnected2D": {"filters": 3, "kernel_size": 2, "activation": "sigmoid", **given_format}},
        {"Flatten": given_format},
        {"Dense": {"units": 2, "activation": "softmax"}},
    ]  # fmt: skip
    config = ExperimentConfig.model_validate(
        {"name": "told", "model": {"input_shape": [9, 8, 2], "layers": layers}}
    )
    model = build_model(config)
    with_random_weights(model, 3)
    pixels = np.random.default_rng(3).integers(0, 256, 9 * 8 * 2).tolist()
    shares = np.linspace(0, 0.999, 23).tolist()
    found = engine(EXPLAIN, as_page_has_it(config, model), pixels, shares)
    activations = {
        "relu": lambda x: max(x, 0),
        "tanh": np.tanh,
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "linear": float,
    }
    kinds = [{each["kind"] for each in layer} for layer in found]
    first = {"other"} if data_format == "channels_first" else {"one"}
    assert kinds == [first, {"sum"}, {"sum"}, {"sum"}, {"max"}, {"mean"}, {"sum"}, {"other"}, {"sum"}]
    for layer in found:
        for told in layer:
            assert told["result"] == told["value"]
            if told["kind"] == "max":
                assert told["most"] == told["value"]
            if told["kind"] == "mean":
                assert told["total"] / told["terms"] == pytest.approx(told["value"], abs=1e-5)
            if told["kind"] == "sum":
                assert told["total"] + told["bias"] == pytest.approx(told["before"], abs=1e-5)
                if told["activation"] != "softmax":
                    assert activations[told["activation"]](told["before"]) == pytest.approx(
                        told["value"], abs=1e-5
                    )
    assert {told["terms"] for told in found[1]} <= {12, 8, 6, 4}  # a window of 3 × 2 × 2, cut at the edges


def in_order(shape):
    return np.arange(np.prod(shape)).reshape(shape)


@pytest.mark.parametrize("permuted", [False, True])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_behind_flatten_a_number_is_known_by_where_it_was(data_format, permuted, backend, engine):
    """The map, row and column of each number of a Flatten layer, whatever is moved before it."""
    from cnnlab.model import build_model

    height, width, channels = 4, 3, 2
    moved = [{"Permute": {"dims": [3, 1, 2]}}] if permuted else []
    layers = [
        *moved,
        {"Flatten": {"data_format": data_format}},
        {"Dense": {"units": 2, "activation": "softmax"}},
    ]
    config = ExperimentConfig.model_validate(
        {"name": "flat", "model": {"input_shape": [height, width, channels], "layers": layers}}
    )
    found = engine(
        "const net = new LiveNetwork(arguments[0]);"
        "return Array.from({ length: arguments[2] }, (_, index) => net.originOf(arguments[1], index));",
        as_page_has_it(config, build_model(config)), len(moved), height * width * channels,
    )  # fmt: skip
    # Where each number of the image comes to lie, followed by NumPy.
    numbers = in_order((height, width, channels))
    if permuted:
        numbers = numbers.transpose(2, 0, 1)
    if data_format == "channels_first":
        numbers = numbers.transpose(1, 2, 0)
    for origin, number in zip(found, numbers.ravel(), strict=True):
        row, column, channel = np.unravel_index(number, (height, width, channels))
        assert (origin["row"], origin["column"], origin["map"]) == (row, column, channel)


def test_layers_of_keras_that_merge_repeat_axes_of_size_1(backend, engine):
    """A squeeze-and-excitation block multiplies maps by one number each."""
    import keras

    import cnnlab

    dataset = load_config("colors_dnn").dataset
    image = keras.Input(dataset.image_shape)
    maps = keras.layers.Conv2D(3, 3, padding="same")(image)
    weight = keras.layers.GlobalAveragePooling2D(keepdims=True)(maps)
    scaled = keras.layers.Multiply()([maps, keras.layers.Conv2D(3, 1, activation="sigmoid")(weight)])
    less = keras.layers.Subtract()([scaled, weight])
    least = keras.layers.Minimum()([less, maps])
    pooled = keras.layers.AveragePooling2D(7)(least)
    answer = keras.layers.Dense(dataset.num_classes, activation="softmax")(keras.layers.Flatten()(pooled))
    model = keras.Model(image, answer)
    config = cnnlab.Experiment.from_keras(model, dataset="colors", name="se").config
    from cnnlab.model import build_model

    check_supported(config, "se")
    own = build_model(config)
    with_random_weights(own, 2)
    pixels = np.random.default_rng(2).integers(0, 256, (2, *dataset.image_shape))
    wanted = np.asarray(own((pixels / 255).astype(np.float32), training=False))
    found = engine(FORWARD, as_page_has_it(config, own), [each.ravel().tolist() for each in pixels])
    np.testing.assert_allclose([probabilities for _, probabilities in found], wanted, atol=1e-5)


def test_padding_sees_nothing_and_the_rest_its_own_pixel():
    layers = [{"ZeroPadding2D": {"padding": 1}}, "Flatten", {"Dense": {"units": 2, "activation": "softmax"}}]
    config = ExperimentConfig.model_validate(
        {"name": "padded", "model": {"input_shape": [4, 5, 1], "layers": layers}}
    )
    field = nodes_of(config, is_permuted=False)[0]["field"]
    assert field["rows"] == [[0, 0], [0, 1], [1, 2], [2, 3], [3, 4], [0, 0]]
    assert field["columns"] == [[0, 0], [0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [0, 0]]


def test_a_threshold_cuts_the_value_itself_off(engine):
    node = {"settings": {"max_value": None, "negative_slope": 0.5, "threshold": 1.0}}
    found = engine(
        "return Array.from(KERNELS.ReLU(arguments[0], [Float32Array.from(arguments[1])]))",
        node,
        [0.0, 1.0, 2.0],
    )
    import keras

    layer = keras.layers.ReLU(negative_slope=0.5, threshold=1.0)
    assert found == np.asarray(layer(np.array([[0.0, 1.0, 2.0]], np.float32)))[0].tolist()


def test_a_filter_that_is_off_is_0_and_nothing_else(backend, engine):
    from cnnlab.model import build_model

    layers = [
        {"Conv2D": {"filters": 3, "kernel_size": 3}},
        "Flatten",
        {"Dense": {"units": 2, "activation": "softmax"}},
    ]
    config = ExperimentConfig.model_validate(
        {"name": "off", "model": {"input_shape": [6, 6, 1], "layers": layers}}
    )
    model = build_model(config)
    with_random_weights(model, 4)
    pixels = np.random.default_rng(4).integers(0, 256, (6, 6, 1))
    off, probabilities = engine(
        "const net = new LiveNetwork(arguments[0]);"
        "const found = net.forward(arguments[1], { off: new Map([[0, new Set([1])]]) });"
        "return [Array.from(found.outputs[0]), Array.from(found.probabilities)]",
        as_page_has_it(config, model), pixels.ravel().tolist(),
    )  # fmt: skip
    maps = outputs_in_keras(config, model, (pixels[None] / 255).astype(np.float32))[0].copy()
    maps[..., 1] = 0
    np.testing.assert_allclose(off, maps.ravel(), atol=1e-5)
    kernel, bias = model.layers[-1].get_weights()
    scores = np.exp(maps.ravel() @ kernel + bias)
    np.testing.assert_allclose(probabilities, scores / scores.sum(), atol=1e-5)
