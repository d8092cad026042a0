"""Two dice, a blur as a product of spectra, and subsampled images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cnnlab.datasets.drawn.bird import bird
from cnnlab.explanations.worked_examples.example import WorkedExample
from cnnlab.explanations.worked_examples.windows import times
from cnnlab.scratch.worked_examples.signals import subsampled, through_spectra, two_dice

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def dice() -> WorkedExample:
    """The sum of two dice: a convolution in one dimension."""
    found = two_dice()
    title = "Two dice"
    pairs = len(found.one) ** 2
    marked = int(found.total.argmax()) + 2

    def draw() -> Figure:
        from cnnlab.pictures.drawings.worked_examples.signals import dice as drawn

        return drawn(
            found, marked=marked, title=title,
            subtitle="The distribution of the sum is the convolution of the two distributions: the higher "
            "one die, the lower the other for the same sum. This is why convolution flips.",
        )  # fmt: skip

    shares = ", ".join(str(round(each * pairs)) for each in found.total)
    return WorkedExample(
        "dice", title,
        "The probability that two dice add up to n is Σ P(a) · P(n − a): while one index goes up, the "
        "other goes down, and this is the flip. So the distribution of the sum is the convolution of the "
        f"distributions of the dice: 1/{len(found.one)} for each number, convolved with itself, gives "
        f"{shares}, each divided by {pairs}, for the sums {found.sums.min()} to {found.sums.max()}. "
f"The most probable sum is {marked}, with {round(found.total.max() * pairs)}/{pairs}.",
        {"one_die": found.one, "sum": found.total, "sums": found.sums, "most_probable_sum": marked},
        draw,
    )  # fmt: skip


def fourier(
    image: np.ndarray | None = None,
    kernel: np.ndarray | None = None,
    *,
    what: str = "a drawing",
    by: str = "a blur",
) -> WorkedExample:
    """A convolution as a product of spectra.

    Args:
        image: (H, W). kernel: (h, w). what, by: what these are called.
    """
    image = bird() if image is None else image
    blur = kernel is None
    kernel = np.full((5, 5), 1 / 25) if kernel is None else kernel
    found = through_spectra(image, kernel)
    title = "Convolution is a product of spectra"
    difference = found.largest_difference
    apart = (
        f"the two results differ by at most {difference:.1e}" if difference else "the two results are equal"
    )
    shown = "The picture shows what a kernel does to frequencies"
    if blur:
        shown += (
            ": a blur keeps low frequencies, in the middle, and removes high ones; an edge filter does the "
            "opposite"
        )

    def draw() -> Figure:
        from cnnlab.pictures.drawings.worked_examples.signals import spectra

        return spectra(
            found, title=title,
            subtitle=f"Above: {what}, {by} and their convolution. Below: their Fourier transforms. Image and "
            "kernel are padded with zeros to the size of the result.",
        )  # fmt: skip

    return WorkedExample(
        "fourier", title,
        f"The Fourier transform of a convolution is the product of the Fourier transforms. Here, {what} "
        f"({times(image.shape)}) is convolved with {by} ({times(kernel.shape)}), once directly and once by "
        f"multiplying the spectra and transforming back; {apart}. {shown}.",
        {
            "image": found.image, "kernel": found.kernel, "image_spectrum": found.image_spectrum,
            "kernel_spectrum": found.kernel_spectrum, "product": found.product, "inverse": found.inverse,
            "convolution": found.direct, "largest_difference": found.largest_difference,
        },
        draw,
    )  # fmt: skip


def subsampling(image: np.ndarray | None = None) -> WorkedExample:
    """An image without every second row and column.

    Args:
        image: (H, W) or (H, W, 3) in [0, 1]; None: a drawing of a bird.
    """
    images = subsampled(bird() if image is None else image)
    title = "Every second row and column left out"
    drawing = "It is still a bird." if image is None else "See in the picture how long the object remains."
    counts = {step: each.shape[0] * each.shape[1] for step, each in images.items()}

    def draw() -> Figure:
        from cnnlab.pictures.drawings.worked_examples.signals import subsampling as drawn

        return drawn(
            images, title=title,
            subtitle="Each step leaves a quarter of the pixels. The object is the same, in a smaller image.",
        )  # fmt: skip

    said = ", ".join(f"{times(each.shape[:2])} = {counts[step]:,}" for step, each in images.items())
    return WorkedExample(
        "subsampling", title,
        f"Leave out every second row and column, and again: {said} pixels. {drawing} This is why a network "
        "may pool: the layers behind see a smaller image of the same object, and need fewer multiplications.",
        {f"step_{step}": each for step, each in images.items()} | {"pixels": list(counts.values())},
        draw,
    )  # fmt: skip
