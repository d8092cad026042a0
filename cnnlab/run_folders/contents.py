"""The JSON files of a run folder as types: what it reached, and on which data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from functools import cache
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # Pydantic needs this one before Python 3.12

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, kw_only=True)
class RunWarning:
    """An entry of `warnings` in result.json: a sign that a training did not go well."""

    kind: str
    """constant_labels, constant_predictions, dead_relu, exploding_loss, learning_rate_high,
    learning_rate_low, not_learning or shuffled_labels."""

    epoch: Count
    """The first epoch after which it was seen."""

    layer: str | None
    """The layer that it is about, as the summary names it; None where it is about the whole network."""

    message: str
    """What was seen, and what to do."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The content of result.json. Accuracies are shares from 0 to 1.

    What was not measured is None: validation without validation images, and what older versions did not
    record.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(allow_inf_nan=False)

    name: str
    digest: str
    seed: int
    test_accuracy: Share
    validation_accuracy: Share | None = None
    train_accuracy: Share | None = None
    test_loss: float | None = None
    validation_loss: float | None = None
    train_loss: float | None = None
    params: Count
    trainable_params: Count | None = None
    macs: Count | None
    epochs: Count | None = None
    best_epoch: Count | None = None
    tested_epoch: Count | None = None
    """The epoch whose weights were evaluated and kept."""

    seconds: float
    """The whole run."""

    seconds_per_epoch: float | None = None
    images_per_second: float | None = None
    peak_memory_bytes: int | None = None
    """What a process that trains only this run needs: what it held before its first run, the images, and the
    most that the network took on top until it was evaluated. On a GPU: the most that the network took there.
    The same, within some per cent, whatever the process trained before. None where the system cannot tell a
    run's peak from an earlier one's; `peak_memory` in environment.json says so. Versions up to 0.1.0 recorded
    the peak of the whole process."""

    side_by_side: Count | None = None
    """How many runs were trained at the same time, at most: they share the machine, and what was measured of
    time and memory says little about one of them. None: this one alone; the file lacks the key then."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    """Those of `training.metrics`, by split and name: test_top5_accuracy."""

    warnings: tuple[RunWarning, ...] = ()
    """Signs that the training did not go well; none in runs of versions that did not look for them."""

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read the content of a result.json.

        Raises:
            ValueError: an entry is missing that every version has written, or one has another type.
        """
        _check_complete(cls, content)
        known = {key: value for key, value in content.items() if key in (*RESULT_KEYS, "warnings")}
        metrics = {key: content[key] for key in content if key not in known}
        return cast("Self", _typed(cls, known | {"metrics": metrics}))

    def as_dict(self) -> dict[str, Any]:
        """The content of result.json, its keys in the file's order."""
        rest = {key: getattr(self, key) for key in RESULT_KEYS}
        scores = [f"{split}_{score}" for split in ("train", "validation", "test")
                  for score in ("loss", "accuracy")]  # fmt: skip
        first = {key: rest.pop(key) for key in ("name", "digest", "seed", *scores)}
        epochs = {key: rest.pop(key) for key in ("epochs", "best_epoch", "tested_epoch")}
        if self.side_by_side is None:
            del rest["side_by_side"]
        return {
            **first,
            **self.metrics,
            **epochs,
            **rest,
            "warnings": [asdict(each) for each in self.warnings],
        }


class RunStatus(TypedDict, total=False):
    """The content of run.json; other entries are as they come."""

    __pydantic_config__ = ConfigDict(allow_inf_nan=False)  # type: ignore[misc]

    format: int
    state: str
    started: str
    updated: str
    command: list[str]
    pid: int
    seconds: float
    error: str | None
    digest: str
    seed: int
    data: str
    resumed_elsewhere: bool
    files: dict[str, str] | None


class RunEnvironment(TypedDict, total=False):
    """The content of environment.json, so far as it is looked into."""

    backend: str
    device: str
    device_name: str
    platform: str
    precision: str
    git_commit: str | None
    side_by_side: int
    together: int
    together_seeds: list[int]
    dataset: dict[str, str | dict[str, float] | None]
    plugins: dict[str, str]


RESULT_KEYS = tuple(each.name for each in fields(RunResult) if each.name not in ("metrics", "warnings"))
"""The names of all quantities but the metrics, which differ from run to run."""


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """The entry `dataset` of environment.json: the name of the data, then its `Provenance`."""

    name: str
    title: str
    origin: str
    status: str
    digest: str
    test_digest: str
    warning: str | None = None
    permute_pixels: dict[str, int] | None = None
    label_noise: dict[str, float] | None = None
    fold: dict[str, int] | None = None

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read the entry.

        Raises:
            ValueError: a part of it is missing that every version has written, or one has another type.
        """
        _check_complete(cls, content)
        return cast("Self", _typed(cls, {each.name: content.get(each.name) for each in fields(cls)}))

    def as_dict(self) -> dict[str, Any]:
        """The entry, its keys in the file's order; what was not done to the images is left out."""
        return {key: each for key, each in asdict(self).items() if each is not None or key == "warning"}


KINDS = {"run.json": RunStatus, "result.json": RunResult, "environment.json": RunEnvironment}


def check_content(file: str, content: Any) -> None:
    """Check that what stands in one of a run's JSON files has the types that everybody expects there.

    Raises:
        ValueError: which entry has not.
    """
    if not isinstance(content, Mapping):
        raise ValueError("expected a mapping")  # the file's mistake, not the caller's
    if file == "result.json":
        RunResult.from_dict(content)
    elif file in KINDS:
        _typed(KINDS[file], content)


@cache
def _adapters() -> dict[Any, TypeAdapter[Any]]:
    return {kind: TypeAdapter(kind) for kind in (*KINDS.values(), DatasetFacts)}


def _typed(kind: Any, content: Mapping[str, Any]) -> Any:
    """The value with this content, each entry of the type that it is declared with."""
    text = json.dumps(content, ensure_ascii=False).encode(errors="replace")  # names of files need not be text
    try:
        return _adapters()[kind].validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(": ".join([*(str(each) for each in first["loc"]), first["msg"].lower()])) from None


def _check_complete(kind: type[RunResult | DatasetFacts], content: Mapping[str, Any]) -> None:
    required = [each.name for each in fields(kind) if each.default is each.default_factory is MISSING]
    if missing := [name for name in required if name not in content]:
        raise ValueError(f"expected {', '.join(missing)}")
