"""The weights of a run after each epoch, as a page with a slider has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.errors import UserError
from cnnlab.live_page.network import LiveNetwork, encoded, weights_by_layer
from cnnlab.run_folders.epochs import epoch_weights, kept_epochs

if TYPE_CHECKING:
    from cnnlab.reporting import Reporter

MOST_BYTES = 40_000_000
"""Of all weights in a page, as text; phones open it, too."""


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


def epochs_of(network: LiveNetwork, reporter: Reporter) -> dict[str, Any]:
    """What the slider needs: epochs, weights and validation accuracies.

    Where all epochs are more than 40 MB, some are left out, evenly; a note says so.
    """
    record = network.record
    kept = kept_epochs(record.path)
    one = len(encoded(network.weights, "float32")["weights"])
    chosen = spread(kept, max(2, MOST_BYTES // max(1, one)))
    if len(chosen) < len(kept):
        reporter.note(f"the page has {len(chosen)} of {len(kept)} epochs, so that they stay below 40 MB")
    weights = []
    for epoch in chosen:
        network.model.set_weights(epoch_weights(record.path, epoch))
        weights.append(encoded(weights_by_layer(network.model, record.config.nodes), "float32"))
    history = [{"epoch": row["epoch"], "validation_accuracy": row["val_accuracy"]} for row in record.history]
    return {"epochs": chosen, "weights": weights, "history": history}


def spread(epochs: Sequence[int], most: int) -> list[int]:
    """At most so many of the epochs, evenly, the first and the last among them."""
    if len(epochs) <= most:
        return list(epochs)
    step = (len(epochs) - 1) / (most - 1)
    return [epochs[round(index * step)] for index in range(most)]
