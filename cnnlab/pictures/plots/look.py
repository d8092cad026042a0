"""What all pictures share: colours, sizes, how axes are dressed."""

from __future__ import annotations

from collections.abc import Collection

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Told apart by colour-blind eyes (Okabe & Ito 2008, https://jfly.uni-koeln.de/color/)."""

INK, GREY, FAINT = "#333333", "#777777", "#DDDDDD"
WRONG = "#D55E00"
PIXELS_PER_INCH = 160
WIDTH = 10.0  # inches; 1600 pixels

PERCENT = FuncFormatter(lambda share, _: f"{100 * share:g} %")


def empty_figure(height: float, title: str, *, width: float = WIDTH, arranged: bool = True) -> Figure:
    """A white figure with its title; sizes in inches. Not `arranged`: axes stay where they are put."""
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08) if arranged else None
    figure = Figure(figsize=(width, height), dpi=PIXELS_PER_INCH, facecolor="white", layout=layout)
    figure.suptitle(title, fontsize=15, fontweight="bold", color=INK, parse_math=False)
    return figure


def dress(axes: Axes, name: str = "", *, grid: bool = True) -> None:
    """Faint axes with a name on the left, which leave the stage to what is drawn on them."""
    axes.set_facecolor("white")
    if name:
        axes.set_title(name, loc="left", fontsize=13, color=INK, parse_math=False)
    axes.tick_params(which="both", labelsize=11, color=FAINT, labelcolor=INK)
    if grid:
        axes.grid(visible=True, color=FAINT, linewidth=0.8, linestyle="solid")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)


def shortened(name: str, length: int = 60) -> str:
    """Names of up to 100 letters are allowed; what tells them apart is mostly at their ends."""
    tail = 2 * length // 5
    return name if len(name) <= length else f"{name[: length - tail - 1]}…{name[-tail:]}"


def versus(names: Collection[str]) -> str:
    """A vs B, or the number of experiments where that gets too long."""
    title = " vs ".join(names)
    return title if len(title) <= 80 else f"{len(names)} experiments"
