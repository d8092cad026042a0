"""Layers that arrange the same numbers differently; backwards they are put back."""

from __future__ import annotations

import numpy as np

from cnnlab.layers import reshaping as described
from cnnlab.scratch.backward import Computed
from cnnlab.scratch.layer import Mode, Weightless


class Reshape(Weightless[described.Reshape]):
    """The same numbers, row by row, in another shape."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        shape = self.settings.output_shape(self.input_shapes[0])
        return inputs.reshape(len(inputs), *shape), lambda gradient: gradient.reshape(inputs.shape)


class Permute(Weightless[described.Permute]):
    """The axes in another order."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        order = (0, *self.settings.dims)
        return inputs.transpose(order), lambda gradient: gradient.transpose(np.argsort(order))
