"""Datasets: one file per source, one table. Importing this package reads no file and imports no NumPy."""

from __future__ import annotations

from collections.abc import Mapping

from cnnlab.datasets.base import DatasetConfig, Progress
from cnnlab.datasets.loading import load_dataset
from cnnlab.datasets.places import Places
from cnnlab.language.lazy_table import LazyTable

DATASETS: Mapping[str, type[DatasetConfig]] = LazyTable(
    {
        "mnist": "cnnlab.datasets.mnist:Mnist",
        "fashion_mnist": "cnnlab.datasets.mnist:FashionMnist",
        "cifar10": "cnnlab.datasets.cifar10:Cifar10",
        "colors": "cnnlab.datasets.colors:Colors",
        "shapes": "cnnlab.datasets.shapes:Shapes",
        "colored_shapes": "cnnlab.datasets.shapes:ColoredShapes",
        "xo": "cnnlab.datasets.xo:XO",
        "tones": "cnnlab.datasets.tones:Tones",
        "go": "cnnlab.datasets.go:Go",
    }
)
"""Every source by the name it has in a config."""

OWN_DATA: Mapping[str, type[DatasetConfig]] = LazyTable(
    {"folder": "cnnlab.datasets.folder:ImageFolder", "npz": "cnnlab.datasets.npz_file:NpzFile"}
)
"""Sources that a config gives by the path under this key, instead of by a name."""

__all__ = ["DATASETS", "OWN_DATA", "DatasetConfig", "Places", "Progress", "load_dataset"]
