"""Datasets: one file per source, one table. Importing this package reads no file and imports no NumPy."""

from __future__ import annotations

from collections.abc import Mapping

from cnnlab.datasets.base import DatasetConfig, DownloadProgress
from cnnlab.datasets.data_paths import DataPaths
from cnnlab.datasets.loading import load_dataset
from cnnlab.language.lazy_table import LazyTable

DATASETS: LazyTable[DatasetConfig] = LazyTable(
    {
        "mnist": "cnnlab.datasets.sources.mnist:Mnist",
        "fashion_mnist": "cnnlab.datasets.sources.mnist:FashionMnist",
        "cifar10": "cnnlab.datasets.sources.cifar10:Cifar10",
        "colors": "cnnlab.datasets.sources.colors:Colors",
        "shapes": "cnnlab.datasets.sources.shapes:Shapes",
        "colored_shapes": "cnnlab.datasets.sources.shapes:ColoredShapes",
        "xo": "cnnlab.datasets.sources.xo:XO",
        "tones": "cnnlab.datasets.sources.tones:Tones",
        "larger_norm": "cnnlab.datasets.sources.larger_norm:LargerNorm",
        "go": "cnnlab.datasets.sources.go:Go",
    },
    group="cnnlab.datasets",
    base="cnnlab.datasets.base:DatasetConfig",
    name_of=lambda dataset: dataset.model_fields["name"].default,
    required=("name", "title", "image_shape", "all_classes", "train_count", "test_count", "read"),
)
"""Every source by the name it has in a config; those of plug-ins included."""

OWN_DATA: Mapping[str, type[DatasetConfig]] = LazyTable(
    {"folder": "cnnlab.datasets.sources.folder:ImageFolder", "npz": "cnnlab.datasets.sources.npz:NpzFile"}
)
"""Sources that a config gives by the path under this key, instead of by a name."""

__all__ = ["DATASETS", "OWN_DATA", "DataPaths", "DatasetConfig", "DownloadProgress", "load_dataset"]
