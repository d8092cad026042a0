"""A function and its way back, which is how everything here computes gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Backward = Callable[[np.ndarray], np.ndarray]
"""The loss's gradient with respect to the output → with respect to the input, of its shape and dtype."""

Computed = tuple[np.ndarray, Backward]
"""An output, and the way back from its gradient."""
