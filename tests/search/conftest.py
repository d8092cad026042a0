"""Documents of sweeps that never ran."""

import numpy as np
import pytest

from cnnlab.comparison.spread import spread
from cnnlab.config.axes import Span
from cnnlab.search.importance import importance_of
from cnnlab.search.sentences import importance_text


def make_document(space, points, *, states=None, tied=(), name="net"):
    """What sweep.json holds of points: settings and the accuracies of their seeds.

    tied: the ranks of points that cannot be told from the best.
    """
    states = states or ["finished"] * len(points)
    means = {
        place: float(np.mean(each)) for place, (_, each) in enumerate(points) if states[place] == "finished"
    }
    ranked = sorted(means, key=lambda place: -means[place])
    importance = importance_of(space, [(points[place][0], means[place]) for place in ranked])
    entries = [
        {
            "settings": settings,
            "digest": f"{place:064x}",
            "seeds": list(range(len(values))) if place in means else [],
            "state": states[place],
            "validation_accuracy": spread(values).as_dict() if place in means else None,
            "params": 1000 + place,
            "rank": ranked.index(place) + 1 if place in means else None,
            "error": "training diverged" if states[place] == "failed" else None,
        }
        for place, (settings, values) in enumerate(points)
    ]
    best = entries[ranked[0]] if ranked else None
    return {
        "name": name,
        "digest": "f" * 64,
        "axes": [
            {"key": axis.key, "values": None, "low": axis.low, "high": axis.high}
            if isinstance(axis, Span)
            else {"key": axis.key, "values": list(axis.values), "low": None, "high": None}
            for axis in space
        ],
        "search": "random" if any(isinstance(axis, Span) for axis in space) else "grid",
        "seeds": list(range(len(points[0][1]))),
        "trials": None,
        "prune": False,
        "monitor": "validation_accuracy",
        "points": entries,
        "winner": best
        and {
            "settings": best["settings"],
            "digest": best["digest"],
            "test_accuracy": spread([0.123454, 0.123456]).as_dict(),
            "command": f"cnnlab train {name} --set a=1",
        },
        "tied": [entries[ranked[rank - 1]]["digest"] for rank in tied],
        "importance": importance.shares
        and [{"key": key, "share": share} for key, share in importance.shares.items()],
        "importance_note": importance_text(importance, len(ranked)),
        "title": f"{name}: {len(points)} points",
        "verdict": "The third is best.",
    }


@pytest.fixture
def draw():
    """Draw a figure as it is written; its texts and sizes are known then."""
    from io import BytesIO

    def drawn(figure):
        figure.savefig(BytesIO(), format="png")
        return figure

    return drawn
