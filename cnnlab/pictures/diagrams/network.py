"""A config → all shapes of its picture: title, rows, legend."""

from __future__ import annotations

import math

from cnnlab.accounting.quantities import amount, sum_of_known
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.layers.base import times
from cnnlab.pictures.diagrams.elements import Chain, block_elements, network_elements
from cnnlab.pictures.diagrams.layout import rows
from cnnlab.pictures.diagrams.shapes import SIZE, Line, Piece, Polygon, Shape, Text, bounds, text_width
from cnnlab.pictures.diagrams.solids import (
    EDGES,
    FEW,
    FILLS,
    KERNEL,
    KERNEL_FACES,
    SHORTEST,
    THINNEST_VOLUME,
    DrawingScale,
    volumes,
)
from cnnlab.pictures.kit.lettering import wrapped
from cnnlab.pictures.kit.page import Page, drawing_for
from cnnlab.pictures.kit.palette import GREY, INK

BETWEEN_ROWS = 0.35
NAMES = {
    "convolution": "convolution",
    "pooling": "pooling",
    "dense": "dense layer",
    "other": "reshaped or merged",
}


def fitted_shapes(config: ExperimentConfig, block: str | None, page: Page) -> list[Shape]:
    """The network, or one of its blocks, in rows that suit the page.

    Raises:
        UserError: there is no such block.
    """

    def shapes(widest: float) -> list[Shape]:
        with drawing_for(page):
            return (
                block_shapes(config, block, widest=widest) if block else network_shapes(config, widest=widest)
            )

    if page.ratio is None:
        return shapes(15.0 / page.font_scale)

    def empty(drawn: list[Shape]) -> float:
        left, bottom, right, top = bounds(drawn)
        width, height = right - left, top - bottom
        return max(width, (page.ratio or 1.0) * height)

    return min((shapes(widest) for widest in (5.0, 6.5, 8.0, 10.0, 12.5, 15.0, 19.0, 24.0)), key=empty)


def network_shapes(config: ExperimentConfig, *, widest: float = 15.0) -> list[Shape]:
    """The whole network, in rows of at most `widest` inches."""
    architecture = config.architecture
    subtitle = (
        f"{times(architecture.input_shape)} → {times(architecture.output_shape)}   ·   "
        f"{architecture.total_params:,} parameters   ·   "
        f"{amount(architecture.macs)} multiplications per image"
    )
    chain = network_elements(config.layers, architecture)
    return _sheet(config.name, subtitle, chain, widest)


def block_shapes(config: ExperimentConfig, block: str, *, widest: float = 15.0) -> list[Shape]:
    """One block of the network by itself, with what goes into it.

    Raises:
        UserError: there is no such block.
    """
    architecture = config.architecture
    chain = block_elements(config.layers, architecture, block)
    rows_of_block = [row for row in architecture.rows if row.name.startswith(f"{block}/")]
    params = sum(row.params for row in rows_of_block)
    macs = sum_of_known(row.macs for row in rows_of_block)
    subtitle = f"{params:,} parameters   ·   {amount(macs)} multiplications per image"
    return _sheet(f"{block} of {config.name}", subtitle, chain, widest)


def _sheet(title: str, subtitle: str, chain: Chain, widest: float) -> list[Shape]:
    scale = DrawingScale.of(chain)
    shapes: list[Shape] = [
        Text((0.0, 0.0), title, 13, INK, bold=True, align="left"),
        Text((0.0, -0.26), subtitle, SIZE, GREY, align="left"),
    ]
    y = -0.26 - 0.14 - BETWEEN_ROWS
    pieces = rows(chain, scale, widest)
    for number, piece in enumerate(pieces):
        y -= piece.above
        indent = 0.3 if number else 0.0
        shapes += piece.moved(indent, y)
        shapes += _row_ends(piece, indent, y, first=number == 0, last=number == len(pieces) - 1)
        y -= piece.below + BETWEEN_ROWS
    windows = any(isinstance(shape, Polygon) and shape.edge == KERNEL for shape in shapes)
    return shapes + _legend(chain, scale, y, windows=windows)


def _row_ends(piece: Piece, indent: float, y: float, *, first: bool, last: bool) -> list[Shape]:
    """Arrows that say where a row comes from, and that the next one goes on."""
    arrows: list[Shape] = []
    if not first:
        arrows.append(Line(((0.0, y), (indent + piece.enter, y)), GREY, arrow=True))
    if not last:
        end = indent + piece.leave
        arrows.append(Line(((end, y), (max(end, indent + piece.width) + 0.25, y)), GREY, arrow=True))
    return arrows


def _legend(chain: Chain, scale: DrawingScale, y: float, *, windows: bool) -> list[Shape]:
    """The colours that occur, and what is in proportion to what."""
    shapes: list[Shape] = []
    x = 0.0
    entries = [(NAMES[kind], FILLS[kind], EDGES[kind]) for kind in NAMES
               if any(volume.kind == kind for volume in volumes(chain))]  # fmt: skip
    if windows:
        entries.append(("kernel or window", KERNEL_FACES[0], KERNEL))
    for name, fill, edge in entries:
        box = ((x, y - 0.13), (x + 0.13, y - 0.13), (x + 0.13, y), (x, y))
        shapes.append(Polygon(box, fill, edge))
        shapes.append(Text((x + 0.19, y), name, SIZE, INK, align="left"))
        x += 0.19 + text_width(name, SIZE) + 0.2
    heights = "heights and widths" if scale.power == 1 else "square roots of heights and widths"
    parts = [heights, "thickness: square root of channels"]
    shown = volumes(chain)
    numbers = {math.prod(volume.shape) for volume in shown if len(volume.shape) != 3}
    if any(number > FEW for number in numbers):
        parts.append("length of a row of numbers: square root of their count")
    note = f"Drawn to scale: {'; '.join(parts)}."
    cut = any(
        scale.thickness(volume.shape[2]) == THINNEST_VOLUME if len(volume.shape) == 3
        else math.prod(volume.shape) > FEW and scale.length(math.prod(volume.shape)) == SHORTEST
        for volume in shown
    )  # fmt: skip
    if cut:
        note += " The smallest are enlarged to be seen."
    if numbers and min(numbers) <= FEW:
        note += f" Up to {FEW} neurons: one circle each."
    lines = wrapped(note, max(6.0, x), SIZE)
    lines.append("Orange numbers: parameters.")
    for number, line in enumerate(lines):
        shapes.append(Text((0.0, y - 0.24 - 0.165 * number), line, SIZE, GREY, align="left"))
    return shapes
