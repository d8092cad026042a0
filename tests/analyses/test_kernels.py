import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import correlate2d

from cnnlab.analyses.kernels import CURVE, KERNELS, apply_kernels, gray, pipeline, strongest_and_weakest
from cnnlab.errors import UserError


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_correlations_of_the_grey_picture(rng, name):
    images = rng.random((2, 9, 11, 3))
    grays = images @ [0.299, 0.587, 0.114]
    found = apply_kernels(images, {name: KERNELS[name]})[name]
    for image, answer in zip(grays, found, strict=True):
        assert_allclose(answer, correlate2d(image, KERNELS[name], mode="valid"), atol=1e-12)


def test_the_identity_changes_nothing_and_edges_sum_to_zero(rng):
    images = rng.random((1, 6, 6, 1))
    assert_array_equal(apply_kernels(images, KERNELS)["identity"][0], images[0, 1:-1, 1:-1, 0])
    flat = apply_kernels(np.full((1, 6, 6, 1), 0.7), KERNELS)
    for name in ("vertical line", "horizontal line", "Sobel x", "Sobel y", "embossing"):
        assert_allclose(flat[name], 0, atol=1e-12)


def test_the_curve_detector_answers_where_its_curve_is():
    image = np.zeros((1, 20, 24, 1))
    image[0, 5:12, 9:16, 0] = CURVE > 0
    image[0, 15, 2:20, 0] = 1  # and a line, which is not its curve
    answers = apply_kernels(image, {"curve": CURVE})["curve"][0]
    assert np.unravel_index(answers.argmax(), answers.shape) == (5, 9)
    assert answers.max() == 6
    assert np.sort(answers.ravel())[-2] < 0.7 * 6


def test_the_strongest_and_the_weakest_place_have_the_sums_of_their_pixels(rng):
    picture = rng.random((12, 14, 3))
    strongest, weakest = strongest_and_weakest(picture, CURVE)
    answers = apply_kernels(picture[None], {"curve": CURVE})["curve"][0]
    assert (strongest.answer, weakest.answer) == (answers.max(), answers.min())
    for place in (strongest, weakest):
        assert_allclose((place.patch * CURVE).sum(), place.answer)
        part = picture[place.top : place.top + 7, place.left : place.left + 7]
        assert_allclose(place.patch, part @ [0.299, 0.587, 0.114])


def test_the_pipeline_of_colours(rng):
    images = rng.random((2, 8, 9, 3))
    kernel = KERNELS["Sobel x"]
    found = pipeline(images, kernel)
    for image, convolved, rectified, pooled in zip(images, *found.values(), strict=True):
        wanted = sum(correlate2d(image[..., channel], kernel, mode="valid") for channel in range(3))
        assert_allclose(convolved, wanted, atol=1e-12)
        assert_allclose(rectified, np.where(wanted > 0, wanted, 0), atol=1e-12)
        assert pooled.shape == (3, 3)  # 6 × 7, rounded down
        assert_allclose(pooled[2, 1], rectified[4:6, 2:4].max())


def test_the_mean_of_the_products_is_their_sum_divided_by_their_number(rng):
    images, kernels = rng.uniform(-1, 1, (2, 8, 9, 3)), {"wide": rng.normal(size=(2, 5))}
    found = apply_kernels(images, kernels, mean=True)["wide"]
    for image, answer in zip(images @ [0.299, 0.587, 0.114], found, strict=True):
        assert_allclose(answer, correlate2d(image, kernels["wide"], mode="valid") / 10, atol=1e-12)
    convolved = pipeline(images, kernels["wide"], mean=True)["convolution"]
    for image, answer in zip(images, convolved, strict=True):
        wanted = sum(correlate2d(image[..., channel], kernels["wide"], mode="valid") for channel in range(3))
        assert_allclose(answer, wanted / 30, atol=1e-12)


def test_kernels_that_do_not_fit():
    with pytest.raises(UserError) as error:
        apply_kernels(np.zeros((1, 4, 8, 1)), {"wide": np.zeros((5, 3))})
    assert str(error.value) == "wide: the 5×3 kernel does not fit the 4×8 picture"
    with pytest.raises(UserError) as error:
        apply_kernels(np.zeros((1, 4, 8, 1)), {"rgb": np.zeros((3, 3, 3))})
    assert str(error.value) == "rgb: expected a kernel for 1 channels, found one for 3"


def test_white_is_white():
    assert_allclose(gray(np.ones((1, 2, 2, 3))), 1)
