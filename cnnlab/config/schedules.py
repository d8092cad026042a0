"""How the learning rate changes while training goes on: closed forms of the epochs that have passed."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from cnnlab.language.fields import Above0, AtLeast0, Settings
from cnnlab.language.lazy_table import LazyTable


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


SCHEDULES: LazyTable[Schedule] = LazyTable(
    {
        "constant": f"{__name__}:Constant",
        "cosine": "cnnlab.config.changing_rates:Cosine",
        "exponential": "cnnlab.config.changing_rates:Exponential",
        "one_cycle": "cnnlab.config.changing_rates:OneCycle",
        "step": "cnnlab.config.changing_rates:Step",
    }
)
