"""cnnlab explain kernels"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, technique
from cnnlab.errors import UserError, unknown
from cnnlab.language.source import read_yaml

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


@technique
@click.option("--image", "index", type=click.IntRange(min=0), help="A test image; by default the first.")
@click.option(
    "--picture", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="A picture file instead, in its own size.",
)  # fmt: skip
@click.option(
    "--kernels", "file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Your own: YAML, name: [[…], […]].",
)  # fmt: skip
@click.option(
    "--pipeline", metavar="NAME", default=None, help="The kernel of the pipeline; by default Sobel x."
)
def command(
    subject: Subject, index: int | None, picture: Path | None, file: Path | None, pipeline: str | None
) -> Explanation:
    """What nine small kernels make of a picture; then one of them through convolution, ReLU and pooling.

    \b
    cnnlab explain kernels cnn
    cnnlab explain kernels cnn --picture cat.jpg
    cnnlab explain kernels cnn --kernels mine.yaml --pipeline corner

    Nothing here is learned: the run only gives the picture, and the kernels are older than networks that
    learn theirs (Sobel & Feldman 1968). A kernel answers strongly where the picture has what it looks like:
    the curve detector shows it in numbers, unless you bring kernels of your own.
    """
    from cnnlab.analyses.kernels import KERNELS, apply_kernels
    from cnnlab.analyses.kernels import pipeline as through
    from cnnlab.commands.explain.pictures import read_picture
    from cnnlab.pictures.drawings.units import kernel_effects, pipeline_stages

    if picture is not None and index is not None:
        raise click.UsageError("--image and --picture exclude each other")
    kernels = KERNELS if file is None else read_kernels(file)
    if picture is not None:
        prepared = read_picture(picture)
        name, notes, shown = picture.name, list(prepared.notes), prepared.pixels[None] / 255
    else:
        chosen = subject.choose([] if index is None else [index], [], default=[0])
        name, notes, shown = chosen.names[0], chosen.notes[0], chosen.shown
    found = apply_kernels(shown, kernels)
    wanted = pipeline or ("Sobel x" if "Sobel x" in kernels else next(iter(kernels)))
    if wanted not in kernels:
        raise unknown("kernel", wanted, kernels)
    stages = through(shown, kernels[wanted])
    figures = {
        "": kernel_effects(
            shown[0], kernels, {key: each[0] for key, each in found.items()},
            title=f"Small kernels on {name}",
            subtitle="Each kernel's numbers, and its answer at every place of the grey picture. Red is a "
            "positive answer, blue a negative one; kernels that keep the brightness give a picture again.",
        ),
        "pipeline": pipeline_stages(
            shown[0], wanted, {key: each[0] for key, each in stages.items()},
            title=f"From {name} to a pooled map",
            subtitle=f"{wanted}, over all channels; ReLU drops what is negative; pooling keeps the "
            "largest of 2×2.",
        ),
    }  # fmt: skip
    curve = CurveFound() if file is not None else curve_detector_on(subject, name, shown[0])
    return Explanation(
        f"{len(kernels)} kernels on {name}; pipeline with {wanted}",
        {**figures, **curve.figures},
        {
            "picture": shown[0],
            **{_key(key): each[0] for key, each in found.items()},
            **{f"pipeline_{_key(key)}": each[0] for key, each in stages.items()},
            **curve.arrays,
        },
        {
            "image": name,
            "notes": notes,
            "kernels": {key: kernel.tolist() for key, kernel in kernels.items()},
            "pipeline": wanted,
            **curve.facts,
        },
    )


@dataclass(frozen=True, eq=False)
class CurveFound:
    """What the curve detector adds to the other kernels; nothing where it is not asked."""

    figures: Mapping[str, Figure] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def curve_detector_on(subject: Subject, name: str, picture: np.ndarray) -> CurveFound:
    """The curve detector on its own curve and at its strongest and weakest place of (H, W, C)."""
    from cnnlab.analyses.kernels import CURVE, apply_kernels, strongest_and_weakest
    from cnnlab.pictures.drawings.units import curve_detector
    from cnnlab.pictures.kit.formats import short

    if picture.shape[0] < CURVE.shape[0] or picture.shape[1] < CURVE.shape[1]:
        subject.reporter.note(f"{name} is too small for the curve detector, which is 7×7")
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
        (f"A: strongest place of {name}", strongest.patch),
        (f"B: weakest place of {name}", weakest.patch),
    ]
    figure = curve_detector(
        picture, CURVE, answers, [(where, patch, products(patch)) for where, patch in places],
        [(each.top, each.left) for each in (strongest, weakest)], title=f"A curve detector on {name}",
        subtitle="Its answer is the sum of brightness times weight over the 7×7 pixels under it: "
        f"{short(most)} on its own curve, the most there can be, and 0 on black. On {name} it reaches "
        f"{short(strongest.answer)}, the bright pixels beside the curve being subtracted, and at least "
        f"{short(weakest.answer)}.",
    )  # fmt: skip
    return CurveFound(
        {"curve": figure},
        {"curve_detector": answers},
        {
            "curve": {
                "own": most,
                "strongest": {"place": [strongest.top, strongest.left], "answer": strongest.answer},
                "weakest": {"place": [weakest.top, weakest.left], "answer": weakest.answer},
            }
        },
    )


def read_kernels(path: Path) -> Mapping[str, np.ndarray]:
    """Kernels from a YAML file: name: [[…], […]], rows of equal length.

    Raises:
        UserError: with the place of what is wrong.
    """
    import numpy as np

    root = read_yaml(path)
    if not isinstance(root.value, dict) or not root.value:
        raise UserError(f"{root.place}: expected kernels as name: [[…], […]]")
    kernels = {}
    for name, rows in root.plain().items():
        if not _is_kernel(rows):
            raise UserError(
                f"{root.find((name,)).place}: {name}: expected rows of numbers, all of the same length"
            )
        kernels[str(name)] = np.array(rows, np.float64)
    return kernels


def _is_kernel(rows: object) -> bool:
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
        return False
    numbers = all(
        isinstance(each, int | float) and not isinstance(each, bool) for row in rows for each in row
    )
    return numbers and len({len(row) for row in rows}) == 1


def _key(name: str) -> str:
    return name.lower().replace(" ", "_").replace("/", "_")
