"""What an exported file says of itself: class names, how its images are prepared, where it comes from."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # of typing, pydantic takes it from Python 3.12 on

from cnnlab.config.experiment import ExperimentConfig, parse_config
from cnnlab.errors import UserError
from cnnlab.language.source import from_plain
from cnnlab.run_folders.records import Record
from cnnlab.version import __version__

KEY = "cnnlab"
"""Under which the facts stand, as JSON, in a file's metadata."""

FACTS_FILE = "cnnlab.json"
"""The same in formats that hold files."""

LARGEST = 1 << 22
"""Bytes of the facts: a config, and 361 names of classes at most."""


class Facts(TypedDict):
    """The metadata of an exported file."""

    cnnlab: str
    run: str
    experiment_digest: str
    seed: int
    classes: list[str]
    input: str
    output: str
    quantized: str | None
    test_accuracy: float
    dataset: dict[str, str | None]
    config: dict[str, Any]


def facts_of(record: Record, *, quantized: str | None) -> Facts:
    """The facts of a run's network."""
    dataset = record.config.dataset
    if dataset is None:
        raise UserError(f"{record.path}: this run has no dataset")
    height, width, channels = dataset.image_shape
    return {
        "cnnlab": __version__,
        "run": f"{record.path.parent.name}/{record.path.name}",
        "experiment_digest": record.config.digest,
        "seed": record.config.seed,
        "classes": list(dataset.class_names),
        "input": f"images: (batch, {height}, {width}, {channels}) uint8, 0 to 255",
        "output": f"probabilities: (batch, {len(dataset.class_names)}) float32",
        "quantized": quantized,
        "test_accuracy": record.result.test_accuracy,
        "dataset": {
            "name": record.dataset.name, "digest": record.dataset.digest, "status": record.dataset.status,
        },
        "config": record.config.plain(),
    }  # fmt: skip


def read_facts(text: str | bytes | None, path: str) -> ExperimentConfig:
    """The experiment whose network a file holds, as its metadata says.

    Raises:
        UserError: there are none, or they are not what cnnlab writes.
    """
    problem = f"{path}: expected a file that cnnlab export has written, found"
    if text is None:
        raise UserError(f"{problem} no metadata of cnnlab's in it")
    if len(text) > LARGEST:
        raise UserError(f"{problem} {len(text):,} bytes of metadata")
    try:
        facts = TypeAdapter(Facts).validate_python(json.loads(text))
    except (ValueError, RecursionError, ValidationError):
        raise UserError(f"{problem} damaged metadata") from None
    config = parse_config(from_plain(facts["config"], path), default_name="exported", trained=True)
    if config.dataset is None or list(config.dataset.class_names) != facts["classes"]:
        raise UserError(f"{problem} metadata that contradicts itself")
    return config
