"""cnnlab explain mistakes"""

from __future__ import annotations

import click

from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, technique
from cnnlab.commands.explain.words import share
from cnnlab.errors import UserError


@technique
@click.option("--count", type=click.IntRange(1, 200), default=32, show_default=True, help="Draw so many.")
@click.option(
    "--sheet", is_flag=True, help="The first test images, right or wrong, with the wrong ones marked."
)
def command(subject: Subject, count: int, sheet: bool) -> Explanation:
    """The surest wrong answers; or with --sheet the first test images, the wrong ones marked.

    \b
    cnnlab explain mistakes cnn
    cnnlab explain mistakes fashion_cnn --sheet
    """
    from cnnlab.analyses.mistakes import surest_mistakes
    from cnnlab.pictures.drawings.sets import mistakes as draw

    test, names = subject.data.test, subject.class_names
    probabilities = subject.probabilities
    found = surest_mistakes(probabilities, test.labels)
    if not len(found.indices):
        raise UserError(f"{subject.name}: no mistake in {len(test):,} test images; there is nothing to show")
    rate = len(found.indices) / len(test)
    if sheet:
        shown = list(range(min(count, len(test))))
        answers = probabilities.argmax(axis=1)
        wrong = [bool(answers[index] != test.labels[index]) for index in shown]
        captions = [
            f"{names[answers[index]]} {share(float(probabilities[index].max()))}"
            + (f"\nis {names[test.labels[index]]}" if bad else "")
            for index, bad in zip(shown, wrong, strict=True)
        ]
        title = f"The first {len(shown)} test images: {subject.name}"
        subtitle = (
            f"The network's answer and confidence; {sum(wrong)} of them wrong, marked, with what they are."
        )
        figure = draw(
            subject.shown(test.images[shown]), captions, title=title, subtitle=subtitle, wrong=wrong
        )
    else:
        shown = found.indices[:count].tolist()
        captions = [
            f"{names[answer]} {share(float(sure))}\nis {names[test.labels[index]]}, #{index}"
            for index, answer, sure in zip(shown, found.predicted, found.confidences, strict=False)
        ]
        title = f"The surest mistakes: {subject.name}"
        subtitle = (
            f"{len(found.indices):,} of {len(test):,} test images are answered wrongly ({rate:.2%}). "
            "Above each the answer and its probability, then what the image is, and its index."
        )
        figure = draw(subject.shown(test.images[shown]), captions, title=title, subtitle=subtitle)
    return Explanation(
        f"{len(found.indices):,} of {len(test):,} test images wrong ({rate:.2%}) by {subject.name}; the "
        f"surest: #{found.indices[0]}, {names[test.labels[found.indices[0]]]} taken for "
        f"{names[found.predicted[0]]} with {share(float(found.confidences[0]))}",
        {"": figure},
        {**found._asdict(), "labels": test.labels[found.indices]},
        {"wrong": len(found.indices), "test_images": len(test), "surest": found.indices[:count].tolist()},
    )
