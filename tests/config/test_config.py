"""Plain data → an experiment: defaults, digest, and the way back to YAML."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cnnlab.config.experiment import (
    ExperimentConfig,
    find_config,
    known_configs,
    load_config,
    parse_config,
    shipped_configs,
)
from cnnlab.errors import UserError
from cnnlab.language.source import parse_yaml

CONFIGS = Path(__file__).parents[2] / "configs"
SHIPPED = sorted(CONFIGS.glob("*.yaml"))

TEXT = """\
name: one
dataset: {name: mnist, train_size: 1000}
model:
  layers:
    - Conv2D: {filters: 4, kernel_size: 3}
    - Flatten
    - Dense: {units: 10, activation: softmax}
training: {epochs: 3, optimizer: {name: sgd, learning_rate: 0.1}}
"""


def parsed(text: str) -> ExperimentConfig:
    return parse_config(parse_yaml(text, "one.yaml"), default_name="default")


def test_defaults() -> None:
    config = parsed("dataset: colors\nmodel: {layers: [Flatten, Dense: {units: 6}]}\n")
    assert (config.name, config.description, config.seed) == ("default", "", 0)
    assert (config.training.epochs, config.training.batch_size, config.training.keep) == (10, 32, "last")
    assert config.training.loss == "categorical_crossentropy"
    optimizer = config.plain()["training"]["optimizer"]
    assert (optimizer["name"], optimizer["learning_rate"]) == ("adam", 0.001)
    assert config.runtime.model_dump() == {
        "backend": "tensorflow", "device": "auto", "precision": "float32", "convolution": "im2col",
        "distribution": "none",
    }  # fmt: skip
    assert config.dataset is not None
    assert (config.dataset.train_size, config.dataset.validation_size, config.dataset.seed) == (None, 0.1, 0)
    assert config.dataset.input_shape == config.input_shape == (28, 28, 3)


def test_optimizers_have_kerass_defaults(backend) -> None:
    import inspect

    import keras

    from cnnlab.config.optimizers import OPTIMIZERS

    for kind in OPTIMIZERS.values():
        accepted = inspect.signature(getattr(keras.optimizers, kind.keras_class)).parameters
        for name, value in kind().arguments().items():
            assert accepted[name].default == value, f"{kind.__name__}.{name}"


def test_a_config_is_frozen() -> None:
    config = parsed(TEXT)
    with pytest.raises(ValidationError, match="frozen"):
        config.seed = 3
    assert config.with_seed(3).seed == 3
    assert config.seed == 0


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_config_survives_the_way_to_yaml_and_back(path: Path) -> None:
    config = load_config(str(path))
    assert config.name == path.stem
    again = parsed(config.to_yaml())
    assert again == config
    assert again.digest == config.digest
    assert again.to_yaml() == config.to_yaml()


NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
RATES = st.floats(1e-12, 10, allow_nan=False)


@given(
    name=NAMES,
    description=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))),
    seed=st.integers(0, 2**32 - 1),
    epochs=st.integers(1, 10**6),
    optimizer=st.sampled_from(["adam", "rmsprop", "sgd"]),
    learning_rate=RATES,
    filters=st.integers(1, 100),
    kernel=st.tuples(st.integers(1, 28), st.integers(1, 28)),
    validation_size=st.integers(0, 500) | st.floats(0, 0.5, allow_nan=False),
    scale=st.tuples(st.floats(-3, 0), st.floats(0.1, 3)),
)
def test_any_config_survives_the_way_to_yaml_and_back(
    name, description, seed, epochs, optimizer, learning_rate, filters, kernel, validation_size, scale
) -> None:
    config = ExperimentConfig.model_validate(
        {
            "name": name,
            "description": description,
            "seed": seed,
            "dataset": {"name": "mnist", "validation_size": validation_size, "scale": scale},
            "model": {
                "layers": [
                    {"Conv2D": {"filters": filters, "kernel_size": kernel, "name": name}},
                    "Flatten",
                    {"Dense": {"units": 10}},
                ]
            },
            "training": {"epochs": epochs, "optimizer": {"name": optimizer, "learning_rate": learning_rate}},
        }
    )
    again = parsed(config.to_yaml())
    assert again == config
    assert again.digest == config.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("name: one", "name: two", id="name"),
        pytest.param("name: one", "name: one\ndescription: another", id="description"),
        pytest.param("name: one", "# a comment\nseed: 3", id="seed-and-comment"),
        pytest.param("name: one", "runtime: {device: cpu}", id="device"),
        pytest.param("- Flatten", "- Flatten: {}", id="another-spelling"),
        pytest.param("kernel_size: 3", "kernel_size: [3, 3]", id="a-pair-for-a-number"),
        pytest.param("filters: 4", "strides: 1, use_bias: true, filters: 4", id="defaults-and-order"),
        pytest.param("epochs: 3", "keep: last, batch_size: 32, epochs: 3", id="defaults-of-training"),
        pytest.param("learning_rate: 0.1", "learning_rate: 1e-1", id="a-number's-spelling"),
    ],
)
def test_what_the_digest_does_not_see(old: str, new: str) -> None:
    assert old in TEXT
    assert parsed(TEXT.replace(old, new)).digest == parsed(TEXT).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("train_size: 1000", "train_size: 999", id="train-size"),
        pytest.param("train_size: 1000", "train_size: 1000, stratified: true, seed: 1", id="split-seed"),
        pytest.param("train_size: 1000", "train_size: 1000, standardize: true", id="standardize"),
        pytest.param("name: mnist", "name: fashion_mnist", id="dataset"),
        pytest.param("filters: 4", "filters: 5", id="filters"),
        pytest.param("filters: 4", "filters: 4, activation: relu", id="activation"),
        pytest.param("epochs: 3", "epochs: 4", id="epochs"),
        pytest.param("epochs: 3", "epochs: 3, batch_size: 33", id="batch-size"),
        pytest.param("epochs: 3", "epochs: 3, keep: best", id="keep"),
        pytest.param("learning_rate: 0.1", "learning_rate: 0.1001", id="learning-rate"),
        pytest.param("learning_rate: 0.1", "learning_rate: 0.1, momentum: 0.5", id="momentum"),
        pytest.param("name: one", "runtime: {precision: mixed_bfloat16}", id="precision"),
        pytest.param("name: one", "runtime: {backend: jax}", id="backend"),
    ],
)
def test_what_the_digest_sees(old: str, new: str) -> None:
    assert old in TEXT
    assert parsed(TEXT.replace(old, new)).digest != parsed(TEXT).digest


def test_a_config_without_data_has_a_digest_too() -> None:
    dry = parsed("model: {input_shape: [4, 4, 1], layers: [Flatten]}\n")
    assert "dataset" not in dry.plain()
    assert parsed(dry.to_yaml()) == dry
    assert parsed(dry.to_yaml()).digest == dry.digest


def test_the_digest_is_sha_256_in_hex() -> None:
    digest = parsed(TEXT).digest
    assert len(digest) == 64
    assert int(digest, 16) >= 0


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    return tmp_path


def test_a_shipped_config_goes_by_its_name(here: Path) -> None:
    assert find_config("cnn") == shipped_configs() / "cnn.yaml"


def test_own_configs_come_before_the_shipped_ones(here: Path) -> None:
    (here / "configs" / "cnn.yaml").touch()
    assert find_config("cnn") == Path("configs/cnn.yaml")
    assert find_config("dnn") == shipped_configs() / "dnn.yaml"
    assert known_configs()["cnn"] == Path("configs/cnn.yaml")


def test_a_path_comes_before_everything(here: Path) -> None:
    (here / "configs" / "cnn.yaml").touch()
    (here / "cnn").touch()
    assert find_config("cnn") == Path("cnn")


def test_a_folder_of_the_same_name_is_no_config(here: Path) -> None:
    (here / "cnn").mkdir()
    assert find_config("cnn") == shipped_configs() / "cnn.yaml"


def test_a_path_that_is_nowhere_is_left_for_reading(here: Path) -> None:
    assert find_config("cnn.yaml") == Path("cnn.yaml")
    with pytest.raises(UserError, match=r"^unknown experiment 'cnnn'; did you mean cnn\?$"):
        find_config("cnnn")


def test_the_name_is_the_files_where_none_is_given(here: Path) -> None:
    (here / "my_own.yaml").write_text(TEXT.split("\n", 1)[1])
    assert load_config("my_own.yaml").name == "my_own"


@pytest.mark.parametrize(
    ("last", "logits"),
    [
        ("Dense: {units: 10, activation: softmax}", False),
        ("Dense: {units: 10}", True),
        ("Dense: {units: 10, activation: linear}", True),
    ],
)
def test_whether_a_network_gives_logits(last: str, logits: bool) -> None:
    assert parsed(f"dataset: mnist\nmodel:\n  layers:\n  - Flatten\n  - {last}\n").gives_logits is logits


def test_a_softmax_layer_of_its_own_gives_probabilities() -> None:
    layers = "Flatten, Dense: {units: 10}, Activation: {activation: softmax}"
    assert not parsed(f"dataset: mnist\nmodel: {{layers: [{layers}]}}\n").gives_logits
