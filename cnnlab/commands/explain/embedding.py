"""cnnlab explain embedding"""

from __future__ import annotations

import click

from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, layer_option, technique


@technique
@layer_option("By default the last hidden layer.")
@click.option("--images", type=click.IntRange(min=3), default=2000, show_default=True, help="Test images.")
def command(subject: Subject, layer: str | None, images: int) -> Explanation:
    """The last hidden layer as a plane: which test images lie near each other for the network.

    \b
    cnnlab explain embedding cnn
    cnnlab explain embedding cnn --layer flatten_1 --images 10000

    Two principal components hold a part of the differences only; the axes say how much.
    """
    model = subject.model
    from cnnlab.analyses.embedding import activations, last_hidden_layer, principal_components
    from cnnlab.pictures.drawings.sets import embedding_plane

    layer = layer or last_hidden_layer(model)
    test = subject.data.test
    rows = activations(model, subject.seen(test.images[:images]), layer=layer)
    found = principal_components(rows)
    labels = test.labels[:images]
    share = f"{found.explained.sum():.0%}"
    figure = embedding_plane(
        found.coordinates, labels, subject.class_names, found.explained,
        title=f"What lies near what in {layer}: {subject.name}",
        subtitle=f"{len(rows):,} test images, {rows.shape[1]} units: the two directions in which they "
        f"differ most hold {share} of the variance",
    )  # fmt: skip
    return Explanation(
        f"{len(rows):,} test images in {layer} of {subject.name}: two of {rows.shape[1]} dimensions hold "
        f"{share} of the variance",
        {"": figure},
        {**found._asdict(), "labels": labels},
        {"layer": layer, "images": len(rows), "units": rows.shape[1], "explained": found.explained.tolist()},
    )
