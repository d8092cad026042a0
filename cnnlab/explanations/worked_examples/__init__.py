"""The examples of `cnnlab explain convolution`: numbers, sentences and a picture each."""

from __future__ import annotations

from cnnlab.explanations.worked_examples import matrices, signals, windows
from cnnlab.explanations.worked_examples.example import WorkedExample


def all_examples() -> list[WorkedExample]:
    """Those that need no network, in the order of a lecture."""
    return [
        windows.numbered_pixels(), windows.flipped_kernel(), windows.arithmetic(), windows.multiplications(),
        matrices.im2col(), matrices.pooling_gradient(), matrices.tied_weights(),
        signals.dice(), signals.fourier(), signals.subsampling(),
    ]  # fmt: skip
