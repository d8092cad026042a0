"""A layer that nobody else has heard of: what one class says is enough for everything."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.layers import LAYERS

CODE = '''
from typing import ClassVar

from pydantic import Field

from cnnlab.errors import ShapeError
from cnnlab.language.fields import Positive
from cnnlab.layers.base import SpatialLayer, Weight, times
from cnnlab.layers.window import Footprint


class CenterCrop(SpatialLayer):
    """The middle of an image, each channel scaled by a weight."""

    about: ClassVar[str] = "Keep the middle `size`×`size` pixels and scale each channel by a learned factor."

    size: Positive = Field(description="Height and width of what is kept.")

    def output_shape(self, input_shape):
        height, width, channels = self.spatial(input_shape)
        if self.size > min(height, width):
            raise ShapeError(f"{self.size} pixels do not fit into {times((height, width))}", "crop less")
        return self.from_spatial(self.size, self.size, channels)

    def weights(self, input_shape):
        return (Weight("factor", (self.spatial(input_shape)[2],)),)

    def spatial_footprints(self, spatial):
        rows, columns = (Footprint(1, before=-((size - self.size) // 2)) for size in spatial)
        return rows, columns

    def explain_output(self, input_shapes, output_shape):
        yield f"The middle of {times(input_shapes[0])}."

    def build(self, name, dtype="float32"):
        import keras

        size = self.size

        class Built(keras.layers.Layer):
            def build(self, input_shape):
                self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")

            def call(self, images):
                top, left = ((images.shape[axis] - size) // 2 for axis in (1, 2))
                return images[:, top : top + size, left : left + size] * self.factor

        return Built(name=name, dtype=dtype)
'''


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    (tmp_path / "a_plug_in.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(LAYERS._places, "CenterCrop", "a_plug_in:CenterCrop")
    path = tmp_path / "cropped.yaml"
    path.write_text(
        "model: {input_shape: [13, 11, 3], layers: [Conv2D: {filters: 4, kernel_size: 3}, CenterCrop: "
        "{size: 5}, "
        "MaxPooling2D, Flatten, Dense: {units: 2, activation: softmax}]}"
    )
    return path


def test_the_summary_counts_it(experiment, capsys):
    assert run(["summary", str(experiment), "--json"]) == 0
    row = json.loads(capsys.readouterr().out)["layers"][1]
    assert (row["name"], row["type"], row["output_shape"]) == ("center_crop_1", "CenterCrop", [5, 5, 4])
    assert (row["params"], row["macs"], row["receptive_field"]) == (4, 0, [3, 3])


def test_it_is_explained(experiment, capsys):
    assert run(["summary", str(experiment), "--explain", "center_crop_1"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for sentence in (
        "Keep the middle 5×5 pixels and scale each channel by a learned factor.",
        "The middle of 11×9×4.",
        "factor: 4.",
        "Receptive field: 3×3 pixels",
    ):
        assert sentence in text


def test_it_is_drawn(experiment, tmp_path, capsys):
    picture = tmp_path / "it.svg"
    assert run(["draw", str(experiment), "--out", str(picture)]) == 0
    assert "CenterCrop" in [each.text for each in ET.parse(picture).getroot()]


def test_editors_know_it(experiment, capsys):
    assert run(["schema"]) == 0
    definition = json.loads(capsys.readouterr().out)["$defs"]["CenterCrop"]
    assert definition["description"].startswith("Keep the middle")
    assert definition["properties"]["size"]["description"] == "Height and width of what is kept."


def test_a_mistake_is_named(experiment, capsys):
    assert run(["summary", str(experiment), "--set", "model.layers.center_crop_1.size=10"]) == 2
    assert "CenterCrop: 10 pixels do not fit into 11×9" in capsys.readouterr().err


def test_keras_builds_it_and_boxes_follow_it(experiment, backend):
    from cnnlab.analyses.receptive_fields import receptive_boxes
    from cnnlab.model import build_model

    config = load_config(str(experiment))
    model = build_model(config)
    assert model.get_layer("center_crop_1").output.shape[1:] == config.architecture.rows[1].output_shape
    assert model.count_params() == config.architecture.total_params
    boxes = receptive_boxes(config.architecture, "max_pooling2d_1", np.array([[0, 1]]))
    assert boxes.tolist() == [[3, 4, 7, 8]]
