from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cnnlab.comparison import ExperimentRuns
from cnnlab.config.experiment import ExperimentConfig, load_config
from cnnlab.run_folders.contents import RunResult
from cnnlab.run_folders.records import Record

CONFIGS = Path(__file__).parents[2] / "configs"

OFFICIAL = {
    "name": "mnist",
    "title": "MNIST",
    "origin": "/data/mnist",
    "status": "official",
    "digest": "d" * 64,
    "test_digest": "a1" * 32,
    "warning": None,
}


@cache
def config_of(experiment: str) -> ExperimentConfig:
    return load_config(str(CONFIGS / f"{experiment}.yaml"))


def make_record(
    experiment: str = "cnn",
    seed: int = 0,
    accuracy: float = 0.98,
    *,
    name: str | None = None,
    epochs: int | None = None,
    dataset: Mapping[str, Any] = OFFICIAL,
    **result: Any,
) -> Record:
    """A finished run that never ran; `result` replaces entries of its result.json."""
    config = config_of(experiment).with_seed(seed)
    if name is not None:
        config = config.model_copy(update={"name": name})
    if epochs is not None:
        training = config.training.model_copy(update={"epochs": epochs})
        config = config.model_copy(update={"training": training})
    measured = {
        "name": config.name,
        "digest": config.digest,
        "seed": seed,
        "params": config.architecture.total_params,
        "macs": config.architecture.macs,
        "train_accuracy": 0.999,
        "validation_accuracy": accuracy - 0.001,
        "test_accuracy": accuracy,
        "train_loss": 0.01,
        "validation_loss": 0.08,
        "test_loss": 0.07,
        "seconds": 41.5 + seed,
        "seconds_per_epoch": 2.0 + seed / 10,
        "images_per_second": 5000.0 - seed,
        "peak_memory_bytes": 700_000_000 + seed,
    }
    history = ({"epoch": 1, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.3, "val_accuracy": accuracy},)
    return Record(
        path=Path(f"{config.name}-{config.digest[:8]}/seed-{seed}"),
        config=config,
        result=RunResult(**(measured | result)),
        history=history,
        environment={"dataset": dict(dataset)},
        checked=True,
    )


def make_experiment(
    experiment: str, accuracies: Mapping[int, float] | Sequence[float], **changes: Any
) -> ExperimentRuns:
    """An experiment with these test accuracies, by seed, or with seeds from 0 on."""
    by_seed = accuracies if isinstance(accuracies, Mapping) else dict(enumerate(accuracies))
    return ExperimentRuns.of(make_record(experiment, seed, each, **changes) for seed, each in by_seed.items())


@pytest.fixture
def record() -> Callable[..., Record]:
    return make_record


@pytest.fixture
def experiment() -> Callable[..., ExperimentRuns]:
    return make_experiment
