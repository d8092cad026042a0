"""cnnlab explain mistakes"""

from __future__ import annotations

import click

from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, technique
from cnnlab.errors import UserError
from cnnlab.pictures.kit.formats import percent


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

    A softmax's number is not the chance to be right: networks are too sure of themselves (Guo et al. 2017).
    """
    from cnnlab.analyses.mistakes import surest_mistakes
    from cnnlab.pictures.drawings.sets import mistakes as draw

    test, names = subject.data.test, subject.class_names
    probabilities = subject.probabilities
    found = surest_mistakes(probabilities, test.labels)
    if not (sheet or len(found.indices)):
        raise UserError(
            f"{subject.name}: no mistake in {len(test):,} test images; --sheet shows the first of them"
        )
    rate = f"{100 * len(found.indices) / len(test):.2f} %"
    sentence = f"{len(found.indices):,} of {len(test):,} test images wrong ({rate}) by {subject.name}"
    facts = {"wrong": len(found.indices), "test_images": len(test)}
    arrays = {**found._asdict(), "labels": test.labels[found.indices]}
    if sheet:
        shown = list(range(min(count, len(test))))
        answers = probabilities.argmax(axis=1)
        wrong = [bool(answers[index] != test.labels[index]) for index in shown]
        captions = [
            f"{names[answers[index]]}, {percent(float(probabilities[index].max()))}"
            + (f"\nis {names[test.labels[index]]}" if bad else "")
            for index, bad in zip(shown, wrong, strict=True)
        ]
        figure = draw(
            subject.shown(test.images[shown]), captions,
            title=f"The first {len(shown)} test images: {subject.name}",
            subtitle=f"The network's answer and its probability. Wrong answers, here {sum(wrong)}, are "
            "marked, with what the image is.",
            wrong=wrong,
        )  # fmt: skip
        return Explanation(
            f"{sentence}; {sum(wrong)} among the first {len(shown)}, which the sheet shows",
            {"": figure}, arrays, {**facts, "shown": len(shown), "wrong_shown": sum(wrong)}, variant="sheet",
        )  # fmt: skip
    indices = found.indices[:count].tolist()
    captions = [
        f"{names[answer]}, {percent(float(sure))}\nis {names[test.labels[index]]}, #{index}"
        for index, answer, sure in zip(indices, found.predicted, found.confidences, strict=False)
    ]
    figure = draw(
        subject.shown(test.images[indices]), captions, title=f"The surest mistakes: {subject.name}",
        subtitle=f"{len(found.indices):,} of {len(test):,} test images are answered wrongly ({rate}). "
        "Above each the answer and its probability, then what the image is, and its index.",
    )  # fmt: skip
    surest = found.indices[0]
    return Explanation(
        f"{sentence}; the surest: #{surest}, {names[test.labels[surest]]} taken for "
        f"{names[found.predicted[0]]} with {percent(float(found.confidences[0]))}",
        {"": figure},
        arrays,
        {**facts, "surest": indices},
    )
