"""Every layer of the language in one network, for one training step: every_layer.py BACKEND FOLDER

Raises where a layer does not keep its promises in some precision and data format.
"""

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np

from cnnlab.backend import start_backend
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.sections import RuntimeConfig
from cnnlab.layers import LAYERS
from cnnlab.layers.base import Layer
from cnnlab.layers.graph import Block
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
    *({"Parallel": {"branches": [["ReLU"], ["ELU"]], "merge": merge}} for merge in ("average", "maximum")),
]  # fmt: skip
"""What no layer's smallest fields show."""

MOST_DRAWS = 8


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
                    {"Parallel": {"branches": branches}}, {"Dense": {"units": CLASSES, "activation": "softmax"}}
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


def trained(config: ExperimentConfig, images: np.ndarray) -> tuple[Any, float, np.ndarray]:
    """The network after one step as `cnnlab train` does it; the step's loss, and what it answers then."""
    from cnnlab.datasets.content import PixelScale, Split
    from cnnlab.model import build_model
    from cnnlab.training.objective import Objective
    from cnnlab.training.optimization import build_optimizer
    from cnnlab.training.steps import Learner, compile_steps

    labels = np.arange(len(images)) % CLASSES
    train = Split(images, labels.astype(np.int64))
    model = build_model(config)
    optimizer = build_optimizer(config, train_count=len(images))
    objective = Objective.of(config, ("left", "right"), train)
    scale = PixelScale(np.float32(1), np.float32(0))
    steps = compile_steps(Learner(model, optimizer, objective, train, scale))
    loss = steps.run(np.arange(len(images), dtype=np.int32)[None], 0, 1).losses
    return model, float(loss[0]), steps.outputs(images)


def exercise(backend: str, precision: str, data_format: str, folder: Path) -> None:
    """Train, answer, save and load; compare shapes and values with what the layers promise."""
    import keras

    config, images = network(precision, data_format, backend), images_of(data_format)
    model, loss, answers = trained(config, images)
    assert np.isfinite(loss)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    if data_format == "channels_last":
        _, loss_again, answers_again = trained(config, images)
        assert loss_again == loss, "the seed decides"
        np.testing.assert_array_equal(answers_again, answers)

    pixels = images.astype(np.float32) / 255
    path = folder / f"{backend}-{precision}-{data_format}.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    expected = array_of(model(pixels, training=False))
    np.testing.assert_array_equal(array_of(loaded(pixels, training=False)), expected)

    look = keras.Model(model.input, [model.get_layer(node.keras_name).output for node in config.nodes])
    changing = {node.name for node in config.nodes if changes_in_training(node.layer)}
    assert changed_by(look, config, pixels, training=False) & changing == {
        node.name for node in config.nodes if node.layer.type() == "RandomCrop"
    }
    seen: set[str] = set()
    for _ in range(MOST_DRAWS):  # an image may be left as it is by chance
        seen |= changed_by(look, config, pixels, training=True)
        if seen >= changing:
            break
    assert seen >= changing


def changes_in_training(layer: Layer) -> bool:
    return layer.is_augmentation or layer.type() in ("Dropout", "GaussianNoise", "SpatialDropout2D")


def changed_by(look: Any, config: ExperimentConfig, pixels: np.ndarray, *, training: bool) -> set[str]:
    """The layers with another output than input; all outputs have the shape that the summary states."""
    values = [array_of(value) for value in look(pixels, training=training)]
    changed = set()
    for node, row, value in zip(config.nodes, config.architecture.rows, values, strict=True):
        assert value.shape == (len(pixels), *row.output_shape), (node.name, training)
        assert np.isfinite(value).all(), (node.name, training)
        before = pixels if node.inputs[0] < 0 else values[node.inputs[0]]
        if not np.array_equal(value, before):
            changed.add(node.name)
    return changed


def array_of(tensor: Any) -> np.ndarray:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")))


if __name__ == "__main__":
    chosen = sys.argv[1]
    start_backend(RuntimeConfig(backend=chosen, device="cpu"))
    for each in itertools.product(PRECISIONS, FORMATS):
        exercise(chosen, *each, Path(sys.argv[2]))
