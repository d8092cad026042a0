"""cnnlab explain features"""

from __future__ import annotations

from pathlib import Path

import click

from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, image_options, technique
from cnnlab.pictures.kit.formats import percent


@technique
@image_options
@click.option(
    "--limit", type=click.IntRange(min=1), default=32, show_default=True, help="Draw so many maps of a stage."
)
def command(subject: Subject, image: tuple[int, ...], picture: tuple[Path, ...], limit: int) -> Explanation:
    """One image on its way through the network: kernels, convolution, activation, pooling, probabilities.

    \b
    cnnlab explain features cnn --image 0
    cnnlab explain features cnn --picture seven.png

    LeNet-5 is shown like this (LeCun et al. 1998). Each stage is drawn on its own scale.
    """
    model = subject.model
    from cnnlab.analyses.features import features
    from cnnlab.analyses.filters import kernels_of
    from cnnlab.analyses.network import convolutions, summary_name
    from cnnlab.pictures.drawings.maps import stages as draw

    chosen = subject.choose(image, picture, default=[0])
    stages, probabilities = features(model, chosen.seen)
    kernels = [(name, kernels_of(model, name)) for name in map(summary_name, convolutions(model))]
    how = "Every stage of the network. Red is positive, blue negative, each stage on its own scale"
    if any(each.shape[-1] > 1 for _, each in kernels):
        how += "; kernels over several maps are drawn as their mean"
    figures = {}
    for index, name in enumerate(chosen.names):
        values = [(f"{stage.layer} · {stage.operation}", stage.values[index]) for stage in stages]
        figures[str(index) if len(chosen) > 1 else ""] = draw(
            chosen.shown[index], [(layer, each.mean(axis=-1)) for layer, each in kernels], values,
            list(zip(subject.class_names, probabilities[index].tolist(), strict=True)), at_most=limit,
            title=f"What becomes of {name}: {subject.name}",
            subtitle=f"{how}.{_prepared(chosen.notes[index])}",
        )  # fmt: skip
    best = probabilities.argmax(axis=1)
    said = "; ".join(
        f"{name}: {subject.class_names[answer]}, {percent(float(row[answer]))}"
        for name, answer, row in zip(chosen.names, best, probabilities, strict=True)
    )
    arrays = {
        f"{index:02d}_{stage.layer.replace('/', '.')}_{stage.operation}": stage.values
        for index, stage in enumerate(stages)
    }
    return Explanation(
        f"{len(stages)} stages of {subject.name}; {said}",
        figures,
        {**arrays, "probabilities": probabilities},
        {
            "images": chosen.names,
            "notes": chosen.notes,
            "stages": [
                {"layer": stage.layer, "operation": stage.operation, "shape": list(stage.values.shape[1:])}
                for stage in stages
            ],
            "probabilities": probabilities.tolist(),
        },
    )


def _prepared(notes: list[str]) -> str:
    return f" The picture: {'; '.join(notes)}." if notes else ""
