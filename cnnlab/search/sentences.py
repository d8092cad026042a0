"""What a sweep has found, in sentences."""

from __future__ import annotations

from collections import Counter

from cnnlab.comparison.spread import Spread
from cnnlab.search.importance import Importance
from cnnlab.search.space import settings_text
from cnnlab.search.study import Study
from cnnlab.wording import counted

_SEARCHES = {"grid": "every combination", "random": "drawn at random", "tpe": "proposed by TPE"}


def title(study: Study) -> str:
    """cnn: 9 points of training.batch_size and training.epochs, every combination"""
    plan = study.plan
    keys = " and ".join(axis.key for axis in plan.space)
    return f"{plan.base.name}: {counted(len(study.points), 'point')} of {keys}, {_SEARCHES[plan.search]}"


def verdict(study: Study) -> str:
    """Which point is best, how sure that is, and what it reaches on the test images."""
    winner = study.winner
    if winner is None or winner.validation_accuracy is None or winner.test_accuracy is None:
        return " ".join(["No point finished with all its seeds.", *_others(study)])
    sentences = [
        f"{settings_text(winner.settings)} is best, with {_reached(winner.validation_accuracy)} of the "
        f"validation images, by which it was chosen, and {_reached(winner.test_accuracy)} of the test "
        "images.",
        *_certainty(study),
        *_others(study),
    ]
    return " ".join(sentences)


def importance_text(importance: Importance, points: int) -> str:
    """How the shares of the settings were computed from so many points, or why they were not."""
    if importance.method is None:
        return f"How much each setting matters is not computed: {importance.problem}."
    shares = (
        f"Share of the variance in validation accuracy among {counted(points, 'point')} that each setting "
        "explains on its own (main effect)"
    )
    if importance.method == "exact":
        return f"{shares}; exact, from all combinations."
    return f"{shares}; estimated by fANOVA (Hutter et al. 2014) with a random forest."


def _certainty(study: Study) -> list[str]:
    winner = study.winner
    others = len(study.ranked) - 1
    if winner is None or winner.validation_accuracy is None or not others:
        return []
    if winner.validation_accuracy.ci95 is None:
        return ["One seed says nothing about how much of this is chance; add seeds, such as --seeds 0-2."]
    tied = len(study.tied)
    finished = " that finished" if others + 1 < len(study.points) else ""
    if not tied:
        apart = "that of the other point" if others == 1 else f"those of the {others} other points"
        return [f"Its 95% confidence interval lies apart from {apart}{finished}."]
    next_best = settings_text(study.points[study.tied[0]].settings)
    if others == 1:
        which = f"that of the other point{finished}"
    elif tied == others:
        which = f"those of all {others} other points{finished}"
    elif tied == 1:
        which = f"that of {next_best}"
    else:
        which = f"those of {tied} of the {others} other points{finished}, such as {next_best}"
    return [f"That it is the best is uncertain: its 95% confidence interval overlaps {which}."]


def _others(study: Study) -> list[str]:
    """How many points did not finish."""
    states = Counter(each.state for each in study.points)
    sentences = []
    if pruned := states["pruned"]:
        were = "point was" if pruned == 1 else "points were"
        sentences.append(f"{pruned} {were} pruned, worse than the median of the others at the same epoch.")
    if failed := states["failed"]:
        sentences.append(f"{counted(failed, 'point')} failed.")
    return sentences


def _reached(accuracy: Spread) -> str:
    std = "" if accuracy.std is None else f" ± {100 * accuracy.std:.2f}"
    return f"{100 * accuracy.mean:.2f}{std}%"
