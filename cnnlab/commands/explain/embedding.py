"""cnnlab explain embedding"""

from __future__ import annotations

from typing import Literal

import click

from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, layer_option, seed_option, technique

MEASURED = 2000
"""Images on which t-SNE's plane is held against the layer: all pairs of them are compared."""


@technique
@layer_option("By default the last hidden layer.")
@click.option("--images", type=click.IntRange(min=4), default=2000, show_default=True, help="Test images.")
@click.option(
    "--method", type=click.Choice(["pca", "tsne"]), default="pca", show_default=True,
    help="Where they differ most, or who their neighbours are.",
)  # fmt: skip
@click.option(
    "--perplexity", type=click.FloatRange(min=1), default=30.0, show_default=True,
    help="How many neighbours count, about, t-SNE.",
)  # fmt: skip
@seed_option
def command(
    subject: Subject,
    layer: str | None,
    images: int,
    method: Literal["pca", "tsne"],
    perplexity: float,
    seed: int,
) -> Explanation:
    """The last hidden layer as a plane: which test images lie near each other for the network.

    \b
    cnnlab explain embedding cnn
    cnnlab explain embedding cnn --layer flatten_1 --images 10000
    cnnlab explain embedding cnn --method tsne

    Two principal components hold a part of the differences only; the axes say how much. t-SNE (van der
    Maaten & Hinton 2008) keeps neighbours together; how far apart its clusters are means nothing.
    """
    model = subject.model
    from cnnlab.analyses.embedding import (
        activations,
        last_hidden_layer,
        neighbourhoods,
        principal_components,
        trustworthiness,
    )
    from cnnlab.pictures.drawings.sets import embedding_plane

    layer = layer or last_hidden_layer(model)
    test = subject.data.test
    rows = activations(model, subject.seen(test.images[:images]), layer=layer)
    labels = test.labels[:images]
    what = f"{len(rows):,} test images in {layer} of {subject.name}"
    facts = {"layer": layer, "images": len(rows), "units": rows.shape[1], "method": method}
    title = f"What lies near what in {layer}: {subject.name}"
    if method == "tsne":
        coordinates = neighbourhoods(rows, perplexity=perplexity, seed=seed)
        kept = trustworthiness(rows[:MEASURED], coordinates[:MEASURED])
        figure = embedding_plane(
            coordinates, labels, subject.class_names, title=title,
            subtitle=f"{len(rows):,} test images, {rows.shape[1]} units, by t-SNE (perplexity "
            f"{perplexity:g}, trustworthiness {kept:.3f}): who lies near whom. Distances between clusters "
            "mean nothing.",
        )  # fmt: skip
        return Explanation(
            f"{what}, by t-SNE: trustworthiness {kept:.3f} (1: all neighbours in the plane are real ones)",
            {"": figure},
            {"coordinates": coordinates, "labels": labels},
            {**facts, "perplexity": perplexity, "seed": seed, "trustworthiness": kept},
        )
    found = principal_components(rows)
    share = f"{found.explained.sum():.0%}"
    first, second = (f"{each:.0%}" for each in found.explained)
    figure = embedding_plane(
        found.coordinates, labels, subject.class_names, title=title,
        axes_are=(f"first component, {first} of the variance", f"second component, {second}"),
        subtitle=f"{len(rows):,} test images, {rows.shape[1]} units: the two directions in which they "
        f"differ most hold {share} of the variance",
    )  # fmt: skip
    return Explanation(
        f"{what}: two of {rows.shape[1]} dimensions hold {share} of the variance",
        {"": figure},
        {**found._asdict(), "labels": labels},
        {**facts, "explained": found.explained.tolist()},
    )
