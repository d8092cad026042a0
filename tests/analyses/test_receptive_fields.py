import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from cnnlab.accounting.architecture import Architecture, describe
from cnnlab.analyses.map_places import map_places
from cnnlab.analyses.network import channel_axis_of, find_layer
from cnnlab.analyses.receptive_fields import image_axes_along, receptive_boxes
from cnnlab.config.experiment import load_config, parse_config
from cnnlab.errors import ShapeError
from cnnlab.gradients import differentiated
from cnnlab.language.source import read_yaml
from cnnlab.layers.graph import expand
from cnnlab.layers.serialization import read_layer

NETWORKS = {
    "lecture": "[Conv2D: {filters: 3, kernel_size: 3}, MaxPooling2D, Conv2D: {filters: 4, kernel_size: 3}]",
    "same": "[Conv2D: {filters: 3, kernel_size: 5, padding: same}, AveragePooling2D: "
    "{pool_size: 3, strides: 2, "
    "padding: same}, Conv2D: {filters: 4, kernel_size: 2, padding: same}]",
    "strides": "[Conv2D: {filters: 3, kernel_size: [3, 5], strides: [2, 3]}, Conv2D: "
    "{filters: 3, kernel_size: 2, "
    "padding: same}]",
    "padding": "[ZeroPadding2D: {padding: [[2, 1], [0, 3]]}, Conv2D: {filters: 3, kernel_size: 3, "
    "strides: 2}, ZeroPadding2D, Conv2D: {filters: 2, kernel_size: 2}]",
    "cropping": "[Cropping2D: {cropping: [[2, 1], [0, 3]]}, Conv2D: {filters: 3, kernel_size: 3}]",
    "dilation": "[Conv2D: {filters: 3, kernel_size: 3, dilation_rate: [2, 1]}, Conv2D: "
    "{filters: 3, kernel_size: 2}]",
    "upsampling": "[Conv2D: {filters: 3, kernel_size: 2, strides: 2}, UpSampling2D: {size: [2, 3]}, Conv2D: "
    "{filters: 3, kernel_size: 3, strides: 2}]",
    "pooled and enlarged": "[AveragePooling2D, UpSampling2D, AveragePooling2D: {strides: 1}]",
    "bilinear": "[UpSampling2D: {size: [2, 3], interpolation: bilinear}, Conv2D: "
    "{filters: 2, kernel_size: 2, strides: 3}]",
    "bicubic": "[UpSampling2D: {size: 2, interpolation: bicubic}]",
    "transposed": "[Conv2DTranspose: {filters: 3, kernel_size: [3, 4], strides: [2, 3], padding: same}, "
    "Conv2D: {filters: 2, kernel_size: 2}]",
    "transposed, with gaps": "[Conv2DTranspose: {filters: 3, kernel_size: 2, strides: 3}, AveragePooling2D]",
    "transposed, padded": "[Conv2DTranspose: {filters: 3, kernel_size: 3, strides: 2, output_padding: 1, "
    "padding: same}, Conv2DTranspose: {filters: 2, kernel_size: 3, dilation_rate: 2}]",
    "turned": "[Conv2D: {filters: 3, kernel_size: [3, 5]}, Permute: {dims: [2, 1, 3]}, AveragePooling2D: "
    "{pool_size: [2, 3]}]",
    "branches": "[Parallel: {branches: [[Conv2D: {filters: 2, kernel_size: [1, 5], padding: same}], "
    "[Conv2D: {filters: 2, kernel_size: [3, 1], padding: same}], []]}, Conv2D: {filters: 2, kernel_size: 2}]",
    "stacked": "[Parallel: {axis: 1, branches: [[Cropping2D: {cropping: [[4, 0], [0, 0]]}], []]}, Conv2D: "
    "{filters: 2, kernel_size: 3, strides: 2}]",
    "cropped and padded": "[Cropping2D: {cropping: 3}, ZeroPadding2D: {padding: 3}, Conv2D: "
    "{filters: 2, kernel_size: 2}]",
    "random crop": "[RandomCrop: {height: 8, width: 9}, Conv2D: {filters: 2, kernel_size: 2, strides: 3}]",
    "another format": "[Conv2D: {filters: 2, kernel_size: 3, padding: same, data_format: channels_first}, "
    "Conv2D: {filters: 3, kernel_size: [2, 1]}]",
}


def trained_on_nothing(tmp_path, layers):
    """A network whose weights are all positive: nothing cancels."""
    from cnnlab.model import build_model

    path = tmp_path / "net.yaml"
    path.write_text(f"model: {{input_shape: [17, 19, 2], layers: {layers}}}")
    config = parse_config(read_yaml(path), default_name="net")
    model = build_model(config)
    rng = np.random.default_rng(0)
    for weights in model.weights:
        weights.assign(rng.uniform(0.1, 1, weights.shape))
    return config, model


def seen_by_gradients(model, layer, places, axes, image_axes):
    """(places, height, width): which pixels a place of the layer's maps depends on."""
    import keras

    network = keras.Model(model.input, find_layer(model, layer).output)
    mask = np.zeros((len(places), *network.output.shape[1:]), np.float32)
    index = [slice(None)] * 3
    for place, each in zip(places, mask, strict=True):
        index[axes[0]], index[axes[1]] = place
        each[tuple(index)] = 1
    (channels,) = {0, 1, 2} - {*image_axes}
    gradients_of = differentiated(
        lambda x, mask: keras.ops.sum(network(x, training=False) * mask, axis=(1, 2, 3))
    )
    total: np.ndarray | bool = False
    for seed in range(4):  # a pooling's maximum is elsewhere in other images
        images = np.random.default_rng(seed).random((len(places), 17, 19, 2)).astype(np.float32)
        _, gradients = gradients_of(images, mask)
        total |= np.abs(gradients).sum(axis=1 + channels) > 0
    return total


def box_of(seen):
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return [rows[0], columns[0], rows[-1] + 1, columns[-1] + 1] if rows.size else [0, 0, 0, 0]


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
def test_a_gradient_lies_in_the_box_and_touches_its_edges(tmp_path, layers):
    """What an output depends on is exactly its box; behind a maximum, which has few gradients, it is less.

    And no box is larger than the summary's receptive field.
    """
    config, model = trained_on_nothing(tmp_path, layers)
    pooled = False
    for step, row in zip(config.architecture.steps, config.architecture.rows, strict=True):
        pooled = pooled or "Max" in row.type  # sends the gradient to one pixel of its window
        axes = (1, 2) if channel_axis_of(model, find_layer(model, row.name)) == 1 else (0, 1)
        height, width = (step.output_shape[axis] for axis in axes)
        places = np.stack(np.meshgrid(range(height), range(width), indexing="ij"), axis=-1).reshape(-1, 2)
        boxes = receptive_boxes(config.architecture, row.name, places)
        total = seen_by_gradients(model, row.name, places, axes, config.architecture.image_axes)
        for seen, box in zip(total, boxes.tolist(), strict=True):
            found = box_of(seen)
            if not pooled:
                assert found == box, row.name
            elif seen.any():
                assert np.all(np.maximum(found[:2], box[:2]) == found[:2]), row.name
                assert np.all(np.minimum(found[2:], box[2:]) == found[2:]), row.name
        sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=0)
        assert np.all(sizes <= row.receptive_field), row.name


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
def test_the_middle_of_a_field_is_the_middle_of_its_box(tmp_path, layers):
    """Where no padding is in it; behind an enlargement it is rounded to a pixel."""
    path = tmp_path / "net.yaml"
    path.write_text(f"model: {{input_shape: [17, 19, 2], layers: {layers}}}")
    architecture = parse_config(read_yaml(path), default_name="net").architecture
    enlarging = {"UpSampling2D", "Conv2DTranspose", "RandomCrop"} & {row.type for row in architecture.rows}
    for row in architecture.rows:
        places = map_places(architecture, row.name)
        for image_axis, along in enumerate((places.rows, places.columns)):
            if along is None:
                assert row.receptive_field[image_axis] > 1 or row.type == "Concatenate"
                continue
            outputs = np.zeros((len(along.centers), 2), int)
            outputs[:, along.map_axis] = np.arange(len(outputs))
            boxes = receptive_boxes(architecture, row.name, outputs)[:, [image_axis, 2 + image_axis]]
            lacking = along.last - along.first + 1 - (boxes[:, 1] - boxes[:, 0])
            whole = np.abs(lacking) <= (1 if enlarging else 0)  # no padding, and no edge
            middles = (boxes.sum(axis=1) - 1) / 2
            assert np.all(np.abs(along.centers - middles)[whole] <= (1 if enlarging else 0)), row.name
            assert np.all(np.diff(along.centers) > 0)


def test_the_lecture_s_network():
    architecture: Architecture = load_config("cnn").architecture
    assert_array_equal(receptive_boxes(architecture, "conv2d_2", np.array([[10, 0]])), [[20, 0, 28, 8]])
    assert_array_equal(receptive_boxes(architecture, "dense_1", np.array([[0, 0]])), [[0, 0, 28, 28]])


def test_a_random_crop_is_the_largest_piece_of_its_shape_resized(tmp_path):
    """Outside training: rows 0 to 16 and columns 0 to 18 become 8×9, from the middle on."""
    path = tmp_path / "net.yaml"
    path.write_text("model: {input_shape: [17, 19, 2], layers: [RandomCrop: {height: 8, width: 9}]}")
    architecture = parse_config(read_yaml(path), default_name="net").architecture
    places = np.array([[0, 0], [3, 5], [7, 8]])
    # Of 17×19 the piece is 16×19. Rows lie 2 apart, at ½, 6½, 14½; columns 19/9, at 0.56, 11.1, 17.4.
    assert_array_equal(
        receptive_boxes(architecture, "random_crop_1", places),
        [[0, 0, 2, 2], [6, 11, 8, 13], [14, 17, 16, 19]],
    )


def test_mixed_data_formats_see_everything():
    """Behind a channels_first layer the others take columns for channels, and span them all."""
    architecture = load_config("cnn_mixed_format").architecture
    assert architecture.rows[1].receptive_field is not None
    boxes = receptive_boxes(architecture, "max_pooling2d_1", np.array([[0, 0]]))
    assert_array_equal(boxes[:, [1, 3]], [[0, 28]])


PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3)).map(list)
LAYERS_OF_ALL_KINDS = st.one_of(
    st.builds(
        lambda size, strides, padding: {
            "Conv2D": {"filters": 2, "kernel_size": size, "strides": strides, "padding": padding}
        },
        PAIRS, PAIRS, st.sampled_from(["same", "valid"]),
    ),
    st.builds(
        lambda size, strides, padding: {
            "Conv2DTranspose": {"filters": 2, "kernel_size": size, "strides": strides, "padding": padding}
        },
        PAIRS, PAIRS, st.sampled_from(["same", "valid"]),
    ),
    st.builds(
        lambda size, interpolation: {"UpSampling2D": {"size": size, "interpolation": interpolation}},
        PAIRS, st.sampled_from(["nearest", "bilinear", "bicubic"]),
    ),
    st.builds(lambda size: {"RandomCrop": {"height": size[0] + 3, "width": size[1] + 3}}, PAIRS),
    st.sampled_from(
        [
            "MaxPooling2D", "ZeroPadding2D", {"Cropping2D": {"cropping": 1}},
            {"Permute": {"dims": [2, 1, 3]}},
            {"Parallel": {"branches": [["MaxPooling2D", "UpSampling2D"], []]}},
        ]
    ),
)  # fmt: skip


@settings(max_examples=100)
@given(layers=st.lists(LAYERS_OF_ALL_KINDS, min_size=1, max_size=5))
def test_no_box_is_larger_than_the_summary_s_field(layers):
    try:
        architecture = describe(expand([read_layer(each) for each in layers]), (16, 20, 2))
    except ShapeError:
        reject()
    row = architecture.rows[-1]
    height, width, _ = row.output_shape
    assume(height * width < 4000)
    places = np.stack(np.meshgrid(range(height), range(width), indexing="ij"), axis=-1)
    boxes = receptive_boxes(architecture, row.name, places)
    assert np.all(boxes[..., 2:] - boxes[..., :2] <= row.receptive_field)


@pytest.mark.parametrize(
    ("before", "along"),
    [
        ("", (0, 1)),
        ("Permute: {dims: [2, 1, 3]}, ", (1, 0)),
        (
            "Permute: {dims: [2, 1, 3]}, MaxPooling2D: {pool_size: [1, 2]}, Permute: {dims: [2, 1, 3]}, ",
            (0, 1),
        ),
        ("Permute: {dims: [1, 3, 2]}, ", None),
        ("Flatten, Reshape: {target_shape: [19, 17, 2]}, ", None),
    ],
    ids=["as they are", "exchanged", "exchanged back", "channels", "lost"],
)
def test_maps_run_along_the_axes_of_the_image_that_their_rows_and_columns_are(tmp_path, before, along):
    path = tmp_path / "net.yaml"
    layers = f"[{before}Conv2D: {{filters: 2, kernel_size: 1, name: last}}, ReLU]"
    path.write_text(f"model: {{input_shape: [17, 19, 2], layers: {layers}}}")
    architecture = parse_config(read_yaml(path), default_name="net").architecture
    assert image_axes_along(architecture, "last") == along
    assert image_axes_along(architecture, architecture.rows[-1].name) == along
    assert image_axes_along(architecture, "another") is None


@pytest.mark.parametrize("behind", ["Flatten", "GlobalAveragePooling2D"])
def test_what_has_no_maps_runs_along_no_axis_of_the_image(tmp_path, behind):
    path = tmp_path / "net.yaml"
    path.write_text(f"model: {{input_shape: [17, 19, 2], layers: [{behind}, ReLU]}}")
    architecture = parse_config(read_yaml(path), default_name="net").architecture
    assert [image_axes_along(architecture, row.name) for row in architecture.rows] == [None, None]
