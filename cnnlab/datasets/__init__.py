"""Datasets: one file per source, one table. Importing this package reads no file and imports no NumPy."""

from __future__ import annotations

from cnnlab.datasets.base import DatasetConfig, Progress
from cnnlab.datasets.cifar10 import Cifar10
from cnnlab.datasets.colors import Colors
from cnnlab.datasets.loading import load_dataset
from cnnlab.datasets.mnist import FashionMnist, Mnist
from cnnlab.datasets.places import Places

DATASETS: dict[str, type[DatasetConfig]] = {
    "mnist": Mnist,
    "fashion_mnist": FashionMnist,
    "cifar10": Cifar10,
    "colors": Colors,
}
"""Every source by the name it has in a config."""

__all__ = ["DATASETS", "DatasetConfig", "Places", "Progress", "load_dataset"]
