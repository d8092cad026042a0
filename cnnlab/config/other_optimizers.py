"""The optimizers besides Adam; their classes are built only where a config names one of them."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from cnnlab.config.optimizers import Adam, LearningRate, Optimizer
from cnnlab.config.schedules import Constant
from cnnlab.language.fields import Above0, AtLeast0, Between0And1, Positive, Rate


class SGD(Optimizer):
    """Keras's SGD."""

    about: ClassVar[str] = "Stochastic gradient descent, optionally with momentum (Sutskever et al. 2013)."

    keras_class = "SGD"
    name: Literal["sgd"] = "sgd"
    learning_rate: LearningRate = Constant.model_construct(initial=0.01)
    momentum: Rate = 0.0
    nesterov: bool = False

    @model_validator(mode="after")
    def _no_idle_nesterov(self) -> Self:
        if not self.momentum:
            self.reject_unused("nesterov", reason="without momentum, such as momentum: 0.9")
        return self

    @property
    def own_slots(self) -> int:
        return 1 if self.momentum else 0


class RMSprop(Optimizer):
    """Keras's RMSprop."""

    about: ClassVar[str] = "Gradients divided by a running root mean square (Hinton 2012, lecture 6e)."

    keras_class = "RMSprop"
    name: Literal["rmsprop"] = "rmsprop"
    rho: Rate = 0.9
    momentum: Rate = 0.0
    epsilon: Above0 = 1e-7
    centered: bool = False

    @property
    def own_slots(self) -> int:
        return 1 + bool(self.momentum) + self.centered


class AdamW(Adam):
    """Keras's AdamW."""

    about: ClassVar[str] = (
        "Adam with weight decay separate from the gradient (Loshchilov & Hutter 2019, arXiv 1711.05101)."
    )

    keras_class = "AdamW"
    name: Literal["adamw"] = "adamw"  # type: ignore[assignment]  # another name is what makes it another kind
    weight_decay: AtLeast0 = 0.004


class Lion(Optimizer):
    """Keras's Lion."""

    about: ClassVar[str] = "The sign of a momentum (Chen et al. 2023, arXiv 2302.06675)."

    keras_class = "Lion"
    name: Literal["lion"] = "lion"
    beta_1: Between0And1 = 0.9
    beta_2: Rate = 0.99

    @property
    def own_slots(self) -> int:
        return 1


class Muon(Optimizer):
    """Keras's Muon."""

    about: ClassVar[str] = (
        "Orthogonalized momentum for the matrices of Dense layers, Adam for all other weights (Jordan et "
        "al. 2024).\n\nKernels of convolutions, which have four axes, are left to Adam too, as in Keras."
    )

    keras_class = "Muon"
    name: Literal["muon"] = "muon"
    weight_decay: AtLeast0 | None = 0.004
    adam_beta_1: Rate = 0.9
    adam_beta_2: Rate = 0.999
    adam_weight_decay: AtLeast0 | None = 0.004
    adam_lr_ratio: Above0 = 1.0
    epsilon: Above0 = 1e-7
    momentum: Rate = 0.95
    nesterov: bool = True
    ns_steps: Positive = 5
    rms_rate: AtLeast0 | None = 0.2

    @property
    def own_slots(self) -> int:
        return 2
