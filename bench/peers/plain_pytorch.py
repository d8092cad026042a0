"""The same network, data and settings in native PyTorch: channels last, one loop over shuffled batches.

usage: plain_pytorch.py dnn|cnn DATA_DIR EPOCHS SEED      see bench/README.md
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def network_of(name: str) -> nn.Sequential:
    """The network with weights as Keras draws them: Glorot uniform, biases 0."""
    stacks = {
        "dnn": lambda: [
            *(nn.Flatten(), nn.Linear(784, 500), nn.ReLU()),
            *(nn.Linear(500, 500), nn.ReLU()),
            *(nn.Linear(500, 500), nn.ReLU()),
            nn.Linear(500, 10),
        ],
        "cnn": lambda: [
            *(nn.Conv2d(1, 25, 3), nn.MaxPool2d(2)),
            *(nn.Conv2d(25, 50, 3), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(1250, 100), nn.ReLU()),
            nn.Linear(100, 10),
        ],
    }
    network = nn.Sequential(*stacks[name]())
    for layer in network:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network.to(memory_format=torch.channels_last)


def adam(network: nn.Module) -> torch.optim.Optimizer:
    """With the epsilon of Keras."""
    return torch.optim.Adam(network.parameters(), lr=0.001, eps=1e-7)


def mnist(folder: str) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Images (N, 1, 28, 28) float32, channels last, and labels (N,): of training, validation and test."""

    def tensors(images: np.ndarray, labels: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        pixels = torch.from_numpy(images).unsqueeze(1).float() / 255
        return pixels.to(memory_format=torch.channels_last), torch.from_numpy(labels).long()

    with np.load(Path(folder) / "mnist.npz") as arrays:
        x_train, y_train = arrays["x_train"], arrays["y_train"]
        return {
            "train": tensors(x_train[:10000], y_train[:10000]),
            "validation": tensors(x_train[10000:15000], y_train[10000:15000]),
            "test": tensors(arrays["x_test"], arrays["y_test"]),
        }


def report(seconds: list[float], accuracy: float, **versions: str) -> None:
    """Print what every peer prints."""
    print(
        json.dumps(
            {
                "seconds": seconds,
                "test_accuracy": accuracy,
                "peak_memory_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
                "onednn": torch.backends.mkldnn.is_available(),
                "versions": {"torch": torch.__version__, **versions},
            }
        )
    )


@torch.no_grad()
def evaluate(network: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Loss and accuracy."""
    network.eval()
    scores = torch.cat([network(batch) for batch in images.split(500)])
    network.train()
    loss = nn.functional.cross_entropy(scores, labels).item()
    return loss, (scores.argmax(1) == labels).float().mean().item()


def main() -> None:
    name, folder, epochs, seed = sys.argv[1:]
    data = {split: (x.to(DEVICE), y.to(DEVICE)) for split, (x, y) in mnist(folder).items()}
    images, labels = data["train"]
    torch.manual_seed(int(seed))
    network = network_of(name).to(DEVICE)
    optimizer = adam(network)
    seconds = []
    for _ in range(int(epochs)):
        began = time.perf_counter()
        losses, correct = torch.zeros((), device=DEVICE), torch.zeros((), device=DEVICE)
        for batch in torch.randperm(len(images), device=DEVICE).split(100):
            optimizer.zero_grad()
            scores = network(images[batch])
            loss = nn.functional.cross_entropy(scores, labels[batch])
            loss.backward()
            optimizer.step()
            losses += loss.detach() * len(batch)
            correct += (scores.detach().argmax(1) == labels[batch]).sum()
        _ = (losses / len(images)).item(), (correct / len(images)).item()  # waits for a GPU, too
        seconds.append(time.perf_counter() - began)
        evaluate(network, *data["validation"])
    _, accuracy = evaluate(network, *data["test"])
    report(seconds, accuracy)


if __name__ == "__main__":
    main()
