"""The weights of a run after each epoch, as a page with a slider has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.errors import UserError
from cnnlab.live_page.network import LiveNetwork, Precision, encoded, precision_of, text_bytes
from cnnlab.run_folders.epochs import epoch_weights, kept_epochs

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.reporting import Reporter

MOST_BYTES = 40_000_000
"""Of all weights in a page, which phones open, too."""


def check_kept(folder: Path, run: str) -> None:
    """Refuse a run without weights of its epochs.

    Raises:
        UserError: it has kept none.
    """
    if not kept_epochs(folder):
        raise UserError(
            f"{run}: --epochs needs a run that has kept the weights of its epochs; train it again with "
            "--fresh --set training.keep_epochs=true"
        )


def epochs_of(network: LiveNetwork, images: np.ndarray, reporter: Reporter) -> dict[str, Any]:
    """What the slider needs: epochs, weights and validation accuracies.

    Each epoch's weights have the precision that its own probabilities need: those of the last epoch say
    nothing of the others. Where all epochs are more than 40 MB, some are left out, evenly; a note says so.

    Args:
        images: (N, H, W, C) uint8, with which it is tried out whether weights of 16 bits are enough.
    """
    record, model = network.record, network.model
    kept = kept_epochs(record.path)
    precisions: dict[int, Precision] = {}
    for epoch in kept:
        model.set_all_weights(epoch_weights(record.path, epoch))
        precisions[epoch] = precision_of(model, images, model.probabilities(images))
    numbers = sum(array.size for layer in network.weights for array in layer)
    largest = max(text_bytes(numbers, precision) for precision in precisions.values())
    chosen = spread(kept, max(2, MOST_BYTES // largest))
    if len(chosen) < len(kept):
        reporter.note(f"the page has {len(chosen)} of {len(kept)} epochs, so that it stays below 40 MB")
    weights = []
    for epoch in chosen:
        model.set_all_weights(epoch_weights(record.path, epoch))
        weights.append(encoded(model.weights, precisions[epoch]))
    history = [{"epoch": row["epoch"], "validation_accuracy": row["val_accuracy"]} for row in record.history]
    return {"epochs": chosen, "weights": weights, "history": history}


def spread(epochs: Sequence[int], most: int) -> list[int]:
    """At most so many of the epochs, evenly, the first and the last among them."""
    if len(epochs) <= most:
        return list(epochs)
    step = (len(epochs) - 1) / (most - 1)
    return [epochs[round(index * step)] for index in range(most)]
