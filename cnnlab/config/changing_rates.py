"""The schedules besides a constant rate; their classes are built only where a config names one of them."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

from cnnlab.config.schedules import Schedule
from cnnlab.language.fields import Above0, AtLeast0, Between0And1, Positive


class Step(Schedule):
    """Step decay."""

    about: ClassVar[str] = "Multiplied by `factor` every `every` epochs."

    name: Literal["step"] = "step"
    factor: Between0And1 = 0.1
    every: Positive

    def main_rate(self, epoch: Any, epochs: float, ops: Any) -> Any:
        # A hair above the quotient: float32 may put the last step of a whole epoch just below it.
        return self.initial * self.factor ** ops.floor(epoch / self.every + 1e-5)


class Exponential(Schedule):
    """Exponential decay."""

    about: ClassVar[str] = "Multiplied by `factor` per epoch, smoothly."

    name: Literal["exponential"] = "exponential"
    factor: Between0And1 = 0.95

    def main_rate(self, epoch: Any, epochs: float, ops: Any) -> Any:
        return self.initial * self.factor**epoch


class Cosine(Schedule):
    """Cosine decay (Loshchilov & Hutter 2017)."""

    about: ClassVar[str] = (
        "Half a cosine from `initial` down to `final` (Loshchilov & Hutter 2017, arXiv 1608.03983)."
    )

    name: Literal["cosine"] = "cosine"
    final: AtLeast0 = 0.0

    def main_rate(self, epoch: Any, epochs: float, ops: Any) -> Any:
        return _half_cosine(self.initial, self.final, ops.minimum(epoch / epochs, 1.0), ops)


class OneCycle(Schedule):
    """The one-cycle policy (Smith & Topin 2018)."""

    about: ClassVar[str] = (
        "Up from `initial` to `peak` during the share `rise` of the epochs, then down to `final`, both as "
        "half cosines.\n\nSmith & Topin 2018 (arXiv 1708.07120)."
    )

    name: Literal["one_cycle"] = "one_cycle"
    initial: Above0 = 0.0004
    peak: Above0 = 0.01
    final: AtLeast0 = 0.0
    rise: Between0And1 = 0.3

    def main_rate(self, epoch: Any, epochs: float, ops: Any) -> Any:
        share = ops.minimum(epoch / epochs, 1.0)
        up = _half_cosine(self.initial, self.peak, share / self.rise, ops)
        down = _half_cosine(self.peak, self.final, (share - self.rise) / (1 - self.rise), ops)
        return ops.where(share < self.rise, up, down)


def _half_cosine(start: float, end: float, share: Any, ops: Any) -> Any:
    return end + (start - end) * 0.5 * (1.0 + ops.cos(math.pi * share))
