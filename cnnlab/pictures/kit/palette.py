"""The colours of all pictures and pages, for light and dark backgrounds."""

from __future__ import annotations

from collections.abc import Mapping

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""One for each experiment or class; distinguishable with colour vision deficiency (Okabe & Ito 2008,
https://jfly.uni-koeln.de/color/)."""

MORE_COLORS = ("#999999", "#882255", "#44AA99")
"""Where seven are not enough."""

INK, GREY, FAINT, PAPER = "#333333", "#666666", "#DDDDDD", "#FFFFFF"
MARK = COLORS[1]
"""Wrong predictions, and what a picture points at."""

Theme = Mapping[str, str]
"""By name the colour that a page's CSS variable of this name has: ink, grey, c0, c1, …"""


def _theme(series: tuple[str, ...], **colors: str) -> Theme:
    return {**colors, **{f"c{index}": color for index, color in enumerate(series)}}


LIGHT = _theme(
    COLORS, ink=INK, grey=GREY, faint=FAINT, paper=PAPER, card="#F6F6F4", link="#005A8F", error="#B34700"
)
DARK = _theme(
    ("#5AB4E8", "#FF8F40", "#35C799", "#E59AC8", "#E8B43A", "#9AD4F5", "#FFFFFF"),
    ink="#E8E6E3", grey="#AAA7A2", faint="#3A3C40", paper="#17181A", card="#212326", link="#7CC4F0",
    error="#FF9F5A",
)  # fmt: skip
PRINT = {
    **LIGHT,
    "ink": "#000000",
    "grey": "#444444",
    "faint": "#BBBBBB",
    "card": "#F2F2F2",
    "link": "#000000",
}


def cycled(colors: tuple[str, ...], count: int) -> list[str]:
    """So many colours, beginning again where they run out."""
    return [colors[index % len(colors)] for index in range(count)]
