"""`--explain`: the lecture's arithmetic in words, for every layer there is."""

import json
import math
import re

import pytest

from cnnlab.layers import LAYERS
from cnnlab.layers.graph import Block
from tests.layers.needed_fields import NEEDED


def sections_of(cnnlab, path, name):
    document = json.loads(cnnlab("summary", path, "--explain", name, "--json"))
    return {section["title"]: " ".join(section["lines"]) for section in document["explanation"]}


def test_the_lecture_on_the_board(cnnlab):
    text = " ".join(cnnlab("summary", "cnn", "--explain", "conv2d_2").split())
    for phrase in (
        "conv2d_2 of cnn: Conv2D, 13×13×25 → 11×11×50",
        "50 kernels slide over the image",
        "⌊(13 − 3) / 1⌋ + 1 = 11",
        "50 feature maps, not 25 × 50 = 1,250, because each kernel spans all 25 input channels and sums over "
        "them",
        "One kernel has 3 × 3 × 25 = 225 weights, and 1 bias: 226. 50 kernels: 50 × 226 = 11,300.",
        "6,050 × 225 = 1,361,250 multiplications",
        "Each weight is used 121 times per image",
        "2 × 1,361,250 + 6,050 biases = 2,728,550",
        "4 + (3 − 1) × 2 = 8",
        "6,050 × (4,225 + 1) = 25,567,300",
        "6,050 × (225 + 1) = 1,367,300; 18.7 times fewer",
        "1,367,300 → 11,300; 121 times fewer",
    ):
        assert phrase in text, phrase


def test_a_layer_without_sharing_on_the_board(cnnlab, network):
    layers = [{"LocallyConnected2D": {"filters": 50, "kernel_size": 3}}, "Flatten", {"Dense": {"units": 10}}]
    sections = sections_of(cnnlab, network(layers, (13, 13, 25)), "locally_connected2d_1")
    text = " ".join(sections.values())
    for phrase in (
        "Each of the 11×11 positions has 50 kernels of its own",
        "One kernel has 3 × 3 × 25 = 225 weights, and 1 bias: 226.",
        "One for each position and filter: 11 × 11 × 50 = 6,050 kernels. 6,050 × 226 = 1,367,300.",
        "A Conv2D would use the same 50 kernels everywhere: 50 × 226 = 11,300.",
        "Each weight is used once per image, at its own position.",
        "6,050 × (225 + 1) = 1,367,300; 18.7 times fewer",
        "Weight sharing: none; each weight is used at one position only.",
    ):
        assert phrase in text, phrase


def test_a_dense_layer_on_the_board(cnnlab):
    text = " ".join(cnnlab("summary", "cnn", "--explain", "dense_1").split())
    assert (
        "a weight for each of the 1,250 inputs and 1 bias: 1,251. 100 units: 100 × 1,251 = 125,100." in text
    )
    assert "90.9% of the network's 137,660 parameters" in text


@pytest.mark.parametrize("kind", [name for name, layer in LAYERS.items() if not issubclass(layer, Block)])
def test_every_layer_can_be_explained(cnnlab, network, kind):
    before = ["Flatten"] if kind == "Dense" else []
    layer = {kind: {"name": "it", **NEEDED.get(kind, {})}}
    path = network([*before, layer])
    sections = sections_of(cnnlab, path, "it")
    document = json.loads(cnnlab("summary", path, "--json"))
    row = document["layers"][-1]
    shape = "×".join(map(str, row["output_shape"]))
    assert f"Output: {shape}" in sections
    assert f"Parameters: {row['params']:,}" in sections
    assert f"Multiplications: {row['macs']:,} MACs" in sections
    assert "`" not in sections["What it does"]
    for title, lines in sections.items():
        assert lines, title


@pytest.mark.parametrize("kind", sorted(NEEDED.keys() | {"MaxPooling2D", "BatchNormalization", "Flatten"}))
def test_every_equation_on_the_board_is_true(cnnlab, network, kind):
    before = ["Flatten"] if kind == "Dense" else []
    path = network(
        [{"MaxPooling2D": {"pool_size": 1}}, *before, {kind: {"name": "it", **NEEDED.get(kind, {})}}]
    )
    checked = 0
    for lines in sections_of(cnnlab, path, "it").values():
        for left, right in re.findall(r"(?<!÷ )(?<![\d,])([⌊⌈(\d][\d,⌊⌋⌈⌉() +−×/]*) = ([\d,]+)", lines):
            checked += 1
            assert calculated(left) == int(right.rstrip(",").replace(",", "")), f"{left} = {right}"
    assert checked >= {"Conv2D": 6, "Dense": 2}.get(kind, 0)


def calculated(text: str) -> int:
    """Works a blackboard's left side out."""
    text = text.replace(",", "").replace("×", "*").replace("−", "-").strip()
    text = re.sub(r"⌊(.*)⌋", r"floor(\1)", re.sub(r"⌈(.*)⌉", r"ceil(\1)", text))
    return eval(text, {"floor": math.floor, "ceil": math.ceil, "__builtins__": {}})


def test_a_separable_convolution_is_worked_out_in_its_two_parts(cnnlab, network):
    layer = {"SeparableConv2D": {"filters": 4, "kernel_size": 3, "depth_multiplier": 2}}
    sections = sections_of(cnnlab, network([layer]), "separable_conv2d_1")
    assert sections["Output: 10×10×4"].endswith(
        "Each of the 3 channels has 2 kernels of its own; each produces one 10×10 feature map: 6 "
        "intermediate "
        "maps. "
        "4 kernels of 1×1 span all 6 of them and produce one map each: 10 × 10 × 4 = 400 numbers."
    )
    assert sections["Multiplications: 7,800 MACs"].startswith(
        "Each of the 600 intermediate numbers is a sum of 9 inputs, each multiplied by a weight: "
        "600 × 9 = 5,400. "
        "Each of the 400 outputs is a sum of 6 of them: 400 × 6 = 2,400. "
        "Total: 5,400 + 2,400 = 7,800 multiplications per image."
    )
    assert (
        "at every position, and kernels in two parts: 11,200 → 82"
        in sections["A Dense layer instead: 173,200 parameters"]
    )


def test_behind_an_upsampling_neighbours_share_pixels(cnnlab, network):
    window = {"MaxPooling2D": {"pool_size": 2, "strides": 1}}
    path = network([{"UpSampling2D": {"size": 2}}, window, window, window, {"Rescaling": {"scale": 7.0}}])
    first, second, third = (sections_of(cnnlab, path, f"max_pooling2d_{number}") for number in (1, 2, 3))
    assert first["Receptive field: 2×2 pixels"] == (
        "Each input value has a receptive field of 1 pixel, and adjacent values are 0.5 pixels apart; "
        "together, 2 adjacent values cover 1 + (2 − 1) × 0.5 = 1.5 pixels. "
        "After upsampling, neighboring values share pixels, so the size depends on the position: "
        "at most 2 pixels. "
        "Neighboring outputs lie 0.5 pixels apart in the image."
    )
    assert "2 adjacent values cover 1.5 + (2 − 1) × 0.5 = 2 pixels." in second["Receptive field: 2×2 pixels"]
    assert "2 adjacent values cover 2 + (2 − 1) × 0.5 = 2.5 pixels." in third["Receptive field: 3×3 pixels"]


def test_whole_numbers_have_no_decimals(cnnlab, network):
    sections = sections_of(cnnlab, network([{"GaussianNoise": {"stddev": 1.0}}]), "gaussian_noise_1")
    assert "standard deviation 1 to each" in sections["What it does"]


def test_a_layer_that_does_not_say_what_it_does(cnnlab, network, monkeypatch):
    monkeypatch.setattr(LAYERS["GaussianNoise"], "about", "")
    sections = sections_of(cnnlab, network([{"GaussianNoise": {"stddev": 1.0}}]), "gaussian_noise_1")
    assert next(iter(sections)) == "Output: 12×12×3"


def test_a_merge_shows_its_branches(cnnlab, network):
    branches = [[{"Conv2D": {"filters": filters, "kernel_size": 1}}] for filters in (4, 5)]
    path = network([{"Parallel": {"branches": branches}}])
    sections = sections_of(cnnlab, path, "parallel_1/concatenate")
    assert sections["Output: 12×12×9"].endswith("Concatenated: 4 + 5 = 9 channels.")


def test_an_unknown_layer(refused):
    assert refused("summary", "cnn", "--explain", "conv2_2").strip() == (
        "unknown layer 'conv2_2'; did you mean conv2d_2?"
    )


def test_one_config_at_a_time(refused):
    assert "--explain takes one config" in refused("summary", "dnn", "cnn", "--explain", "dense_1")


def test_axes_that_a_layer_takes_for_others_are_named(cnnlab):
    """Heading and sentences say the same: 28 columns, because the layer sums over them as over channels."""
    sections = sections_of(cnnlab, "cnn_mixed_format", "conv2d_2")
    assert sections["Receptive field: 8×28 pixels"] == (
        "Rows: Each input value has a receptive field of 4 pixels, and adjacent values are 2 pixels apart; "
        "together, 3 adjacent values cover 4 + (3 − 1) × 2 = 8 pixels. "
        "Columns: The layer takes this axis of the image for its channels and sums over all of them, so each "
        "output sees all 28 pixels."
    )
    assert sections["Output: 10×11×50"].startswith(
        "With data_format channels_last, the layer takes its 12×13×26 input for 12 rows, 13 columns and 26 "
        "channels. But a layer before it has the other format: the image's rows are the second axis, its "
        "columns the third."
    )
    first = sections_of(cnnlab, "cnn_mixed_format", "conv2d_1")
    assert not any("data_format" in text for text in first.values())


@pytest.mark.parametrize(("layer", "channels", "seen"), [("conv2d_2", 96, 48), ("conv2d_4", 384, 192)])
def test_groups_are_explained(cnnlab, layer, channels, seen):
    """AlexNet's kernels see 48 of 96 channels, and why."""
    text = " ".join(sections_of(cnnlab, "alexnet", layer).values())
    assert f"each kernel spans only the {channels} / 2 = {seen} channels of its own part" in text
    assert f"× {seen} =" in text
