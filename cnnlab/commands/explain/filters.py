"""cnnlab explain filters"""

from __future__ import annotations

import click

from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, layer_option, technique


@technique
@layer_option("A convolution; by default the first.")
@click.option("--limit", type=click.IntRange(min=1), default=60, show_default=True, help="Draw so many.")
def command(subject: Subject, layer: str | None, limit: int) -> Explanation:
    """The weights of a convolution as pictures, and their patterns, smoothed.

    \b
    cnnlab explain filters cnn
    cnnlab explain filters cnn --layer conv2d_2

    AlexNet's first layer is shown like this (Krizhevsky, Sutskever & Hinton 2012). Only weights next to
    pixels look like what they answer to.
    """
    model = subject.model
    from cnnlab.analyses.filters import kernels_of, smoothed
    from cnnlab.analyses.network import convolutions, last_convolution, summary_name
    from cnnlab.pictures.drawings.units import filter_weights
    from cnnlab.pictures.kit.formats import short

    last_convolution(model)  # says what is wrong where there is none
    layer = layer or summary_name(convolutions(model)[0])
    kernels = kernels_of(model, layer)
    smooth = smoothed(kernels)
    count, height, width, channels = kernels.shape
    what = f"{height}×{width}×{channels}"
    largest = short(float(abs(kernels[:limit]).max()))
    shown = "" if count <= limit else f" The first {limit} of {count}."
    how = (
        f"Red, green and blue weights as colours; grey is 0, ±{largest} from black to white."
        if channels == 3
        else "Red weights speak for the pixel being bright, blue ones against."
    )
    figure = filter_weights(
        kernels[:limit], smooth[:limit], title=f"The filters of {layer}: {subject.name}",
        subtitle=f"{count} kernels of {what} weights, and below each its pattern, smoothed. {how}{shown}",
    )  # fmt: skip
    return Explanation(
        f"{count} kernels of {what} in {layer} of {subject.name}",
        {"": figure},
        {"kernels": kernels, "smoothed": smooth},
        {"layer": layer, "filters": count, "kernel_size": [height, width], "channels": channels},
    )
