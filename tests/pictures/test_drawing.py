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
from cnnlab.pictures.kit.palette import LAYER_FILLS

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
    window, _ = Solid(chain.elements[0], scale).kernel((3, 3, 1))
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
    """Under the names that its shapes have in the summary."""
    config = "dataset.data_format=channels_first"
    layers = "model.layers[{}].data_format=channels_first"
    same = chain_of("cnn", config, *(layers.format(index) for index in range(5)))
    assert [volume.shape for volume in same.elements] == [volume.shape for volume in chain_of("cnn").elements]
    assert [volume.written for volume in same.elements[:2]] == [(1, 28, 28), (25, 26, 26)]


def test_mixed_formats_are_drawn_as_each_layer_takes_them():
    """The input is 28×28 with one channel; what the pooling takes for rows are the maps before it."""
    config = load_config("cnn_mixed_format")
    volumes = network_elements(config.layers, config.architecture).elements
    assert [(volume.title, volume.shape) for volume in volumes[:5]] == [
        ("Input", (28, 28, 1)), ("Conv2D 3×3", (26, 26, 25)), ("read as channels_last", (25, 26, 26)),
        ("MaxPooling2D 2×2", (12, 13, 26)), ("Conv2D 3×3", (10, 11, 50)),
    ]  # fmt: skip
    texts = texts_of(network_shapes(config))
    for row in config.architecture.rows:
        assert "×".join(map(str, row.output_shape)) in texts
    assert texts.count("read as channels_last") == 1


def test_branches_of_channels_first_networks_meet_in_an_image(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(
        "model: {input_shape: [3, 16, 12], layers: [Parallel: {axis: 1, branches: [[Conv2D: {filters: 5, "
        "kernel_size: 1, data_format: channels_first}], []]}, Permute: {dims: [2, 3, 1]}, Conv2D: "
        "{filters: 2, kernel_size: 3}]}"
    )
    fork, turned, last = chain_of(str(path)).elements[1:]
    assert (fork.end.shape, fork.end.written) == ((16, 12, 8), (8, 16, 12))
    assert (turned.shape, last.shape) == ((16, 12, 8), (14, 10, 2))


def kernel_depths(name, *overrides):
    """Of each window its depth on paper, as a share of the volume that it lies in."""
    chain = chain_of(name, *overrides)
    scale = DrawingScale.of(chain)
    depths = []
    for before, after in zip(chain.elements, chain.elements[1:], strict=False):
        if after.kernel is not None:
            solid = Solid(before, scale)
            front = solid.kernel(after.kernel)[0][0]
            across = [x for x, _ in front.points]
            slanted = solid.slant[0] * 0.45 * (1 - after.kernel[1] / before.shape[1])
            assert max(across) == pytest.approx(solid.front[0] + slanted)  # at the side of the next volume
            depths.append((max(across) - min(across)) / solid.front[0])
    return depths


def test_a_kernel_is_as_deep_as_the_channels_that_it_sees():
    """AlexNet's second, fourth and fifth convolution see 48, 192 and 192 channels, half of them."""
    texts = texts_of(network_shapes(load_config("alexnet")))
    assert "2 groups of 48, relu" in texts
    assert texts.count("2 groups of 192") == 2
    first, _, second, _, third, fourth, fifth, _ = kernel_depths("alexnet")
    assert [first, second, third, fourth, fifth] == pytest.approx([1, 0.5, 1, 0.5, 0.5])


def test_windows_of_single_channels_are_one_deep(tmp_path):
    path = tmp_path / "net.yaml"
    kinds = ("DepthwiseConv2D: {kernel_size: 3}", "SeparableConv2D: {filters: 32, kernel_size: 3}",
             "MaxPooling2D")  # fmt: skip
    for kind in kinds:
        path.write_text(f"model: {{input_shape: [16, 16, 32], layers: [{kind}]}}")
        assert kernel_depths(str(path)) == pytest.approx([1 / 32], abs=0.02), kind
        assert chain_of(str(path)).elements[1].kernel[2] == 1


def test_dense_blocks_say_how_they_grow():
    config = load_config("densenet121")
    folds = [each for each in chain_of("densenet121").elements if isinstance(each, Repetition)]
    assert [fold.growth for fold in folds] == [
        "+32 channels each time: 64 → 256", "+32 channels each time: 128 → 512",
        "+32 channels each time: 256 → 1024", "+32 channels each time: 512 → 1024",
    ]  # fmt: skip
    assert {fold.growth for fold in folds} <= set(texts_of(network_shapes(config)))
    assert not any(each.growth for each in chain_of("resnet50").elements if isinstance(each, Repetition))


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
    assert {LAYER_FILLS[kind] for kind in ("convolution", "pooling", "dense")} <= fills


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
        pytest.param(
            ["cnn", "--out", "it.gif"], 2, "expected a file that ends in .svg, .png or .pdf", id="kind"
        ),
        pytest.param(["resnet18", "--block", "residual_33"], 2, "did you mean residual_3?", id="block"),
        pytest.param(["cnn", "--out", "no/where.svg"], 2, "cannot be written", id="folder"),
    ],
)
def test_mistakes(folder, arguments, code, message, capsys):
    assert run(["draw", *arguments]) == code
    assert message in capsys.readouterr().err
    assert not list(folder.iterdir())
