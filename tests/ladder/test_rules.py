"""What each rule changes about a network, and that it leaves all else alone."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.config.experiment import known_configs, load_config
from cnnlab.config.from_python import read_experiment
from cnnlab.ladder import ingredients, rules
from cnnlab.ladder.ingredients import DoesNotApply
from cnnlab.layers.base import Layer
from cnnlab.layers.graph import expand
from cnnlab.layers.rewriting import places_in, rewritten
from cnnlab.layers.serialization import write_layer
from cnnlab.model import build_model

TRAINABLE = [
    name
    for name in known_configs()
    if (config := load_config(name)).dataset is not None and not config.model.keras
]
CONVOLUTIONAL = [name for name in TRAINABLE if rules.is_convolutional(load_config(name))]


def reason_against(rule, name):
    """Why a rule does not apply to a shipped config; None where it does."""
    try:
        rule(load_config(name))
    except DoesNotApply as error:
        return str(error)
    return None


POOLING = [name for name in CONVOLUTIONAL if reason_against(rules.strided, name) is None]


def test_what_does_not_apply_says_why():
    reasons = {name: reason_against(rules.strided, name) for name in CONVOLUTIONAL if name not in POOLING}
    assert set(reasons.values()) == {"it has no pooling layer"}
    assert "cifar10_resnet" in reasons
    reasons = {name: reason_against(rules.dense_equivalent, name) for name in CONVOLUTIONAL}
    assert {name for name, reason in reasons.items() if reason} == {"mnist_distorted_st_cnn"}
    assert "spatial_transformer_1/conv2d_1 belongs to a block" in str(reasons["mnist_distorted_st_cnn"])


def test_a_place_that_is_repeated_with_other_sizes_is_refused():
    halved = {"Conv2D": {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"}}
    config = with_layers({"Repeat": {"times": 2, "layers": [halved]}})
    with pytest.raises(DoesNotApply, match="repeat_1/conv2d_1 is repeated with images of different sizes"):
        rules.dense_equivalent(config)


def rebuilt(config, layers):
    """The config with other layers, checked as one that somebody has written."""
    model = config.plain()["model"] | {"layers": [write_layer(layer) for layer in layers]}
    return read_experiment(config.plain() | {"model": model}, {})


def with_layers(*layers, size=28, data_format="channels_last"):
    return read_experiment(
        {
            "name": "mine",
            "dataset": {"name": "mnist", "data_format": data_format},
            "model": {"layers": [*layers, "Flatten", {"Dense": {"units": 10, "activation": "softmax"}}]},
        },
        {},
    )


def kinds(layers: tuple[Layer, ...]) -> list[str]:
    return [layer.type() for layer in layers]


@pytest.mark.parametrize("name", TRAINABLE)
def test_a_rule_that_changes_nothing_leaves_the_layers_as_they_are(name):
    config = load_config(name)
    assert rewritten(config.layers, lambda places: [place.layer for place in places]) == config.layers
    by_place = {place.where: place for place in places_in(config.layers)}
    first = {node.where: node.name for node in reversed(expand(config.layers))}
    for where, place in by_place.items():
        if where in first and not place.layer.type().startswith(("Res", "Par", "Rep", "SpatialT")):
            assert place.name == first[where]


def test_the_dense_equivalent_of_the_lectures_cnn_has_39_million_parameters():
    config = load_config("cnn")
    other = rebuilt(config, rules.dense_equivalent(config))
    assert other.architecture.total_params == 38_959_910
    assert other.architecture.total_params == config.architecture.dense_equivalent_params
    assert kinds(other.layers) == [
        "Flatten", "Dense", "Reshape", "MaxPooling2D", "Flatten", "Dense", "Reshape", "MaxPooling2D",
        "Flatten", "Dense", "Dense",
    ]  # fmt: skip


@pytest.mark.parametrize("name", [name for name in CONVOLUTIONAL if "_st_" not in name])
def test_the_dense_equivalent_has_the_parameters_that_the_summary_says(name):
    config = load_config(name)
    other = rebuilt(config, rules.dense_equivalent(config))
    rows = config.architecture.rows
    grown = [row.dense_equivalent_params - row.params for row in rows if row.sharing_saving]
    assert other.architecture.total_params == config.architecture.total_params + sum(grown)
    assert other.architecture.output_shape == config.architecture.output_shape


@pytest.mark.parametrize("name", POOLING)
def test_without_the_maximum_shapes_and_parameters_are_equal(name):
    config = load_config(name)
    other = rebuilt(config, rules.strided(config))
    ours, theirs = (
        [row.output_shape for row in each.architecture.rows if row.type != "Cropping2D"]
        for each in (config, other)
    )
    assert ours == theirs
    assert other.architecture.total_params == config.architecture.total_params
    assert other.architecture.macs == config.architecture.macs


@given(
    size=st.integers(1, 13), pool=st.integers(2, 4), stride=st.integers(1, 4),
    padding=st.sampled_from(["valid", "same"]),
)  # fmt: skip
def test_a_strided_window_keeps_every_size(size, pool, stride, padding):
    if pool > size and padding == "valid":
        return
    pooling = {"pool_size": pool, "strides": stride, "padding": padding}
    config = read_experiment(
        {"name": "mine", "model": {"input_shape": [size, size, 2], "layers": [{"MaxPooling2D": pooling}]}}, {}
    )
    if config.layers[0].is_idle:
        with pytest.raises(DoesNotApply, match="no pooling layer"):
            rules.strided(config)
        return
    other = rebuilt(config, rules.strided(config))
    assert other.architecture.output_shape == config.architecture.output_shape


@pytest.mark.parametrize("pool", [2, 3])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_first_value_of_each_window_is_kept(backend, data_format, pool):
    config = with_layers({"MaxPooling2D": {"pool_size": pool, "data_format": data_format}},
                         data_format=data_format)  # fmt: skip
    images = np.random.default_rng(0).random((2, *config.input_shape), np.float32)
    last = np.moveaxis(images, 1, -1) if data_format == "channels_first" else images
    whole = 28 // pool * pool
    wanted = last[:, :whole:pool, :whole:pool]
    model = build_model(rebuilt(config, rules.strided(config)))
    flatten = next(layer for layer in model.layers if isinstance(layer, keras.layers.Flatten))
    seen = np.asarray(keras.Model(model.input, flatten.output)(images))
    np.testing.assert_array_equal(seen, wanted.reshape(2, -1))


def test_average_pooling_has_the_windows_of_max_pooling():
    config = with_layers({"MaxPooling2D": {"pool_size": 3, "strides": 2, "padding": "same", "name": "pool"}})
    [pooling, *_] = rules.averaged(config)
    assert (pooling.type(), pooling.pool_size, pooling.strides, pooling.padding, pooling.name) == (
        "AveragePooling2D", (3, 3), (2, 2), "same", "pool",
    )  # fmt: skip
    with pytest.raises(DoesNotApply, match="no max pooling window to average"):
        rules.averaged(rebuilt(config, rules.averaged(config)))


def test_relu_follows_each_convolution_and_its_normalization():
    config = with_layers(
        {"Conv2D": {"filters": 2, "kernel_size": 3}}, "BatchNormalization", {"Dropout": {"rate": 0.5}},
        {"Conv2D": {"filters": 2, "kernel_size": 3}},
    )  # fmt: skip
    assert kinds(rules.activated(config)) == [
        "Conv2D", "BatchNormalization", "Activation", "Dropout", "Conv2D", "Activation", "Flatten", "Dense",
    ]  # fmt: skip
    with pytest.raises(DoesNotApply, match="no activations"):
        rules.linear(config)


PLAIN = {"Conv2D": {"filters": 2, "kernel_size": 3, "padding": "same"}}
ACTIVE = {"Conv2D": {"filters": 2, "kernel_size": 3, "padding": "same", "activation": "relu"}}
ONE_MAP = {"Conv2D": {"filters": 1, "kernel_size": 3, "padding": "same"}}


@pytest.mark.parametrize(
    "active",
    [
        [ACTIVE],
        [PLAIN, "ReLU"],
        [PLAIN, "BatchNormalization", {"Activation": {"activation": "elu"}}],
        [{"Residual": {"layers": [ONE_MAP], "activation": "relu"}}],
        [{"Repeat": {"times": 2, "layers": [ACTIVE]}}],
        [{"Parallel": {"branches": [[PLAIN, "ReLU"], []]}}],
    ],
)
def test_linear_convolutions_have_no_activation_anywhere(active):
    config = with_layers(*active)
    with pytest.raises(DoesNotApply, match="activations already"):
        rules.activated(config)
    other = rebuilt(config, rules.linear(config))
    assert {node.layer.output_activation for node in other.nodes[:-1]} == {"linear"}
    assert other.nodes[-1].layer.output_activation == "softmax"
    assert other.architecture.total_params == config.architecture.total_params


def test_the_output_convolution_is_no_hidden_one():
    config = load_config("go_policy")  # ends in a convolution, Flatten and softmax
    other = rebuilt(config, rules.linear(config))
    convolutions = [layer for layer in other.layers if layer.is_convolution]
    assert {layer.output_activation for layer in convolutions} == {"linear"}
    assert kinds(other.layers)[-2:] == kinds(config.layers)[-2:] == ["Flatten", "Activation"]
    again = rebuilt(other, rules.activated(other))
    assert kinds(again.layers)[-3:] == ["Conv2D", "Flatten", "Activation"]
    assert kinds(again.layers).count("Activation") == len(convolutions)


def test_one_ingredient_is_left_out_by_its_name():
    config = load_config("cifar10_resnet")
    removable = rules.removable(config)
    names = {row.name for row in config.architecture.rows}
    assert {name for name, what in removable.items() if what != "residual connection"} <= names
    for name, what in removable.items():
        other = rebuilt(config, rules.without(config, name=name))
        rows = {row.name for row in other.architecture.rows}
        if what == "residual connection":
            assert len([each for each in other.nodes if each.name.endswith("/add")]) == 2
            lost = sum(
                row.params for row in config.architecture.rows if row.name.startswith(f"{name}/shortcut")
            )
            assert other.architecture.total_params == config.architecture.total_params - lost
        else:
            assert len(rows) == len(names) - 1
        assert other.architecture.output_shape == config.architecture.output_shape


def test_the_recipe_is_the_cnns_and_the_hidden_layers_are_the_dnns():
    dnn, cnn = load_config("colors_dnn"), load_config("colors_cnn")
    layers = ingredients.with_recipe_of(dnn, cnn)
    assert kinds(layers) == ["Flatten", "Dense", "Dense", "Dense"]  # no Grayscale: the CNN sees colors
    assert [layer.units for layer in layers[1:]] == [128, 64, 6]
    dnn, cnn = load_config("cifar10_dnn"), load_config("cifar10_resnet")
    assert kinds(ingredients.with_recipe_of(dnn, cnn))[:3] == ["RandomFlip", "RandomTranslation", "Flatten"]


@given(
    size=st.integers(5, 12), kernel=st.integers(1, 4), stride=st.integers(1, 3), dilation=st.integers(1, 2),
    padding=st.sampled_from(["valid", "same"]),
)  # fmt: skip
def test_locally_connected_layers_have_the_windows_of_the_convolution(
    size, kernel, stride, dilation, padding
):
    fields = {"filters": 2, "kernel_size": kernel, "strides": stride, "padding": padding}
    if stride == 1:
        fields["dilation_rate"] = dilation
    if padding == "valid" and (kernel - 1) * fields.get("dilation_rate", 1) + 1 > size:
        return
    layers = [{"Conv2D": fields}]
    config = read_experiment(
        {"name": "mine", "model": {"input_shape": [size, size, 3], "layers": layers}}, {}
    )
    other = rebuilt(config, rules.locally_connected(config))
    [row] = config.architecture.rows
    assert other.architecture.output_shape == row.output_shape
    assert other.architecture.total_params == config.layers[0].locally_connected_params((size, size, 3))
    assert other.architecture.macs == row.macs


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2])
def test_with_equal_weights_everywhere_a_locally_connected_network_is_the_cnn(backend, padding, stride):
    config = with_layers({"Conv2D": {"filters": 3, "kernel_size": 5, "strides": stride, "padding": padding}})
    one, other = build_model(config), build_model(rebuilt(config, rules.locally_connected(config)))
    kernel, bias, *head = one.get_weights()
    local = next(layer for layer in other.layers if layer.name.startswith("locally_connected"))
    positions = local.kernel.shape[0]
    weights = np.broadcast_to(kernel.reshape(1, -1, 3), (positions, kernel.size // 3, 3))
    other.set_weights([weights, np.broadcast_to(bias, local.bias.shape), *head])
    images = np.random.default_rng(0).random((2, *config.input_shape), np.float32)
    np.testing.assert_allclose(np.asarray(one(images)), np.asarray(other(images)), atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "what"),
    [
        ({"DepthwiseConv2D": {"kernel_size": 3}}, "DepthwiseConv2D"),
        ({"Conv2D": {"filters": 2, "kernel_size": 3, "groups": 2}}, "grouped"),
    ],
)
def test_what_has_no_locally_connected_counterpart(layer, what):
    config = with_layers({"Conv2D": {"filters": 2, "kernel_size": 1}}, layer)
    with pytest.raises(DoesNotApply, match=f"{what}.*no locally connected counterpart"):
        rules.locally_connected(config)


def test_a_setting_that_decides_nothing_is_no_difference():
    config = load_config("cnn")
    assert ingredients.recipe_differences(config, load_config("cnn", ["training.keep_epochs=true"])) == ()
    assert ingredients.recipe_differences(config, load_config("cnn", ["training.epochs=3"])) == ("training",)
