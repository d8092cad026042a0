"""cnnlab explain equivalence"""

from __future__ import annotations

import click

from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, layer_option, technique
from cnnlab.errors import UserError

LARGEST = 200_000_000
"""Entries that are not zero; beyond it the sparse matrix alone takes gigabytes."""


OUTPUTS_SHOWN = 14


@technique
@layer_option("A convolution; by default the first.")
@click.option(
    "--filter", "filter_", type=click.IntRange(min=0), default=0, show_default=True, help="To draw."
)
@click.option("--images", type=click.IntRange(min=1), default=100, show_default=True, help="To prove it on.")
def command(subject: Subject, layer: str | None, filter_: int, images: int) -> Explanation:
    """A convolution written out as the Dense matrix that it is: most weights zero, the rest shared.

    \b
    cnnlab explain equivalence cnn
    cnnlab explain equivalence cnn --layer conv2d_2 --filter 7

    Fewer connections and shared weights are what makes a Dense layer a convolution (LeCun et al. 1989).
    """
    model = subject.model
    import numpy as np

    from cnnlab.analyses.equivalence import dense_twin, of_one_filter, prove
    from cnnlab.analyses.network import convolutions, find_layer, last_convolution, summary_name
    from cnnlab.pictures.drawings.matrices import dense_matrix

    last_convolution(model)  # says what is wrong where there is none
    found = find_layer(model, layer) if layer else convolutions(model)[0]
    layer = summary_name(found)
    entries = getattr(found, "kernel", np.zeros(1)).shape
    size = int(np.prod(entries) * np.prod([each or 1 for each in found.output.shape[1:]]) / entries[-1])
    if size > LARGEST:
        raise UserError(
            f"{layer}: its matrix has {size:,} weights, too many to write out; choose another --layer"
        )
    twin = dense_twin(model, layer)
    filters = twin.output_shape[2]
    if filter_ >= filters:
        raise UserError(f"--filter {filter_}: {layer} has {filters} filters, 0 to {filters - 1}")
    raw = subject.data.test.images[:images]
    proof = prove(model, layer, twin, subject.seen(raw))
    # One filter and one input channel: the rest of the matrix is the same picture again.
    weights, zoom, names = of_one_filter(twin, filter_, outputs=OUTPUTS_SHOWN)
    nonzero = twin.matrix.nnz
    cells = twin.matrix.shape[0] * twin.matrix.shape[1]
    kernel_weights = int(np.prod(entries))
    figure = dense_matrix(
        weights, zoom, names,
        title=f"{layer} is a Dense layer: {subject.name}",
        subtitle=f"As a matrix {layer} has {twin.matrix.shape[0]:,} × {twin.matrix.shape[1]:,} = "
        f"{cells:,} weights; {nonzero:,} ({100 * nonzero / cells:.2f} %) are not zero, and they are the same "
        f"{kernel_weights:,} numbers again and again. On {len(raw)} images both layers differ by "
        f"{proof.largest_difference:.1e} at most, of outputs up to {proof.largest_output:.3g}.",
        zoomed=f"its first {len(names)} outputs and the {names.shape[1]} inputs that they see; equal "
        "numbers, equal weights",
    )  # fmt: skip
    return Explanation(
        f"{layer} of {subject.name}: {cells:,} weights as a matrix, {nonzero:,} not zero, "
        f"{kernel_weights:,} different; outputs on {len(raw)} images differ by "
        f"{proof.largest_difference:.1e} at most, of up to {proof.largest_output:.3g}",
        {"": figure},
        {
            "data": twin.matrix.data, "indices": twin.matrix.indices, "indptr": twin.matrix.indptr,
            "shape": np.array(twin.matrix.shape), "bias": twin.bias, "shared": twin.shared.data,
        },
        {
            "layer": layer,
            "images": len(raw),
            "inputs": twin.matrix.shape[0],
            "outputs": twin.matrix.shape[1],
            "weights_as_matrix": cells,
            "weights_not_zero": nonzero,
            "weights_of_the_kernel": kernel_weights,
            "largest_difference": proof.largest_difference,
            "largest_output": proof.largest_output,
        },
    )  # fmt: skip
