"""cnnlab explain examples, and what deconvnet shares with it"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, layer_option, technique, unit_option
from cnnlab.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.analyses.examples import Examples


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

    layer, units, found, boxes = strongest(subject, layer, unit, count)
    test = subject.data.test
    captions = [[f"{value:.3g}" for value in row] for row in found.values]
    indices = found.indices
    shown = indices.shape[1]
    figure = draw(
        subject.shown(test.images[indices.ravel()]).reshape(*indices.shape, *subject.image_shape),
        boxes, captions, [f"{layer}\nunit {each}" for each in units],
        title=f"What activates the units of {layer} most: {subject.name}",
        subtitle=f"Of {len(test):,} test images the {shown} with the largest value, which stands above "
        f"each.{'' if boxes is None else BOX}",
    )  # fmt: skip
    return Explanation(
        f"{len(units)} units of {layer} of {subject.name}, {shown} strongest of {len(test):,} test images",
        {"": figure},
        {**found._asdict(), "units": units} | ({} if boxes is None else {"boxes": boxes}),
        {
            "layer": layer,
            "units": units.tolist(),
            "indices": indices.tolist(),
            "values": found.values.tolist(),
        },
    )


def strongest(
    subject: Subject, layer: str | None, unit: tuple[int, ...], count: int, *, at_most: int = 12
) -> tuple[str, np.ndarray, Examples, np.ndarray | None]:
    """The layer, the units, their strongest test images and the boxes that they saw there.

    The boxes follow from a run's config; there are none for a .keras file.

    Raises:
        UserError: no such layer or unit.
    """
    model = subject.model
    import numpy as np

    from cnnlab.analyses.examples import Examples, strongest_examples
    from cnnlab.analyses.network import find_layer, layer_of_most_interest, maps_of, summary_name
    from cnnlab.analyses.receptive_fields import receptive_fields

    layer = summary_name(layer_of_most_interest(model) if layer is None else find_layer(model, layer))
    available = int(maps_of(model, layer).output.shape[-1])
    units = np.array(unit or range(min(at_most, available)))
    if units.max() >= available:
        raise UserError(f"--unit {units.max()}: {layer} has {available} units, 0 to {available - 1}")
    images = subject.seen(subject.data.test.images)
    found = Examples(*(each[units] for each in strongest_examples(model, images, layer=layer, count=count)))
    if subject.record is None:
        return layer, units, found, None
    config = subject.record.config
    field = receptive_fields(config.nodes, config.input_shape)[layer]
    return layer, units, found, field.boxes(found.positions, subject.image_shape[:2])
