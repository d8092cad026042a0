"""The sections of a config that say how a network is trained, and on what."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    SerializerFunctionWrapHandler,
    StringConstraints,
    field_validator,
    model_serializer,
    model_validator,
)

from cnnlab.config.optimizers import DEFAULT_OPTIMIZER, OPTIMIZERS, Adam, Optimizer
from cnnlab.cpu_settings import BackendName
from cnnlab.foreign_text import composed
from cnnlab.language.fields import (
    AsTuple,
    AtLeast0,
    Between0And1,
    NonNegative,
    Positive,
    Rate,
    Settings,
    Shape,
    ShapeField,
    as_written,
    chosen_by_name,
    problem,
    problems,
)
from cnnlab.layers.graph import Where
from cnnlab.layers.serialization import Layers

LARGEST_FLOAT32 = 3.4028234663852886e38
"""Networks compute in float32; a number beyond is infinite there."""

Monitor = Literal["val_loss", "val_accuracy", "loss", "accuracy"]
"""A column of the history; losses should fall, accuracies rise."""

Loss = Literal[
    "categorical_crossentropy", "sparse_categorical_crossentropy", "categorical_focal_crossentropy",
    "categorical_hinge", "kl_divergence", "mean_squared_error",
]  # fmt: skip

Metric = Annotated[str, StringConstraints(pattern=r"^(top_[1-9][0-9]{0,3}_accuracy|macro_f1)$")]
"""top_K_accuracy: the right class is among the K most likely. macro_f1: the mean of all classes' F1."""


def dump(settings: Settings | None) -> dict[str, Any] | None:
    """Serialises a field by what its value is, not by what the field was declared as."""
    return None if settings is None else settings.model_dump(mode="json")


def _read_keras(value: Any) -> dict[str, Any]:
    from cnnlab.layers.from_keras.reading import read_keras  # few configs hold a Keras model

    return read_keras(value)


class ModelConfig(Settings):
    """The section `model`."""

    about: ClassVar[str] = "The network: its layers, and the shape of its input where no dataset gives it."

    input_shape: ShapeField | None = None
    layers: Layers = ()
    keras: Annotated[
        dict[str, Any] | None, PlainValidator(_read_keras, json_schema_input_type=dict[str, Any])
    ] = None
    """A Keras model as `model.to_json()` writes it, in place of `layers`."""

    @property
    def declared_shape(self) -> Shape | None:
        """The input's shape as a Keras model says it; None where it leaves any of it open."""
        declared = self.declared_input
        sizes = declared[0] if declared else (None,)
        return None if None in sizes else tuple(size for size in sizes if size is not None)

    @property
    def declared_input(self) -> tuple[tuple[int | None, ...], Where] | None:
        """What a Keras model says of its input's shape, and where it says it."""
        if self.keras is None:
            return None
        from cnnlab.layers.from_keras.network import declared_input

        return declared_input(self.keras)

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if not self.layers and self.keras is None:
            raise problems(problem("missing; it has no default", ("layers",), kind="key"))
        if self.layers and self.keras is not None:
            raise problems(problem("expected layers or keras, not both", ("keras",), kind="key"))
        return self

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Only the one of the two that there is."""
        idle = "keras" if self.keras is None else "layers"
        return self.only_wanted({key: value for key, value in write(self).items() if key != idle})


class EarlyStopping(Settings):
    """The section `training.early_stopping` (Prechelt 1998)."""

    about: ClassVar[str] = (
        "Stop when the monitored quantity has not improved for `patience` epochs (Prechelt 1998)."
    )

    monitor: Monitor = "val_loss"
    patience: Positive
    min_delta: AtLeast0 = 0.0


class ReduceOnPlateau(Settings):
    """The section `training.reduce_on_plateau`."""

    about: ClassVar[str] = (
        "Multiply the learning rate by `factor` when the monitored quantity has not improved for "
        "`patience` epochs."
    )

    monitor: Monitor = "val_loss"
    factor: Between0And1 = 0.1
    patience: Positive = 10
    min_delta: AtLeast0 = 0.0001
    cooldown: NonNegative = Field(0, description="Epochs after a reduction that do not count.")
    min_learning_rate: AtLeast0 = 0.0


def _read_class_weights(value: Any) -> str | dict[str, float] | None:
    if value is None or value == "balanced":
        return value  # type: ignore[no-any-return]
    if not isinstance(value, dict) or not value:
        raise problems(problem(f"expected balanced, or a weight for each class, found {as_written(value)}"))
    wrong = [
        problem(f"expected a finite number, 0 or more, found {as_written(weight)}", (name,))
        for name, weight in value.items()
        if isinstance(weight, bool)
        or not isinstance(weight, int | float)
        or not 0 <= weight <= LARGEST_FLOAT32
    ]
    if wrong:
        raise problems(*wrong)
    weights: dict[str, float] = {}
    for name, weight in value.items():
        key = composed(name) if isinstance(name, str) else name
        if key in weights:
            raise problems(problem(f"class {as_written(name)} is given twice", (name,)))
        weights[key] = float(weight)
    return weights


class TrainingConfig(Settings):
    """The section `training`."""

    about: ClassVar[str] = "How the network is trained."
    indecisive: ClassVar[frozenset[str]] = frozenset({"keep_epochs"})

    epochs: Positive = 10
    batch_size: Positive = 32
    optimizer: Annotated[
        Optimizer, chosen_by_name("optimizer", OPTIMIZERS, default=DEFAULT_OPTIMIZER), PlainSerializer(dump)
    ] = Adam.model_construct()  # fmt: skip  # valid as it is: what validates it is built when it is needed
    loss: Loss = "categorical_crossentropy"
    label_smoothing: Rate = Field(
        0.0, description="The share of each label that is spread over all classes (Szegedy et al. 2016)."
    )
    class_weights: Annotated[str | dict[str, float] | None, PlainValidator(_read_class_weights)] = Field(
        None,
        description="The weight of each class in the training loss; balanced: inverse to its frequency.",
    )
    metrics: Annotated[tuple[Metric, ...], AsTuple] = Field(
        (), description="Measured in addition to loss and accuracy, after each epoch and at the end."
    )
    keep: Literal["last", "best"] = Field(
        "last", description="Which epoch's weights are tested and saved; best: by validation accuracy."
    )
    keep_epochs: bool = Field(
        False,
        description="Keep the weights after each epoch, the initial ones included, in files of their own; "
        "the result is the same, and so is the run's folder.",
    )
    early_stopping: EarlyStopping | None = None
    reduce_on_plateau: ReduceOnPlateau | None = None
    drop_last: bool = Field(
        False,
        description="Leave out an epoch's last batch where it is smaller than the others; other images are "
        "left out in each epoch.",
    )

    def steps_per_epoch(self, train_count: int) -> int:
        """How many batches an epoch of so many training images has."""
        whole, rest = divmod(train_count, self.batch_size)
        return whole if self.drop_last or not rest else whole + 1

    @field_validator("metrics", mode="after")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = next((metric for metric in value if value.count(metric) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} is given twice")
        return value


_ONE_DEVICE = {
    "torch": "PyTorch needs a process for each, and a run has one process",
    "scratch": "cnnlab's own engine computes on the CPU",
}
"""Backends that have no `distribution`, and why."""


class RuntimeConfig(Settings):
    """The section `runtime`."""

    about: ClassVar[str] = "What the network is computed with."
    indecisive: ClassVar[frozenset[str]] = frozenset({"device"})

    backend: BackendName = "tensorflow"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    convolution: Literal["im2col", "loops", "numba"] = Field(
        "im2col",
        description="With backend scratch, how convolutions are computed: as products of matrices, in nested "
        "loops of Python, or in these loops compiled by Numba.",
    )
    distribution: Literal["none", "data_parallel"] = Field(
        "none",
        description="data_parallel: all devices of the kind in use train one network, and each computes a "
        "part of every batch; with backend jax or tensorflow.",
    )

    @property
    def may_use_gpu(self) -> bool:
        """Whether the steps of a training would be computed on a GPU where there is one."""
        return self.device != "cpu" and self.backend != "scratch"

    @property
    def writes_windows_out(self) -> bool:
        """Whether a convolution makes an array of all windows of its input."""
        return self.backend == "scratch" and self.convolution == "im2col"

    @model_validator(mode="after")
    def _no_idle_convolution(self) -> Self:
        if self.backend != "scratch":
            self.reject_unused("convolution", reason="without backend: scratch")
        return self

    @model_validator(mode="after")
    def _distribution_where_it_is_possible(self) -> Self:
        if self.distribution != "none" and self.backend in (alone := _ONE_DEVICE):
            message = f"backend {self.backend} trains on one device: {alone[self.backend]}"
            remedy = "leave it out, or use backend jax or tensorflow"
            raise problems(problem(f"{message}; {remedy}", ("distribution",)))
        return self
