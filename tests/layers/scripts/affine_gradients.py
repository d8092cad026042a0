"""Gradients of the affine sampling against central differences, on the backend that is named."""

import sys

import numpy as np

from cnnlab.backend import start_backend
from cnnlab.config.sections import RuntimeConfig

start_backend(RuntimeConfig(backend=sys.argv[1]))

import keras  # noqa: E402  # only once the backend is chosen

from cnnlab.gradients import differentiated  # noqa: E402
from cnnlab.layers.custom import AffineSampling  # noqa: E402
from cnnlab.layers.spatial_transformer import IDENTITY  # noqa: E402

HEIGHT, WIDTH, STEP = 5, 6, 2e-3
rng = np.random.default_rng(0)
images = rng.random((4, HEIGHT, WIDTH, 2), np.float32)
factors = rng.normal(size=(HEIGHT, WIDTH, 2)).astype(np.float32)
identity = np.tile(np.float32(IDENTITY), (4, 1))
layer = AffineSampling()


def score(pictures, maps):
    """(N,) numbers that depend on every value of the output."""
    weights = keras.ops.convert_to_tensor(factors)
    return keras.ops.sum(layer([pictures, maps]) * weights, axis=(1, 2, 3))


def away_from_kinks(count):
    """Maps under which no position is near a pixel's center: a step of STEP meets no kink of the weights."""
    x, y = (2 * np.arange(WIDTH) + 1) / WIDTH - 1, ((2 * np.arange(HEIGHT) + 1) / HEIGHT - 1)[:, None]
    found = []
    while len(found) < count:
        a, b, c, d, e, f = numbers = rng.normal(0, 0.3, 6) + IDENTITY
        positions = (((a * x + b * y + c + 1) * WIDTH - 1) / 2, ((d * x + e * y + f + 1) * HEIGHT - 1) / 2)
        if min(np.abs(each - np.rint(each)).min() for each in positions) > STEP * WIDTH:
            found.append(numbers)
    return np.array(found, np.float32)


def by_differences(function, at):
    """(N, …) central differences of an (N,) function, number by number."""
    found = np.empty(at.shape)
    for place in np.ndindex(*at.shape[1:]):
        ahead, behind = at.copy(), at.copy()
        ahead[(slice(None), *place)] += STEP
        behind[(slice(None), *place)] -= STEP
        found[(slice(None), *place)] = (function(ahead) - function(behind)) / (2 * STEP)
    return found


def value(pictures, maps):
    return np.asarray(to_image(pictures, maps)[0], float)


to_image = differentiated(score)
to_map = differentiated(lambda maps, pictures: score(pictures, maps))

maps = away_from_kinks(4)
wanted = by_differences(lambda each: value(each, maps), images)
np.testing.assert_allclose(to_image(images, maps)[1], wanted, atol=5e-3)
wanted = by_differences(lambda each: value(images, each), maps)
np.testing.assert_allclose(to_map(maps, images)[1], wanted, rtol=2e-3, atol=2e-2)
assert np.abs(wanted).min(axis=0).max() > 0.1
# At the identity the slope to the left and that to the right differ: the gradient is their mean.
wanted = by_differences(lambda each: value(images, each), identity)
found = to_map(identity, images)[1]
np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=2e-2)
assert np.abs(found).min() > 1e-3
sys.stdout.write("away from kinks: image, map; at the identity: map\n")
