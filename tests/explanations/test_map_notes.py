"""Maps that stand where their evidence is, and maps without a value, from outside."""

import json

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import cnnlab
from cnnlab.cli import run

pytestmark = pytest.mark.device

SIDE = 20


@pytest.fixture(scope="module")
def spot(tmp_path_factory, backend):
    """A picture of one bright pixel, in row 7 and column 12."""
    pixels = np.zeros((SIDE, SIDE), np.uint8)
    pixels[7, 12] = 255
    path = tmp_path_factory.mktemp("pictures") / "spot.png"
    Image.fromarray(pixels).save(path)
    return path


def saved(path, *, bias=0.0):
    """A convolution that copies the pixel in the middle of its 5×5 window, and a class that adds these up."""
    convolution = keras.layers.Conv2D(1, 5, activation="relu", name="look")
    dense = keras.layers.Dense(2, activation="softmax")
    model = keras.Sequential(
        [keras.layers.Input((SIDE, SIDE, 1)), convolution, keras.layers.Flatten(), dense]
    )
    kernel = np.zeros((5, 5, 1, 1))
    kernel[2, 2] = 1
    convolution.set_weights([kernel, np.full(1, bias)])
    dense.set_weights([np.tile([0.0, 1.0], (256, 1)), np.zeros(2)])
    model.save(path)
    return path


def test_grad_cam_is_brightest_where_the_evidence_is(tmp_path, spot):
    """Of a file that no config describes, too; the values on the layer's own grid are there as well."""
    found = cnnlab.explain(
        "saliency", saved(tmp_path / "spots.keras"), picture=spot, method="grad_cam", class_name="1"
    )
    cam = found.arrays["grad_cam"]
    assert cam.shape == (1, SIDE, SIDE)
    assert_array_equal(np.argwhere(cam[0] == cam.max()), [[7, 12]])
    assert found.arrays["grad_cam_units"].shape == (1, 16, 16)
    assert_array_equal(found.arrays["grad_cam_rows"], np.arange(2, 18))
    assert found.facts["empty_maps"] == []


METHODS = ["gradient", "SmoothGrad", "grad × input", "integrated", "Grad-CAM"]


def test_a_map_of_zeros_says_why(tmp_path, spot, capsys):
    """In the terminal, in the document and in the picture: here all units of the convolution are silent."""
    path = saved(tmp_path / "silent.keras", bias=-9.0)
    assert run(["explain", "saliency", str(path), "--picture", str(spot), "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert (
        "Grad-CAM is 0 everywhere on spot.png: no evidence for the class in look: the weighted sum of its "
        "maps is nowhere positive"
    ) in printed
    assert "gradient is 0 everywhere on spot.png: the gradient is 0: no small change" in printed
    document = json.loads((tmp_path / "silent-explain" / "saliency.json").read_text(encoding="utf-8"))
    assert [each["map"] for each in document["empty_maps"]] == METHODS
    assert all(each["images"] == ["spot.png"] and each["reason"] for each in document["empty_maps"])
    figure = cnnlab.explain("saliency", path, picture=spot).figures["saliency"]
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert sum(text == "all 0" for text in texts) == len(METHODS)
    assert len(figure.axes[0].images) == 1  # the picture alone: no black squares

    features = cnnlab.explain("features", path, picture=spot)
    assert "look (relu) is 0 everywhere on spot.png: none of its units responds" in features.sentence
    said = [text.get_text() for text in features.figures["features"].axes[0].texts]
    assert any(text.endswith("all values are 0") for text in said)
    occluded = cnnlab.explain("occlusion", path, picture=spot)
    assert "the patch changes the probability nowhere" in occluded.sentence


def test_the_first_image_of_ten_classes_at_most():
    from cnnlab.explanations import TECHNIQUES

    for name, what in (("saliency", "the first image of each of the first 10 classes"),
                       ("features", "the first test image")):  # fmt: skip
        assert what in TECHNIQUES[name].model_fields["image"].description
