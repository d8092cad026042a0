"""Which setting matters how much: bars, the largest share on top."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from cnnlab.pictures.kit.formats import percent
from cnnlab.pictures.kit.lettering import wrapped
from cnnlab.pictures.kit.palette import FAINT, INK, NEUTRAL, PAPER
from cnnlab.pictures.kit.style import LABEL, PERCENT_TICKS, SMALL, full_width, new_figure, style_axes
from cnnlab.pictures.plots.settings import key_lines

REST = "several settings together,\nand chance"
_ROOM = 3.2  # inches, for a key


def importance_bars(shares: Mapping[str, float], *, note: str, title: str) -> Figure:
    """The share of the variance that each setting explains on its own, and in gray what is left.

    Args:
        shares: by key, from 0 to 1; they add up to at most 1.
        note: how they were computed.
    """
    ordered = sorted(shares.items(), key=lambda each: -each[1])
    rest = max(0.0, 1 - sum(shares.values()))
    lines = wrapped(note, full_width() - 0.6, SMALL)
    figure = new_figure(1.5 + 0.5 * (len(ordered) + 1) + 0.17 * len(lines), title)
    axes = figure.subplots()
    style_axes(axes)
    axes.grid(visible=False, axis="y")
    for place, (_, share) in enumerate([*ordered, (REST, rest)]):
        axes.barh(place, share, color=NEUTRAL if place < len(ordered) else FAINT, height=0.62)
        inside = share > 0.8
        axes.annotate(
            percent(share), (share, place), xytext=(-6 if inside else 6, 0), textcoords="offset points",
            ha="right" if inside else "left", va="center", color=PAPER if inside else INK, fontsize=LABEL,
        )  # fmt: skip
    names = [*(key_lines(key, _ROOM, LABEL - 1) for key, _ in ordered), REST]
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PERCENT_TICKS)
    figure.supxlabel("\n".join(lines), fontsize=SMALL, color=INK)
    return figure
