"""One colour, one meaning; told apart with the common colour-vision deficiencies, and in gray print."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from cnnlab.pictures.kit import palette
from cnnlab.pictures.kit.palette import (
    COLORS,
    DARK,
    GAIN,
    INK,
    LAYER_EDGES,
    LOSS,
    MARK,
    MARKERS,
    NEUTRAL,
    PAPER,
)

# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
APART = 10.0
"""A distance in CIE Lab that one sees at a glance; about 2 can just be told apart side by side."""


def linear(color):
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(color, deficiency="none"):
    rgb = np.clip(np.array(DEFICIENCIES[deficiency]) @ linear(color), 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ rgb / [0.9505, 1, 1.089]
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def test_lab_of_known_colors():
    np.testing.assert_allclose(lab("white"), [100, 0, 0], atol=0.05)
    np.testing.assert_allclose(lab("red"), [53.24, 80.09, 67.20], atol=0.1)
    assert np.abs(lab("#777777")[1:]).max() < 0.05


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize(
    "group",
    [
        pytest.param((*COLORS, MARK), id="experiments and mistakes"),
        pytest.param(tuple(LAYER_EDGES.values()), id="layers"),
        pytest.param((GAIN, LOSS, NEUTRAL), id="better and worse"),
        pytest.param(tuple(DARK[f"c{place}"] for place in range(len(COLORS))), id="experiments on dark"),
        pytest.param((COLORS[0], COLORS[1], PAPER), id="difference"),
    ],
)
def test_colors_that_stand_together_can_be_told_apart(group, deficiency):
    near = {
        (one, other): distance
        for one, other in combinations(group, 2)
        if (distance := float(np.linalg.norm(lab(one, deficiency) - lab(other, deficiency)))) < APART
    }
    assert near == {}


def test_a_color_means_one_thing():
    meanings = [*COLORS, MARK, GAIN, NEUTRAL, INK, *LAYER_EDGES.values()]
    assert len({each.upper() for each in meanings}) == len(meanings)


def test_in_gray_print_the_first_two_differ_and_all_have_markers():
    lightness = [lab(color)[0] for color in COLORS]
    assert abs(lightness[0] - lightness[1]) > 20
    assert len(set(MARKERS)) == len(COLORS)


def test_pages_have_the_colors_of_the_pictures():
    assert [palette.LIGHT[f"c{place}"] for place in range(len(COLORS))] == list(COLORS)
    assert [palette.PRINT[f"c{place}"] for place in range(len(COLORS))] == list(COLORS)
