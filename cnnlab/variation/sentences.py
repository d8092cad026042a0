"""Two experiments at several values, in one paragraph: who leads where, and which of it the seeds support."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnlab.comparison.advantages import listed, p_text, percentage_points
from cnnlab.comparison.experiments import seeds_named
from cnnlab.comparison.power import ALPHA, fewest_pairs
from cnnlab.config.axes import value_text
from cnnlab.variation.study import Point, Variation
from cnnlab.wording import counted


def verdict(variation: Variation) -> str:
    """What the variation shows; only differences that the tests support are called significant."""
    return " ".join(
        [
            *_leads(variation),
            *_changes(variation),
            *_significance(variation),
            *_gaps(variation),
            *_spreads(variation),
            *_failures(variation),
        ]
    )


def title(variation: Variation) -> str:
    """MNIST: test accuracy of dnn and cnn at 4 values of dataset.train_size, seeds 0-5"""
    base = variation.base[0].dataset
    data = base.title if base is not None else ""
    keys = " and ".join(axis.key for axis in variation.axes)
    number = counted(len(variation.points), "value")
    seeds = seeds_named(variation.seeds)
    return f"{data}: test accuracy of {listed(variation.names)} at {number} of {keys}, {seeds}"


def training_note(variation: Variation) -> str:
    """For how long the networks were trained at each value, as the caption says it."""
    epochs = sorted({each for point in variation.points for each in point.steps.epochs})
    steps = sorted({each for point in variation.points for each in point.steps.steps})
    if variation.equal_steps:
        return f"about the same number of training steps at every value ({_range(steps)}, {_epochs(epochs)})"
    if len(epochs) == 1 and len(steps) > 1:
        return f"{_epochs(epochs)} at every value, which are {_range(steps)} training steps"
    return f"{_epochs(epochs)}, {_range(steps)} training steps"


def _where(variation: Variation, point: Point) -> str:
    """300, or with two settings: 300 and 0.001"""
    return " and ".join(map(value_text, point.values))


def _leads(variation: Variation) -> Iterator[str]:
    """Who is better at how many values, by how much at most and at least."""
    keys = " and ".join(axis.key for axis in variation.axes)
    total = counted(len(variation.points), "value")
    for place, name in reversed(list(enumerate(variation.names))):
        ahead = [each for each in variation.points if each.lead == (1, -1)[1 - place]]
        if not ahead:
            continue
        least, most = (choose(ahead, key=_margin) for choose in (min, max))
        other = variation.names[1 - place]
        by = f"by {percentage_points(_margin(most))} at {_where(variation, most)}"
        if least is not most:
            by = (
                f"by {100 * _margin(least):.2f} ({_where(variation, least)}) to "
                f"{percentage_points(_margin(most))} ({_where(variation, most)})"
            )
        yield (
            f"{name} is more accurate than {other} at {len(ahead)} of {total} of {keys}, {by}, on average "
            "over the seeds."
        )
    ties = [_where(variation, each) for each in variation.points if each.lead == 0]
    if ties:
        yield f"They are tied at {listed(ties)}."
    apart = [_where(variation, each) for each in variation.points if each.pair is None]
    if apart:
        yield f"At {listed(apart)} they have no seed in common, so they cannot be compared; give --seeds."


def _margin(point: Point) -> float:
    return 0.0 if point.pair is None else abs(point.pair.difference.mean)


def _changes(variation: Variation) -> Iterator[str]:
    changes = [
        f"{_where(variation, variation.points[one])} and {_where(variation, variation.points[other])}"
        for one, other in variation.lead_changes
    ]
    if changes:
        yield f"The lead changes hands between {'; between '.join(changes)}."


def _significance(variation: Variation) -> Iterator[str]:
    tested = [
        (point, p) for point, p in zip(variation.points, variation.p_holm, strict=True)
        if point.pair is not None and p is not None
    ]  # fmt: skip
    if not tested:
        return
    needed = fewest_pairs(len(tested))
    seeds = {len(point.pair.seeds) for point, _ in tested if point.pair is not None}
    if max(seeds) < needed:
        have = counted(max(seeds), "seed") if len(seeds) == 1 else f"{min(seeds)} to {max(seeds)} seeds"
        yield (
            f"With {have} no difference can be statistically significant after adjustment for "
            f"{counted(len(tested), 'value')}; that takes at least {needed} seeds, such as --seeds "
            f"0-{needed - 1}."
        )
        return
    shown = [f"{_where(variation, point)} ({p_text(p)})" for point, p in tested if p < ALPHA]
    nowhere = "at none of them" if len(tested) > 1 else "there"
    rest = f"at {listed(shown)}" if shown else nowhere
    yield (
        f"Adjusted for {counted(len(tested), 'value')} (sign-flip tests, Holm), the difference is "
        f"{'' if shown or len(tested) > 1 else 'not '}statistically significant {rest}."
    )


def _gaps(variation: Variation) -> Iterator[str]:
    """Who overfits more: whose training accuracy lies further above its test accuracy."""
    gaps = [pair for point in variation.points if (pair := gaps_of(point)) is not None]
    if len(gaps) == len(variation.points) and gaps:
        yield _more("The gap between training and test accuracy is wider for", variation.names, gaps)


def gaps_of(point: Point) -> tuple[float, float] | None:
    """How far the training accuracy of both lies above that on test images; None where it is not known."""
    one, other = (
        None if each.train_accuracy is None else each.train_accuracy.mean - each.test_accuracy.mean
        for each in point.comparison.experiments
    )
    return None if one is None or other is None else (one, other)


def _spreads(variation: Variation) -> Iterator[str]:
    spreads = [
        (one.test_accuracy.std, other.test_accuracy.std)
        for one, other in (point.comparison.experiments for point in variation.points)
    ]
    known = [(one, other) for one, other in spreads if one is not None and other is not None]
    if known and len(known) == len(spreads):
        yield _more("The test accuracy varies more from seed to seed for", variation.names, known)


def _more(what: str, names: tuple[str, str], pairs: Sequence[tuple[float, float]]) -> str:
    one = sum(a > b for a, b in pairs)
    other = sum(b > a for a, b in pairs)
    of = counted(len(pairs), "value")
    if not one or not other:
        name, count = (names[0], one) if one else (names[1], other)
        return f"{what} {name} at {count} of {of}." if count else f"{what} neither."
    return f"{what} {names[0]} at {one} and for {names[1]} at {other} of {of}."


def _failures(variation: Variation) -> Iterator[str]:
    there = {point.place for point in variation.points}
    for each in variation.failures:
        where = " and ".join(map(value_text, each.values))
        rest = "its other seeds count" if each.place in there else "this value is left out"
        yield f"{each.name} failed at {where} with {seeds_named(each.seeds)}: {each.reason}; {rest}."


def _range(numbers: Sequence[int]) -> str:
    first, last = numbers[0], numbers[-1]
    return f"{first:,}" if first == last else f"{first:,} to {last:,}"


def _epochs(numbers: Sequence[int]) -> str:
    return counted(numbers[0], "epoch") if len(numbers) == 1 else f"{_range(numbers)} epochs"
