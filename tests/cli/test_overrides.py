"""--set goes through the same door as the file."""

import json
from itertools import product

import pytest

CONFIG = """\
dataset: colors
seed: 3
model:
  layers:
    - Conv2D: {filters: 2, kernel_size: 3}
    - Conv2D: {filters: 2, kernel_size: 3, name: second}
    - MaxPooling2D:
    - Flatten
    - Dense: {units: 6, activation: softmax}
training: {optimizer: adam}
"""


@pytest.mark.parametrize(
    ("override", "message"),
    [
        pytest.param("training.epochs=x", "training.epochs: expected a whole number, found 'x'", id="type"),
        pytest.param(
            "training.epochs=", "training.epochs: expected a whole number, found null", id="nothing"
        ),
        pytest.param("training.epochs=0", "training.epochs: expected 1 or more, found 0", id="range"),
        pytest.param("training.epoch=3", "training.epoch: unknown key; did you mean epochs?", id="key"),
        pytest.param(
            "trainng.epochs=3", "trainng.epochs: trainng: unknown key; did you mean training?", id="section"
        ),
        pytest.param("training=3", "training: expected a mapping of keys to values, found 3", id="scalar"),
        pytest.param(
            "name=../x",
            "name: expected letters, digits, - and _ only, because it becomes a file name, found '../x'",
            id="name",
        ),
        pytest.param(
            "training.epochs",
            "training.epochs: expected KEY=VALUE, such as training.epochs=3 or model.layers[0].filters=8",
            id="no-equals",
        ),
        pytest.param(
            "=3",
            "=3: expected KEY=VALUE, such as training.epochs=3 or model.layers[0].filters=8",
            id="no-key",
        ),
        pytest.param(
            "a..b=3",
            "a..b=3: expected KEY=VALUE, such as training.epochs=3 or model.layers[0].filters=8",
            id="two-dots",
        ),
        pytest.param(
            "model.layers[5].filters=8",
            "model.layers[5].filters: expected an index from 0 to 4, found 5; "
            "the last is model.layers[4], or model.layers.dense_1",
            id="index",
        ),
        pytest.param(
            "model.layers[-1].units=8",
            "model.layers[-1].units: expected an index from 0 to 4, found -1; "
            "the last is model.layers[4], or model.layers.dense_1",
            id="index-from-the-end",
        ),
        pytest.param(
            "model.layers[0].kernel_size[2]=3",
            "model.layers[0].kernel_size[2]: expected a list at model.layers[0].kernel_size, found 3; "
            "leave [2] out",
            id="index-into-number",
        ),
        pytest.param(
            "training[0]=8",
            "training[0]: expected a list at training, found a mapping; leave [0] out",
            id="index-into-mapping",
        ),
        pytest.param(
            "training.metrics[0]=macro_f1",
            "training.metrics[0]: expected a list at training.metrics, found nothing; leave [0] out",
            id="index-into-nothing",
        ),
        pytest.param(
            "seed.x=1", "seed.x: seed: expected a whole number, found a mapping", id="below-a-number"
        ),
        pytest.param(
            "training.optimizer.learning_rate.initial=0",
            "training.optimizer.learning_rate.initial: expected more than 0, found 0",
            id="two-steps-into-bare-optimizer",
        ),
        pytest.param(
            "training.epochs=[1",
            "training.epochs: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence",
            id="syntax",
        ),
        pytest.param(
            "training={epochs: 1, epochs: 2}",
            "training: duplicate key 'epochs'; give it once",
            id="duplicate-key",
        ),
        pytest.param(
            "seed=1\n---\n2",
            "seed: a second YAML document begins here; expected one",
            id="two-documents",
        ),
        pytest.param(
            "seed=!!int 3",
            "seed: tag tag:yaml.org,2002:int is not allowed; expected plain values",
            id="tag",
        ),
        pytest.param(
            "description=a\x01", "description: character 0x01 is not allowed in YAML", id="control-character"
        ),
        pytest.param(
            "description=#1",
            "description: expected a value, found only a comment; put a value that begins with # in quotes",
            id="comment",
        ),
        pytest.param(
            f"seed={'9' * 40}",
            f"seed: expected less than 4294967296, found {'9' * 40}",
            id="long-number",
        ),
        pytest.param(
            "model.layers.conv2d_3.filters=8",
            "model.layers.conv2d_3.filters: unknown layer 'conv2d_3'; did you mean conv2d_1?",
            id="layer-name",
        ),
        pytest.param(
            "model.layers[0].filter=8",
            "model.layers[0].filter: unknown key; did you mean filters?",
            id="layer-key",
        ),
        pytest.param(
            "model.layers[3].rate=8",
            "model.layers[3].rate: unknown key; known: name, data_format",
            id="key-of-bare-layer",
        ),
        pytest.param(
            "training.optimizer.epsilon=x",
            "training.optimizer.epsilon: expected a number, found 'x'",
            id="into-bare-optimizer",
        ),
        pytest.param(
            "training.optimizer.learning_rat=0.9",
            "training.optimizer.learning_rat: unknown key; did you mean learning_rate?",
            id="key-of-bare-optimizer",
        ),
        pytest.param(
            "dataset.train_size=6000",
            "dataset.train_size: expected at most 5000 training images, found 6000",
            id="into-bare-dataset",
        ),
        pytest.param("name=\udcff", "name: not text: a byte of it is not UTF-8", id="not-utf-8"),
        pytest.param("training.epochs=&a [*a]", "training.epochs: alias *a contains itself", id="alias"),
    ],
)
def test_bad_override(cnnlab, write_config, override: str, message: str) -> None:
    path = write_config(CONFIG)
    assert cnnlab("train", path, "--set", override) == (2, "", f"--set {message}\n")


def test_mistakes_of_the_file_and_of_the_command_line_come_together(cnnlab, write_config) -> None:
    path = write_config(CONFIG.replace("adam", "adma"))
    assert cnnlab("train", path, "--set", "training.epochs=0", "--set", "seed=-1") == (
        2,
        "",
        "--set training.epochs: expected 1 or more, found 0\n"
        "--set seed: expected 0 or more, found -1\n"
        "mine.yaml:10:23: training.optimizer.name: unknown optimizer 'adma'; did you mean adam?\n",
    )


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        pytest.param("training.epochs=3", "training.epochs", 3, id="number"),
        pytest.param("training.epochs = 3", "training.epochs", 3, id="spaces"),
        pytest.param("description=no", "description", "no", id="word"),
        pytest.param('description="3"', "description", "3", id="quoted"),
        pytest.param("description=a=b", "description", "a=b", id="equals-in-the-value"),
        pytest.param("runtime.device=cpu", "runtime.device", "cpu", id="section-that-the-file-lacks"),
        pytest.param("model.layers[0].filters=8", "model.layers.0.filters", 8, id="layer-by-index"),
        pytest.param("model.layers.conv2d_1.filters=8", "model.layers.0.filters", 8, id="layer-by-its-kind"),
        pytest.param("model.layers.second.filters=8", "model.layers.1.filters", 8, id="layer-by-its-name"),
        pytest.param(
            "model.layers[2].pool_size=3", "model.layers.2.pool_size", (3, 3), id="layer-without-fields"
        ),
        pytest.param("model.layers[3].name=flat", "model.layers.3.name", "flat", id="bare-layer"),
        pytest.param(
            "model.layers[0]={Conv2D: {filters: 9, kernel_size: 1}}",
            "model.layers.0.filters",
            9,
            id="whole-layer",
        ),
        pytest.param("training.optimizer=sgd", "training.optimizer.name", "sgd", id="whole-optimizer"),
        pytest.param(
            "training.optimizer.epsilon=0.01",
            "training.optimizer.epsilon",
            0.01,
            id="bare-optimizer",
        ),
        pytest.param(
            "training.optimizer.name=sgd", "training.optimizer.name", "sgd", id="bare-optimizer-name"
        ),
        pytest.param(
            "training.optimizer.learning_rate={name: cosine, initial: 0.5}",
            "training.optimizer.learning_rate.initial",
            0.5,
            id="schedule-of-bare-optimizer",
        ),
        pytest.param("dataset.train_size=100", "dataset.train_size", 100, id="bare-dataset"),
    ],
)
def test_override(write_config, override: str, path: str, value: object) -> None:
    from cnnlab.config.experiment import load_config

    found = load_config(write_config(CONFIG), [override])
    for step in path.split("."):
        found = found[int(step)] if step.isdigit() else getattr(found, step)  # type: ignore[index]
    assert found == value


@pytest.mark.parametrize("name", ["", "name: sgd\n", "name: mine\n"])
@pytest.mark.parametrize("training", ["", "training:\n", "training: {epochs: 3}\n"])
def test_a_rate_without_a_section_is_the_default_optimizers(write_config, name, training) -> None:
    from cnnlab.config.experiment import load_config

    path = write_config(name + CONFIG.replace("training: {optimizer: adam}\n", training))
    config = load_config(path, ["training.optimizer.learning_rate.warm_up=2"])
    written_out = ["training.optimizer.learning_rate={name: constant, initial: 0.001, warm_up: 2}"]
    optimizer = config.training.optimizer
    assert optimizer == load_config(path, written_out).training.optimizer
    assert (optimizer.name, optimizer.learning_rate.warm_up) == ("adam", 2)


def test_the_last_of_two_overrides_counts(write_config) -> None:
    from cnnlab.config.experiment import load_config

    assert load_config(write_config(CONFIG), ["seed=1", "seed=2"]).seed == 2


def test_an_override_keeps_what_is_beside_it(write_config) -> None:
    from cnnlab.config.experiment import load_config

    config = load_config(write_config(CONFIG), ["training.optimizer.learning_rate=0.5", "dataset.seed=3"])
    assert config.training.optimizer.name == "adam"
    assert config.dataset is not None
    assert (config.dataset.name, config.dataset.seed) == ("colors", 3)


NAMES = [
    each
    for each in product([None, "first", "conv2d"], repeat=3)
    if each.count("first") < 2 and each.count("conv2d") < 2
]


@pytest.mark.parametrize("names", [*NAMES, ("a", None, "conv2d_7", None)])
def test_layers_are_called_what_the_summary_calls_them(write_config, names) -> None:
    from cnnlab.config.experiment import load_config
    from cnnlab.layers.graph import expand

    layers = [
        {"Conv2D": {"filters": 2, "kernel_size": 1} | ({"name": name} if name else {})} for name in names
    ]
    config = {"dataset": "colors", "model": {"layers": [*layers, "Flatten", {"Dense": {"units": 6}}]}}
    path = write_config(json.dumps(config))
    for index, node in enumerate(expand(load_config(path).model.layers)[: len(names)]):
        changed = load_config(path, [f"model.layers.{node.name}.filters=9"]).model.layers
        filters = [2] * len(names)
        filters[index] = 9
        assert [layer.filters for layer in changed[: len(names)]] == filters
