"""What small kernels make of a picture: convolution, ReLU, pooling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from cnnlab.datasets.appearance import PLAIN
from cnnlab.errors import UserError, unknown
from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.options import File, Index
from cnnlab.explanations.picture_files import read_picture
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique
from cnnlab.language.fields import problem, problems
from cnnlab.language.source import read_yaml

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


class Kernels(Technique):
    """Apply small kernels to a picture, and take one of them through convolution, ReLU and pooling."""

    name = "kernels"
    summary = "Apply nine classic kernels to an image, then ReLU and pooling."
    examples = ("cnn", "cnn --picture cat.jpg", "cnn --kernels mine.yaml --pipeline corner")
    description = (
        "These kernels are fixed, not learned; the run only supplies the image. A curve detector shows the "
        "computation in numbers, unless you pass --kernels."
    )
    papers = ("Sobel & Feldman 1968",)

    image: Index | None = Field(None, description="A test image; by default the first.")
    picture: File | None = Field(None, description="A picture file instead, in its own size.")
    kernels: File | None = Field(None, description="Your own kernels: YAML, name: [[…], […]].")
    pipeline: str | None = Field(None, description="The kernel of the pipeline; by default Sobel x.")

    @model_validator(mode="after")
    def _one_picture(self) -> Kernels:
        if self.picture is not None and self.image is not None:
            raise problems(problem("image and picture exclude each other"))
        return self

    def explain(self, subject: Subject) -> Explanation:
        from cnnlab.analyses.kernels import KERNELS, apply_kernels, pipeline
        from cnnlab.pictures.drawings.units import kernel_effects, pipeline_stages
        from cnnlab.pictures.rendering import legend, shades

        kernels = KERNELS if self.kernels is None else read_kernels(self.kernels)
        if self.picture is not None:
            prepared = read_picture(self.picture)
            name, notes, pictures = self.picture.name, list(prepared.notes), prepared.pixels[None] / 255
        else:
            chosen = subject.choose([] if self.image is None else [self.image], [], default=[0])
            name, notes = chosen.names[0], chosen.notes[0]
            pictures = shades(chosen.display[0], subject.appearance)[None]
        look = subject.diagram if self.picture is None else PLAIN
        picture = pictures[0]
        found = {key: each[0] for key, each in apply_kernels(pictures, kernels).items()}
        wanted = self.pipeline or ("Sobel x" if "Sobel x" in kernels else next(iter(kernels)))
        if wanted not in kernels:
            raise unknown("kernel", wanted, kernels)
        stages = {key: each[0] for key, each in pipeline(pictures, kernels[wanted]).items()}
        curve = CurveFound() if self.kernels is not None else curve_detector_on(subject, name, picture)
        return Explanation(
            self, subject.explained,
            sentence=f"{len(kernels)} kernels on {name}; pipeline with {wanted}",
            figures={
                "kernels": lambda: kernel_effects(
                    picture, kernels, found, title=f"Small kernels on {name}",
                    subtitle=legend(
                        "The weights of each kernel, and its response at every position of the grayscale "
                        "image. Red is positive, blue negative. The response of a kernel that keeps the "
                        "brightness is drawn as an image.",
                        look,
                    ),
                ),
                "pipeline": lambda: pipeline_stages(
                    picture, wanted, stages, title=f"From {name} to a pooled map",
                    subtitle=legend(
                        f"{wanted}, summed over all channels; ReLU sets negative values to 0; max pooling "
                        "keeps the largest of 2×2.",
                        look,
                    ),
                ),
                **curve.figures,
            },
            arrays={
                "picture": picture,
                **{_key(key): each for key, each in found.items()},
                **{f"pipeline_{_key(key)}": each for key, each in stages.items()}, **curve.arrays,
            },
            facts={
                "image": name, "notes": notes,
                "kernels": {key: kernel.tolist() for key, kernel in kernels.items()}, "pipeline": wanted,
                **curve.facts,
            },
            taken={"pipeline": wanted},
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class CurveFound:
    """What the curve detector adds to the other kernels; nothing where it is not asked."""

    figures: Mapping[str, Callable[[], Figure]] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def curve_detector_on(subject: Subject, name: str, picture: np.ndarray) -> CurveFound:
    """The curve detector on its own curve and at its strongest and weakest position of (H, W, C)."""
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
        (f"A: strongest position of {name}", strongest.patch),
        (f"B: weakest position of {name}", weakest.patch),
    ]

    def figure() -> Figure:
        return curve_detector(
            picture, CURVE, answers, [(where, patch, products(patch)) for where, patch in places],
            [(each.top, each.left) for each in (strongest, weakest)], title=f"A curve detector on {name}",
            subtitle="Its output is the sum of brightness times weight over the 7×7 pixels under it: "
            f"{short(most)} on its own curve, the largest possible, and 0 on black. On {name} it is between "
            f"{short(weakest.answer)} and {short(strongest.answer)}: bright pixels beside the curve are "
            "subtracted.",
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
