"""What a convolution is, worked out number by number: on examples, or on a network's first one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from cnnlab.errors import OptionError
from cnnlab.explanations.explanation import Explained, Explanation
from cnnlab.explanations.options import File, Index
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique
from cnnlab.explanations.untrained import Untrained
from cnnlab.language.fields import problem, problems
from cnnlab.wording import counted

if TYPE_CHECKING:
    from cnnlab.explanations.worked_examples.example import WorkedExample


class Convolution(Technique):
    """Work out examples with every number; of a network, on its first convolution."""

    name = "convolution"
    summary = "What a convolution computes, worked out number by number."
    takes_network = "optional"
    examples = ("", "cnn", "cnn --image 18 --filter 7")
    description = (
        "Without a run, ten worked examples: numbered pixels, convolution and correlation, strides and "
        "padding, the number of multiplications, im2col, the gradient through pooling, tied weights, two "
        "dice, Fourier transforms and subsampling. With a run, its first convolution on one of its test "
        "images; with a config that is not trained yet, the sizes of its first convolution. Without a run, "
        "everything is computed with NumPy, without Keras; with one, Keras computes what reaches the "
        "convolution, and NumPy all else."
    )
    papers = ("Dumoulin & Visin 2016 (arXiv 1603.07285)", "Chellapilla, Puri & Simard 2006 (im2col)")

    image: Index | None = Field(None, description="With a run: a test image; by default the first.")
    picture: File | None = Field(
        None, description="With a run: a picture file instead, prepared as by `cnnlab predict`."
    )
    filter: Index = Field(0, description="With a run: the filter of its first convolution.")

    @model_validator(mode="after")
    def _one_picture(self) -> Convolution:
        if self.picture is not None and self.image is not None:
            raise problems(problem("image and picture exclude each other"))
        return self

    def explain_untrained(self, untrained: Untrained) -> Explanation:
        for option in ("image", "picture", "filter"):
            if option in self.model_fields_set:
                raise OptionError(option, "has no effect without a trained network; leave it out")
        if untrained.config is None:
            from cnnlab.explanations.worked_examples import all_examples

            return self._explained(untrained.explained, all_examples(), "Convolution")
        untrained.reject_data_dir("without a trained network")  # a config alone says the sizes
        from cnnlab.explanations.worked_examples.sizes import sizes_of

        sizes = sizes_of(untrained.config)
        title = f"The first convolution of {untrained.config.name}, {sizes.name}"
        return self._explained(untrained.explained, sizes.examples(), title, facts={"layer": sizes.name})

    def explain(self, subject: Subject) -> Explanation:
        from cnnlab.analyses.first_convolution import first_convolution
        from cnnlab.explanations.worked_examples.own import OwnConvolution

        # Whether there is a convolution is known before any data set is looked for.
        layer = first_convolution(subject.model, subject.name)
        if self.filter >= layer.filters:
            raise OptionError(
                "filter",
                f"{layer.name} has {layer.filters} filters, 0 to {layer.filters - 1}",
                value=self.filter,
            )
        pictures = [] if self.picture is None else [self.picture]
        indices = [] if self.image is None else [self.image]
        chosen = subject.choose(indices, pictures, default=[0])
        own = OwnConvolution(
            layer.name, layer.of_images(chosen.inputs)[0], layer.kernel, layer.bias, layer.window,
            layer.groups,
            filter=self.filter, image_name=chosen.names[0], picture=chosen.display[0],
        )  # fmt: skip
        title = f"{layer.name} of {subject.name} on {chosen.names[0]}, filter {self.filter}"
        facts = {
            "layer": layer.name,
            "image": chosen.names[0],
            "notes": chosen.notes[0],
            "filter": self.filter,
        }
        return self._explained(subject.explained, own.examples(), title, facts=facts)

    def _explained(
        self,
        explained: Explained,
        examples: Sequence[WorkedExample],
        title: str,
        *,
        facts: Mapping[str, Any] = {},
    ) -> Explanation:
        texts = [each.set_in_lines(number) for number, each in enumerate(examples, start=1)]
        return Explanation(
            self, explained, sentence=f"{title}: {counted(len(examples), 'worked example')}",
            text="\n\n".join([title, *texts]),
            figures={f"{number:02}-{each.name}": each.draw for number, each in enumerate(examples, start=1)},
            arrays={key: array for each in examples for key, array in each.arrays.items()},
            facts={**facts, "examples": {each.name: each.facts for each in examples}},
        )  # fmt: skip
