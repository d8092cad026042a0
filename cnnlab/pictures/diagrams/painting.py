"""Placed shapes → a matplotlib figure."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Circle as CirclePatch
from matplotlib.patches import FancyArrowPatch
from matplotlib.patches import Polygon as PolygonPatch
from matplotlib.path import Path

from cnnlab.pictures.diagrams.shapes import Circle, Line, Polygon, Shape, Text, bounds
from cnnlab.pictures.diagrams.svg import MARGIN
from cnnlab.pictures.kit.page import current_page
from cnnlab.pictures.kit.style import new_figure


def paint(shapes: Sequence[Shape]) -> Figure:
    """All shapes in one figure that is as large as they need."""
    left, bottom, right, top = bounds(shapes)
    needed = right - left + 2 * MARGIN, top - bottom + 2 * MARGIN
    width, height = current_page().sides(*needed)
    beside, above = (width - needed[0]) / 2, (height - needed[1]) / 2
    figure = new_figure(height, width=width, layout=False)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(left - MARGIN - beside, right + MARGIN + beside)
    axes.set_ylim(bottom - MARGIN - above, top + MARGIN + above)
    axes.set_axis_off()
    for shape in sorted(shapes, key=lambda shape: shape.level):
        if isinstance(shape, Polygon):
            axes.add_patch(
                PolygonPatch(
                    shape.points, closed=True, facecolor=shape.fill,
                    edgecolor=shape.edge, linewidth=shape.width, joinstyle="round", zorder=shape.level,
                    linestyle=(0, (4, 3)) if shape.dashed else "solid",
                )
            )  # fmt: skip
        elif isinstance(shape, Circle):
            axes.add_patch(
                CirclePatch(
                    shape.center, shape.radius, facecolor=shape.fill, edgecolor=shape.edge, linewidth=0.9,
                    zorder=shape.level,
                )
            )  # fmt: skip
        elif isinstance(shape, Line):
            axes.add_patch(
                FancyArrowPatch(
                    path=Path(shape.points), arrowstyle="-|>" if shape.arrow else "-", mutation_scale=7,
                    color=shape.color, linewidth=shape.width, alpha=shape.alpha, shrinkA=0, shrinkB=0,
                    joinstyle="round", zorder=shape.level,
                )
            )  # fmt: skip
        elif isinstance(shape, Text):
            axes.text(
                *shape.at, shape.text, fontsize=shape.size, color=shape.color, ha=shape.align, va="top",
                fontweight="bold" if shape.bold else "normal", zorder=shape.level, parse_math=False,
                family="DejaVu Sans",
            )  # fmt: skip
    return figure
