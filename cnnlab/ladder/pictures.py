"""What why.json says of a study → its picture: the waterfall, the ablations and the permuted pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnlab.ladder.document import Document
from cnnlab.pictures.plots import Measured
from cnnlab.pictures.plots.ladder import RungBar, ladder_bars

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEADINGS = {
    "waterfall": "From {dnn} to {cnn}",
    "ablation": "One thing changed",
    "control": "Pixels permuted",
}


def picture(document: Document) -> Figure:
    """Waterfall with intervals and single seeds, below it ablations and permuted pixels.

    Args:
        document: as `cnnlab why --json` prints it.
    """
    names = {each: document[each] for each in ("dnn", "cnn")}
    groups = {
        heading.format(**names): bars
        for kind, heading in _HEADINGS.items()
        if (bars := _bars(document, kind))
    }
    return ladder_bars(groups, title=f"Why {names['cnn']} and {names['dnn']} differ")


def _bars(document: Document, kind: str) -> Sequence[RungBar]:
    steps = {step["to"]: step for step in document["steps"]}
    bars = []
    for rung in document["rungs"]:
        if rung["kind"] != kind:
            continue
        reached, step = rung["test_accuracy"], steps.get(rung["id"])
        bars.append(
            RungBar(
                rung["id"],
                step["ingredient"] if step else "",
                step["difference"]["mean"] if step else None,
                Measured(tuple(reached["values"]), reached["mean"], reached["ci95"]),
                step["shown"] if step else True,
            )
        )
    return bars
