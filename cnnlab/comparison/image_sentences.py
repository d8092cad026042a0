"""What a verdict says about images: across the folds of a cross-validation, and about other test images."""

from __future__ import annotations

from cnnlab.comparison.advantages import Advantage, p_text, runs_counted, signed
from cnnlab.comparison.experiments import seeds_text
from cnnlab.comparison.pairs import Pair
from cnnlab.comparison.sentences import adjustment


def fold_evidence(pair: Pair, *, significant: bool) -> str:
    """Whether the difference is significant across folds, and what would help where it is not."""
    if not any(pair.difference.values):
        return f"Both reach the same accuracy in each of the {runs_counted(pair.a, pair.seeds)}."
    test = f"corrected resampled t test over {pair.a.folds} folds, {p_text(pair.p)}{adjustment(pair)}"
    if significant:
        return f"The difference is statistically significant across folds ({test})."
    option = f" (--seeds {seeds_text(range(5))})" if len(pair.seeds) == 1 else ""
    return (
        f"The difference is not statistically significant across folds ({test}). More seeds{option} average "
        "out the differences between trainings; beyond that, only more images help."
    )


def mcnemar_of_folds(pair: Pair) -> str:
    """How the networks of one seed answer all images, each by a network that was not trained on it."""
    (test,) = pair.mcnemar
    if test is None:
        return ""
    return (
        f"Each image is tested once, by networks that were not trained on it: {test.only_a:,} are classified "
        f"correctly only by {pair.a.name}, {test.only_b:,} only by {pair.b.name} (exact McNemar test, "
        f"{p_text(test.p)})."
    )


def other_images(pair: Pair, advantage: Advantage) -> str:
    """Whether other test images would show the difference as well."""
    if pair.test_images_ci95 is None or not any(pair.test_images_ci95):
        return ""
    low, high = (100 * each for each in pair.test_images_ci95)
    points = f"{signed(low)} to {signed(high)} percentage points"
    interval = f"95% interval of {pair.named}, bootstrap over the images: {points}"
    if advantage.tied:
        return f"Other test images could show a difference ({interval})."
    beyond = low > 0 if advantage.better is pair.a else high < 0
    shown = "would show the difference, too" if beyond else "might not show the difference"
    return f"Other test images {shown} ({interval})."
