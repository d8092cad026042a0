"""New figures and their axes: resolution, fonts, colours.

All style is set on the figure itself: rcParams are shared by all threads, even inside rc_context.
"""

from __future__ import annotations

from collections.abc import Collection
from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter

from cnnlab.pictures.kit.lettering import fitted, letter_figure
from cnnlab.pictures.kit.page import current_page
from cnnlab.pictures.kit.palette import FAINT, INK, PAPER

PIXELS_PER_INCH = 160
TITLE, LABEL, SMALL = 14.0, 11.0, 9.5  # points

PERCENT_TICKS = FuncFormatter(lambda share, _: f"{100 * share:g}%")


class NotebookFigure(Figure):
    """A figure that a notebook shows by itself: matplotlib's own needs pyplot for that.

    Its texts are written as they are, in fonts that have their letters.
    """

    def draw(self, renderer: RendererBase) -> None:
        letter_figure(self)
        super().draw(renderer)

    def _repr_png_(self) -> bytes:
        content = BytesIO()
        self.savefig(content, format="png")
        return content.getvalue()


def full_width() -> float:
    """Inches, of a figure that is as wide as its page: 10, and less where the text is to be larger."""
    page = current_page()
    return min(10.0 / page.font_scale, page.widest)


def new_figure(
    height: float, title: str = "", *, width: float | None = None, layout: bool = True, inside: bool = False
) -> Figure:
    """An empty figure with its title; sizes in inches, at most those of the page that is drawn for.

    Args:
        width: by default `full_width`.
        layout: false: axes stay where they are put, and the figure has the size that is asked for.
        inside: part of something else, which has the sides of the page.
    """
    page = current_page()
    width = full_width() if width is None else width
    if layout and not inside:
        width = min(width, page.widest)
        if page.ratio is not None:
            width = max(width, min(height * page.ratio, full_width()))
        height = min(height, page.tallest) if page.ratio is None else width / page.ratio
    engine = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1) if layout else None
    dots = PIXELS_PER_INCH * page.font_scale
    figure = NotebookFigure(figsize=(width, height), dpi=dots, facecolor=PAPER, layout=engine)
    if title:
        shown = fitted(title, width - 0.4, TITLE, bold=True)
        figure.suptitle(shown, fontsize=TITLE, fontweight="bold", color=INK)
    return figure


def style_axes(axes: Axes, title: str = "", *, x: str = "", y: str = "") -> None:
    """Faint axes with a grid, their title on the left and the names of what is across and upwards."""
    axes.set_facecolor(PAPER)
    if title:
        axes.set_title(title, loc="left", fontsize=LABEL + 1, color=INK)
    axes.set_xlabel(x, fontsize=LABEL, color=INK)
    axes.set_ylabel(y, fontsize=LABEL, color=INK)
    axes.tick_params(which="both", labelsize=LABEL - 1, length=0, labelcolor=INK)
    axes.grid(visible=True, color=FAINT, linewidth=0.8, linestyle="solid")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)


def versus(names: Collection[str]) -> str:
    """A vs B, or the number of experiments where that gets too long."""
    title = " vs ".join(names)
    return title if len(title) <= 80 else f"{len(names)} experiments"
