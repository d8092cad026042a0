"""Techniques about a whole set of images: invariance, mistakes, confusion, embedding."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from cnnlab.analyses.embedding import (
    activations,
    last_hidden_layer,
    neighbourhoods,
    principal_components,
    trustworthiness,
)
from cnnlab.analyses.invariance import accuracy_under, changed, reach
from cnnlab.analyses.mistakes import surest_mistakes
from cnnlab.analyses.network import predict
from cnnlab.errors import UserError
from cnnlab.run_folders.confusion import confusion_counts


def test_whole_shifts_and_quarter_turns_move_pixels(rng):
    images = rng.random((2, 7, 7, 3)).astype(np.float32)
    shifted = changed(images, "shift", 2)
    assert_allclose(shifted[:, :, 2:], images[:, :, :-2], atol=1e-6)
    assert_allclose(shifted[:, :, :2], images[:, :, :1].repeat(2, axis=2), atol=1e-6)
    assert_allclose(changed(images, "rotation", 90), np.rot90(images, axes=(1, 2)), atol=1e-5)
    assert_array_equal(changed(images, "rotation", 0), images)
    assert_array_equal(changed(images, "scale", 1), images)
    first = images.transpose(0, 3, 1, 2)
    assert_array_equal(
        changed(first, "rotation", 33, channel_axis=1).transpose(0, 2, 3, 1), changed(images, "rotation", 33)
    )


@pytest.mark.parametrize(
    ("change", "amount"), [("shift", 1.5), ("rotation", 25), ("scale", 1.3), ("scale", 0.6)]
)
def test_changes_against_scipy(rng, change, amount):
    image = rng.random((9, 11)).astype(np.float32)
    angle = np.deg2rad(amount)
    matrix = {
        "shift": np.eye(2),
        "rotation": np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]),
        "scale": np.eye(2) / amount,
    }[change]
    middle = np.array([4, 5])
    offset = middle - matrix @ middle - ([0, amount] if change == "shift" else 0)
    wanted = ndimage.affine_transform(image, matrix, offset, order=1, mode="nearest")
    assert_allclose(changed(image[None, ..., None], change, amount)[0, ..., 0], wanted, atol=1e-5)


def test_accuracy_under_a_change(any_network, images_for):
    images = images_for(any_network, 30)
    labels = predict(any_network, images).argmax(axis=1)
    axis = 1 if any_network.name == "channels_first" else 3
    found = accuracy_under(any_network, images, labels, change="shift", amounts=np.array([0.0, 3.0]))
    moved = predict(any_network, changed(images, "shift", 3, channel_axis=axis)).argmax(axis=1)
    assert_allclose(found, [1, np.mean(moved == labels)])


def test_surest_mistakes_come_first():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.05, 0.95], [0.6, 0.4]])
    found = surest_mistakes(probabilities, np.array([0, 1, 0, 0, 1]), count=3)
    assert_array_equal(found.indices, [3, 1, 2])
    assert_array_equal(found.predicted, [1, 0, 1])
    assert_allclose(found.confidences, [0.95, 0.8, 0.7])
    assert_allclose(found.true_probabilities, [0.05, 0.2, 0.3])
    assert len(surest_mistakes(probabilities, probabilities.argmax(axis=1)).indices) == 0


def test_confusion_counts():
    found = confusion_counts(np.array([0, 2, 2, 1, 0]), np.array([0, 1, 2, 1, 2]), num_classes=4)
    assert_array_equal(found, [[1, 0, 0, 0], [0, 1, 1, 0], [1, 0, 1, 0], [0, 0, 0, 0]])


def test_principal_components_are_eigenvectors_of_the_covariance(rng):
    rows = rng.normal(size=(60, 5)) @ rng.normal(size=(5, 5)) + 3
    found = principal_components(rows, dimensions=3)
    values, vectors = np.linalg.eigh(np.cov(rows.T))
    values, vectors = values[::-1], vectors[:, ::-1]
    assert_allclose(found.explained, values[:3] / values.sum(), rtol=1e-6)
    wanted = (rows - rows.mean(axis=0)) @ vectors[:, :3]
    signs = np.sign((found.coordinates * wanted).sum(axis=0))
    assert_allclose(found.coordinates * signs, wanted, rtol=1e-4, atol=1e-4)


def test_the_sign_of_an_axis_is_not_left_to_chance(rng):
    rows = rng.normal(size=(40, 6))
    turned = principal_components(rows[::-1]).coordinates[::-1]
    assert_allclose(turned, principal_components(rows).coordinates, atol=1e-5)


def test_identical_rows_have_no_variance():
    found = principal_components(np.ones((5, 3)))
    assert_array_equal(found.explained, 0)
    assert_array_equal(found.coordinates, 0)


def planted(rng, clusters=6, each=40, units=30):
    """Rows in clusters ten standard deviations apart, and their labels."""
    labels = np.repeat(np.arange(clusters), each)
    return 10 * rng.normal(size=(clusters, units))[labels] + rng.normal(size=(len(labels), units)), labels


def test_planted_clusters_stay_together(rng):
    """In the plane of t-SNE every row's ten nearest neighbours are of its own cluster."""
    rows, labels = planted(rng)
    plane = neighbourhoods(rows, seed=3)
    distances = np.linalg.norm(plane[:, None] - plane, axis=-1)
    nearest = distances.argsort(axis=1)[:, 1:11]
    assert (labels[nearest] == labels[:, None]).all()
    assert_array_equal(neighbourhoods(rows, seed=3), plane)
    assert trustworthiness(rows, plane) > 0.85
    assert abs(trustworthiness(rows, rng.normal(size=plane.shape)) - 0.5) < 0.05


def test_t_sne_of_very_few_and_of_equal_rows(rng):
    assert neighbourhoods(rng.normal(size=(4, 3)), perplexity=1).shape == (4, 2)
    assert not neighbourhoods(np.ones((9, 5)), perplexity=1).any()
    with pytest.raises(ValueError, match="perplexity 30 with 90 rows"):
        neighbourhoods(np.ones((90, 5)))


def test_the_last_hidden_layer(any_network, images_for, linear_model):
    assert last_hidden_layer(any_network) == "flatten_1"
    images = images_for(any_network, 3)
    assert activations(any_network, images, layer="flatten_1").shape == (3, 36)
    with pytest.raises(UserError):
        last_hidden_layer(linear_model(np.ones((2, 3))))


def test_reach_ends_where_accuracy_falls():
    amounts = np.arange(-3.0, 4)
    accuracies = np.array([0.95, 0.5, 0.86, 0.95, 0.9, 0.84, 0.95])
    assert reach(amounts, accuracies, unchanged=0) == (-1, 1)
