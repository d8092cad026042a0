"""How the learning rate changes while training goes on: closed forms of the epochs that have passed."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

from cnnlab.language.fields import Above0, AtLeast0, Between0And1, Positive, Settings


class Schedule(Settings):
    """A learning rate for every moment of training. Time is counted in epochs and need not be whole.

    With `warm_up: W` the rate first rises linearly over W epochs, from 0 to where the schedule begins (Goyal
    et al. 2017, arXiv 1706.02677); the schedule itself then takes the remaining epochs.
    """

    name: str
    initial: Above0
    warm_up: AtLeast0 = 0.0

    def rate(self, epoch: Any, epochs: float, ops: Any) -> Any:
        """The learning rate after `epoch` of `epochs` epochs.

        Args:
            epoch: a number or tensor, float32.
            ops: the module that computes with it: `keras.ops`, or NumPy.
        """
        if not self.warm_up:
            return self.main_rate(epoch, epochs, ops)
        rising = self.main_rate(0.0 * epoch, epochs - self.warm_up, ops) * epoch / self.warm_up
        main = self.main_rate(ops.maximum(epoch - self.warm_up, 0.0), epochs - self.warm_up, ops)
        return ops.where(epoch < self.warm_up, rising, main)

    def main_rate(self, epoch: Any, epochs: float, ops: Any) -> Any:
        """The rate after the warm-up; `epoch` and `epochs` are counted from its end."""
        raise NotImplementedError

    @property
    def changes(self) -> bool:
        """Whether the rate differs between two moments."""
        return True


class Constant(Schedule):
    """A constant rate."""

    about: ClassVar[str] = "The same rate throughout; `learning_rate: 0.1` is short for it."

    name: Literal["constant"] = "constant"

    def main_rate(self, epoch: Any, epochs: float, ops: Any) -> Any:
        return self.initial + 0.0 * epoch

    @property
    def changes(self) -> bool:
        return self.warm_up > 0


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


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "cosine": Cosine,
    "exponential": Exponential,
    "one_cycle": OneCycle,
    "step": Step,
}
