"""What a config cannot hold of Keras: each is one sentence at its place, and nothing is run."""

# ruff: noqa: E501 - configs and messages stand in one piece

import copy

import keras
import pytest

from cnnlab.cli import run
from cnnlab.config.experiment import parse_config
from cnnlab.errors import UserError
from cnnlab.language.source import parse_yaml, write_yaml
from cnnlab.layers.from_keras.classes import ACTIVATIONS, ALLOWED, REFUSED
from cnnlab.layers.from_keras.reading import keras_section

TEXT = """\
dataset: colors
model:
  keras:
    class_name: Sequential
    config:
      layers:
      - class_name: InputLayer
        config: {shape: [28, 28, 3]}
      - class_name: Flatten
      - LAYER
      - class_name: Dense
        config: {units: 6, activation: softmax}
"""

PLACE = "bad.yaml:10:9: model.keras.config.layers[2]"


def complaint(text):
    with pytest.raises(UserError) as caught:
        parse_config(parse_yaml(text, "bad.yaml"), default_name="bad")
    return str(caught.value)


ONE_LAYER = [
    pytest.param(
        "{class_name: Lambda, config: {name: double, function: {class_name: __lambda__, config: {value: 4wEAAA}}}}",
        "bad.yaml:10:22: model.keras.config.layers[2].class_name: layer double: Lambda cannot be used here: it "
        "holds Python code, and a config never runs code; use a layer that Keras ships instead",
        id="lambda",
    ),
    pytest.param(
        "{class_name: Activation, config: {activation: {class_name: __lambda__, config: {value: 4wEAAA}}}}",
        "bad.yaml:10:68: model.keras.config.layers[2].config.activation.class_name: layer activation_1: "
        "activation: a function is Python code, which a config never runs; use a function that Keras ships",
        id="lambda as activation",
    ),
    pytest.param(
        "{class_name: Activation, config: {activation: {class_name: function, module: builtins, config: mine}}}",
        "bad.yaml:10:68: model.keras.config.layers[2].config.activation.class_name: layer activation_1: "
        "activation: mine is Python code, which a config never runs; use a function that Keras ships",
        id="function",
    ),
    pytest.param(
        "{class_name: Mine, module: mine, registered_name: 'package>Mine', config: {name: mine}}",
        "bad.yaml:10:22: model.keras.config.layers[2].class_name: layer mine: Mine is not one of the layers that "
        "Keras ships, and a config never runs other code",
        id="custom class",
    ),
    pytest.param(
        "{class_name: Dense, module: os, config: {units: 6}}",
        f"{PLACE}: layer dense_1: Dense comes from os.Dense; expected Keras's own Dense",
        id="a module of Python's",
    ),
    pytest.param(
        "{class_name: system, module: os, config: {command: ls}}",
        "bad.yaml:10:22: model.keras.config.layers[2].class_name: layer system_1: system is not one of the "
        "layers that Keras ships, and a config never runs other code",
        id="os.system",
    ),
    pytest.param(
        "{class_name: Dense, registered_name: 'package>Dense', config: {units: 6}}",
        f"{PLACE}: layer dense_1: Dense comes from package>Dense; expected Keras's own Dense",
        id="registered",
    ),
    pytest.param(
        "{class_name: Dense, config: {units: 6, kernel_initializer: {class_name: eval, module: builtins, config: {}}}}",
        "bad.yaml:10:81: model.keras.config.layers[2].config.kernel_initializer.class_name: layer dense_1: "
        "kernel_initializer: eval is not one of the initializers that Keras ships, and a config never runs other "
        "code",
        id="initializer",
    ),
    pytest.param(
        "{class_name: Dense, config: {units: 6, kernel_initializer: glorot_unifrom}}",
        "bad.yaml:10:68: model.keras.config.layers[2].config.kernel_initializer: layer dense_1: unknown "
        "initializer 'glorot_unifrom'; did you mean glorot_uniform?",
        id="unknown initializer",
    ),
    pytest.param(
        "{class_name: Bidirectional, config: {layer: {class_name: TorchModuleWrapper, config: {module: x}}}}",
        "bad.yaml:10:66: model.keras.config.layers[2].config.layer.class_name: layer bidirectional_1: layer: "
        "TorchModuleWrapper cannot be used here: it holds code of another framework, and a config never runs code; "
        "use Keras's own layers instead",
        id="code of a framework, within",
    ),
    pytest.param(
        "{class_name: Multiply, module: keras.src.ops.numpy, registered_name: Multiply, config: {name: multiply}}",
        "bad.yaml:10:22: model.keras.config.layers[2].class_name: layer multiply: an operation on tensors "
        "(Multiply), as x * 2 makes one; use a layer in its place, such as Rescaling, Multiply or Reshape",
        id="operation",
    ),
    pytest.param(
        "{class_name: Dense3, config: {units: 6}}",
        "bad.yaml:10:22: model.keras.config.layers[2].class_name: layer dense3_1: Dense3 is not one of the "
        "layers that Keras ships; did you mean Dense?",
        id="typo",
    ),
    pytest.param(
        "{config: {units: 6}}",
        "bad.yaml:10:9: model.keras.config.layers[2].class_name: layer _1: missing; expected the class of a layer",
        id="no class",
    ),
    pytest.param("Dense", f"{PLACE}: layer _1: expected a mapping with class_name and config, found 'Dense'", id="word"),
    pytest.param(
        "{class_name: Dense, config: [6]}",
        "bad.yaml:10:37: model.keras.config.layers[2].config: layer dense_1: expected a mapping of keys to values, "
        "found a list",
        id="config",
    ),
    pytest.param(
        "{class_name: Dense, config: {units: 6, dtype: float16}}",
        "bad.yaml:10:55: model.keras.config.layers[2].config.dtype: layer dense_1: has the precision float16; "
        "leave it at float32, and set runtime.precision",
        id="precision",
    ),
    pytest.param(
        "{class_name: Dense, config: {units: 6, name: 'a/b'}}",
        "bad.yaml:10:54: model.keras.config.layers[2].config.name: a layer is called 'a/b'; expected letters, "
        "digits, - and _ only",
        id="name",
    ),
    pytest.param(
        "{class_name: Dense, settings: {units: 6}}",
        "bad.yaml:10:29: model.keras.config.layers[2].settings: layer dense_1: unknown key; known: module, "
        "class_name, config, registered_name, build_config, compile_config, name, inbound_nodes, "
        "shared_object_id",
        id="unknown key",
    ),
    pytest.param(
        "{class_name: LSTM, config: {units: 6}}",
        "bad.yaml:10:36: model.keras.config.layers[2].config LSTM: Keras refuses it: "
        "expected ndim=3, found ndim=2\n"
        "   28×28×3 → Flatten 2352\n   change its settings, or the layer before it",
        id="input of another rank",
    ),
    pytest.param(
        "{class_name: Embedding, config: {input_dim: 3}}",
        None,
        id="a setting lacks",
    ),
    pytest.param(
        "{class_name: Conv2D, config: {filters: 3, kernel_size: 3}}",
        "bad.yaml:10:38: model.keras.config.layers[2].config Conv2D: expected an image, (height, width, channels), "
        "received 2352\n   28×28×3 → Flatten 2352\n   put Conv2D before Flatten and Dense",
        id="a layer of cnnlab's",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "message"), ONE_LAYER)
def test_a_layer_that_cannot_be_used(layer, message):
    found = complaint(TEXT.replace("LAYER", layer))
    if message is None:
        assert found.startswith(
            "bad.yaml:10:41: model.keras.config.layers[2].config Embedding: Keras refuses it: "
        )
        assert "output_dim" in found
    else:
        assert found == message


@pytest.mark.parametrize(("text", "message"), [
    pytest.param(
        "dataset: colors\nmodel: {keras: [1]}",
        "bad.yaml:2:16: model.keras: expected Keras's config of a model, found a list",
        id="list",
    ),
    pytest.param(
        "dataset: colors\nmodel: {keras: null}",
        "bad.yaml:2:16: model.keras: expected Keras's config of a model, found null",
        id="null",
    ),
    pytest.param(
        "dataset: colors\nmodel: {keras: '{}'}",
        "bad.yaml:2:16: model.keras: expected Keras's config as a mapping, found a text",
        id="text",
    ),
    pytest.param(
        "dataset: colors\nmodel: {keras: {class_name: Dense, config: {units: 6}}}",
        "bad.yaml:2:29: model.keras.class_name: expected a Sequential or Functional model, found Dense",
        id="no model",
    ),
    pytest.param(
        "dataset: colors\nmodel: {keras: {class_name: Sequential, config: {}}}",
        "bad.yaml:2:49: model.keras.config.layers: expected a list of layers, found nothing",
        id="no layers",
    ),
    pytest.param(
        TEXT.partition("      - class_name: Flatten")[0],
        "bad.yaml:4:5: model.keras: the model has no layer between its input and its output\n   add one",
        id="an input only",
    ),
    pytest.param(
        "dataset: colors\nmodel: {}",
        "bad.yaml:2:8: model.layers: missing; it has no default",
        id="neither",
    ),
    pytest.param(
        TEXT.replace("LAYER", "class_name: Flatten") + "  layers: [Flatten, Dense: {units: 6}]\n",
        "bad.yaml:3:3: model.keras: expected layers or keras, not both",
        id="both",
    ),
    pytest.param(
        "dataset: mnist\n" + TEXT.partition("\n")[2].replace("LAYER", "class_name: Flatten"),
        "bad.yaml:8:25: model.keras.config.layers[0].config.shape: the model takes 28×28×3; the shape of mnist's "
        "images is 28×28×1",
        id="shape",
    ),
    pytest.param(
        TEXT.replace("LAYER", "class_name: Flatten").replace("units: 6", "units: 7"),
        "bad.yaml:12:25: model.keras.config.layers[3].config.units: expected 6 outputs, one for each class of "
        "colors, found 7",
        id="classes",
    ),
    pytest.param(
        TEXT.replace("LAYER", "class_name: Flatten").replace("softmax", "sigmoid"),
        "bad.yaml:12:40: model.keras.config.layers[3].config.activation: the network ends in sigmoid; expected softmax "
        "(probabilities), or no activation (logits, which the loss then turns into probabilities)",
        id="activation",
    ),
    pytest.param(
        TEXT.replace("LAYER", "{class_name: Rescaling, config: {scale: " + 58 * "[" + "1" + 58 * "]" + "}}"),
        None,
        id="deep",
    ),
])  # fmt: skip
def test_a_model_that_cannot_be_used(text, message):
    found = complaint(text)
    if message is None:
        assert "levels deep" in found
    else:
        assert found == message


def functional(**changes):
    """Two convolutions that are added, as data; `changes` of its config."""
    image = keras.Input((28, 28, 3))
    a, b = (keras.layers.Conv2D(2, 3, name=name)(image) for name in ("a", "b"))
    x = keras.layers.Dense(6, name="scores")(
        keras.layers.Flatten(name="flat")(keras.layers.Add(name="sum")([a, b]))
    )
    data = copy.deepcopy(keras_section(keras.Model(image, x)))
    data["config"] |= changes
    return data


def said_of(data):
    return complaint(write_yaml({"dataset": "colors", "model": {"keras": data}})).partition(": ")[2]


@pytest.mark.parametrize(("layer", "calls", "message"), [
    pytest.param(
        "sum", [["a", 3]],
        "model.keras.config.layers[3].inbound_nodes[0]: layer sum: is called with 3; a call takes tensors only",
        id="constant",
    ),
    pytest.param(
        "sum", [{"args": [["a", "b"]], "kwargs": {"mask": "a"}}],
        "model.keras.config.layers[3].inbound_nodes[0]: layer sum: is called with mask=…; call it with tensors by "
        "position only, and set the rest when the layer is made",
        id="keyword",
    ),
    pytest.param(
        "sum", [[["a", "c"]]],
        "model.keras.config.layers[3].inbound_nodes[0]: layer sum: there is no layer 'c'; known: "
        "input_layer_1, a, b, sum, flat, scores",
        id="unknown layer",
    ),
    pytest.param(
        "sum", [[["a", ["b", 0, 1]]]],
        "model.keras.config.layers[3].inbound_nodes[0]: layer sum: layer 'b' gives several tensors; expected layers "
        "that give one",
        id="second output",
    ),
    pytest.param(
        "flat", [["sum_call2"]],
        "model.keras.config.layers[4].inbound_nodes[0]: layer flat: layer 'sum' is called once, not 2 times",
        id="second call",
    ),
    pytest.param(
        "flat", [],
        "model.keras.config.layers[4].inbound_nodes: layer flat: this layer is never called; leave it out",
        id="never called",
    ),
    pytest.param(
        "a", [["flat"]],
        "model.keras: layer flat needs its own output\n   take the circle out of inbound_nodes",
        id="circle",
    ),
])  # fmt: skip
def test_calls_that_cannot_be_used(layer, calls, message):
    data = functional()
    next(each for each in data["config"]["layers"] if each["config"]["name"] == layer)["inbound_nodes"] = (
        calls
    )
    assert said_of(data) == message


@pytest.mark.parametrize("kind", ["Conv2D", "LSTM"])
def test_shared_weights_that_do_not_fit(kind):
    """Keras would refuse to build such a model; a file edited by hand can ask for it."""
    text = """\
dataset: colors
model:
  keras:
    class_name: Functional
    config:
      layers:
      - {class_name: InputLayer, config: {name: image, shape: [28, 28, 3]}}
      - {class_name: Reshape, config: {name: rows, target_shape: [28, 84]}, inbound_nodes: [[image]]}
      - {class_name: Conv2D, config: {name: twice, filters: 4, kernel_size: 1}, inbound_nodes: [[image], [twice]]}
      - {class_name: Flatten, config: {name: flat}, inbound_nodes: [[twice_call2]]}
      - {class_name: Dense, config: {name: scores, units: 6}, inbound_nodes: [[flat]]}
      input_layers: [image]
      output_layers: [scores]
"""
    shape = "28×28×4"
    if kind == "LSTM":
        text = text.replace(
            "Conv2D, config: {name: twice, filters: 4, kernel_size: 1}",
            "LSTM, config: {name: twice, units: 4, return_sequences: true}",
        )
        text, shape = text.replace("[[image], [twice]]", "[[rows], [twice]]"), "28×4"
    assert complaint(text) == (
        f"bad.yaml:4:5: model.keras: layer twice is called again on {shape}, which its weights do not fit\n"
        "   put a layer of its own there"
    )


@pytest.mark.parametrize(("side", "what"), [("input_layers", "input"), ("output_layers", "output")])
def test_several_inputs_or_outputs(side, what):
    data = functional(**{side: ["a", "b"]})
    assert said_of(data) == f"model.keras.config.{side}: expected a model with one {what}, found 2 {what}s"


def test_an_input_that_is_none():
    data = functional(input_layers=["a"])
    assert said_of(data) == "model.keras.config.input_layers: expected the name of an InputLayer"
    data = functional(output_layers=["input_layer_1"])
    assert said_of(data) == (
        "model.keras: the model has no layer between its input and its output\n   add one"
    )


def test_two_layers_of_one_name():
    data = functional()
    data["config"]["layers"][2]["config"]["name"] = "a"
    assert said_of(data) == "model.keras.config.layers[2].config.name: two layers are called 'a'"


@pytest.mark.parametrize("command", ["summary", "train"])
def test_the_command_says_one_sentence_and_runs_nothing(command, tmp_path, capsys):
    file = tmp_path / "bad.yaml"
    code = (
        "{class_name: Lambda, config: {name: evil, function: {class_name: __lambda__, config: {value: x}}}}"
    )
    file.write_text(TEXT.replace("LAYER", code))
    assert run([command, str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "layer evil: Lambda cannot be used here" in err


class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x


class OwnModel(keras.Model):
    def call(self, x):
        return x


def of_layers(*middle):
    return keras.Sequential(
        [keras.Input((4, 4, 1)), *middle, keras.layers.Flatten(), keras.layers.Dense(3)], name="it"
    )


@pytest.mark.parametrize(("model", "message"), [
    pytest.param(lambda: of_layers(keras.layers.Lambda(lambda x: x, name="same")),
                 "it: layer same: Lambda cannot be used here: it holds Python code, and a config never runs code; "
                 "use a layer that Keras ships instead", id="lambda"),
    pytest.param(lambda: of_layers(Doubled(name="twice")),
                 "it: layer twice: Doubled is not one of the layers that Keras ships, and a config never runs other "
                 "code", id="custom"),
    pytest.param(OwnModel, "OwnModel is a class of its own, whose code a config cannot hold; expected "
                 "keras.Sequential, or keras.Model(inputs, outputs)", id="subclass"),
    pytest.param(lambda: of_layers(keras.layers.Activation(lambda x: x, name="f")),
                 "it: layer f: activation: a function is Python code, which a config never runs; use a function that Keras ships",
                 id="function"),
    pytest.param(lambda: of_layers(keras.layers.Dense(3, dtype="mixed_float16", name="half")),
                 "it: layer half: has the precision mixed_float16; leave it at float32, and set runtime.precision",
                 id="precision"),
])  # fmt: skip
def test_models_in_python_that_cannot_be_used(model, message):
    with pytest.raises(UserError) as caught:
        keras_section(model())
    assert str(caught.value) == message


def test_the_operation_behind_an_operator_is_named():
    image = keras.Input((4, 4, 1))
    model = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image * 2)))
    with pytest.raises(
        UserError, match=r"layer multiply(_\d+)?: an operation on tensors \(Multiply\), as x \* 2"
    ):
        keras_section(model)


def test_two_outputs_in_python():
    image = keras.Input((4, 4, 1))
    x = keras.layers.Flatten()(image)
    model = keras.Model(image, [keras.layers.Dense(3)(x), keras.layers.Dense(2)(x)], name="two")
    with pytest.raises(UserError, match=r"^two: expected a model with one output, found 2 outputs$"):
        keras_section(model)


def test_every_layer_of_kerass_is_let_pass_or_refused_with_a_reason():
    exported = {
        layer_class.__name__: name
        for name, layer_class in vars(keras.layers).items()
        if isinstance(layer_class, type) and issubclass(layer_class, keras.layers.Layer)
    }
    named = {*ALLOWED["layers"], *REFUSED}
    missing = {name for kind, name in exported.items() if kind not in named and name not in named}
    assert missing - {"InputLayer"} <= set()
    assert all(hasattr(keras.layers, name) for name in named)


@pytest.mark.parametrize("kind", ["initializers", "regularizers", "constraints"])
def test_every_name_is_one_of_kerass(kind):
    assert all(isinstance(getattr(getattr(keras, kind), name), type) for name in ALLOWED[kind])


def test_every_activation_is_one_of_kerass():
    assert all(callable(getattr(keras.activations, name)) for name in ACTIVATIONS)
