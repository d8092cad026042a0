"""Blocks: what they expand to, what their layers are called, and what is said when branches do not meet."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cnnlab.accounting.architecture import LayerShapeError
from cnnlab.config.experiment import ExperimentConfig, load_config
from cnnlab.config.sections import ModelConfig
from cnnlab.errors import UserError
from cnnlab.layers.serialization import read_layer, write_layer

CONV = {"Conv2D": {"filters": 4, "kernel_size": 3, "padding": "same"}}
STRIDED = {"Conv2D": {"filters": 8, "kernel_size": 3, "padding": "same", "strides": 2}}


def network(*layers: Any, input_shape: tuple[int, ...] = (8, 8, 4)) -> ExperimentConfig:
    model = {"input_shape": list(input_shape), "layers": list(layers)}
    return ExperimentConfig.model_validate({"name": "blocks", "model": model})


def rows(*layers: Any, **options: Any) -> list[tuple[str, str, tuple[int, ...], int]]:
    return [
        (row.name, row.type, row.output_shape, row.params)
        for row in network(*layers, **options).architecture.rows
    ]


def names(*layers: Any) -> list[str]:
    return [node.name for node in network(*layers).nodes]


def test_residual_with_the_identity():
    assert rows({"Residual": {"layers": [CONV, "ReLU", CONV], "activation": "relu"}}) == [
        ("residual_1/conv2d_1", "Conv2D", (8, 8, 4), 148),
        ("residual_1/re_lu_1", "ReLU", (8, 8, 4), 0),
        ("residual_1/conv2d_2", "Conv2D", (8, 8, 4), 148),
        ("residual_1/add", "Add", (8, 8, 4), 0),
        ("residual_1/relu", "Activation", (8, 8, 4), 0),
    ]


def test_residual_with_a_projection():
    """1×1, with the strides and filters of the main path, and normalized as it is."""
    assert rows({"Residual": {"layers": [STRIDED, "BatchNormalization"], "shortcut": "projection"}}) == [
        ("residual_1/conv2d_1", "Conv2D", (4, 4, 8), 296),
        ("residual_1/batch_normalization_1", "BatchNormalization", (4, 4, 8), 32),
        ("residual_1/shortcut/conv2d_1", "Conv2D", (4, 4, 8), 40),
        ("residual_1/shortcut/batch_normalization_1", "BatchNormalization", (4, 4, 8), 32),
        ("residual_1/add", "Add", (4, 4, 8), 0),
    ]


def test_a_projection_takes_what_the_main_path_says():
    convolution = {"filters": 6, "kernel_size": 3, "padding": "same", "strides": [2, 1], "use_bias": False}
    layers = [
        {"Conv2D": convolution | {"kernel_initializer": "he_normal"}},
        {"BatchNormalization": {"epsilon": 1e-5}},
        {"MaxPooling2D": {"pool_size": 2, "padding": "same"}},
    ]
    nodes = network({"Residual": {"layers": layers, "shortcut": "projection"}}).nodes
    assert [write_layer(node.layer) for node in nodes if "shortcut" in node.name] == [
        write_layer(
            read_layer(
                {
                    "Conv2D": {
                        "filters": 6,
                        "kernel_size": 1,
                        "strides": [4, 2],
                        "use_bias": False,
                        "kernel_initializer": "he_normal",
                    }
                }
            )
        ),
        write_layer(read_layer({"BatchNormalization": {"epsilon": 1e-5}})),
    ]


def test_residual_with_a_shortcut_of_its_own():
    shortcut = ["AveragePooling2D", {"Conv2D": {"filters": 8, "kernel_size": 1}}]
    assert names({"Residual": {"layers": [STRIDED], "shortcut": shortcut}}) == [
        "residual_1/conv2d_1",
        "residual_1/shortcut/average_pooling2d_1",
        "residual_1/shortcut/conv2d_1",
        "residual_1/add",
    ]


def test_repeat_counts_on():
    assert names(CONV, {"Repeat": {"times": 2, "layers": [CONV, "ReLU"]}}, CONV) == [
        "conv2d_1",
        "repeat_1/conv2d_1",
        "repeat_1/re_lu_1",
        "repeat_1/conv2d_2",
        "repeat_1/re_lu_2",
        "conv2d_2",
    ]


def test_repeat_numbers_the_names_that_a_config_gives():
    named = {"Conv2D": CONV["Conv2D"] | {"name": "look"}}
    block = {"Repeat": {"times": 2, "layers": [named], "name": "stage"}}
    assert names(block) == ["stage/look_1", "stage/look_2"]


@pytest.mark.parametrize(
    ("merge", "kind", "channels"),
    [
        ("concatenate", "Concatenate", 8),
        ("add", "Add", 4),
        ("average", "Average", 4),
        ("maximum", "Maximum", 4),
    ],
)
def test_parallel(merge, kind, channels):
    assert rows({"Parallel": {"branches": [[], [CONV]], "merge": merge}}) == [
        ("parallel_1/branch_2/conv2d_1", "Conv2D", (8, 8, 4), 148),
        (f"parallel_1/{merge}", kind, (8, 8, channels), 0),
    ]


def test_parallel_with_channels_first():
    first = {"Conv2D": CONV["Conv2D"] | {"data_format": "channels_first"}}
    block = {"Parallel": {"branches": [[], [first]], "axis": 1}}
    assert rows(block, input_shape=(4, 8, 8))[-1][2] == (8, 8, 8)


def test_a_dense_block_falls_out_of_them():
    """Every layer sees what all layers before it made."""
    growth = {"Parallel": {"branches": [[], [{"Conv2D": CONV["Conv2D"] | {"filters": 3}}]]}}
    channels = [shape[2] for name, _, shape, _ in rows({"Repeat": {"times": 4, "layers": [growth]}})]
    assert channels[1::2] == [7, 10, 13, 16]


def test_blocks_nest():
    inception = {"Parallel": {"branches": [[CONV], [CONV, CONV]], "merge": "add"}}
    assert names({"Residual": {"layers": [{"Repeat": {"times": 2, "layers": [inception]}}]}})[3:] == [
        "residual_1/repeat_1/parallel_1/add",
        "residual_1/repeat_1/parallel_2/branch_1/conv2d_1",
        "residual_1/repeat_1/parallel_2/branch_2/conv2d_1",
        "residual_1/repeat_1/parallel_2/branch_2/conv2d_2",
        "residual_1/repeat_1/parallel_2/add",
        "residual_1/add",
    ]


def test_the_receptive_field_is_that_of_the_branch_that_sees_most():
    five = {"Conv2D": {"filters": 4, "kernel_size": 5, "padding": "same"}}
    block = {"Parallel": {"branches": [[CONV], [five], [CONV, {"MaxPooling2D": {"pool_size": 2, "strides": 1,
             "padding": "same"}}]]}}  # fmt: skip
    fields = {row.name: row.receptive_field for row in network(CONV, block, CONV).architecture.rows}
    assert fields["parallel_1/concatenate"] == (7, 7)
    assert fields["conv2d_2"] == (8, 8)  # the whole image


@pytest.mark.parametrize(
    ("layers", "problem", "shape_path", "remedy"),
    [
        pytest.param(
            [CONV, {"Residual": {"layers": [STRIDED, "ReLU"]}}],
            "the branches have different shapes: 4×4×8 and 8×8×4",
            "layers:   8×8×4 → Conv2D 4×4×8 → ReLU 4×4×8\n   shortcut: 8×8×4",
            "give them the same strides, padding and channels; in a Residual, use shortcut: projection",
            id="residual",
        ),
        pytest.param(
            [{"Parallel": {"branches": [[CONV], [STRIDED], []]}}],
            "the branches differ in more than axis -1: 8×8×4, 4×4×8 and 8×8×4",
            "branch 1: 8×8×4 → Conv2D 8×8×4\n   branch 2: 8×8×4 → Conv2D 4×4×8\n   branch 3: 8×8×4",
            "give them the same strides, and padding: same",
            id="parallel",
        ),
        pytest.param(
            [{"Parallel": {"branches": [[], []], "axis": 4}}],
            "axis 4 is not an axis of a 8×8×4 branch",
            "branch 1: 8×8×4\n   branch 2: 8×8×4",
            "use axis: -1 for channels last, axis: 1 for channels first",
            id="axis",
        ),
    ],
)
def test_branches_that_cannot_be_merged(layers, problem, shape_path, remedy):
    with pytest.raises(LayerShapeError) as caught:
        network(*layers).architecture  # noqa: B018
    assert (caught.value.problem, caught.value.shape_path, caught.value.remedy) == (
        problem,
        shape_path,
        remedy,
    )


@pytest.mark.parametrize(
    ("block", "where", "message"),
    [
        pytest.param(
            {"Residual": {"layers": [CONV], "shortcut": "projektion"}}, ("shortcut",),
            "unknown shortcut 'projektion'; did you mean projection?, or write a list of layers", id="word",
        ),
        pytest.param(
            {"Residual": {"layers": ["ReLU"], "shortcut": "projection"}}, (),
            "shortcut: projection takes its filters from a Conv2D among the layers, and there is none; "
            "write the shortcut as a list of layers", id="nothing to project to",
        ),
        pytest.param(
            {"Residual": {"layers": [CONV], "shortcut": ["Relu"]}}, ("shortcut", 0),
            "unknown layer 'Relu'; did you mean ReLU?", id="inside a shortcut",
        ),
        pytest.param(
            {"Parallel": {"branches": [[CONV]]}}, ("branches",),
            "expected a list of 2 or more, found a list", id="one branch",
        ),
        pytest.param(
            {"Parallel": {"branches": [[], [{"Conv2D": {"filters": 0, "kernel_size": 1}}]]}},
            ("branches", 1, 0, "filters"), "expected 1 or more, found 0", id="inside a branch",
        ),
        pytest.param(
            {"Repeat": {"times": 2, "layers": []}}, ("layers",),
            "expected a list of 1 or more, found an empty list", id="nothing to repeat",
        ),
    ],
)  # fmt: skip
def test_blocks_that_cannot_be_read(block, where, message):
    with pytest.raises(ValidationError) as caught:
        ModelConfig.model_validate({"layers": [block]})
    errors = {tuple(each["loc"]): each["msg"] for each in caught.value.errors()}
    assert errors == {("layers", 0, *where): message}


def test_an_error_inside_a_block_is_placed_at_its_line(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "model:\n"
        "  input_shape: [8, 8, 4]\n"
        "  layers:\n"
        "    - Parallel:\n"
        "        branches:\n"
        "          - []\n"
        "          - - Conv2D: {filters: 4, kernel_size: 9}\n"
    )
    with pytest.raises(UserError) as caught:
        load_config(str(path))
    assert str(caught.value) == (
        f"{path}:7:15: model.layers[0].branches[1][0] Conv2D: the 9×9 kernel does not fit its 8×8 input\n"
        "   8×8×4\n"
        "   remove this layer, or set padding: same on it or on an earlier layer"
    )


def test_set_reaches_into_blocks():
    config = load_config("resnet50", ["model.layers.repeat_2/residual_3/conv2d_2.filters=32"])
    params = {row.name: row.params for row in config.architecture.rows}
    assert params["repeat_2/residual_1/conv2d_2"] == 3 * 3 * 128 * 32 + 32


@pytest.mark.parametrize(
    ("override", "message"),
    [
        pytest.param(
            "model.layers.repeat_2/residual_9/conv2d_2.filters=32",
            "--set model.layers.repeat_2/residual_9/conv2d_2.filters: unknown layer "
            "'repeat_2/residual_9/conv2d_2'; did you mean repeat_2/residual_3/conv2d_2?",
            id="no such layer",
        ),
        pytest.param(
            "model.layers.residual_1/shortcut/conv2d_1.filters=32",
            "--set model.layers.residual_1/shortcut/conv2d_1.filters: generated by [6].Residual.shortcut; "
            "write its layers as a list first",
            id="a layer that stands in no list",
        ),
    ],
)
def test_set_that_cannot_reach(override, message):
    with pytest.raises(UserError) as caught:
        load_config("resnet50", [override])
    assert str(caught.value) == message


def test_a_config_with_blocks_is_written_and_read_back(tmp_path: Path):
    for name in ("resnet50", "googlenet"):
        config = load_config(name)
        path = tmp_path / f"{name}.yaml"
        path.write_text(config.to_yaml())
        again = load_config(str(path))
        assert again == config
        assert again.digest == config.digest


LEAVES = st.sampled_from(
    [
        CONV,
        {"Conv2D": {"filters": 4, "kernel_size": 1, "use_bias": False}},
        {"DepthwiseConv2D": {"kernel_size": 3, "padding": "same"}},
        "BatchNormalization",
        "ReLU",
        {"MaxPooling2D": {"pool_size": 2, "strides": 1, "padding": "same"}},
    ]
)


def blocks_of(layer: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Blocks of layers that keep height and width; only concatenation changes the channels."""
    chain = st.lists(layer, min_size=1, max_size=3)
    back_to_four = st.just([{"Conv2D": {"filters": 4, "kernel_size": 1}}])
    return st.one_of(
        st.builds(
            lambda layers, times: {"Repeat": {"times": times, "layers": layers}}, chain, st.integers(1, 3)
        ),
        st.builds(
            lambda layers, end, word: {"Residual": {"layers": layers + end, "shortcut": word}},
            chain, back_to_four, st.just("projection"),
        ),
        st.builds(
            lambda one, other, empty: {"Parallel": {"branches": [one, [] if empty else other]}},
            chain, chain, st.booleans(),
        ),
    )  # fmt: skip


@settings(max_examples=60)
@given(layers=st.lists(st.recursive(LEAVES, blocks_of, max_leaves=6), min_size=1, max_size=3))
def test_random_graphs_are_those_that_keras_builds(layers, keras_model, keras_rows):
    config = network(*layers)
    architecture = config.architecture
    assert keras_rows(keras_model(config), architecture) == [
        (row.name, row.output_shape, row.params) for row in architecture.rows
    ]


def test_what_a_block_computes(backend):
    """2x + (x + x) with kernels of ones, against arithmetic by hand."""
    from cnnlab.model import build_model

    one = {"filters": 2, "kernel_size": 1, "use_bias": False, "kernel_initializer": "ones"}
    block = {"Parallel": {"branches": [[{"Conv2D": one}], []], "merge": "add"}}
    model = build_model(
        network({"Residual": {"layers": [block], "activation": "relu"}}, input_shape=(2, 2, 2))
    )
    images = np.random.default_rng(0).normal(size=(3, 2, 2, 2)).astype(np.float32)
    expected = np.maximum(images.sum(axis=-1, keepdims=True) + 2 * images, 0)
    np.testing.assert_allclose(np.asarray(model(images)), expected, rtol=1e-5)
