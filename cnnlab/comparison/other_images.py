"""Would other test images show the same difference? An interval over images, of the networks as they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RESAMPLES = 9_999
"""Test sets that are drawn; the ends of the interval then vary by about 1% of its width."""

Answers = tuple[np.ndarray, np.ndarray]
"""(N,) bool each: whether network a and network b, of one seed, classify each test image correctly."""


def interval_over_images(answers: Sequence[Answers], *, seed: int = 0) -> tuple[float, float]:
    """95% interval of the difference in accuracy, a - b, over test sets of the same size: a paired bootstrap.

    The networks stay as they are, of all seeds; the images are drawn anew, with replacement. An image counts
    with the difference of its answers, averaged over the seeds, so that both networks see the same images
    (Efron 1979, doi 10.1214/aos/1176344552; percentile interval). How much of the variation between
    accuracies comes from the finite test set: Bouthillier et al. 2021, arXiv 2103.03098; Jordan 2023, arXiv
    2304.01910.

    Images with the same difference are interchangeable, so the number of each that is drawn is multinomial:
    this is the bootstrap over all images, without drawing them one by one.

    Args:
        answers: one pair for each seed, all about the same images in the same order.
        seed: of the drawing.

    Raises:
        ValueError: no seeds, or no images.
    """
    if not answers or not len(answers[0][0]):
        raise ValueError("a bootstrap over images needs answers on at least one")
    # Whole numbers: a difference over seeds is one of few values, whatever the rounding.
    differences = np.sum([a.astype(np.int64) - b.astype(np.int64) for a, b in answers], axis=0)
    values, counts = np.unique(differences, return_counts=True)
    number = len(differences)
    drawn = np.random.default_rng(seed).multinomial(number, counts / number, size=RESAMPLES)
    low, high = np.quantile(drawn @ values / (number * len(answers)), (0.025, 0.975))
    return float(low), float(high)
