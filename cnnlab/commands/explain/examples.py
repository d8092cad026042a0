"""cnnlab explain examples"""

from __future__ import annotations

import click

from cnnlab.commands.explain.strongest import strongest
from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, layer_option, technique, unit_option

BOX = " The box is the unit's receptive field: all that it saw."


@technique
@layer_option("Whose units; by default the last convolution's, else the last hidden layer's.")
@unit_option("May be repeated; by default the first 12.")
@click.option(
    "--count", type=click.IntRange(1, 50), default=9, show_default=True, help="Images for each unit."
)
def command(subject: Subject, layer: str | None, unit: tuple[int, ...], count: int) -> Explanation:
    """The test images that activate each unit most, with the box that it saw and the value.

    \b
    cnnlab explain examples cnn
    cnnlab explain examples cnn --layer dense_1 --unit 3

    After Zeiler & Fergus 2013. A few images show what they have in common, not what the unit ignores.
    """
    from cnnlab.pictures.drawings.units import strongest_examples as draw

    found = strongest(subject, layer, unit, count)
    test = subject.data.test
    layer, shown = found.layer, found.indices.shape[1]
    figure = draw(
        found.pictures(subject), found.boxes, found.captions, found.names,
        title=f"What activates the units of {layer} most: {subject.name}",
        subtitle=f"Of {len(test):,} test images the {shown} with the largest {found.value}, which stands "
        f"above each.{'' if found.boxes is None else BOX}{found.silence}",
    )  # fmt: skip
    return Explanation(
        f"{found.counted} of {layer} of {subject.name}, {shown} strongest of {len(test):,} test images",
        {"": figure},
        found.arrays,
        found.facts,
    )
