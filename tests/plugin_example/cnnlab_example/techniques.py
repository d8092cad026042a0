"""A technique that looks at the data instead of the network."""

from __future__ import annotations

from pydantic import Field

from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.options import Count
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique


class Means(Technique):
    """Average the test images of each class."""

    name = "means"
    summary = "The mean test image of each class."
    description = "A network can do no worse than compare an image with these."

    images: Count = Field(1000, description="Number of test images.")

    def explain(self, subject: Subject) -> Explanation:
        import numpy as np

        from cnnlab.pictures.drawings.pictures import side_by_side

        test = subject.data.test
        images, labels = subject.to_display(test.images[: self.images]), test.labels[: self.images]
        classes = np.unique(labels)
        means = np.stack([images[labels == each].mean(axis=0) for each in classes])  # (classes, H, W, C)
        names = [subject.class_names[each] for each in classes]
        return Explanation(
            self,
            subject.explained,
            sentence=f"Mean of {len(images)} test images in {len(names)} classes",
            figures={
                "means": lambda: side_by_side(
                    [list(zip(names, means, strict=True))],
                    title="Mean test images",
                    subtitle="Of each class.",
                )
            },
            arrays={"means": means},
            facts={"classes": names},
        )
