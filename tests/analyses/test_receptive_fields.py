import numpy as np
import pytest
from numpy.testing import assert_array_equal

from cnnlab.analyses.network import find_layer
from cnnlab.analyses.receptive_fields import Field, receptive_fields
from cnnlab.config.experiment import parse_config
from cnnlab.gradients import differentiated
from cnnlab.language.source import read_yaml

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
}


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
def test_a_gradient_lies_in_the_box_and_touches_its_edges(tmp_path, layers):
    """What an output depends on is exactly its receptive field; in the padding's reach it may be less."""
    import keras

    from cnnlab.model import build_model

    path = tmp_path / "net.yaml"
    path.write_text(f"model: {{input_shape: [17, 19, 2], layers: {layers}}}")
    config = parse_config(read_yaml(path), default_name="net")
    model = build_model(config)
    rng = np.random.default_rng(0)
    for weights in model.weights:
        weights.assign(rng.uniform(0.1, 1, weights.shape))  # nothing cancels
    fields = receptive_fields(config.nodes, config.input_shape)
    exact = 0
    pooled = False
    for node in config.nodes:
        if "Max" in type(node.layer).__name__:
            pooled = True
            continue  # sends the gradient to one pixel of its window
        if "Padding" in type(node.layer).__name__:
            continue  # its border sees nothing; the convolution behind it is what counts
        network = keras.Model(model.input, find_layer(model, node.name).output)
        height, width = network.output.shape[1:3]
        places = np.stack(np.meshgrid(range(height), range(width), indexing="ij"), axis=-1).reshape(-1, 2)
        mask = np.zeros((len(places), height, width, 1), np.float32)
        mask[np.arange(len(places)), places[:, 0], places[:, 1]] = 1
        total = np.zeros((len(places), 17, 19), bool)
        for _ in range(4):  # a pooling's maximum is elsewhere in other images
            images = rng.random((len(places), 17, 19, 2)).astype(np.float32)
            _, gradients = differentiated(
                lambda x, mask, network=network: keras.ops.sum(network(x) * mask, axis=(1, 2, 3))
            )(images, mask)
            total |= np.abs(gradients).sum(axis=-1) > 0
        boxes = fields[node.name].boxes(places, (17, 19))
        whole = boxes[:, 2:] - boxes[:, :2] == fields[node.name].extent  # nothing of it is in the padding
        for seen, (top, left, bottom, right), inside in zip(total, boxes, whole.all(axis=1), strict=True):
            rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
            found = [rows[0], columns[0], rows[-1] + 1, columns[-1] + 1]
            if inside and not pooled:
                assert found == [top, left, bottom, right]
                exact += 1
            assert [top, left] <= [max(top, found[0]), max(left, found[1])] == found[:2]
            assert [bottom, right] >= [min(bottom, found[2]), min(right, found[3])] == found[2:]
    assert exact


def test_the_lecture_s_network():
    from cnnlab.config.experiment import load_config

    config = load_config("cnn")
    fields = receptive_fields(config.nodes, config.input_shape)
    assert fields["conv2d_2"] == Field(start=(0, 0), jump=(2, 2), extent=(8, 8))
    assert_array_equal(fields["conv2d_2"].boxes(np.array([[10, 0]]), (28, 28)), [[20, 0, 28, 8]])
    assert fields["dense_1"].everything
    assert_array_equal(fields["dense_1"].boxes(np.array([[0, 0]]), (28, 28)), [[0, 0, 28, 28]])


@pytest.mark.parametrize("layer", ["Permute: {dims: [2, 1, 3]}", "RandomCrop: {height: 8, width: 9}"])
def test_where_rows_and_columns_move_the_box_is_the_whole_image(tmp_path, layer):
    """Permute swaps them; outside training a crop is the largest piece of that shape, resized."""
    path = tmp_path / "net.yaml"
    layers = "Conv2D: {filters: 3, kernel_size: 3}, MaxPooling2D"
    path.write_text(f"model: {{input_shape: [17, 19, 2], layers: [Conv2D: {{filters: 3, kernel_size: 1}}, "
                    f"{layer}, {layers}]}}")  # fmt: skip
    config = parse_config(read_yaml(path), default_name="net")
    fields = receptive_fields(config.nodes, config.input_shape)
    assert fields["conv2d_1"] == Field()
    places = np.array([[0, 0], [3, 5]])
    for name in ("conv2d_2", "max_pooling2d_1"):
        assert_array_equal(fields[name].boxes(places, (17, 19)), [[0, 0, 17, 19]] * 2)


def test_mixed_data_formats_see_everything():
    """The first layer is channels_first, the others are not: no box can be told, so it is the whole image."""
    from cnnlab.config.experiment import load_config

    config = load_config("cnn_mixed_format")
    fields = receptive_fields(config.nodes, config.input_shape)
    assert fields["conv2d_1"] == Field(extent=(3, 3))
    assert fields["max_pooling2d_1"].everything
