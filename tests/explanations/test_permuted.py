"""Explanations of a network that was trained on permuted pixels: in the order of the picture."""

import json

import numpy as np
import pytest

from cnnlab.analyses.network import load_model, predict, probabilities_of
from cnnlab.analyses.saliency import saliency
from cnnlab.cli import run
from cnnlab.commands.progress import reporting
from cnnlab.config.sections import RuntimeConfig
from cnnlab.datasets import DataPaths
from cnnlab.datasets.permuting import permuted, unpermuted
from cnnlab.explanations.finding import open_subject
from cnnlab.prediction import probabilities

SCRAMBLED = """
name: scrambled
dataset: {name: colored_shapes, size: 16, train_count: 60, test_count: 12, validation_size: 0,
          data_format: FORMAT, permute_pixels: {seed: 4, block: 2}}
model:
  layers:
    - Conv2D: {filters: 3, kernel_size: 3, activation: relu, data_format: FORMAT}
    - MaxPooling2D: {data_format: FORMAT}
    - Flatten: {data_format: FORMAT}
    - Dense: {units: 30, activation: softmax}
training: {epochs: 1, batch_size: 20}
"""


@pytest.fixture(scope="module", params=["channels_last", "channels_first"])
def out(request, tmp_path_factory, backend):
    folder = tmp_path_factory.mktemp("runs")
    path = folder / "scrambled.yaml"
    path.write_text(SCRAMBLED.replace("FORMAT", request.param))
    assert run(["train", str(path), "--out", str(folder), "--quiet"]) == 0
    return folder


@pytest.fixture
def subject(out):
    with reporting(quiet=True) as reporter:
        yield open_subject(
            "scrambled", out=out, data_paths=DataPaths.from_environment(None), reporter=reporter,
            backend=None, device=None,
        )  # fmt: skip


def as_trained(subject, inputs):
    """Images as the network was trained on: their pixels permuted."""
    if subject.channels_first:
        return permuted(inputs.transpose(0, 2, 3, 1), subject.dataset).transpose(0, 3, 1, 2)
    return permuted(inputs, subject.dataset)


def test_the_network_takes_images_as_people_see_them(subject):
    """The predictions are those that the run has recorded of the permuted images."""
    recorded = subject.record.predictions
    np.testing.assert_allclose(subject.probabilities, recorded.probabilities, atol=1e-3)
    raw = subject.data.test.images
    assert np.any(as_trained(subject, raw) != raw)
    images = raw.transpose(0, 2, 3, 1) if subject.channels_first else raw
    found = probabilities(subject.record, images, DataPaths.from_environment(None), RuntimeConfig())
    np.testing.assert_allclose(found, recorded.probabilities, atol=1e-3)


def test_a_shift_moves_the_picture_before_its_pixels_are_permuted(subject):
    trained = probabilities_of(load_model(subject.file))
    inputs = subject.to_inputs(subject.data.test.images)
    shifted = np.roll(inputs, 3, axis=2)
    found = predict(probabilities_of(subject.model), shifted)
    np.testing.assert_allclose(found, predict(trained, as_trained(subject, shifted)), atol=1e-5)
    assert np.abs(found - subject.probabilities).max() > 1e-4


def test_maps_lie_as_the_picture_lies(subject):
    inputs, classes = subject.to_inputs(subject.data.test.images), subject.data.test.labels
    on_pixels = saliency(load_model(subject.file), as_trained(subject, inputs), classes)
    found = saliency(subject.model, inputs, classes)
    np.testing.assert_allclose(found, unpermuted(on_pixels, subject.dataset), atol=1e-6)


def explained(out, capsys, technique, *options):
    capsys.readouterr()
    code = run(["explain", technique, "scrambled", *options, "--out", str(out), "--json"])
    printed = capsys.readouterr()
    return code, json.loads(printed.out) if printed.out else None, printed.err


def test_every_way_to_explain_it(out, capsys):
    code, document, _ = explained(out, capsys, "saliency", "--image", "0")
    assert code == 0
    assert "the maps of conv2d_1 lie on the permuted image" in document["sentence"]
    code, document, _ = explained(out, capsys, "features", "--image", "0")
    assert code == 0
    assert document["stages"][0] == {
        "layer": "permuted_pixels", "operation": "PermutedPixels", "shape": [16, 16, 3]
    }  # fmt: skip
    code, document, _ = explained(out, capsys, "examples", "--layer", "conv2d_1")
    assert code == 0
    with np.load(f"{document['folder']}/{document['arrays']['file']}") as arrays:
        assert "boxes" not in arrays  # what a unit sees is scattered over the picture
    code, _, said = explained(out, capsys, "dream")
    assert code == 2
    assert "its network was trained on permuted pixels, and larger pictures have no such order" in said
