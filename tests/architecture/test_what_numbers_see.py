"""Receptive fields behind every kind of layer: an oracle changes one pixel and sees which numbers change."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnlab.accounting.architecture import describe
from cnnlab.accounting.explanation import explain
from cnnlab.analyses.receptive_fields import receptive_boxes
from cnnlab.config.experiment import load_config
from cnnlab.errors import ShapeError
from cnnlab.layers.base import times
from cnnlab.layers.graph import expand
from cnnlab.layers.serialization import read_layer
from cnnlab.scratch.layer import Mode
from cnnlab.scratch.network import Network

SHAPE = (9, 8, 2)
CONV = {"Conv2D": {"filters": 2, "kernel_size": [3, 2]}}
FIRST = {"data_format": "channels_first"}

MOVING = [
    "Flatten", {"Flatten": FIRST}, {"Permute": {"dims": [2, 1, 3]}}, {"Permute": {"dims": [3, 1, 2]}},
    {"Reshape": {"target_shape": [-1]}}, {"Reshape": {"target_shape": [-1, 2]}},
    {"Permute": {"dims": [2, 1]}},
    {"Reshape": {"target_shape": [-1, 1, 2]}}, {"Reshape": {"target_shape": [-1, 8, 2]}},
    {"Reshape": {"target_shape": [4, -1, 2]}}, {"Reshape": {"target_shape": [3, -1]}},
]  # fmt: skip
ALONE = [
    {"Dropout": {"rate": 0.5}}, {"SpatialDropout2D": {"rate": 0.5}}, "BatchNormalization", "PReLU",
    {"LeakyReLU": {"negative_slope": 0.2}}, {"Activation": {"activation": "tanh"}},
    {"Rescaling": {"scale": 2.0}},
]  # fmt: skip
COMBINING = [
    CONV, {"Conv2D": {"filters": 2, "kernel_size": 2, **FIRST}}, {"DepthwiseConv2D": {"kernel_size": 2}},
    {"Conv2D": {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"}}, "MaxPooling2D",
    {"AveragePooling2D": {"pool_size": [1, 3], "strides": 1}}, {"MaxPooling2D": {"pool_size": 2, **FIRST}},
    {"Conv2D": {"filters": 1, "kernel_size": 1, "activation": "softmax", **FIRST}},
    {"LocallyConnected2D": {"filters": 2, "kernel_size": 2}}, {"UpSampling2D": {"size": 2}},
    {"Activation": {"activation": "softmax"}}, {"Softmax": {"axis": 1}}, {"Dense": {"units": 3}},
    "GlobalAveragePooling2D", {"GlobalMaxPooling2D": FIRST}, {"GlobalAveragePooling2D": {"keepdims": True}},
    {"LocalResponseNormalization": {"depth_radius": 1, "bias": 1.0, "alpha": 1.0}},
    {"Cropping2D": {"cropping": 1}}, {"ZeroPadding2D": {"padding": 1}},
    {"Residual": {"layers": [{"Conv2D": {"filters": 2, "kernel_size": 3, "padding": "same"}}]}},
    {"Parallel": {"branches": [[], [CONV, {"ZeroPadding2D": {"padding": [[1, 1], [0, 1]]}}]], "axis": 1}},
    {"Parallel": {"branches": [["Flatten"], [{"Flatten": FIRST}]]}},
    {"Parallel": {"branches": [["Flatten"], [CONV, "Flatten"]]}},
    {"Parallel": {"branches": [["Flatten"], [{"Flatten": FIRST}]], "merge": "add"}},
]  # fmt: skip


def described(layers):
    return describe(expand([read_layer(each) for each in layers]), SHAPE, "channels_last")


def taken(layers):
    """The layers that fit, each behind those before it."""
    fitting = []
    for each in layers:
        try:
            described([*fitting, each])
        except ShapeError:
            continue
        fitting.append(each)
    return fitting


def dependence(layers):
    """For each row of the summary: (height, width, *output_shape) bool, which numbers a pixel changes."""
    return computed(expand([read_layer(each) for each in layers]))[1]


def computed(nodes):
    """An image and what each layer makes of it, (1, *shape); and which numbers a pixel changes."""
    rng = np.random.default_rng(0)
    weights = []
    for step in describe(nodes, SHAPE).steps:
        values = {each.name: rng.uniform(0.2, 1, each.shape) for each in step.weights}
        weights.append({name.removeprefix("depthwise_"): each for name, each in values.items()} | values)
    network = Network.of(nodes, SHAPE)
    found = None
    for amount in (0.3, 3.0, -3.0):
        image = rng.uniform(0.5, 1, SHAPE)
        images = np.repeat(image[None], 1 + SHAPE[0] * SHAPE[1], axis=0)
        for place, (row, column) in enumerate(np.ndindex(*SHAPE[:2]), start=1):
            images[place, row, column] += amount * rng.uniform(0.5, 1, SHAPE[2])
        outputs = [each.output for each in network.forward(images, weights, Mode())]
        changed = [
            (np.abs(each[1:] - each[0]) > 1e-12).reshape(*SHAPE[:2], *each.shape[1:]) for each in outputs
        ]
        found = changed if found is None else [a | b for a, b in zip(found, changed, strict=True)]
    return [images[:1], *(each[:1] for each in outputs)], found


def spans(changed):
    """(4, *output_shape) int: the first row and column that a number depends on, and the first beyond."""
    edges = []
    for axis in (0, 1):
        along = changed.any(axis=1 - axis)
        some = along.any(axis=0)
        first, last = along.argmax(axis=0), along.shape[0] - along[::-1].argmax(axis=0)
        edges.append((np.where(some, first, 0), np.where(some, last, 0)))
    (top, bottom), (left, right) = edges
    return np.stack([top, left, bottom, right])


@settings(max_examples=60, deadline=None)
@given(
    wanted=st.lists(st.sampled_from([*MOVING, *ALONE, *COMBINING]), min_size=2, max_size=7),
)
def test_no_number_sees_more_than_its_layer_says(wanted):
    check(taken(wanted))


@pytest.mark.parametrize("moving", MOVING, ids=str)
@pytest.mark.parametrize("last", [*ALONE, *COMBINING], ids=str)
def test_every_layer_behind_moved_numbers(moving, last):
    check(taken([CONV, "MaxPooling2D", moving, {"Dropout": {"rate": 0.5}}, last]))


SENTENCES = {
    r"The same as for its input: the layer moves numbers, and each still sees what it saw\.": "moves",
    r"The same as for its input: outside training, the layer passes it on unchanged\.": "passes on",
    r"The same as for its input, which already covers the whole image\.": "already whole",
    r"The same as for its input: where the layer combines neighbors, its input covers the image\.": "same",
    r"The same as for its input: the layer combines no neighboring positions\.": "same",
    r"Counted as the whole image: each output is computed from all ([\d,]+) numbers of the layer's input\.":
        "all numbers",
    r"These depend on rows (\d+) to (\d+) and columns (\d+) to (\d+) of the image; the pixels beyond have no "
    r"effect\.": "reach",
    r"These depend on no pixel of the image\.": "no pixel",
    r"That of the branch that sees most\.": "largest",
    r"The branches see (.*) pixels\. Numbers that come from different places meet, so an output is taken to "
    r"see all\.": "branches",
    r"(?:Rows: |Columns: )?As for its input, (?:all )?(\d+) pixels?\.": "axis same",
    r"(?:Rows: |Columns: )?Each input value has a receptive field of ([\d.]+) pixels?, and adjacent values "
    r"are ([\d.]+) pixels? apart; together, (\d+) adjacent values cover ([\d.]+) \+ \((\d+) − 1\) × ([\d.]+) "
    r"= ([\d.]+) pixels\.": "grown",
    r"The image has only (\d+), so the field covers all of them\.": "cut",
    r"After upsampling, neighboring values share pixels, so the size depends on the position: at most (\d+) "
    r"pixels\.": "at most",
    r"(?:Rows: |Columns: )?(?:The layer combines numbers that a layer before it has moved, so an output is "
    r"taken to see|The layer takes this axis of the image for its channels and sums over all of them, so "
    r"each output sees|Each output is computed from all positions along this axis, so it counts as seeing) "
    r"all (\d+) pixels\.": "axis whole",
    r"Neighboring outputs lie ([\d.×]+) pixels? apart in the image\.": "apart",
}  # fmt: skip
"""Every sentence there is, and what `holds` checks about it."""


def holds(kind, numbers, step, row, architecture, inputs, output, changed):
    """Whether what a sentence says is so, by the numbers of the summary and by those of the oracle."""
    before = [step.before.along(axis).size for axis in (0, 1)]
    field, shape = list(row.receptive_field), [*SHAPE[:2]]
    pixels = changed.reshape(*SHAPE[:2], -1).any(axis=-1)
    match kind:
        case "moves":
            return field == before and np.array_equal(np.sort(inputs[0].ravel()), np.sort(output.ravel()))
        case "passes on":
            return field == before and np.array_equal(inputs[0], output)
        case "already whole":
            return field == before == shape
        case "same":
            return field == before
        case "all numbers":
            return field == shape and int(numbers[0].replace(",", "")) == inputs[0][0].size
        case "reach":
            top, bottom, left, right = map(int, numbers)
            inside = np.zeros(shape, bool)
            inside[top - 1 : bottom, left - 1 : right] = True
            return not pixels[~inside].any() and (top, bottom, left, right) != (1, shape[0], 1, shape[1])
        case "no pixel":
            return not pixels.any()
        case "largest" | "branches":
            fields = [
                (1, 1) if source < 0 else architecture.rows[source].receptive_field
                for source in step.node.inputs
            ]
            largest = [max(each[axis] for each in fields) for axis in (0, 1)]
            if kind == "largest":
                return field == largest
            return field != largest and numbers[0] == ", ".join(times(each) for each in fields)
        case "axis same":
            return int(numbers[0]) in [a for a, b in zip(field, before, strict=True) if a == b]
        case "grown":
            one, jump, count, *again, total = map(float, numbers)
            return again == [one, count, jump] and abs(one + (count - 1) * jump - total) < 1e-9
        case "cut":
            return int(numbers[0]) in [a for a, b in zip(field, shape, strict=True) if a == b]
        case "at most":
            return int(numbers[0]) in field
        case "axis whole":
            return int(numbers[0]) in [a for a, b in zip(field, shape, strict=True) if a == b]
        case "apart":
            stride = "×".join(f"{each:g}" for each in dict.fromkeys(row.input_stride))
            return numbers[0] == stride


def check_sentences(architecture, layers):
    nodes = expand([read_layer(each) for each in layers])
    values, outputs = computed(nodes)
    for position, (step, row) in enumerate(zip(architecture.steps, architecture.rows, strict=True)):
        inputs = [np.array(values[0]) if each < 0 else values[1 + each] for each in step.node.inputs]
        title, lines = next(
            (each.title, each.lines) for each in explain(architecture, row.name) if "field" in each.title
        )
        assert title == f"Receptive field: {times(row.receptive_field)} pixels"
        assert lines
        for line in lines:
            found = [
                (kind, match.groups())
                for text, kind in SENTENCES.items()
                if (match := re.fullmatch(text, line))
            ]
            assert len(found) == 1, line
            changed = outputs[position]
            assert holds(*found[0], step, row, architecture, inputs, values[1 + position], changed), line


def check(layers):
    if not layers:
        return
    architecture = described(layers)
    check_sentences(architecture, layers)
    for step, row, changed in zip(architecture.steps, architecture.rows, dependence(layers), strict=True):
        top, left, bottom, right = spans(changed)
        heights, widths = bottom - top, right - left
        assert heights.max() <= row.receptive_field[0], row
        assert widths.max() <= row.receptive_field[1], row
        if row.type in ("Flatten", "Reshape", "Permute", "Dropout", "SpatialDropout2D", "PReLU"):
            before = [step.before.along(axis).size for axis in (0, 1)]
            assert list(row.receptive_field) == before
        if len(row.output_shape) == 1:
            units = np.arange(row.output_shape[0])
            boxes = receptive_boxes(architecture, row.name, np.zeros((len(units), 2), int), units=units)
            anything = bottom > 0
            assert np.all(([top, left] >= boxes[:, :2].T)[:, anything])
            assert np.all(([bottom, right] <= boxes[:, 2:].T)[:, anything])


def test_flatten_and_dropout_see_what_the_maps_see():
    architecture = load_config("cnn").architecture
    fields = {row.name: row.receptive_field for row in architecture.rows}
    assert fields["flatten_1"] == fields["max_pooling2d_2"] == (10, 10)
    assert fields["dense_1"] == (28, 28)
    units = np.array([0, 49, 50, 1249])
    boxes = receptive_boxes(architecture, "flatten_1", np.zeros((4, 2), int), units=units)
    assert boxes.tolist() == [[0, 0, 10, 10], [0, 0, 10, 10], [0, 4, 10, 14], [16, 16, 26, 26]]


@pytest.mark.parametrize(
    ("between", "field"),
    [
        pytest.param(["Flatten", {"Reshape": {"target_shape": [7, 7, 2]}}], (5, 3), id="the same shape"),
        pytest.param([{"Reshape": {"target_shape": [49, 2]}}, "Flatten",
                      {"Reshape": {"target_shape": [7, 7, 2]}}], (5, 3), id="in two steps"),
        pytest.param([{"Permute": {"dims": [2, 1, 3]}}, {"Reshape": {"target_shape": [49, 2]}},
                      {"Reshape": {"target_shape": [7, 7, 2]}}], (4, 4), id="turned"),
        pytest.param(["Flatten", {"Reshape": {"target_shape": [14, 7, 1]}}], (9, 8), id="another shape"),
    ],
)  # fmt: skip
def test_a_reshape_that_undoes_another_brings_neighbors_back(between, field):
    """A kernel of 3×2 on maps in which each number sees 3×2 pixels; turned, its three rows are columns."""
    *_, row = described([CONV, *between, CONV]).rows
    assert row.receptive_field == field
