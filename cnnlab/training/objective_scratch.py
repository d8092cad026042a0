"""What a network of the engine is evaluated by: losses in NumPy."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets.content import Split
from cnnlab.scratch.activations import softmax
from cnnlab.scratch.losses import LossFunction, loss_function, mean_loss, targets_of
from cnnlab.training.objective import Objective


@dataclass(frozen=True)
class ScratchObjective(Objective):
    """Without Keras, so that no digit of the history depends on the host's threads."""

    function: LossFunction
    label_smoothing: float

    @classmethod
    def of(cls, config: ExperimentConfig, class_names: tuple[str, ...], train: Split) -> Self:
        objective, training = Objective.of(config, class_names, train), config.training
        own = {each.name: getattr(objective, each.name) for each in fields(objective)}
        function = loss_function(training.loss, from_logits=objective.logits)
        return cls(**own, function=function, label_smoothing=training.label_smoothing)

    def mean_loss(self, labels: np.ndarray, outputs: np.ndarray) -> float:
        targets = targets_of(labels, self.num_classes, outputs.dtype, self.label_smoothing)
        return mean_loss(self.function, targets, outputs)[0]

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        return softmax(outputs)[0] if self.logits else outputs
