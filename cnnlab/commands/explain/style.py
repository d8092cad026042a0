"""cnnlab explain style"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from cnnlab.commands.explain.pretrained import network_options, pretrained_network
from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, technique


@technique
@network_options
@click.option(
    "--content", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="A picture file."
)
@click.option(
    "--style", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="A picture file."
)
@click.option(
    "--image", type=click.IntRange(min=0), nargs=2,
    help="Or test images: content and style; by default the first two.",
)  # fmt: skip
@click.option("--content-layer", "content_layers", multiple=True, metavar="NAME", help="May be repeated.")
@click.option("--style-layer", "style_layers", multiple=True, metavar="NAME", help="May be repeated.")
@click.option("--style-weight", type=click.FloatRange(min=0), default=1000.0, show_default=True)
@click.option("--variation-weight", type=click.FloatRange(min=0), default=0.0, show_default=True)
@click.option("--steps", type=click.IntRange(min=1), default=60, show_default=True, help="Of L-BFGS.")
@click.option("--side", type=click.IntRange(8, 2000), default=84, show_default=True, help="Of the picture.")
def command(
    subject: Subject,
    network: Literal["own", "vgg16", "vgg19"],
    weights: Path | None,
    content: Path | None,
    style: Path | None,
    image: tuple[int, int] | None,
    content_layers: tuple[str, ...],
    style_layers: tuple[str, ...],
    style_weight: float,
    variation_weight: float,
    steps: int,
    side: int,
) -> Explanation:
    """The content of one picture in the style of another.

    \b
    cnnlab explain style cnn --content me.jpg --style wave.jpg --network vgg19 --side 400
    cnnlab explain style cnn --image 0 61

    Content is what a late layer answers, style which maps of all layers answer together (Gatys, Ecker &
    Bethge 2015). Filters trained on digits know no brush strokes: use VGG for beauty, the run's own network
    for understanding.
    """
    if None not in (content, style, image):
        raise click.UsageError("--image excludes --content together with --style")
    eyes = pretrained_network(subject, network, weights)
    from cnnlab.analyses.imagenet import CONTENT_LAYERS, STYLE_LAYERS
    from cnnlab.analyses.network import convolutions, last_convolution, summary_name
    from cnnlab.analyses.style import transfer_style
    from cnnlab.pictures.drawings.pictures import side_by_side

    if eyes.own:
        content_layers = content_layers or (summary_name(last_convolution(eyes.model)),)
        style_layers = style_layers or tuple(map(summary_name, convolutions(eyes.model)))
    else:
        content_layers, style_layers = content_layers or CONTENT_LAYERS, style_layers or STYLE_LAYERS
    sources = list(zip((content, style), image or (0, 1), strict=True))
    wanted, manner = (
        eyes.open(path, side=side)
        if path
        else eyes.enlarged(index, side=side, instead="--content and --style")
        for path, index in sources
    )
    found = transfer_style(
        eyes.model, wanted, manner, content_layers=content_layers, style_layers=style_layers,
        style_weight=style_weight, variation_weight=variation_weight, steps=steps, low=eyes.low,
        high=eyes.high,
    )  # fmt: skip
    names = [path.name if path else f"test image {index}" for path, index in sources]
    fallen = found.losses[-1] / found.losses[0] if found.losses[0] else 0.0
    figure = side_by_side(
        [
            [
                (f"content: {names[0]}", eyes.shown(wanted)[0]),
                (f"style: {names[1]}", eyes.shown(manner)[0]),
                ("both", eyes.shown(found.image)[0]),
            ]
        ],
        title=f"Content and style, as {eyes.name} sees them",
        subtitle=f"Content layers {', '.join(content_layers)}; style layers "
        f"{', '.join(style_layers)}, weight {style_weight:g}. After "
        f"{len(found.losses) - 1} steps the loss is {100 * fallen:.1f} % of what it was.",
    )  # fmt: skip
    return Explanation(
        f"{names[0]} in the style of {names[1]}, by {eyes.name}: loss at {100 * fallen:.1f} % after "
        f"{len(found.losses) - 1} steps",
        {"": figure},
        {
            "content": eyes.shown(wanted),
            "style": eyes.shown(manner),
            "picture": eyes.shown(found.image),
            "losses": found.losses,
        },
        {
            "network": eyes.name,
            "content": names[0],
            "style": names[1],
            "content_layers": list(content_layers),
            "style_layers": list(style_layers),
            "losses": found.losses.tolist(),
        },
    )
