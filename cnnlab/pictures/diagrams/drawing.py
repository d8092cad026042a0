"""A network's drawing as a value: SVG, PNG or a matplotlib figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from cnnlab.pictures.diagrams.painting import paint
from cnnlab.pictures.diagrams.shapes import Shape, Text, bounds
from cnnlab.pictures.diagrams.svg import MARGIN, svg_file
from cnnlab.pictures.kit.encoding import encode
from cnnlab.pictures.kit.page import AUTO, LEGIBLE, Page, drawing_for
from cnnlab.user_files import written


@dataclass(frozen=True)
class NetworkDrawing:
    """The placed shapes of a drawing. A notebook shows it as SVG."""

    shapes: Sequence[Shape]
    page: Page = AUTO

    @property
    def figure(self) -> Figure:
        with drawing_for(self.page):
            return paint(self.shapes)

    @property
    def smallest_text(self) -> float:
        """The height of its smallest text, as a fraction of the picture's."""
        left, bottom, right, top = bounds(self.shapes)
        points = min((shape.size for shape in self.shapes if isinstance(shape, Text)), default=0.0)
        _, height = self.page.sides(right - left + 2 * MARGIN, top - bottom + 2 * MARGIN)
        return points / 72 / height

    @property
    def is_too_small(self) -> bool:
        """Whether it is a slide with text that cannot be read from the last row."""
        return self.page.ratio is not None and self.smallest_text < LEGIBLE

    @property
    def svg(self) -> str:
        """A file of its own, on white; its texts can be searched and copied."""
        return svg_file(self.shapes, self.page.ratio).decode()

    def encode(self, suffix: str) -> bytes:
        """The content of a file with this ending, .svg, .png or .pdf; the same for the same drawing."""
        kind = suffix.lower().removeprefix(".")
        return svg_file(self.shapes, self.page.ratio) if kind == "svg" else encode(self.figure, kind)

    def save(self, path: str | Path) -> None:
        """Write the drawing to a file that ends in .svg, .png or .pdf.

        Raises:
            UserError: the file cannot be written there.
        """
        with written(Path(path)):
            Path(path).write_bytes(self.encode(Path(path).suffix))

    def __repr__(self) -> str:
        return f"<NetworkDrawing of {len(self.shapes)} shapes>"

    def _repr_svg_(self) -> str:
        return self.svg
