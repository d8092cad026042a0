"""Training steps on PyTorch: eager, one after the other; there is no loop to compile."""

from __future__ import annotations

import numpy as np
import torch

from cnnlab.datasets.memory_mapped import stays_on_disk
from cnnlab.training.steps import Learner, StepResults, Steps


def compile_steps(learner: Learner) -> Steps:
    """See `cnnlab.training.steps.compile_steps`."""
    return TorchSteps(learner)


class TorchSteps:
    """Keras's model with PyTorch's autograd. The training images lie on the device as uint8."""

    def __init__(self, learner: Learner) -> None:
        from keras.src.backend.torch.core import get_device

        self._learner = learner
        self._device = get_device()
        on_disk = stays_on_disk(learner.train.images)
        self._images = None if on_disk else self._tensor(learner.train.images)
        self._labels = self._tensor(learner.train.labels)
        self._factor, self._offset = self._tensor(learner.pixels.factor), self._tensor(learner.pixels.offset)
        learner.optimizer.build(learner.model.trainable_variables)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(np.ascontiguousarray(array), device=self._device)

    def _pixels(self, batch: torch.Tensor) -> torch.Tensor:
        return batch.to(torch.float32) / 255.0 * self._factor + self._offset

    def run(self, batches: np.ndarray, start: int, stop: int) -> StepResults:
        results = [self._step(self._tensor(indices)) for indices in batches[start:stop].astype(np.int64)]
        losses, right = zip(*results, strict=True)
        return StepResults(np.array(losses, np.float32), np.array(right, np.int32))

    def _step(self, indices: torch.Tensor) -> tuple[float, int]:
        model, optimizer, objective = self._learner.model, self._learner.optimizer, self._learner.objective
        labels = self._labels[indices]
        if self._images is None:
            images = self._tensor(self._learner.train.images[indices.cpu().numpy()])
        else:
            images = self._images[indices]
        outputs = model(self._pixels(images), training=True)
        loss = objective.training_loss(labels, outputs) + sum(model.losses)
        model.zero_grad()
        optimizer.scale_loss(loss).backward()
        variables = model.trainable_variables
        gradients = [variable.value.grad for variable in variables]
        with torch.no_grad():
            optimizer.apply(gradients, variables)
        return float(loss.detach()), int(objective.correct(labels, outputs.detach()))

    def outputs(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        batches = (images[start : start + batch_size] for start in range(0, len(images), batch_size))
        with torch.no_grad():
            outputs = [
                self._learner.model(self._pixels(self._tensor(each)), training=False) for each in batches
            ]
            return np.asarray(torch.cat(outputs).cpu().numpy())
