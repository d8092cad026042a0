"""Commented configs to begin with: the text that `cnnlab init` writes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

from cnnlab.config.experiment import find_config, shipped_configs
from cnnlab.config.optimizers import OPTIMIZERS
from cnnlab.datasets import DATASETS, OWN_DATA, DatasetConfig
from cnnlab.datasets.own_paths import starting_in
from cnnlab.errors import UserError, unknown
from cnnlab.language.source import read_yaml
from cnnlab.layers.base import times

COLUMN = 31  # where comments begin

_CNN = """\
    - Conv2D: {filters: 16, kernel_size: 3, padding: same, activation: relu}     # 16 kernels of 3×3
    - MaxPooling2D: {pool_size: 2}                                  # half as high, half as wide
    - Conv2D: {filters: 32, kernel_size: 3, padding: same, activation: relu}     # each spans all 16 maps
    - MaxPooling2D: {pool_size: 2}
    - Flatten                                                       # the image as one row of numbers
    - Dense: {units: 64, activation: relu}
    - Dropout: {rate: 0.3}                                          # in training only
"""

_DNN = """\
    - Flatten                                                       # the image as one row of numbers
    - Dense: {units: 256, activation: relu}                         # each unit sees every pixel
    - Dense: {units: 128, activation: relu}
    - Dropout: {rate: 0.3}                                          # in training only
"""

_RESNET = """\
    - Conv2D: {filters: 16, kernel_size: 3, padding: same, use_bias: false}
    - BatchNormalization            # adds its own shift, so no bias is needed above
    - ReLU
    - Repeat:
        times: 2                                                    # deeper: more rounds
        layers:
          - Residual:                                               # layers(x) + x, then relu
              activation: relu
              layers:
                - Conv2D: {filters: 16, kernel_size: 3, padding: same, use_bias: false}
                - BatchNormalization
                - ReLU
                - Conv2D: {filters: 16, kernel_size: 3, padding: same, use_bias: false}
                - BatchNormalization
    - Residual:                                                     # half the size, twice the channels
        activation: relu
        shortcut: projection                                        # a 1×1 convolution, so that both fit
        layers:
          - Conv2D: {filters: 32, kernel_size: 3, strides: 2, padding: same, use_bias: false}
          - BatchNormalization
          - ReLU
          - Conv2D: {filters: 32, kernel_size: 3, padding: same, use_bias: false}
          - BatchNormalization
    - GlobalAveragePooling2D                                        # one number for each map
"""

_INCEPTION = """\
    - Conv2D: {filters: 16, kernel_size: 3, padding: same, activation: relu}
    - MaxPooling2D: {pool_size: 2}
    - Parallel:                                                     # kernels of several sizes side by side
        merge: concatenate
        branches:
          - - Conv2D: {filters: 8, kernel_size: 1, activation: relu}
          - - Conv2D: {filters: 8, kernel_size: 1, activation: relu}
            - Conv2D: {filters: 16, kernel_size: 3, padding: same, activation: relu}
          - - Conv2D: {filters: 4, kernel_size: 1, activation: relu}
            - Conv2D: {filters: 8, kernel_size: 5, padding: same, activation: relu}
          - - MaxPooling2D: {pool_size: 3, strides: 1, padding: same}
            - Conv2D: {filters: 8, kernel_size: 1, activation: relu}
    - GlobalAveragePooling2D                                        # one number for each map
"""

STARTERS = {
    "cnn": ("Two convolutions, then dense layers.", _CNN),
    "dnn": ("Dense layers only.", _DNN),
    "resnet": ("Residual blocks, which learn what to add to their input.", _RESNET),
    "inception": ("An Inception block, which looks with kernels of several sizes at once.", _INCEPTION),
}
"""What `--like` takes besides the names of experiments: a sentence, and the layers before the last one."""


LONGEST_SIDE = 64
"""Pixels to which own pictures are brought in a starter: enough to tell things apart, and soon trained."""


def starter(
    name: str, like: str, dataset: str, schema: str, folder: Path = Path(), *, pictures: str | None = None
) -> str:
    """The text of a config with every section in it and a comment where there is a choice.

    Args:
        like: one of STARTERS, or an experiment, whose config is then copied under the new name.
        dataset: one of DATASETS; decides the size of the last layer.
        schema: where the JSON Schema lies, seen from the config.
        folder: the folder of the new config.
        pictures: a folder of the user's own images, in place of `dataset`.

    Raises:
        UserError: there is no such dataset or experiment, or the folder of images cannot be used.
    """
    if like not in STARTERS:
        return _copy(name, like, schema, folder)
    sentence, layers = STARTERS[like]
    if pictures is not None:
        images, source = _own_pictures(pictures, folder)
    elif dataset in DATASETS:
        images = DATASETS[dataset].model_validate({"name": dataset})
        others = _others([*DATASETS][:4], dataset)
        source = [_line(f"  name: {dataset}", f"or {others}, …: cnnlab data list"), *_sizes(images)]
    else:
        raise unknown("dataset", dataset, DATASETS)
    last = f"    - Dense: {{units: {images.num_classes}, activation: softmax}}"
    lines = [
        *_header(name, sentence, schema),
        f"name: {name}",
        f"description: {sentence}",
        "dataset:",
        *source,
        "model:",
        _line("  layers:", "Keras's class names and arguments; the input is " + times(images.input_shape)),
        layers.rstrip("\n"),
        f"{last:<68}# one for each class",
        "training:",
        _line("  epochs: 5", "passes over the training images"),
        _line("  batch_size: 100", "images per step"),
        _line("  optimizer: {name: adam, learning_rate: 0.001}", f"or {_others(OPTIMIZERS, 'adam')}"),
        "  loss: categorical_crossentropy",
        _line("  keep: last", "or best: the epoch of the highest validation accuracy"),
        _line("  # keep_epochs: true", "keep the weights of each epoch, too"),
        _line("  # early_stopping: {patience: 3}", "stop when val_loss has not fallen for 3 epochs"),
        _line("seed: 0", "decides the first weights and the order of the images"),
        "runtime:",
        _line("  backend: tensorflow", "or jax, torch"),
        _line("  device: auto", "uses a GPU if there is one"),
        _line("  precision: float32", "or mixed_bfloat16, mixed_float16"),
    ]
    return "\n".join(lines) + "\n"


def _own_pictures(pictures: str, folder: Path) -> tuple[DatasetConfig, list[str]]:
    """A folder of images as a dataset, and its lines in a config in `folder`.

    Raises:
        UserError: the folder cannot be used.
    """
    from cnnlab.datasets.catalog import dataset_at

    if not Path(pictures).is_dir():
        raise UserError(f"--for: expected a folder of images, found {pictures!r}")
    found = dataset_at(pictures)
    assert found is not None
    height, width, _ = found.image_shape
    scale = min(1, LONGEST_SIDE / max(height, width))
    size = [max(1, round(side * scale)) for side in (height, width)]
    images = dataset_at(pictures, size=(size[0], size[1]))
    assert images is not None
    is_absolute = Path(pictures).expanduser().is_absolute()
    seen = pictures if is_absolute else os.path.relpath(pictures, folder)
    lines = [
        _line(f"  folder: {json.dumps(seen, ensure_ascii=False)}", "a folder with one folder for each class"),
        _line(f"  size: {size}", f"[height, width]; the first image is {width}×{height} (width × height)"),
        _line("  resize: crop", "or pad, stretch: how images get this size"),
    ]
    has_validation = images.validation_size is None
    return images, lines if has_validation else [*lines, *_sizes(images)]


def schema_seen_from(folder: Path) -> str:
    """The JSON Schema as a config in `folder` names it: that of a checkout, else the one beside it.

    A path into an installation would be another one on another machine.
    """
    shipped = (shipped_configs() / "schema.json").resolve()
    if not (folder / "schema.json").is_file() and shipped.is_relative_to(Path.cwd().resolve()):
        inside = Path(os.path.relpath(shipped, Path.cwd().resolve()))
        if not {"site-packages", ".venv", "venv"} & set(inside.parts):
            return Path(os.path.relpath(shipped, folder.resolve())).as_posix()
    return "schema.json"


def shipped_schema() -> str:
    """The text of the JSON Schema of configs."""
    return (shipped_configs() / "schema.json").read_text(encoding="utf-8")


def _copy(name: str, like: str, schema: str, folder: Path) -> str:
    """Another experiment's config under a new name and header; its inner comments stay."""
    try:
        source = find_config(like)
    except UserError:
        raise unknown("experiment", like, [*STARTERS, *_experiments()]) from None
    lines = source.read_text(encoding="utf-8").splitlines()
    _lead_from(folder, source, lines)
    while lines and (not lines[0].strip() or lines[0].startswith("#")):
        del lines[0]
    body = [line for line in lines if not re.match(r"name\s*:", line)]
    return "\n".join([*_header(name, f"Like {like}.", schema), f"name: {name}", *body]) + "\n"


def _lead_from(folder: Path, source: Path, lines: list[str]) -> None:
    """Change a relative path to the user's own data so that it leads there from another folder."""
    root = read_yaml(source)
    for where in (("dataset", key) for key in OWN_DATA):
        node = root.find(where)
        if not root.has(where) or not isinstance(node.value, str):
            continue
        path = starting_in(source.parent, node.value)
        if path == node.value or folder.resolve() == source.parent.resolve():
            continue
        line, column = (int(number) - 1 for number in node.place.split(":")[-2:])
        before, written = lines[line][:column], lines[line][column:]
        quoted = re.match(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""", written)
        length = quoted.end() if quoted else len(node.value)
        seen = os.path.relpath(path, folder)
        lines[line] = before + json.dumps(seen, ensure_ascii=False) + written[length:]


def _experiments() -> list[str]:
    from cnnlab.config.experiment import known_configs

    return list(known_configs())


def _header(name: str, sentence: str, schema: str) -> list[str]:
    return [
        f"# {sentence}",
        "#",
        f"# cnnlab summary {name}.yaml     shapes, parameters and work, layer by layer",
        f"# cnnlab train {name}.yaml       trains it; the run is kept in experiments/",
        f"# yaml-language-server: $schema={schema}",
    ]


def _sizes(images: DatasetConfig) -> list[str]:
    """How many images: an excerpt of a large set, so that the first run is over soon."""
    known = getattr(type(images), "train_count", None)
    if not isinstance(known, int) or known < 20_000:
        return [_line("  validation_size: 0.1", "a fraction of the training images, or a count")]
    return [
        _line("  train_size: 10000", f"the first 10,000; without this line, all {known:,}"),
        _line("  validation_size: 5000", "or a fraction of the training images, such as 0.1"),
    ]


def _line(setting: str, comment: str) -> str:
    return f"{setting:<{COLUMN}}# {comment}" if len(setting) < COLUMN else f"{setting}  # {comment}"


def _others(table: Iterable[str], chosen: str) -> str:
    return ", ".join(name for name in table if name != chosen)
