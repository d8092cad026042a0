"""cnnlab explain embedding"""

from __future__ import annotations

from typing import Literal

import click

from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, layer_option, technique
from cnnlab.errors import UserError

FEWEST = 4
"""With fewer images nobody has neighbours."""

MEASURED = 2000
"""Images on which t-SNE's plane is held against the layer: all pairs of them are compared."""


@technique
@layer_option("By default the last hidden layer.")
@click.option(
    "--images", type=click.IntRange(min=FEWEST), default=2000, show_default=True, help="Test images."
)
@click.option(
    "--method", type=click.Choice(["pca", "tsne"]), default="pca", show_default=True,
    help="Where they differ most, or who their neighbours are.",
)  # fmt: skip
@click.option(
    "--perplexity", type=click.FloatRange(min=1),
    help="With --method tsne: about how many neighbours count.  [default: 30, or as many as there can be]",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(min=0, max=2**32 - 1),
    help="With --method tsne: of what is left to chance.  [default: 0]",
)  # fmt: skip
def command(
    subject: Subject,
    layer: str | None,
    images: int,
    method: Literal["pca", "tsne"],
    perplexity: float | None,
    seed: int | None,
) -> Explanation:
    """The last hidden layer as a plane: which test images lie near each other for the network.

    \b
    cnnlab explain embedding cnn
    cnnlab explain embedding cnn --layer flatten_1 --images 10000
    cnnlab explain embedding cnn --method tsne

    Two principal components hold a part of the differences only; the axes say how much. t-SNE (van der
    Maaten & Hinton 2008) keeps neighbours together; how far apart its clusters are means nothing.
    """
    if method == "pca" and (perplexity, seed) != (None, None):
        raise click.UsageError("--perplexity and --seed go with --method tsne")
    model = subject.model
    from cnnlab.analyses.embedding import (
        activations,
        highest_perplexity,
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
    if rows.shape[1] < 2:
        raise UserError(f"{layer} has one unit, which makes no plane; choose another --layer")
    if len(rows) < FEWEST:
        raise UserError(f"{subject.name}: expected {FEWEST} test images or more, found {len(rows)}")
    what = f"{len(rows):,} test images in {layer} of {subject.name}"
    facts = {"layer": layer, "images": len(rows), "units": rows.shape[1], "method": method}
    title = f"What lies near what in {layer}: {subject.name}"
    if method == "tsne":
        most = highest_perplexity(len(rows))
        if perplexity is not None and perplexity > most:
            raise UserError(
                f"--perplexity: expected {most:g} or less for {len(rows)} images, found {perplexity:g}"
            )
        perplexity, seed = perplexity or min(30.0, most), seed or 0
        coordinates = neighbourhoods(rows, perplexity=perplexity, seed=seed)
        measured = min(len(rows), MEASURED)
        kept = trustworthiness(rows[:measured], coordinates[:measured])
        said = f"trustworthiness {kept:.3f}" + (f" on the first {measured:,}" if measured < len(rows) else "")
        figure = embedding_plane(
            coordinates, labels, subject.class_names, title=title,
            subtitle=f"{len(rows):,} test images, {rows.shape[1]} units, by t-SNE (perplexity "
            f"{perplexity:g}, {said}): who lies near whom. Distances between clusters mean nothing.",
        )  # fmt: skip
        return Explanation(
            f"{what}, by t-SNE: {said} (1: all neighbours in the plane are real ones)",
            {"": figure},
            {"coordinates": coordinates, "labels": labels},
            facts
            | {
                "perplexity": perplexity,
                "seed": seed,
                "trustworthiness": kept,
                "measured_on": measured,
            },
            variant="tsne",
        )
    found = principal_components(rows)
    share = f"{100 * found.explained.sum():.0f} %"
    first, second = (f"{100 * each:.0f} %" for each in found.explained)
    figure = embedding_plane(
        found.coordinates, labels, subject.class_names, title=title,
        axis_names=(f"first component, {first} of the variance", f"second component, {second}"),
        subtitle=f"{len(rows):,} test images, {rows.shape[1]} units: the two directions in which they "
        f"differ most hold {share} of the variance",
    )  # fmt: skip
    return Explanation(
        f"{what}: two of {rows.shape[1]} dimensions hold {share} of the variance",
        {"": figure},
        {**found._asdict(), "labels": labels},
        {**facts, "explained": found.explained.tolist()},
    )
