"""cnnlab explain occlusion"""

from __future__ import annotations

from pathlib import Path

import click

from cnnlab.commands.explain.captions import answers, targets
from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, image_options, technique
from cnnlab.commands.output import counted
from cnnlab.pictures.kit.formats import percent


@technique
@image_options
@click.option("--class", "class_name", metavar="NAME", help="Whose probability; by default the answer's.")
@click.option("--patch", type=click.IntRange(min=1), default=5, show_default=True, help="Side, in pixels.")
@click.option("--stride", type=click.IntRange(min=1), default=1, show_default=True, help="In pixels.")
@click.option(
    "--fill", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="The patch's brightness."
)
def command(
    subject: Subject,
    image: tuple[int, ...],
    picture: tuple[Path, ...],
    class_name: str | None,
    patch: int,
    stride: int,
    fill: float,
) -> Explanation:
    """Cover a part of the image, watch the class's probability, for every position.

    \b
    cnnlab explain occlusion cnn
    cnnlab explain occlusion cnn --image 18 --patch 7 --fill 0

    Where covering makes the probability fall, the network looks (Zeiler & Fergus 2013). The patch is
    something to see itself: compare --fill 0, 0.5 and 1.
    """
    model = subject.model
    from cnnlab.analyses.occlusion import occlusion, under_the_patch, worst_covered
    from cnnlab.pictures.drawings.maps import MapColumn, pixel_maps
    from cnnlab.pictures.kit.sheet import ColorScale

    chosen = subject.choose(image, picture)
    classes, probabilities = targets(subject, chosen, class_name)
    found = occlusion(model, chosen.seen, classes, patch=patch, stride=stride, fill=subject.gray(fill))
    worst = worst_covered(found, chosen.shown, patch=patch, brightness=fill)
    at_pixels = under_the_patch(found, patch, chosen.shown.shape[1:3])
    scale = ColorScale(0, 1, "probability of the class", "OrRd_r")
    maps = [MapColumn("probability", at_pixels, "", scale=scale)]
    labels, wrong = answers(subject, chosen, probabilities, classes)
    lows = found.probabilities.min(axis=(1, 2))
    figure = pixel_maps(
        chosen.shown, labels, maps, wrong=wrong, title=f"What may not be covered: {subject.name}",
        subtitle=f"Probability of the class with a {patch}×{patch} patch of brightness {fill:g} whose "
        "middle is at each pixel, where it fits in. Right: the place that costs most, and what is left.",
        last=("worst place", worst, [percent(each) for each in lows]),
    )  # fmt: skip
    names = [subject.class_names[each] for each in classes]
    return Explanation(
        f"{counted(len(chosen), 'image')} of {subject.name}, "
        f"{counted(found.probabilities[0].size, 'place')} each: the worst "
        f"place leaves {percent(float(lows.mean()))} of {percent(float(found.uncovered.mean()))} on average",
        {"": figure},
        {
            "probabilities": found.probabilities,
            "uncovered": found.uncovered,
            "tops": found.tops,
            "lefts": found.lefts,
            "classes": classes,
        },
        {
            "images": chosen.names,
            "notes": chosen.notes,
            "classes": names,
            "patch": patch,
            "stride": stride,
            "fill": fill,
        },
    )
