"""A map laid over its image."""

import numpy as np
from numpy.testing import assert_allclose

from cnnlab.pictures.drawings.maps import MapColumn, pixel_maps
from cnnlab.pictures.kit.scales import ColorScale


def test_where_a_map_is_0_the_image_is_seen_and_where_it_is_largest_its_color():
    image = np.linspace(0, 1, 16).reshape(1, 4, 4, 1)
    values = np.zeros((1, 4, 4))
    values[0, 0, 0] = 2.0
    column = MapColumn("Grad-CAM", values, "score", each=True, over=True)
    figure = pixel_maps(image, ["it"], [column], title="T", subtitle="S")
    drawn = np.asarray(figure.axes[0].images[1].get_array())
    expected = np.repeat(image[0], 3, axis=-1)
    assert_allclose(drawn[1:], expected[1:])
    brightest = np.array(ColorScale(0, 1).mappable.to_rgba(1.0)[:3])
    assert_allclose(drawn[0, 0], 0.7 * brightest, atol=1e-6)  # the image is black there
