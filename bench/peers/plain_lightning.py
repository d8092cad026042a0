"""The same network, data and settings with Lightning: a module, data loaders and a trainer.

usage: plain_lightning.py dnn|cnn DATA_DIR EPOCHS SEED      see bench/README.md
"""

import logging
import sys
import time
import warnings

import lightning
import torch
from plain_pytorch import adam, evaluate, mnist, network_of, report
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Classifier(lightning.LightningModule):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def step(self, batch, name):
        images, labels = batch
        scores = self.network(images.contiguous(memory_format=torch.channels_last))
        loss = nn.functional.cross_entropy(scores, labels)
        accuracy = (scores.argmax(1) == labels).float().mean()
        self.log_dict({f"{name}_loss": loss, f"{name}_accuracy": accuracy}, on_step=False, on_epoch=True)
        return loss

    def training_step(self, batch, index):
        return self.step(batch, "train")

    def validation_step(self, batch, index):
        self.step(batch, "val")

    def configure_optimizers(self):
        return adam(self.network)


class EpochSeconds(lightning.Callback):
    """Seconds of the training steps of each epoch, validation not counted."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_epoch_start(self, trainer, module):
        self.began = time.perf_counter()

    def on_validation_start(self, trainer, module):  # the first thing after an epoch's last step
        self.seconds.append(time.perf_counter() - self.began)


def main() -> None:
    name, folder, epochs, seed = sys.argv[1:]
    logging.getLogger("lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")  # its advice to load tensors in other processes is slower
    lightning.seed_everything(int(seed), verbose=False)
    data = mnist(folder)
    model = Classifier(network_of(name))
    timer = EpochSeconds()
    trainer = lightning.Trainer(
        max_epochs=int(epochs),
        callbacks=[timer],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(
        model,
        DataLoader(TensorDataset(*data["train"]), batch_size=100, shuffle=True),
        DataLoader(TensorDataset(*data["validation"]), batch_size=500),
    )
    _, accuracy = evaluate(model.network.cpu(), *data["test"])
    report(timer.seconds, accuracy, lightning=lightning.__version__)


if __name__ == "__main__":
    main()
