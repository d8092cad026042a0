"""The colours of all pictures and pages, for light and dark backgrounds."""

from __future__ import annotations

from collections.abc import Mapping

COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#000000", "#8C510A")
"""One for each experiment or class, and nothing else has them; distinguishable with colour vision deficiency
(Okabe & Ito 2008, https://jfly.uni-koeln.de/color/). In print, each has a marker of its own."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Of the experiments, beside their colours."""

MORE_COLORS = ("#999999", "#882255", "#44AA99")
"""Where seven are not enough."""

INK, GREY, FAINT, PAPER = "#333333", "#666666", "#DDDDDD", "#FFFFFF"
MARK = "#D55E00"
"""Wrong predictions, losses, and what a picture points at: no experiment has this colour."""

GAIN, LOSS = "#117733", MARK
"""What is better, and what is worse; the worse one has its sign written beside it."""

NEUTRAL = "#5D6B7A"
"""Bars and points that belong to no experiment."""

TRAINING, VALIDATION = GREY, INK
"""The splits, where there is one experiment; training is dashed, too."""

LAYER_FILLS = {
    "input": "#F2F2F2", "convolution": "#CFCBEA", "pooling": "#F3E7C3", "dense": "#CDE7E1",
    "other": "#EBD3DF",
}  # fmt: skip
LAYER_EDGES = {
    "input": "#20262B", "convolution": "#332288", "pooling": "#9A7B1E", "dense": "#2B8A7A",
    "other": "#882255",
}  # fmt: skip
"""The kinds of layers: pale, with an edge, so that no experiment is meant."""

Theme = Mapping[str, str]
"""By name the colour that a page's CSS variable of this name has: ink, grey, c0, c1, …"""


def _theme(series: tuple[str, ...], **colors: str) -> Theme:
    return {**colors, **{f"c{index}": color for index, color in enumerate(series)}}


LIGHT = _theme(
    COLORS, ink=INK, grey=GREY, faint=FAINT, paper=PAPER, card="#F6F6F4", link="#005A8F", error="#B34700",
    positive="#B2182B", negative="#2166AC",
)  # fmt: skip
"""positive, negative: signed numbers, as the color scale of the pictures (ColorBrewer's RdBu) has them."""

DARK = _theme(
    ("#5AB4E8", "#E8B43A", "#35C799", "#E59AC8", "#9AD4F5", "#FFFFFF", "#C98B4B"),
    ink="#E8E6E3", grey="#AAA7A2", faint="#3A3C40", paper="#17181A", card="#212326", link="#7CC4F0",
    error="#FF9F5A", positive="#F4806A", negative="#67A9CF",
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
