"""A convolution written as the weight matrix of a Dense layer."""

from __future__ import annotations

from pydantic import Field

from cnnlab.errors import OptionError, UserError
from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.options import Count, Index
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique

LARGEST = 200_000_000
"""Entries that are not zero; beyond it the sparse matrix alone takes gigabytes."""

OUTPUTS_SHOWN = 14


class Equivalence(Technique):
    """Write a convolution out as a Dense matrix, and compare the outputs of the two."""

    name = "equivalence"
    summary = "A convolution written as the weight matrix of a Dense layer."
    examples = ("cnn", "cnn --layer conv2d_2 --filter 7")
    description = "A convolution is a Dense layer with most weights zero and the rest shared."
    papers = ("LeCun et al. 1989",)

    layer: str | None = Field(None, description="A convolution; by default the first.")
    filter: Index = Field(0, description="The filter whose part of the matrix is drawn.")
    images: Count = Field(100, description="Number of test images on which the outputs are compared.")

    def explain(self, subject: Subject) -> Explanation:
        model = subject.model
        import numpy as np

        from cnnlab.analyses.equivalence import dense_twin, of_one_filter, prove
        from cnnlab.analyses.network import convolutions, find_layer, last_convolution, summary_name
        from cnnlab.pictures.drawings.matrices import dense_matrix

        last_convolution(model)  # says what is wrong where there is none
        found = find_layer(model, self.layer) if self.layer else convolutions(model)[0]
        layer = summary_name(found)
        entries = getattr(found, "kernel", np.zeros(1)).shape
        size = int(np.prod(entries) * np.prod([each or 1 for each in found.output.shape[1:]]) / entries[-1])
        if size > LARGEST:
            raise UserError(
                f"{layer}: its matrix has {size:,} weights, too many to write out; choose another layer"
            )
        twin = dense_twin(model, layer)
        filters = twin.output_shape[2]
        if self.filter >= filters:
            raise OptionError(
                "filter", f"{layer} has {filters} filters, 0 to {filters - 1}", value=self.filter
            )
        raw = subject.data.test.images[: self.images]
        proof = prove(model, layer, twin, subject.to_inputs(raw))
        # One filter and one input channel: the rest of the matrix is the same picture again.
        weights, zoom, names = of_one_filter(twin, self.filter, outputs=OUTPUTS_SHOWN)
        inputs, outputs = twin.matrix.shape
        nonzero, cells, kernel_weights = twin.matrix.nnz, inputs * outputs, int(np.prod(entries))
        difference = f"at most {proof.largest_difference:.1e}, at outputs of up to {proof.largest_output:.3g}"
        return Explanation(
            self, subject.explained,
            sentence=f"{layer} of {subject.name}: {cells:,} weights as a matrix, {nonzero:,} not zero, "
            f"{kernel_weights:,} different; outputs on {len(raw)} images differ by {difference}",
            figures={
                "equivalence": lambda: dense_matrix(
                    weights, zoom, names, title=f"{layer} as a Dense layer: {subject.name}",
                    subtitle=f"As a matrix, {layer} has {inputs:,} × {outputs:,} = {cells:,} weights; "
                    f"{nonzero:,} ({nonzero / cells:.2%}) are not zero, and they repeat the same "
                    f"{kernel_weights:,} numbers. On {len(raw)} images, the outputs of both layers differ by "
                    f"{difference}.",
                    zoomed=f"its first {len(names)} outputs and the {names.shape[1]} inputs that they see; "
                    "equal numbers, equal weights",
                )
            },
            arrays={
                "data": twin.matrix.data, "indices": twin.matrix.indices, "indptr": twin.matrix.indptr,
                "shape": np.array(twin.matrix.shape), "bias": twin.bias, "shared": twin.shared.data,
            },
            facts={
                "layer": layer, "images": len(raw), "inputs": inputs, "outputs": outputs,
                "weights_as_matrix": cells, "weights_not_zero": nonzero,
                "weights_of_the_kernel": kernel_weights, "largest_difference": proof.largest_difference,
                "largest_output": proof.largest_output,
            },
            taken={"layer": layer},
        )  # fmt: skip
