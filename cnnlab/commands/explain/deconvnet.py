"""cnnlab explain deconvnet"""

from __future__ import annotations

from typing import Literal

import click

from cnnlab.commands.explain.strongest import strongest
from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, layer_option, technique, unit_option
from cnnlab.commands.output import counted


@technique
@layer_option("Whose units; by default the last convolution's, else the last hidden layer's.")
@unit_option("May be repeated; by default the first 8.")
@click.option(
    "--count", type=click.IntRange(1, 50), default=9, show_default=True, help="Images for each unit."
)
@click.option(
    "--rule", type=click.Choice(["deconvnet", "guided"]), default="deconvnet", show_default=True,
    help="What a ReLU sends back: Zeiler & Fergus, or guided back-propagation.",
)  # fmt: skip
def command(
    subject: Subject,
    layer: str | None,
    unit: tuple[int, ...],
    count: int,
    rule: Literal["deconvnet", "guided"],
) -> Explanation:
    """What a unit saw in its strongest images, projected back to the pixels.

    \b
    cnnlab explain deconvnet cnn
    cnnlab explain deconvnet fashion_cnn --layer conv2d_1 --rule guided

    Like the examples, with the part of each image below it that the activation came from, by the deconvnet
    of Zeiler & Fergus 2013 or the guided back-propagation of Springenberg et al. 2014. The patterns recover
    the image more than they explain the unit (Nie et al. 2018).
    """
    from cnnlab.analyses.deconvnet import project_back
    from cnnlab.pictures.drawings.units import strongest_examples as draw

    found = strongest(subject, layer, unit, count, at_most=8)
    import numpy as np

    layer, shown = found.layer, found.indices.shape[1]  # of a small test set all there are
    raw = subject.data.test.images[found.indices.ravel()]
    projected = project_back(
        subject.model, subject.seen(raw), layer=layer, units=np.repeat(found.units, shown),
        positions=found.positions.reshape(-1, 2), rule=rule,
    )  # fmt: skip
    projected[found.silent.ravel()] = 0
    patterns = np.moveaxis(projected, 1, -1) if subject.channels_first else projected
    colored = subject.image_shape[2] == 3
    signs = (
        "In each colour bright: positive, dark: negative projection"
        if colored
        else "Red: positive, blue: negative projection"
    )
    name = "guided back-propagation" if rule == "guided" else "deconvnet"
    field = "" if found.boxes is None else "receptive field and "
    figure = draw(
        found.pictures(subject), found.boxes, found.captions, found.names,
        patterns=patterns.reshape(*found.indices.shape, *subject.image_shape),
        title=f"What the units of {layer} saw: {subject.name}",
        subtitle=f"The {shown} strongest test images of each unit with its {field}{found.value}; below each "
        f"the activation, projected back by {name}. {signs}, each picture on its own scale, whose end stands "
        f"after ±.{found.silence}",
    )  # fmt: skip
    return Explanation(
        f"{found.counted} of {layer} of {subject.name}, {counted(shown, 'image')} each, "
        f"projected back by {name}",
        {"": figure},
        {**found.arrays, "patterns": projected},
        {**found.facts, "rule": rule},
    )
