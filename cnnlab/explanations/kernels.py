"""What small kernels make of a picture: convolution, ReLU, pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator, model_validator

from cnnlab.datasets.appearance import PLAIN, Appearance
from cnnlab.errors import OptionError, UserError, unknown
from cnnlab.explanations.array_images import (
    BRIGHTNESS,
    Scale,
    check_scale,
    is_array_file,
    read_array_image,
)
from cnnlab.explanations.curve_detector import CurveFound, curve_detector_on
from cnnlab.explanations.explanation import Explained, Explanation
from cnnlab.explanations.kernel_files import array_name, check_fit, read_kernels
from cnnlab.explanations.options import File, Index, Metavar, TwoNumbers
from cnnlab.explanations.picture_files import read_picture
from cnnlab.explanations.subject import Subject, displayed
from cnnlab.explanations.technique import Technique
from cnnlab.explanations.untrained import Untrained
from cnnlab.language.fields import problem, problems
from cnnlab.reporting import Reporter
from cnnlab.wording import counted

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.datasets.content import PixelScale


@dataclass(frozen=True, eq=False)
class Picture:
    """What kernels are applied to.

    values: (H, W, C) float, from scale[0], which is black, to scale[1], which is white; it may be the larger
    one that is black. look: how numbers that lie as it does are drawn.
    """

    name: str
    values: np.ndarray
    scale: Scale = BRIGHTNESS
    notes: Sequence[str] = ()
    look: Appearance = PLAIN

    def drawn(self, values: np.ndarray) -> np.ndarray:
        """Numbers on the picture's scale as brightness in [0, 1]."""
        black, white = self.scale
        return values if self.scale == BRIGHTNESS else (values - black) / (white - black)

    def on(self, scale: Scale) -> Picture:
        """The same picture with other numbers for black and white."""
        black, white = scale
        return replace(self, values=black + (white - black) * self.drawn(self.values), scale=scale)


class Kernels(Technique):
    """Apply small kernels to a picture, and take one of them through convolution, ReLU and pooling."""

    name = "kernels"
    summary = "Apply nine classic kernels to an image, then ReLU and pooling."
    examples = (
        "cnn", "--picture cat.jpg", "cnn --kernels mine.yaml --pipeline corner",
        "--picture figure.npy --kernels patches.yaml --mean",
    )  # fmt: skip
    description = (
        "These kernels are fixed, not learned; a run or an experiment only supplies the image, and with "
        "--picture none is needed. A curve detector shows the computation in numbers, unless you pass "
        "--kernels or --mean, or the image has negative values."
    )
    papers = ("Sobel & Feldman 1968",)
    takes_network = "optional"

    image: Index | None = Field(None, description="A test image; by default the first.")
    picture: File | None = Field(
        None,
        description="An image file instead, in its own size: a picture, or numbers in a .npy or .npz file.",
    )
    scale: Annotated[TwoNumbers, Metavar("BLACK WHITE")] | None = Field(
        None,
        description="For .npy and .npz: the numbers of black and white; by default 0 1 or, with negative "
        "numbers, -1 1.",
    )
    kernels: File | None = Field(None, description="Your own kernels: YAML, name: [[…], […]].")
    mean: bool = Field(
        False,
        description="The mean of the products instead of their sum; of a test image, the products of the "
        "numbers that the network takes.",
    )
    pipeline: str | None = Field(None, description="The kernel of the pipeline; by default Sobel x.")

    @field_validator("scale", mode="after")
    @classmethod
    def _ascending(cls, value: Scale | None) -> Scale | None:
        if value is not None:
            check_scale(value)
        return value

    @model_validator(mode="after")
    def _one_picture(self) -> Kernels:
        if self.picture is not None and self.image is not None:
            raise problems(problem("image and picture exclude each other"))
        if not self._takes_scale:
            self.reject_unused("scale", reason="without a .npy or .npz file as --picture")
        return self

    @property
    def _takes_scale(self) -> bool:
        return self.picture is not None and is_array_file(self.picture)

    def explain(self, subject: Subject) -> Explanation:
        if self.picture is not None:
            return self._of(_picture_file(self.picture, self.scale), subject.explained, subject.reporter)
        chosen = subject.choose([] if self.image is None else [self.image], [], default=[0])
        picture = self._of_test_set(
            chosen.names[0], chosen.display[0], subject.pixels, subject.appearance, subject.reporter
        )
        return self._of(picture, subject.explained, subject.reporter)

    def explain_untrained(self, untrained: Untrained) -> Explanation:
        if self.picture is None:
            picture = self._untrained_image(untrained)
        else:
            untrained.reject_data_dir("with an image file of your own")
            picture = _picture_file(self.picture, self.scale)
        return self._of(picture, untrained.explained, untrained.reporter)

    def _untrained_image(self, untrained: Untrained) -> Picture:
        """A test image of an experiment that is not trained yet."""
        from cnnlab.trainer import load_reported

        config, index = untrained.config, self.image or 0
        if config is None or config.dataset is None:
            raise UserError(
                "kernels: expected an image; name a run or an experiment that has images, or give a file "
                "with --picture"
            )
        plain = config.dataset.model_copy(update={"permute_pixels": None})
        data = load_reported(plain, untrained.data_paths, untrained.reporter)
        if index >= len(data.test):
            raise OptionError(
                "image", f"expected 0 to {len(data.test) - 1}, the test images of {config.name}", value=index
            )
        first, brightest = plain.data_format == "channels_first", plain.appearance.brightest
        display = displayed(data.test.images[[index]], channels_first=first, brightest=brightest)
        name, appearance = f"test image {index}", plain.appearance
        return self._of_test_set(name, display[0], data.pixels, appearance, untrained.reporter)

    def _of_test_set(
        self, name: str, display: np.ndarray, pixels: PixelScale, appearance: Appearance, reporter: Reporter
    ) -> Picture:
        """Brightness or, where products are averaged, the numbers that the network takes."""
        from cnnlab.pictures.rendering import shades

        picture = Picture(name, shades(display, appearance), look=Appearance(axes=appearance.axes))
        if not self.mean:
            return picture
        scale = _black_and_white(pixels, appearance)
        if scale is None:
            reporter.note(
                f"{name}: black and white are other numbers in each channel; the kernels are applied to "
                "brightness from 0 to 1"
            )
            return picture
        return picture.on(scale)

    def _of(self, picture: Picture, explained: Explained, reporter: Reporter) -> Explanation:
        from cnnlab.analyses.kernels import KERNELS, apply_kernels, pipeline
        from cnnlab.pictures.drawings.units import kernel_effects, pipeline_stages
        from cnnlab.pictures.rendering import legend

        kernels: Mapping[str, np.ndarray] = KERNELS
        if self.kernels is not None:
            own = read_kernels(self.kernels)
            check_fit(own, picture.values.shape[:2], picture.name)
            kernels = {key: kernel.weights for key, kernel in own.items()}
        pictures, name = picture.values[None], picture.name
        found = {key: each[0] for key, each in apply_kernels(pictures, kernels, mean=self.mean).items()}
        wanted = self.pipeline or ("Sobel x" if "Sobel x" in kernels else next(iter(kernels)))
        if wanted not in kernels:
            raise unknown("kernel", wanted, kernels)
        stages = {key: each[0] for key, each in pipeline(pictures, kernels[wanted], mean=self.mean).items()}
        curve = CurveFound()
        if self.kernels is None and not self.mean and picture.scale == BRIGHTNESS:
            curve = curve_detector_on(picture.values, name, reporter)
        # What keeps the brightness is a picture again.
        parts = {key: each.sum() / (each.size if self.mean else 1) for key, each in kernels.items()}
        shown = {key: picture.drawn(found[key]) for key, part in parts.items() if abs(part - 1) < 0.15}
        said, combined = (", mean of products", "mean of products") if self.mean else ("", "summed")
        how = "the mean of its products with the pixels below it" if self.mean else "its response"
        return Explanation(
            self, explained,
            sentence=f"{counted(len(kernels), 'kernel')} on {name}{said}; pipeline with {wanted}",
            figures={
                "kernels": lambda: kernel_effects(
                    picture.drawn(picture.values), kernels, found, shown, title=f"Small kernels on {name}",
                    subtitle=legend(
                        f"The weights of each kernel, and {how} at every position of the grayscale "
                        "image. Red is positive, blue negative. The response of a kernel that keeps the "
                        "brightness is drawn as an image.",
                        picture.look,
                    ),
                ),
                "pipeline": lambda: pipeline_stages(
                    picture.drawn(picture.values), wanted, stages, title=f"From {name} to a pooled map",
                    subtitle=legend(
                        f"{wanted}, {combined} over all channels; ReLU sets negative values to 0; max "
                        "pooling keeps the largest of 2×2.",
                        picture.look,
                    ),
                ),
                **curve.figures,
            },
            arrays={
                "picture": picture.values,
                **{array_name(key): each for key, each in found.items()},
                **{f"pipeline_{array_name(key)}": each for key, each in stages.items()}, **curve.arrays,
            },
            facts={
                "image": name, "notes": list(picture.notes), "scale": list(picture.scale),
                "kernels": {key: kernel.tolist() for key, kernel in kernels.items()}, "pipeline": wanted,
                **curve.facts,
            },
            taken={"pipeline": wanted, **({"scale": list(picture.scale)} if self._takes_scale else {})},
        )  # fmt: skip


def _picture_file(path: Path, scale: Scale | None) -> Picture:
    if is_array_file(path):
        found = read_array_image(path, scale)
        return Picture(path.name, found.values, found.scale)
    prepared = read_picture(path)
    return Picture(path.name, prepared.pixels / 255, notes=list(prepared.notes))


def _black_and_white(pixels: PixelScale, appearance: Appearance) -> Scale | None:
    """What a network takes for the numbers that are drawn black and white; None: each channel has its own."""
    import numpy as np

    factor, offset = (np.asarray(each, np.float64) for each in (pixels.factor, pixels.offset))
    ends = [np.unique(offset + factor * value / 255) for value in (0, appearance.brightest)]
    if any(len(end) > 1 for end in ends):
        return None
    darkest, brightest = (float(end[0]) for end in ends)
    return (darkest, brightest) if appearance.points is None else (brightest, darkest)
