"""The optimizers that a config may name: Keras's, with Keras's arguments and defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from cnnlab.fields import Rate, Settings

if TYPE_CHECKING:
    import keras

LearningRate = Annotated[float, Field(gt=0)]
Epsilon = Annotated[float, Field(gt=0)]


class Optimizer(Settings):
    """How a gradient changes the weights. Subclasses carry the fields of the Keras class they name."""

    keras_class: ClassVar[str]
    name: str
    learning_rate: LearningRate

    @property
    def slots(self) -> int:
        """How many numbers the optimizer remembers for each weight; memory estimates need it."""
        raise NotImplementedError

    def arguments(self) -> dict[str, Any]:
        return self.model_dump(exclude={"name"})

    def build(self) -> keras.optimizers.Optimizer:
        import keras

        optimizer: keras.optimizers.Optimizer = getattr(keras.optimizers, self.keras_class)(
            **self.arguments()
        )
        return optimizer


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum where asked for (Sutskever et al. 2013)."""

    keras_class = "SGD"
    name: Literal["sgd"] = "sgd"
    learning_rate: LearningRate = 0.01
    momentum: Rate = 0.0
    nesterov: bool = False

    @property
    def slots(self) -> int:
        return 1 if self.momentum else 0


class RMSprop(Optimizer):
    """Gradients divided by a running root mean square (Hinton 2012, lecture 6e)."""

    keras_class = "RMSprop"
    name: Literal["rmsprop"] = "rmsprop"
    learning_rate: LearningRate = 0.001
    rho: Rate = 0.9
    momentum: Rate = 0.0
    epsilon: Epsilon = 1e-7
    centered: bool = False

    @property
    def slots(self) -> int:
        return 1 + bool(self.momentum) + self.centered


class Adam(Optimizer):
    """Adaptive moments (Kingma & Ba 2015)."""

    keras_class = "Adam"
    name: Literal["adam"] = "adam"
    learning_rate: LearningRate = 0.001
    beta_1: Rate = 0.9
    beta_2: Rate = 0.999
    epsilon: Epsilon = 1e-7
    amsgrad: bool = False

    @property
    def slots(self) -> int:
        return 2 + self.amsgrad


OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}
