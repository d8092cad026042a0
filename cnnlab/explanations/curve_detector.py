"""A curve detector in numbers, beside the other small kernels: when its response is large, and when small."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cnnlab.reporting import Reporter

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class CurveFound:
    """What the curve detector adds to the other kernels; nothing where it is not asked."""

    figures: Mapping[str, Callable[[], Figure]] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def curve_detector_on(picture: np.ndarray, name: str, reporter: Reporter) -> CurveFound:
    """The curve detector on its own curve and at its strongest and weakest position in an image.

    Args:
        picture: (H, W, C) float, brightness in [0, 1].
    """
    from cnnlab.analyses.kernels import CURVE, apply_kernels, strongest_and_weakest
    from cnnlab.pictures.drawings.units import curve_detector, curve_response
    from cnnlab.pictures.kit.formats import short

    if picture.shape[0] < CURVE.shape[0] or picture.shape[1] < CURVE.shape[1]:
        reporter.note(f"{name} is too small for the curve detector, which is 7×7")
        return CurveFound()
    own = (CURVE > 0).astype(float)
    strongest, weakest = strongest_and_weakest(picture, CURVE)
    answers = apply_kernels(picture[None], {"curve": CURVE})["curve"][0]
    most, beside = float(CURVE[CURVE > 0].sum()), float(-CURVE.min())

    def products(patch: np.ndarray) -> str:
        on, off = float(patch[CURVE > 0].sum()), float(patch[CURVE < 0].sum())
        total = f"{on - beside * off:.2f}".replace("-", "−")
        return f"{on:.2f} on the curve − {beside:g} × {off:.2f} beside it = {total}"

    places = [
        ("its own curve", own),
        (f"A: strongest position of {name}", strongest.patch),
        (f"B: weakest position of {name}", weakest.patch),
    ]
    patches = [(where, patch, products(patch)) for where, patch in places]

    def numbers() -> Figure:
        return curve_detector(
            CURVE, patches[:2], title="A curve detector in numbers",
            subtitle="Its output is the sum of brightness times weight over the 7×7 pixels under it: "
            f"{short(most)} on its own curve, the largest possible, and 0 on black.",
        )  # fmt: skip

    def response() -> Figure:
        return curve_response(
            picture, CURVE, answers, patches[2], [(each.top, each.left) for each in (strongest, weakest)],
            title=f"A curve detector on {name}",
            subtitle=f"The response to {name} is between {short(weakest.answer)} and "
            f"{short(strongest.answer)}: bright pixels beside the curve are subtracted.",
        )  # fmt: skip

    return CurveFound(
        {"curve": numbers, "curve-response": response},
        {"curve_detector": answers},
        {
            "curve": {
                "own": most,
                "strongest": {"place": [strongest.top, strongest.left], "answer": strongest.answer},
                "weakest": {"place": [weakest.top, weakest.left], "answer": weakest.answer},
            }
        },
    )
