"""The weights of a convolution as pictures."""

from __future__ import annotations

from pydantic import Field

from cnnlab.datasets.appearance import PLAIN
from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.map_notes import axes_of_maps
from cnnlab.explanations.options import Count
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique


class Filters(Technique):
    """Draw the kernels of a convolution, and each of them smoothed."""

    name = "filters"
    summary = "The weights of a convolution as pictures."
    examples = ("cnn", "cnn --layer conv2d_2")
    description = (
        "Each kernel is drawn as it is, and below it smoothed, which shows its pattern. Only in the first "
        "layer do the weights look like what they respond to: they lie on the pixels themselves."
    )
    papers = ("Krizhevsky, Sutskever & Hinton 2012, who show AlexNet's first layer like this",)

    layer: str | None = Field(None, description="A convolution; by default the first.")
    limit: Count = Field(60, description="Maximum number of filters to draw.")

    def explain(self, subject: Subject) -> Explanation:
        model = subject.model
        from cnnlab.analyses.filters import kernels_of, shown_position, smoothed
        from cnnlab.analyses.network import convolutions, find_layer, last_convolution, summary_name
        from cnnlab.pictures.drawings.units import filter_weights
        from cnnlab.pictures.kit.formats import short

        last_convolution(model)  # says what is wrong where there is none
        layer = self.layer or summary_name(convolutions(model)[0])
        kernels, position = kernels_of(model, layer), shown_position(find_layer(model, layer))
        smooth = smoothed(kernels)
        count, height, width, channels = kernels.shape
        what = f"{height}×{width}×{channels}"
        drawn, pattern, look = kernels[: self.limit], smooth[: self.limit], subject.diagram
        if look.axes is not None:
            along = axes_of_maps(subject, layer)
            if along is None:
                look = PLAIN
            elif along == (1, 0):
                drawn, pattern = drawn.swapaxes(1, 2), pattern.swapaxes(1, 2)
        of_one = "" if position is None else "row {}, column {}".format(*position)
        some = "" if count <= self.limit else f" The first {self.limit} of {count}."
        how = (
            "Red, green and blue weights as colors; gray is 0, "
            f"±{short(float(abs(drawn).max()))} from black to white."
            if channels == 3
            else "Red weights respond to bright pixels, blue ones to dark pixels."
        )
        return Explanation(
            self, subject.explained,
            sentence=f"{count} kernels of {what} in {layer} of {subject.name}"
            + (f": those of {of_one}; every position has its own" if of_one else ""),
            figures={
                "filters": lambda: filter_weights(
                    drawn, pattern, appearance=look,
                    title=f"The filters of {layer}: {subject.name}",
                    subtitle=f"{count} kernels of {what} weights, each with its smoothed version below. "
                    f"{how}{some}"
                    + (f" Every position has kernels of its own; these are of {of_one}." if of_one else ""),
                )
            },
            arrays={"kernels": kernels, "smoothed": smooth},
            facts={"layer": layer, "filters": count, "kernel_size": [height, width], "channels": channels}
            | ({} if position is None else {"position": list(position)}),
            taken={"layer": layer},
        )  # fmt: skip
