"""A study in one paragraph: which ingredient contributes how much, and what the seeds do not support."""

from __future__ import annotations

from collections.abc import Iterator

from cnnlab.comparison.advantages import listed, p_text
from cnnlab.comparison.experiments import seeds_text
from cnnlab.comparison.spread import Spread
from cnnlab.ladder.steps import Step
from cnnlab.ladder.study import Study
from cnnlab.wording import counted


def verdict(study: Study) -> str:
    """What the study shows. Only differences that the tests support, adjusted for all steps, are claimed."""
    return " ".join(
        [
            _overall(study),
            *_waterfall(study),
            *_ablations(study),
            *_controls(study),
            *_contrasts(study),
            _interactions(study),
            *_parameters(study),
            *_unsupported(study),
            *_failures(study),
        ]
    )


def _overall(study: Study) -> str:
    dnn, cnn = (study.outcomes[each] for each in ("dnn", "cnn"))
    seeds = [f"{counted(len(each.seeds), 'seed')} ({seeds_text(each.seeds)})" for each in (cnn, dnn)]
    over = seeds[0] if seeds[0] == seeds[1] else f"{seeds[0]} and {seeds[1]}"
    return (
        f"{study.ladder.cnn.name} classifies {cnn.test_accuracy.mean:.2%} of the test images correctly and "
        f"{study.ladder.dnn.name} {dnn.test_accuracy.mean:.2%}, on average over {over}."
    )


def _waterfall(study: Study) -> Iterator[str]:
    steps = [step for step in study.steps if step.kind == "waterfall"]
    parts = [f"{step.ingredient} ({step.start} → {step.end}) {_points(step)}" for step in steps]
    if parts:
        yield f"On the way from {study.ladder.dnn.name} to {study.ladder.cnn.name}: {'; '.join(parts)}."


def _ablations(study: Study) -> Iterator[str]:
    steps = [step for step in study.steps if step.kind == "ablation"]
    if steps:
        parts = [f"{step.end}, {step.ingredient}, {_points(step)}" for step in steps]
        yield f"Changed from their parents, one thing at a time: {'; '.join(parts)}."


def _controls(study: Study) -> Iterator[str]:
    steps = [step for step in study.steps if step.kind == "control"]
    if steps:
        parts = [f"{step.start} {_points(step)}" for step in steps]
        yield f"With the pixels permuted, where neighborhood means nothing: {'; '.join(parts)}."


def _contrasts(study: Study) -> Iterator[str]:
    for step in study.contrasts:
        if step.shown:
            place = "above" if step.difference.mean > 0 else "below"
            yield f"{step.end} is {_size(step.difference)} {place} {step.start}{_test(step)}."


def _interactions(study: Study) -> str:
    """Whether an ingredient's contribution depends on the others."""
    shown = [each for each in study.interactions if each.shown]
    if not study.interactions:
        return "Whether these contributions add up was not tested."
    if not shown:
        return (
            "The seeds show no dependence of one contribution on another; that does not mean that the "
            "contributions add up."
        )
    parts = [
        f"{each.of} brings {_size(each.difference)} {'more' if each.difference.mean > 0 else 'less'} "
        f"{each.where} than {each.otherwise}, {p_text(each.p_holm or 0)}"
        for each in shown
    ]
    return f"The contributions do not add up: {'; '.join(parts)}."


def _parameters(study: Study) -> Iterator[str]:
    """What the summary knows of locality and sharing."""
    rows = [row for row in study.ladder.cnn.architecture.rows if row.locality_saving and row.sharing_saving]
    dense = [row.dense_equivalent_params for row in rows]
    if not rows or None in dense:
        return
    as_dense = sum(each for each in dense if each is not None)
    shared = sum(row.params for row in rows)
    local = sum(round(row.params * (row.sharing_saving or 1)) for row in rows)
    yield (
        f"As Dense layers, the convolutions of {study.ladder.cnn.name} would have {as_dense:,} parameters; "
        f"locality leaves {local:,}, weight sharing {shared:,}."
    )


def _unsupported(study: Study) -> Iterator[str]:
    unshown = [step for step in study.steps if not step.shown]
    if not unshown:
        return
    names = listed([f"{step.start} → {step.end}" for step in unshown])
    which = "this difference" if len(unshown) == 1 else "these differences"
    if len(study.seeds) == 1:
        yield f"One seed cannot tell {which} from chance: {names}. Train more seeds, such as --seeds 0-5."
    else:
        number = counted(len(study.seeds), "seed")
        yield f"The {number} do not support a claim about {which}: {names}."


def _failures(study: Study) -> Iterator[str]:
    for rung, reasons in study.failures.items():
        seeds = f"seed{'s' * (len(reasons) > 1)} {seeds_text(sorted(reasons))}"
        rest = "its other seeds count" if rung in study.outcomes else "it is left out"
        yield f"{rung} failed with {seeds}; {rest}."


def _points(step: Step) -> str:
    """+1.34 points (95% confidence interval 1.10 to 1.58; p < 0.001)"""
    return f"{signed_points(step.difference.mean)} points ({_interval(step.difference)}{_test(step)})"


def _interval(difference: Spread) -> str:
    if difference.ci95 is None:
        return "one seed"
    low, high = difference.ci95
    return f"95% confidence interval {signed_points(low)} to {signed_points(high)}"


def _test(step: Step) -> str:
    return "" if step.p_holm is None else f", {p_text(step.p_holm)}"


def _size(difference: Spread) -> str:
    """1.86 points (95% confidence interval 0.85 to 2.86): how far, whichever way."""
    size = f"{100 * abs(difference.mean):.2f} points"
    if difference.ci95 is None:
        return size
    low, high = (100 * each for each in difference.ci95)
    if difference.mean < 0:
        low, high = -high, -low
    return f"{size} (95% confidence interval {low:.2f} to {high:.2f})".replace("-", "−")


def signed_points(share: float) -> str:
    """0.0134 → +1.34"""
    text = f"{100 * share:+.2f}"
    return text.replace("-", "−") if float(text) else "0.00"
