"""The feature maps of one image, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field

from cnnlab.explanations.captions import moves_of
from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.map_notes import axes_of_maps, empty_maps
from cnnlab.explanations.options import Count, Images, Pictures
from cnnlab.explanations.subject import Chosen, Subject
from cnnlab.explanations.technique import Technique
from cnnlab.pictures.kit.formats import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cnnlab.analyses.features import LayerOutput


class Features(Technique):
    """Draw the feature maps of every stage for one image."""

    name = "features"
    summary = "The feature maps of one image, layer by layer."
    examples = ("cnn --image 0", "cnn --picture seven.png")
    description = (
        "Kernels, convolution, activation, pooling, probabilities. A layer shares its color scale with the "
        "activation and the pooling behind it."
    )
    papers = ("LeCun et al. 1998, who show LeNet-5 like this",)

    image: Images = Field((), description="A test image by its index; by default the first test image.")
    picture: Pictures = ()
    limit: Count = Field(32, description="Maximum number of maps to draw of a stage.")

    def explain(self, subject: Subject) -> Explanation:
        model = subject.model
        from cnnlab.analyses.features import features, straightened_images
        from cnnlab.analyses.filters import kernels_of, shown_position
        from cnnlab.analyses.network import convolutions, summary_name
        from cnnlab.pictures.drawings.stages import stages as draw

        chosen = subject.choose(self.image, self.picture, default=[0])
        stages, probabilities = features(model, chosen.inputs)
        kernels = [(name, kernels_of(model, name)) for name in map(summary_name, convolutions(model))]
        # The mean over many channels shows nothing: what they differ in averages away.
        kernels = [(name, each) for name, each in kernels if each.shape[-1] in (1, 3)]
        how = (
            "Every stage of the network. Red is positive, blue negative. A layer shares its color scale with "
            "the activation and pooling behind it"
        )
        if any(each.shape[-1] == 3 for _, each in kernels):
            how += "; kernels over three color channels are drawn as their mean"
        if any(shown_position(each) for each in convolutions(model)):
            how += "; of a locally connected layer, the kernels of the position in the middle"
        if subject.permutes_pixels:
            how += "; maps lie as the network sees the pixels, which are permuted first"

        axes = None
        if subject.appearance.axes is not None:
            axes = {stage.layer: axes_of_maps(subject, stage.layer) for stage in stages}
            if any(axes[stage.layer] is None for stage in stages if stage.values.ndim == 4):
                how += ". Maps that do not run along the axes of the image are drawn row by row, from the top"

        best = probabilities.argmax(axis=1)
        moves = moves_of(subject, chosen.labels.tolist(), best.tolist())

        def stages_of(index: int) -> Figure:
            return draw(
                chosen.display[index], [(layer, each.mean(axis=-1)) for layer, each in kernels],
                [(f"{stage.layer} · {stage.operation}", stage.values[index]) for stage in stages],
                list(zip(subject.class_names, probabilities[index].tolist(), strict=True)),
                scales=_scales(stages), at_most=self.limit, appearance=subject.appearance, move=moves[index],
                axes=axes,
                title=f"From {chosen.names[index]} to the prediction: {subject.name}",
                subtitle=f"{how}.{_preparation(chosen.notes[index])}",
            )  # fmt: skip

        numbers = range(len(chosen))
        predictions = "; ".join(
            f"{name}: {subject.class_names[predicted]}, {percent(float(row[predicted]))}"
            for name, predicted, row in zip(chosen.names, best, probabilities, strict=True)
        )
        figures = {
            "features" if len(chosen) == 1 else str(index): partial(stages_of, index) for index in numbers
        }
        if straightened := straightened_images(model, stages):
            figures["straightened"] = partial(_beside, subject, chosen, straightened)
        arrays = {
            f"{index:02d}_{stage.layer.replace('/', '.')}_{stage.operation}": stage.values
            for index, stage in enumerate(stages)
        }
        empty = [
            each
            for stage in stages
            for each in empty_maps(
                f"{stage.layer} ({stage.operation})", stage.values, chosen.names, "none of its units responds"
            )
        ]
        sentence = f"{len(stages)} stages of {subject.name}; {predictions}"
        return Explanation(
            self, subject.explained,
            sentence="\n".join([sentence, *(each.sentence for each in empty)]),
            figures=figures,
            arrays={**arrays, "probabilities": probabilities},
            facts={
                "images": chosen.names, "notes": chosen.notes,
                "stages": [
                    {
                        "layer": stage.layer, "operation": stage.operation,
                        "shape": list(stage.values.shape[1:]),
                    }
                    for stage in stages
                ],
                "probabilities": probabilities.tolist(), "empty_maps": [each.as_dict() for each in empty],
            },
        )  # fmt: skip


def _scales(stages: Sequence[LayerOutput]) -> list[int]:
    """For each stage the number of its color scale: it goes on through activation, pooling and flattening."""
    numbers: list[int] = []
    for place, stage in enumerate(stages):
        continues = place > 0 and (
            stage.kind in ("activation", "pooling")
            or stage.operation in ("Dropout", "Flatten")
            or (stage.layer == stages[place - 1].layer and stage.operation not in ("softmax", "sigmoid"))
        )
        numbers.append(numbers[-1] if continues else place)
    return numbers


def _beside(subject: Subject, chosen: Chosen, straightened: LayerOutput) -> Figure:
    """Each image, and what a spatial transformer makes of it."""
    import numpy as np

    from cnnlab.pictures.drawings.maps import pixel_maps

    values = straightened.values
    inputs = np.moveaxis(values, -1, 1) if subject.channels_first else values
    return pixel_maps(
        chosen.display, chosen.names, (),
        title=f"Straightened images: {subject.name}",
        subtitle=f"What {straightened.layer} passes on of each image.",
        last=("straightened", subject.inputs_to_display(inputs), [""] * len(chosen)),
        appearance=subject.appearance,
    )  # fmt: skip


def _preparation(notes: list[str]) -> str:
    return f" The picture: {'; '.join(notes)}." if notes else ""
