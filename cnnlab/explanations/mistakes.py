"""The mistakes that the network is most confident of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from cnnlab.errors import UserError
from cnnlab.explanations.captions import moves_of
from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.options import WholeNumber
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique
from cnnlab.pictures.kit.formats import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Mistakes(Technique):
    """Find the test images that the network classifies wrongly with the highest probability."""

    name = "mistakes"
    summary = "The most confident mistakes on the test images."
    examples = ("cnn", "fashion_cnn --sheet")
    description = (
        "The probability of a softmax is not the chance of being right: networks are overconfident (Guo et "
        "al. 2017). With --sheet, the first test images are drawn instead, with the mistakes marked."
    )

    count: WholeNumber = Field(32, ge=1, le=200, description="Maximum number of images to draw.")
    sheet: bool = Field(
        False, description="Draw the first test images, right or wrong, with the mistakes marked."
    )

    def explain(self, subject: Subject) -> Explanation:
        from cnnlab.analyses.mistakes import surest_mistakes
        from cnnlab.few_images import share_text
        from cnnlab.pictures.drawings.sets import mistakes as draw

        test, names = subject.data.test, subject.class_names
        probabilities = subject.probabilities
        found = surest_mistakes(probabilities, test.labels)
        wrong = len(found.indices)
        if not (self.sheet or wrong):
            raise UserError(
                f"{subject.name}: no mistakes in {len(test):,} test images; "
                "the option sheet shows the first of them"
            )
        rate = share_text(wrong, len(test))
        sentence = f"{subject.name}: {wrong:,} of {len(test):,} test images wrong ({rate})"
        facts = {"wrong": wrong, "test_images": len(test)}
        arrays = {**found._asdict(), "labels": test.labels[found.indices]}
        if self.sheet:
            shown = list(range(min(self.count, len(test))))
            predicted = probabilities.argmax(axis=1)
            marked = [bool(predicted[index] != test.labels[index]) for index in shown]

            def sheet() -> Figure:
                captions = [
                    f"{names[predicted[index]]}, {percent(float(probabilities[index].max()))}"
                    + (f"\ntrue: {names[test.labels[index]]}" if bad else "")
                    for index, bad in zip(shown, marked, strict=True)
                ]
                return draw(
                    subject.to_display(test.images[shown]),
                    captions,
                    title=f"The first {len(shown)} test images: {subject.name}",
                    subtitle="Above each: the prediction and its probability. Wrong predictions "
                    f"({sum(marked)}) are marked, with the true class.",
                    wrong=marked,
                    appearance=subject.appearance,
                    moves=moves_of(subject, test.labels[shown].tolist(), predicted[shown].tolist()),
                )

            return Explanation(
                self,
                subject.explained,
                sentence=f"{sentence}; {sum(marked)} among the first {len(shown)}, which the sheet shows",
                figures={"mistakes": sheet},
                arrays=arrays,
                facts={**facts, "shown": len(shown), "wrong_shown": sum(marked)},
                variant="sheet",
            )
        indices = found.indices[: self.count].tolist()

        def surest() -> Figure:
            captions = [
                f"{names[predicted]}, {percent(float(sure))}\ntrue: {names[test.labels[index]]}, #{index}"
                for index, predicted, sure in zip(indices, found.predicted, found.confidences, strict=False)
            ]
            return draw(
                subject.to_display(test.images[indices]),
                captions,
                title=f"The most confident mistakes: {subject.name}",
                subtitle=f"{wrong:,} of {len(test):,} test images are classified wrongly ({rate}). Above "
                "each: the prediction and its probability; the true class and the index of the image.",
                appearance=subject.appearance,
                moves=moves_of(
                    subject, test.labels[indices].tolist(), found.predicted[: len(indices)].tolist()
                ),
            )

        first = found.indices[0]
        return Explanation(
            self,
            subject.explained,
            sentence=f"{sentence}; the most confident: #{first}, {names[test.labels[first]]} taken for "
            f"{names[found.predicted[0]]} with {percent(float(found.confidences[0]))}",
            figures={"mistakes": surest},
            arrays=arrays,
            facts={**facts, "surest": indices},
        )
