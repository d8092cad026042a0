"""Placed shapes → SVG: a file, or a part of a page. Texts stay texts, to be searched and copied."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from cnnlab.pictures.diagrams.shapes import POINTS, Circle, Line, Point, Polygon, Shape, Text, bounds
from cnnlab.pictures.kit.palette import LIGHT, PAPER

MARGIN = 0.25  # inches
PIXELS = 96.0  # to the inch, in SVG's units
ASCENT = 0.76  # from the top of a letter to the line it stands on, in parts of its size
HEAD = (2.8, 1.4)  # length and half the width of an arrow's head, in points
FONT = "DejaVu Sans, Verdana, sans-serif"


def svg_file(shapes: Sequence[Shape], ratio: float | None = None) -> bytes:
    """A file of its own, on white, its sides in a ratio where one is given; the same for the same shapes."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n' + _svg(shapes, "", background=PAPER, ratio=ratio)
    ).encode()


def svg_element(shapes: Sequence[Shape], label: str) -> str:
    """An element for a page that defines the colours of `palette` as CSS variables, without a background.

    Args:
        label: what a screen reader says.
    """
    text = _svg(shapes, f' class="network" role="img" aria-label={quoteattr(label)}')
    for variable, color in LIGHT.items():
        text = text.replace(f'"{color}"', f'"var(--{variable})"')
    return text


def _svg(
    shapes: Sequence[Shape], attributes: str, background: str | None = None, ratio: float | None = None
) -> str:
    left, bottom, right, top = bounds(shapes)
    if ratio is not None:
        wide, tall = right - left + 2 * MARGIN, top - bottom + 2 * MARGIN
        beside, above = max(0.0, ratio * tall - wide) / 2, max(0.0, wide / ratio - tall) / 2
        left, right, bottom, top = left - beside, right + beside, bottom - above, top + above
    width, height = (PIXELS * (size + 2 * MARGIN) for size in (right - left, top - bottom))

    def at(point: Point) -> str:
        """Inches, upwards → pixels, downwards."""
        x, y = point
        return f"{_number(PIXELS * (x - left + MARGIN))},{_number(PIXELS * (top + MARGIN - y))}"

    size = f'width="{_number(width)}" height="{_number(height)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {_number(width)} {_number(height)}" '
        f'font-family="{FONT}"{attributes}>'
    ]
    if background:
        lines.append(f'<rect {size} fill="{background}"/>')
    for shape in sorted(shapes, key=lambda shape: shape.level):
        if isinstance(shape, Polygon):
            dashes = ' stroke-dasharray="4 3"' if shape.dashed else ""
            points = " ".join(map(at, shape.points))
            lines.append(
                f'<polygon points="{points}" fill="{shape.fill}"{_stroke(shape.edge, shape.width)}{dashes}/>'
            )
        elif isinstance(shape, Circle):
            x, y = at(shape.center).split(",")
            radius = _number(PIXELS * shape.radius)
            lines.append(
                f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{shape.fill}"{_stroke(shape.edge, 0.9)}/>'
            )
        elif isinstance(shape, Line):
            alpha = f' opacity="{shape.alpha:g}"' if shape.alpha < 1 else ""
            points = " ".join(map(at, shape.points))
            lines.append(
                f'<polyline points="{points}" fill="none"{_stroke(shape.color, shape.width)}{alpha}/>'
            )
            if shape.arrow:
                head = " ".join(map(at, _head(*shape.points[-2:])))
                lines.append(
                    f'<polygon points="{head}" fill="{shape.color}"{_stroke(shape.color, shape.width)}/>'
                )
        else:
            lines.append(_text(shape, at((shape.at[0], shape.at[1] - ASCENT * shape.size / POINTS))))
    return "\n".join([*lines, "</svg>\n"])


def _text(text: Text, baseline: str) -> str:
    x, y = baseline.split(",")
    anchor = {"center": "middle", "left": "start", "right": "end"}[text.align]
    bold = ' font-weight="bold"' if text.bold else ""
    size = _number(text.size * PIXELS / POINTS)
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="{text.color}"{bold}>'
        f"{escape(text.text)}</text>"
    )


def _stroke(color: str, points: float) -> str:
    if color == "none":
        return ""
    return f' stroke="{color}" stroke-width="{_number(points * PIXELS / POINTS)}" stroke-linejoin="round"'


def _head(before: Point, tip: Point) -> tuple[Point, Point, Point]:
    """The triangle at the end of an arrow."""
    length, half = (size / POINTS for size in HEAD)
    distance = math.dist(before, tip) or 1.0
    along = ((tip[0] - before[0]) / distance, (tip[1] - before[1]) / distance)
    base = (tip[0] - length * along[0], tip[1] - length * along[1])
    return (
        tip,
        (base[0] - half * along[1], base[1] + half * along[0]),
        (base[0] + half * along[1], base[1] - half * along[0]),
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
