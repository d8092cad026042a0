"""cnnlab explain saliency"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cnnlab.commands.explain.captions import answers, targets
from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import (
    Explanation,
    image_options,
    layer_option,
    seed_option,
    technique,
)
from cnnlab.commands.options import reject_unused

METHODS = ("gradient", "smoothgrad", "gradient_times_input", "integrated_gradients", "grad_cam")
METHOD_OF = {
    "samples": "smoothgrad",
    "noise": "smoothgrad",
    "seed": "smoothgrad",
    "steps": "integrated_gradients",
    "layer": "grad_cam",
}
"""The options that only one method looks at."""


@technique
@image_options
@click.option(
    "--method", "methods", type=click.Choice(METHODS), multiple=True, help="May be repeated; by default all."
)
@click.option("--class", "class_name", metavar="NAME", help="Whose score; by default the network's answer.")
@click.option(
    "--samples", type=click.IntRange(min=1), default=25, show_default=True, help="Noisy copies, SmoothGrad."
)
@click.option(
    "--noise", type=click.FloatRange(min=0), default=0.15, show_default=True,
    help="Their noise, as a share of the image's range, SmoothGrad.",
)  # fmt: skip
@click.option(
    "--steps", type=click.IntRange(min=1), default=50, show_default=True,
    help="From black to the image, integrated gradients.",
)  # fmt: skip
@layer_option("Grad-CAM's layer; by default the last convolution.")
@seed_option
def command(
    subject: Subject,
    image: tuple[int, ...],
    picture: tuple[Path, ...],
    methods: tuple[str, ...],
    class_name: str | None,
    samples: int,
    noise: float,
    steps: int,
    layer: str | None,
    seed: int,
) -> Explanation:
    """Which pixels a class's score depends on, by five methods.

    \b
    cnnlab explain saliency cnn
    cnnlab explain saliency cnn --image 18 --class 5 --method gradient --method grad_cam
    cnnlab explain saliency cnn --picture five.png

    All differentiate the score before the softmax: its gradient (Simonyan, Vedaldi & Zisserman 2013),
    SmoothGrad (Smilkov et al. 2017), gradient times input (Shrikumar et al. 2016), integrated gradients
    (Sundararajan, Taly & Yan 2017), Grad-CAM (Selvaraju et al. 2017). A gradient shows where the score
    would change, not what it rests on; the methods disagree, and none is the truth.
    """
    for option, method in METHOD_OF.items():
        if methods and method not in methods:
            reject_unused(option, reason=f"it goes with --method {method}")
    model = subject.model
    import numpy as np

    from cnnlab.analyses.grad_cam import grad_cam
    from cnnlab.analyses.integrated_gradients import integrated_gradients
    from cnnlab.analyses.network import (
        convolutions,
        find_layer,
        image_channel_axis,
        last_convolution,
        summary_name,
    )
    from cnnlab.analyses.saliency import gradient_times_input, saliency, smooth_gradient
    from cnnlab.pictures.drawings.maps import MapColumn, pixel_maps

    chosen = subject.choose(image, picture)
    classes, probabilities = targets(subject, chosen, class_name)
    has_maps = convolutions(model) or layer is not None
    asked = methods or tuple(each for each in METHODS if has_maps or each != "grad_cam")
    how_scaled = "One scale a column"
    axis = image_channel_axis(model)
    per_pixel, score = "score per unit of pixel", "score"
    arrays: dict[str, np.ndarray] = {}
    columns: list[MapColumn] = []

    def show(name: str, title: str, values: np.ndarray, unit: str, **how: Any) -> None:
        arrays[name] = values
        columns.append(MapColumn(title, values.sum(axis=axis) if values.ndim == 4 else values, unit, **how))

    if "gradient" in asked:
        show("gradient", "gradient", saliency(model, chosen.seen, classes), per_pixel)
    if "smoothgrad" in asked:
        rng = np.random.default_rng(seed)
        smooth = smooth_gradient(model, chosen.seen, classes, samples=samples, noise=noise, rng=rng)
        show("smoothgrad", "SmoothGrad", smooth, per_pixel)
    if "gradient_times_input" in asked:
        product = gradient_times_input(model, chosen.seen, classes)
        show("gradient_times_input", "grad × input", product, score, signed=True)
    if "integrated_gradients" in asked:
        black = np.broadcast_to(subject.gray(0), chosen.seen.shape[1:])
        integrated = integrated_gradients(model, chosen.seen, classes, baseline=black, steps=steps)
        show("integrated_gradients", "integrated", integrated, score, signed=True)
    if "grad_cam" in asked:
        layer = summary_name(find_layer(model, layer) if layer else last_convolution(model))
        show("grad_cam", "Grad-CAM", grad_cam(model, chosen.seen, classes, layer=layer), score, each=True)
        how_scaled += f"; Grad-CAM, of {layer}, one an image"

    names = [subject.class_names[each] for each in classes]
    labels, wrong = answers(subject, chosen, probabilities, classes)
    whose = f"class {subject.class_names[classes[0]]}" if class_name else "the class that the network answers"
    figure = pixel_maps(
        chosen.shown, labels, columns, wrong=wrong, title=f"Which pixels matter: {subject.name}",
        subtitle=f"Score before softmax of {whose}. Red speaks for it, blue against; where there is no "
        f"sign, bright is sensitive, either way. {how_scaled}.",
    )  # fmt: skip
    return Explanation(
        f"{len(chosen)} images of {subject.name}: {', '.join(each.title for each in columns)}",
        {"": figure},
        {**arrays, "classes": classes, "images": chosen.seen},
        {
            "images": chosen.names,
            "notes": chosen.notes,
            "classes": names,
            "methods": list(asked),
            "layer": layer,
        },
    )
