"""cnnlab explain dream"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from cnnlab.commands.explain.pretrained import network_options, pretrained_network
from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, seed_option, technique


@technique
@network_options
@click.option(
    "--picture", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="To start from."
)
@click.option("--image", "index", type=click.IntRange(min=0), help="Or a test image; by default the first.")
@click.option(
    "--layer", "layers", multiple=True, metavar="NAME",
    help="What to see more of; may be repeated. By default the last convolution, of VGG block4_conv3.",
)  # fmt: skip
@click.option("--side", type=click.IntRange(8, 2000), default=140, show_default=True, help="Of the picture.")
@click.option(
    "--octaves", type=click.IntRange(1, 10), default=3, show_default=True, help="Sizes to dream at."
)
@click.option("--octave-scale", type=click.FloatRange(1, min_open=True), default=1.4, show_default=True)
@click.option("--steps", type=click.IntRange(min=1), default=10, show_default=True, help="At each size.")
@click.option("--step-size", type=click.FloatRange(0, min_open=True), default=0.01, show_default=True)
@click.option("--jitter", type=click.IntRange(min=0), default=4, show_default=True, help="In pixels.")
@seed_option
def command(
    subject: Subject,
    network: Literal["own", "vgg16", "vgg19"],
    weights: Path | None,
    picture: Path | None,
    index: int | None,
    layers: tuple[str, ...],
    side: int,
    octaves: int,
    octave_scale: float,
    steps: int,
    step_size: float,
    jitter: int,
    seed: int,
) -> Explanation:
    """A picture with more of what a layer sees.

    \b
    cnnlab explain dream cnn
    cnnlab explain dream cnn --picture cat.jpg --network vgg16 --layer block5_conv1

    Deep Dream (Mordvintsev, Olah & Tyka 2015). A network of a few small filters has little to dream of; VGG
    has seen the world.
    """
    if picture is not None and index is not None:
        raise click.UsageError("--image and --picture exclude each other")
    eyes = pretrained_network(subject, network, weights)
    import numpy as np

    from cnnlab.analyses.dream import DreamSettings, dream
    from cnnlab.analyses.network import last_convolution, summary_name
    from cnnlab.pictures.drawings.pictures import side_by_side

    wanted = layers or (summary_name(last_convolution(eyes.model)) if eyes.own else "block4_conv3",)
    start = eyes.open(picture, side=side) if picture else eyes.enlarged(index or 0, side=side)
    settings = DreamSettings(
        octaves=octaves, octave_scale=octave_scale, steps=steps, step_size=step_size * (eyes.high - eyes.low),
        jitter=jitter, low=eyes.low, high=eyes.high,
    )  # fmt: skip
    found = dream(eyes.model, start, layers=wanted, settings=settings, rng=np.random.default_rng(seed))
    name = picture.name if picture else f"test image {index or 0}"
    figure = side_by_side(
        [[(name, eyes.shown(start)[0]), (f"more of {', '.join(wanted)}", eyes.shown(found)[0])]],
        title=f"A dream of {eyes.name}", side=3.4,
        subtitle=f"{octaves} sizes, {steps} steps at each: the mean squared activation of "
        f"{', '.join(wanted)} climbs.",
    )  # fmt: skip
    return Explanation(
        f"{name} as {eyes.name} dreams it: {', '.join(wanted)}, {octaves} sizes, {steps} steps at each",
        {"": figure},
        {"picture": eyes.shown(start), "dream": eyes.shown(found)},
        {"network": eyes.name, "layers": list(wanted), "image": name},
    )
