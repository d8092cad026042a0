"""How little an accuracy says that was measured on a few images."""

from __future__ import annotations

from collections.abc import Mapping

ENOUGH = 100
"""Test images from which on an accuracy is told without a warning: one image is a point then."""


def interval_of(right: int, count: int) -> tuple[float, float]:
    """The exact 95% interval of a share of `count` (Clopper & Pearson 1934), as two shares."""
    from scipy.stats import binomtest

    low, high = binomtest(right, count).proportion_ci(0.95, method="exact")
    return float(low), float(high)


def few_images_warning(title: str, count: int) -> str | None:
    """What to say of a test set of so many images; None where they are enough."""
    if count >= ENOUGH:
        return None
    right = round(0.75 * count)
    low, high = interval_of(right, count)
    return (
        f"{title}: {count} test images are few: with {right} of them right, the accuracy on other images may "
        f"be anything from {low:.0%} to {high:.0%} (95% interval)"
    )


def share_text(right: int, count: int) -> str:
    """98.11%; of few images, for which that says too much, the interval: 43 to 95%, 95% interval."""
    if count >= ENOUGH:
        return f"{right / count:.2%}"
    low, high = interval_of(right, count)
    return f"{100 * low:.0f} to {100 * high:.0f}%, 95% interval"


def few_images_note(accuracies: Mapping[str, float], count: int) -> str | None:
    """How little the accuracies of experiments, by name, say of other images; None where they are enough."""
    if count >= ENOUGH:
        return None
    reached = ", ".join(
        f"{low:.0%} to {high:.0%} for {name} ({right} right)"
        for name, accuracy in accuracies.items()
        for right in (round(accuracy * count),)
        for low, high in (interval_of(right, count),)
    )
    return (
        f"{count:,} test images are few: on other images, the accuracy may be anything from {reached}; 95% "
        "intervals of a network that has so many right"
    )
