"""Pictures of Keras models: branches are found in the graph."""

import keras
import pytest
from keras import layers

from cnnlab.cli import run
from cnnlab.language.source import write_yaml
from cnnlab.layers.from_keras.reading import keras_section
from cnnlab.pictures.diagrams.branches import Branches, Tangle, parts_of
from cnnlab.pictures.diagrams.elements import Fork, MergePoint, Volume, network_elements


@pytest.fixture
def drawn(experiment):
    """The elements of a model's picture; `body` is what happens between the image and the last layers."""

    def draw(body):
        image = keras.Input((16, 16, 2))
        x = layers.Dense(3)(layers.Flatten()(body(image)))
        config = experiment(keras.Model(image, x))
        architecture = config.architecture
        return parts_of(architecture.steps), network_elements(config.layers, architecture).elements

    return draw


def convolution(x, filters=2, **settings):
    return layers.Conv2D(filters, 3, padding="same", **settings)(x)


def test_a_chain(drawn):
    parts, elements = drawn(lambda x: layers.MaxPooling2D()(layers.BatchNormalization()(convolution(x))))
    assert [part.node.name for part in parts] == [
        "conv2d_1", "batch_normalization_1", "max_pooling2d_1", "flatten_1", "dense_1",
    ]  # fmt: skip
    assert [(element.title, element.notes) for element in elements] == [
        ("Input", ()), ("Conv2D 3×3", ("batch norm",)), ("MaxPooling2D 2×2", ()), ("Flatten", ()),
        ("Dense", ()),
    ]  # fmt: skip


def test_a_shortcut(drawn):
    def body(x):
        y = convolution(convolution(x, activation="relu"))
        return layers.ReLU()(layers.Add()([x, y]))

    parts, elements = drawn(body)
    assert [[step.node.name for step in chain] for chain in parts[0].chains] == [[], ["conv2d_1", "conv2d_2"]]
    fork = elements[1]
    assert (fork.name, fork.is_residual, fork.labels) == ("add_1", True, ("", "identity"))
    assert [len(branch.elements) for branch in fork.branches] == [2, 0]
    assert fork.end == MergePoint("+", (16, 16, 2), ("ReLU",))
    assert fork.params == 2 * (3 * 3 * 2 * 2 + 2)


def test_branches_within_branches(drawn):
    def body(x):
        inner = layers.Multiply()([x, layers.Conv2D(2, 1, activation="sigmoid")(x)])
        return layers.Concatenate()([convolution(inner), layers.MaxPooling2D(3, 1, "same")(x), x])

    parts, elements = drawn(body)
    assert isinstance(parts[0], Branches)
    first, second, third = parts[0].chains
    assert isinstance(first[0], Branches)
    assert [step.node.name for step in (first[1], *second)] == ["conv2d_2", "max_pooling2d_1"]
    assert third == ()
    outer = elements[1]
    assert outer.labels == ("", "", "identity")
    assert outer.end == Volume("other", "Concatenate", (16, 16, 6), written=(16, 16, 6))
    inner = outer.branches[0].elements[0]
    assert isinstance(inner, Fork)
    assert (inner.end.symbol, inner.is_residual) == ("×", False)


def test_what_is_no_branch_is_one_box(drawn):
    def body(x):
        a = convolution(x)
        b = convolution(a)
        c = layers.Add()([a, b])
        return layers.Add()([c, convolution(layers.Add()([b, x])), b])

    parts, elements = drawn(body)
    assert isinstance(parts[0], Tangle)
    names = [step.node.name for step in parts[0].steps]
    assert sorted(names) == ["add_1", "add_2", "add_3", "conv2d_1", "conv2d_2", "conv2d_3"]
    assert elements[1] == Volume(
        "other", "6 layers", (16, 16, 2), 3 * (3 * 3 * 2 * 2 + 2), written=(16, 16, 2)
    )


def test_the_command_draws_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    image = keras.Input((28, 28, 3))
    x = layers.Add()([convolution(image, 3), image])
    model = keras.Model(image, layers.Dense(6)(layers.LSTM(4)(layers.Reshape((28, 84))(x))))
    (tmp_path / "it.yaml").write_text(
        write_yaml({"dataset": "colors", "model": {"keras": keras_section(model)}})
    )
    assert run(["draw", "it.yaml"]) == 0
    picture = (tmp_path / "it.svg").read_text()
    assert "– multiplications per image" in picture
    assert "LSTM" in picture
    capsys.readouterr()
    assert run(["draw", "it.yaml", "--block", "add_1"]) == 2
    assert capsys.readouterr().err == "unknown block 'add_1'; there are none\n"
