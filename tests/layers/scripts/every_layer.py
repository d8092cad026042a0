"""Every layer of the language in one network, for one training step: every_layer.py BACKEND FOLDER

Raises where a layer does not keep its promises in some precision and data format.
"""

import itertools
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnlab.backend import start_backend
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.sections import RuntimeConfig
from cnnlab.layers import LAYERS
from cnnlab.layers.base import Layer
from cnnlab.layers.graph import Block
from tests.layers.local_connections import assert_equal_weights_make_a_convolution
from tests.layers.needed_fields import NEEDED

PRECISIONS = "float32", "mixed_bfloat16", "mixed_float16"
FORMATS = "channels_last", "channels_first"
HEIGHT, WIDTH, CHANNELS, CLASSES = 9, 10, 3, 2
VARIANTS = [
    {"RandomCrop": {"height": HEIGHT, "width": 8}},
    {"RandomErasing": {"fill_value": 0.5}},
    *({"RandomZoom": {"height_factor": [-0.2, 0.3], "width_factor": 0.2, "fill_mode": mode}}
      for mode in ("constant", "nearest", "wrap")),
    {"RandomRotation": {"factor": 0.2, "interpolation": "nearest"}},
    {"Repeat": {"times": 2, "layers": [{"Conv2D": {"filters": 3, "kernel_size": 3, "padding": "same"}}]}},
    {"Residual": {"layers": [{"Conv2D": {"filters": 3, "kernel_size": 1}}]}},
    {"SpatialTransformer": {"layers": ["Flatten"], "output_size": [5, 6]}},
    *({"Parallel": {"branches": [["ReLU"], ["ELU"]], "merge": merge}} for merge in ("average", "maximum")),
]  # fmt: skip
"""What no layer's smallest fields show."""

MOST_DRAWS = 8

STEPS = 8
"""Enough for float16, whose first steps are left out until the scale of the loss has come down."""


def kind_of(layer: str | dict[str, Any]) -> str:
    return layer if isinstance(layer, str) else next(iter(layer))


def formatted(layer: str | dict[str, Any], data_format: str) -> Any:
    """A layer, and those in it, for images of this format."""
    kind = kind_of(layer)
    fields = {} if isinstance(layer, str) else dict(layer[kind])
    for name in ("layers", "branches"):
        if name in fields:
            fields[name] = [
                [formatted(each, data_format) for each in part] if name == "branches"
                else formatted(part, data_format) for part in fields[name]
            ]  # fmt: skip
    if data_format == "channels_first":
        known = LAYERS[kind].model_fields
        fields |= {"data_format": data_format} if "data_format" in known else {}
        fields |= {"axis": 1} if "axis" in known and kind != "Parallel" else {}
    return {kind: fields}


def network(precision: str, data_format: str, backend: str, *, seed: int = 0) -> ExperimentConfig:
    """Each layer is the first of a branch of its own, behind a layer with weights: gradients pass it."""
    simple = [{kind: NEEDED.get(kind, {})} for kind, layer in LAYERS.items() if not issubclass(layer, Block)]
    blocks = {kind for kind, layer in LAYERS.items() if issubclass(layer, Block)}
    assert blocks == {kind_of(each) for each in VARIANTS} & blocks, "each block needs a variant"
    tested = [formatted(each, data_format) for each in simple + VARIANTS]
    image = [HEIGHT, WIDTH, CHANNELS] if data_format == "channels_last" else [CHANNELS, HEIGHT, WIDTH]
    before = formatted({"DepthwiseConv2D": {"kernel_size": 1}}, data_format)
    branches = [
        [before, *(["Flatten"] if kind_of(each) == "Dense" else []), each, "Flatten", {"Dense": {"units": 2}}]
        for each in tested
    ]
    return ExperimentConfig.model_validate(
        {
            "name": "every_layer",
            "model": {
                "input_shape": image,
                "layers": [
                    {"Parallel": {"branches": branches}},
                    {"Dense": {"units": CLASSES, "activation": "softmax"}},
                ],
            },
            "training": {"optimizer": {"name": "sgd", "learning_rate": 0.01}},
            "runtime": {"backend": backend, "precision": precision},
            "seed": seed,
        }
    )  # fmt: skip


def images_of(data_format: str) -> np.ndarray:
    images = np.random.default_rng(0).integers(0, 256, (2, HEIGHT, WIDTH, CHANNELS), dtype=np.uint8)
    return images if data_format == "channels_last" else images.transpose(0, 3, 1, 2)


def steps_of(model: Any, config: ExperimentConfig, images: np.ndarray) -> tuple[Any, Any]:
    """The optimizer of a network and its training steps, as `cnnlab train` compiles them."""
    from cnnlab.datasets.content import PixelScale, Split
    from cnnlab.training.objective import Objective
    from cnnlab.training.optimization import build_optimizer
    from cnnlab.training.steps import Learner, compile_steps

    train = Split(images, np.arange(len(images)) % CLASSES)
    optimizer = build_optimizer(config, train_count=len(images))
    objective = Objective.of(config, ("left", "right"), train)
    scale = PixelScale(np.float32(1), np.float32(0))
    return optimizer, compile_steps(Learner(model, optimizer, objective, train, scale))


def exercise(backend: str, precision: str, data_format: str, folder: Path) -> None:
    """Train, answer, save and load; compare shapes and values with what the layers promise."""
    import keras

    from cnnlab.model import build_model

    config, images = network(precision, data_format, backend), images_of(data_format)
    model = build_model(config)
    fresh = arrays_of(model.variables)
    assert_same(arrays_of(build_model(config).variables), fresh)
    optimizer, steps = steps_of(model, config, images)
    # In float16, a step that overflows is left out and lowers the scale of the loss: the optimizer keeps it.
    state = [*model.variables, *optimizer.variables]
    begin = [keras.ops.convert_to_numpy(each) for each in state]
    results = []
    for _ in range(2):
        for variable, value in zip(state, begin, strict=True):
            variable.assign(value)
        loss = steps.run(np.tile(np.arange(len(images), dtype=np.int32), (STEPS, 1)), 0, STEPS).losses
        results.append([loss, steps.outputs(images, len(images)), *arrays_of(model.variables)])
    assert_same(*results)  # the seed decides
    assert all(np.isfinite(each).all() for each in results[0])
    trained = {id(each) for each in model.trainable_variables}
    moved = [
        np.any(now != before)
        for variable, before, now in zip(model.variables, fresh, results[0][2:], strict=True)
        if id(variable) in trained
    ]
    assert np.mean(moved) > 0.9  # what stands behind a ReLU may have no gradient for two images
    np.testing.assert_allclose(results[0][1].sum(axis=1), 1, rtol=1e-5)

    path = folder / f"{backend}-{precision}-{data_format}.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    assert [written(each) for each in loaded.layers] == [written(each) for each in model.layers]
    assert_same(loaded.get_weights(), model.get_weights())
    look = Look(model, config, images.astype(np.float32) / 255)
    changing = {node.name for node in config.nodes if changes_in_training(node.layer)}
    crops = {node.name for node in config.nodes if node.layer.type() == "RandomCrop"}
    assert look.changed_by(training=False) & changing == crops
    seen: set[str] = set()
    for _ in range(MOST_DRAWS):  # an image may be left as it is by chance
        seen |= look.changed_by(training=True)
        if seen >= changing:
            break
    assert seen >= changing


class Look:
    """The outputs of all layers."""

    def __init__(self, model: Any, config: ExperimentConfig, pixels: np.ndarray) -> None:
        import keras

        self.config, self.pixels = config, pixels
        self.model = keras.Model(
            model.input, [model.get_layer(each.keras_name).output for each in config.nodes]
        )
        self.compiled: dict[bool, Any] = {}

    def values(self, *, training: bool) -> list[Any]:
        if self.config.runtime.backend != "jax":
            return list(self.model(self.pixels, training=training))
        import jax  # where each operation alone would be compiled

        if training not in self.compiled:
            self.compiled[training] = jax.jit(
                lambda *state: self.model.stateless_call(*state, self.pixels, training=training)
            )
        frozen = self.model.non_trainable_variables
        states = [[each.value for each in group] for group in (self.model.trainable_variables, frozen)]
        values, after = self.compiled[training](*states)
        for variable, value in zip(frozen, after, strict=True):
            variable.assign(value)
        return list(values)

    def changed_by(self, *, training: bool) -> set[str]:
        """The layers with another output than input; all outputs have the shape that the summary states."""
        values = arrays_of(self.values(training=training))
        changed = set()
        for node, row, value in zip(self.config.nodes, self.config.architecture.rows, values, strict=True):
            assert value.shape == (len(self.pixels), *row.output_shape), (node.name, training)
            assert np.isfinite(value).all(), (node.name, training)
            before = self.pixels if node.inputs[0] < 0 else values[node.inputs[0]]
            if not np.array_equal(value, before):
                changed.add(node.name)
        return changed


def written(layer: Any) -> tuple[str, object]:
    """What a layer is built from and which axes it takes for those of the image.

    Keras's SpatialDropout2D forgets half precision when it is saved: loaded, it passes on float32.
    """
    config = {key: value for key, value in layer.get_config().items() if key != "dtype"}
    return json.dumps(config, default=str), getattr(layer, "data_format", None)


def changes_in_training(layer: Layer) -> bool:
    return layer.is_augmentation or layer.type() in ("Dropout", "GaussianNoise", "SpatialDropout2D")


def arrays_of(tensors: Iterable[Any]) -> list[np.ndarray]:
    """As float32: NumPy knows no bfloat16."""
    import keras

    arrays = [keras.ops.convert_to_numpy(keras.ops.cast(each, "float32")) for each in tensors]
    return [np.asarray(each) for each in arrays]


def assert_same(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


if __name__ == "__main__":
    chosen = sys.argv[1]
    # At level 0, a maximum and what its gradient compares it with are computed twice and differ in the last
    # bit: GlobalMaxPooling2D's gradient is 0 / 0.
    os.environ["XLA_FLAGS"] = (
        "--xla_backend_optimization_level=1 --xla_llvm_disable_expensive_passes=true "  # for speed
        "--xla_allow_excess_precision=false"  # else a cast back from half precision may be left out
    )
    start_backend(RuntimeConfig(backend=chosen, device="cpu"))
    for each in itertools.product(PRECISIONS, FORMATS):
        exercise(chosen, *each, Path(sys.argv[2]))
    assert_equal_weights_make_a_convolution()
