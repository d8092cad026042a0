"""The strongest test images of a layer's units: what examples and deconvnet show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnlab.errors import OptionError
from cnnlab.explanations.captions import moves_of, named_units
from cnnlab.explanations.subject import Subject
from cnnlab.wording import counted

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.pictures.rendering import Move


@dataclass(frozen=True, eq=False)
class Strongest:
    """The strongest test images of some units: see `cnnlab.analyses.examples.Examples`."""

    layer: str
    units: np.ndarray
    names: list[str]
    value: str
    """What the values are."""

    indices: np.ndarray
    values: np.ndarray
    positions: np.ndarray
    boxes: np.ndarray | None
    """(U, count, 4), what the unit saw there; they follow from a run's config.

    None for a .keras file, and where pixels are permuted: what a unit sees is then scattered over the image.
    """

    @property
    def silent(self) -> np.ndarray:
        """(U, count) bool: no image there activates the unit."""
        return self.indices < 0

    @property
    def counted(self) -> str:
        """How many units, and how many of them no image activates."""
        silent = int(self.silent.all(axis=1).sum())
        return counted(len(self.units), "unit") + (f" ({silent} silent on all images)" if silent else "")

    @property
    def silence(self) -> str:
        """Why places are empty, if some are."""
        return " Where there is no image, none activates the unit." if self.silent.any() else ""

    @property
    def captions(self) -> list[list[str | None]]:
        """The value above each image; None where there is none."""
        return [
            [None if silent else f"{value:.3g}" for silent, value in zip(*row, strict=True)]
            for row in zip(self.silent, self.values, strict=True)
        ]

    def pictures(self, subject: Subject) -> np.ndarray:
        """(U, count, H, W, C) in [0, 1]."""
        shown = subject.to_display(subject.data.test.images[self.indices.ravel()])
        return shown.reshape(*self.indices.shape, *subject.image_shape)

    def moves(self, subject: Subject) -> list[list[Move]]:
        """For each picture what is marked on it, where it is a board."""
        labels = subject.data.test.labels
        return [moves_of(subject, labels[row].tolist()) for row in self.indices]

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        known = {key: getattr(self, key) for key in ("indices", "values", "positions", "units")}
        return known if self.boxes is None else known | {"boxes": self.boxes}

    @property
    def facts(self) -> dict[str, Any]:
        """For each unit the images that activate it, and how much."""
        indices, values = (
            [row[~silent].tolist() for row, silent in zip(each, self.silent, strict=True)]
            for each in (self.indices, self.values)
        )
        return {"layer": self.layer, "units": self.units.tolist(), "indices": indices, "values": values}


def strongest(
    subject: Subject, layer: str | None, unit: tuple[int, ...], count: int, *, at_most: int = 12
) -> Strongest:
    """The strongest test images of a layer's units.

    Raises:
        UserError: no such layer or unit.
    """
    model = subject.model
    import numpy as np

    from cnnlab.analyses.examples import strongest_examples
    from cnnlab.analyses.network import find_layer, layer_of_most_interest, maps_of, summary_name
    from cnnlab.analyses.receptive_fields import receptive_boxes

    layer = summary_name(layer_of_most_interest(model) if layer is None else find_layer(model, layer))
    available = int(maps_of(model, layer).output.shape[-1])
    units = np.array(unit or range(min(at_most, available)))
    if units.max() >= available:
        raise OptionError("unit", f"{layer} has {available} units, 0 to {available - 1}", value=units.max())
    images = subject.to_inputs(subject.data.test.images)
    indices, values, positions = (
        each[units] for each in strongest_examples(model, images, layer=layer, count=count)
    )
    boxes = None
    if subject.record is not None and not subject.permutes_pixels:
        boxes = receptive_boxes(subject.record.config.architecture, layer, positions, units=units[:, None])
    kind, names, value = named_units(subject, layer, units)
    labels = [
        f"{layer}\n{kind} {name}" + ("\nsilent" if index[0] < 0 else "")
        for name, index in zip(names, indices, strict=True)
    ]
    return Strongest(layer, units, labels, value, indices, values, positions, boxes)
