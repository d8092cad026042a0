"""Weights of 16 bits stand in a page only where they give the same probabilities."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cnnlab.live_page import epochs
from cnnlab.live_page.epochs import epochs_of
from cnnlab.live_page.network import LARGEST_DIFFERENCE, encoded, precision_of, text_bytes

IMAGES = np.zeros((1, 1, 1, 1), np.uint8)


class Model:
    """A network whose only probability is its only weight."""

    def __init__(self, weight=0.5):
        self.weights = [[np.array([weight], np.float32)]]

    def set_all_weights(self, weights):
        self.weights = [list(weights)]

    def set_weights(self, weights):
        self.weights = weights

    def probabilities(self, images):
        return np.array([self.weights[0][0]])


EXACT, ROUNDED = 0.5, 0.5 + 2**-12
"""In 16 bits, the numbers from ½ to 1 lie 2⁻¹¹ apart."""


@pytest.mark.parametrize(
    ("weight", "precision"),
    [
        pytest.param(EXACT, "float16", id="exact"),
        pytest.param(0.5 + 0.9 * LARGEST_DIFFERENCE, "float16", id="nearly exact"),
        pytest.param(ROUNDED, "float32", id="rounded"),
        pytest.param(70_000.0, "float32", id="beyond the largest number of 16 bits"),
    ],
)
def test_16_bits_are_chosen_where_probabilities_stay(weight, precision):
    model = Model(weight)
    assert precision_of(model, IMAGES, model.probabilities(IMAGES)) == precision


def epochs_with(weights, monkeypatch, notes=None):
    """What the slider is told of a run with these weights after its epochs."""
    monkeypatch.setattr(epochs, "kept_epochs", lambda path: list(range(len(weights))))
    monkeypatch.setattr(epochs, "epoch_weights", lambda path, epoch: [np.array([weights[epoch]], np.float32)])
    record = SimpleNamespace(path=Path("seed-0"), history=())
    network = SimpleNamespace(record=record, model=Model(), weights=Model().weights, precision="float16")
    return epochs_of(network, IMAGES, SimpleNamespace(note=(notes or []).append))


def test_each_epoch_has_its_own_precision(monkeypatch):
    told = epochs_with([EXACT, ROUNDED, EXACT], monkeypatch)
    assert [each["precision"] for each in told["weights"]] == ["float16", "float32", "float16"]


def test_the_epochs_fit_into_the_page_at_the_precision_that_they_have(monkeypatch):
    monkeypatch.setattr(epochs, "MOST_BYTES", 3 * text_bytes(1, "float32"))
    notes = ["begun"]
    told = epochs_with([EXACT, ROUNDED, EXACT, EXACT, EXACT], monkeypatch, notes)
    assert told["epochs"] == [0, 2, 4]
    assert notes[1:] == ["the page has 3 of 5 epochs, so that it stays below 40 MB"]


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize("numbers", range(1, 8))
def test_the_length_of_the_text_is_known_beforehand(numbers, precision):
    text = encoded([[np.ones(numbers, np.float32)]], precision)["weights"]
    assert len(text) == text_bytes(numbers, precision)
