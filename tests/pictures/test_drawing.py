"""`cnnlab draw`: what is on the picture, and that it is drawn to scale."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from cnnlab.cli import run
from cnnlab.config.experiment import load_config, shipped_configs
from cnnlab.pictures.diagrams.elements import Fork, MergePoint, Repetition, Volume, network_elements
from cnnlab.pictures.diagrams.network import block_shapes, network_shapes
from cnnlab.pictures.diagrams.shapes import Polygon, Text
from cnnlab.pictures.diagrams.solids import DrawingScale, Solid

SHIPPED = sorted(path.stem for path in shipped_configs().glob("*.yaml"))


def chain_of(name, *overrides):
    config = load_config(name, overrides)
    return network_elements(config.layers, config.architecture)


def texts_of(shapes):
    return [shape.text for shape in shapes if isinstance(shape, Text)]


@pytest.mark.parametrize("name", SHIPPED)
def test_no_text_lies_on_another(name):
    texts = [shape for shape in network_shapes(load_config(name)) if isinstance(shape, Text)]
    for index, one in enumerate(texts):
        (left, bottom), (right, top) = one.points
        for other in texts[index + 1 :]:
            (other_left, other_bottom), (other_right, other_top) = other.points
            apart = right <= other_left or other_right <= left or top <= other_bottom + 1e-9
            assert apart or other_top <= bottom + 1e-9, (one.text, other.text)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_layer_with_neurons_is_on_the_picture(name):
    """By its parameters; of what is repeated, the first round."""
    config = load_config(name)
    texts = texts_of(network_shapes(config))
    for row in config.architecture.rows:
        first = all(part.rpartition("_")[2] == "1" for part in row.name.split("/")[:-1])
        if row.neurons and first and "repeat" not in row.name:
            assert f"{row.params:,}" in texts, row.name


def test_the_lecture_is_drawn_to_scale():
    chain = chain_of("cnn")
    scale = DrawingScale.of(chain)
    assert scale.power == 1
    heights = [Solid(volume, scale).front[1] for volume in chain.elements[:5]]
    assert [height / heights[0] for height in heights] == pytest.approx(
        [1, 26 / 28, 13 / 28, 11 / 28, 5 / 28]
    )
    depths = [Solid(volume, scale).slant[0] for volume in chain.elements[:5]]
    assert [depth / depths[0] for depth in depths] == pytest.approx([1, 26 / 28, 13 / 28, 11 / 28, 5 / 28])
    window, _ = Solid(chain.elements[0], scale).kernel((3, 3))
    low, high = (pick(y for _, y in window[0].points) for pick in (min, max))
    assert (high - low) / heights[0] == pytest.approx(3 / 28)


def test_large_networks_take_the_square_root():
    scale = DrawingScale.of(chain_of("resnet18"))
    assert scale.power == 0.5
    assert scale.side(56) / scale.side(224) == pytest.approx(0.5)
    assert scale.thickness(512) / scale.thickness(128) == pytest.approx(2)


def test_the_lecture_has_these_volumes():
    volumes = chain_of("cnn").elements
    assert [volume.title for volume in volumes] == [
        "Input", "Conv2D 3×3", "MaxPooling2D 2×2", "Conv2D 3×3", "MaxPooling2D 2×2", "Flatten", "Dense",
        "Dense",
    ]  # fmt: skip
    assert [volume.shape for volume in volumes[1:4]] == [(26, 26, 25), (13, 13, 25), (11, 11, 50)]
    assert volumes[-1].notes == ("softmax",)


def test_channels_first_is_drawn_as_the_same_image():
    config = "dataset.data_format=channels_first"
    layers = "model.layers[{}].data_format=channels_first"
    same = chain_of("cnn", config, *(layers.format(index) for index in range(5)))
    assert same.elements[1].shape == (26, 26, 25)


def test_repetitions_are_drawn_once():
    folds = [element for element in chain_of("resnet50").elements if isinstance(element, Repetition)]
    assert [fold.times for fold in folds] == [2, 3, 5, 2]
    architecture = load_config("resnet50").architecture
    first = sum(row.params for row in architecture.rows if row.name.startswith("repeat_1/"))
    assert folds[0].params == first


def test_equal_blocks_one_after_the_other_are_folded():
    [fold] = [element for element in chain_of("resnet18").elements if isinstance(element, Repetition)]
    architecture = load_config("resnet18").architecture
    both = [row.params for row in architecture.rows if row.name.startswith(("residual_1/", "residual_2/"))]
    assert (fold.times, fold.params) == (2, sum(both))


def test_a_residual_block_has_two_ways():
    forks = [element for element in chain_of("resnet18").elements if isinstance(element, Fork)]
    projection, identity = forks[0], forks[1]
    assert projection.labels == ("", "")
    assert [volume.title for volume in projection.branches[1].elements] == ["Conv2D 1×1 /2"]
    assert identity.labels == ("", "identity")
    assert identity.end == MergePoint("+", (28, 28, 128), ("relu",))
    assert identity.branches[0].elements[0].notes == ("batch norm", "ReLU")


def test_an_inception_block_has_four():
    [fork] = [
        element
        for element in chain_of("googlenet").elements
        if getattr(element, "name", "") == "inception_3a"
    ]
    assert [len(branch.elements) for branch in fork.branches] == [1, 2, 2, 2]
    assert isinstance(fork.end, Volume)
    assert fork.end.shape == (28, 28, 256)
    texts = texts_of(block_shapes(load_config("googlenet"), "inception_3a"))
    assert {"inception_3a of googlenet", "Concatenate", "28×28×256", "110,720"} <= set(texts)


def test_colours_tell_layers_apart():
    fills = {shape.fill for shape in network_shapes(load_config("cnn")) if isinstance(shape, Polygon)}
    assert {"#A9CDE6", "#F5E2AE", "#A5D9C7"} <= fills


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_both_files_are_written(folder, capsys):
    assert run(["draw", "xo_cnn"]) == 0
    assert capsys.readouterr().out == "xo_cnn.svg\nxo_cnn.png\n"
    assert ET.parse("xo_cnn.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert Path("xo_cnn.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_network_gives_the_same_bytes(folder):
    for name in ("one.svg", "two.svg"):
        assert run(["draw", "xo_cnn", "--out", name]) == 0
    assert Path("one.svg").read_bytes() == Path("two.svg").read_bytes()


def test_json(folder, capsys):
    assert run(["draw", "googlenet", "--block", "inception_3a", "--out", "it.svg", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "name": "googlenet", "block": "inception_3a", "files": ["it.svg"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["cnn", "--out", "it.gif"], 2, "expected a file that ends in .svg or .png", id="kind"),
        pytest.param(["resnet18", "--block", "residual_33"], 2, "did you mean residual_3?", id="block"),
        pytest.param(["cnn", "--out", "no/where.svg"], 2, "cannot be written", id="folder"),
    ],
)
def test_mistakes(folder, arguments, code, message, capsys):
    assert run(["draw", *arguments]) == code
    assert message in capsys.readouterr().err
    assert not list(folder.iterdir())
