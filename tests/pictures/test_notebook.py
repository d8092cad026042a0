"""A figure shows itself in a notebook, without pyplot."""

import io

from PIL import Image

from cnnlab.pictures.kit.style import new_figure


def test_a_figure_is_a_png_in_a_notebook():
    figure = new_figure(2.0, "A title", width=3.0)
    with Image.open(io.BytesIO(figure._repr_png_())) as image:
        assert image.format == "PNG"
        assert image.size == (480, 320)
