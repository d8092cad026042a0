# ruff: noqa: E501 - a line for each message
"""What `backend: scratch` cannot do is said of the config, with its place, all at once and without Keras."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from cnnlab.cli import run
from cnnlab.config.asked_runtime import asked_runtime
from cnnlab.config.experiment import load_config, parse_config
from cnnlab.config.sections import RuntimeConfig
from cnnlab.errors import UserError
from cnnlab.language.source import parse_yaml
from cnnlab.scratch.lacking import lacking

CONFIG = """\
dataset: {name: xo, train_count: 60, test_count: 20}
model:
  layers:
    - RandomFlip: {mode: horizontal}
    - Repeat: {times: 2, layers: [Conv2D: {filters: 4, kernel_size: 3, kernel_constraint: unit_norm}]}
    - GaussianNoise: {stddev: 0.1}
    - SpatialTransformer: {layers: [Flatten, Dense: {units: 4}]}
    - Flatten
    - Dense: {units: 2, activation: softmax, activity_regularizer: l2}
training: {epochs: 3, optimizer: {name: muon, use_ema: true, gradient_accumulation_steps: 2}}
runtime: {backend: scratch, device: gpu, precision: mixed_float16, convolution: numba}
"""
ELSEWHERE = "or use another backend, such as --backend tensorflow"
MESSAGES = [
    f"c.yaml:4:7: model.layers[0] RandomFlip: backend scratch has no such layer; leave it out, {ELSEWHERE}",
    f"c.yaml:5:91: model.layers[1].layers[0].kernel_constraint: backend scratch has no constraints; leave it out, {ELSEWHERE}",
    f"c.yaml:6:7: model.layers[2] GaussianNoise: backend scratch has no such layer; leave it out, {ELSEWHERE}",
    f"c.yaml:7:7: model.layers[3] SpatialTransformer: backend scratch has no such layer; leave it out, {ELSEWHERE}",
    f"c.yaml:9:68: model.layers[5].activity_regularizer: backend scratch has no penalties on outputs; leave it out, {ELSEWHERE}",
    f"c.yaml:10:41: training.optimizer.name: backend scratch has no muon; expected adam, adamw, lion, rmsprop, sgd, {ELSEWHERE}",
    f"c.yaml:10:56: training.optimizer.use_ema: backend scratch has no use_ema; leave it out, {ELSEWHERE}",
    f"c.yaml:10:91: training.optimizer.gradient_accumulation_steps: backend scratch has no gradient_accumulation_steps; leave it out, {ELSEWHERE}",
    f"c.yaml:11:37: runtime.device: backend scratch computes on the CPU; expected cpu or auto, {ELSEWHERE}",
    f"c.yaml:11:53: runtime.precision: backend scratch computes in float32; leave it out, {ELSEWHERE}",
]

FOREIGN = """\
dataset: {name: xo, train_count: 60, test_count: 20}
model:
  keras:
    class_name: Sequential
    config:
      layers:
        - {class_name: InputLayer, config: {name: image, shape: [16, 16, 1]}}
        - {class_name: Reshape, config: {name: rows, target_shape: [16, 16]}}
        - {class_name: LSTM, config: {name: rows_read, units: 8}}
        - {class_name: Dense, config: {name: letters, units: 2, activation: softmax}}
runtime: {backend: scratch, device: gpu}
"""
PENALTY = FOREIGN.replace(
    "{class_name: LSTM, config: {name: rows_read, units: 8}}",
    "{class_name: BatchNormalization, config: {name: normal, beta_regularizer: {class_name: L2, config: {l2: 0.1}}}}\n"
    "        - {class_name: Flatten, config: {name: flat}}",
).replace(", device: gpu", "")


def refused(text: str) -> list[str]:
    with pytest.raises(UserError) as caught:
        parse_config(parse_yaml(text, "c.yaml"), default_name="c")
    return str(caught.value).splitlines()


def test_everything_that_the_engine_lacks_is_named_at_once() -> None:
    assert refused(CONFIG) == MESSAGES


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        pytest.param(
            FOREIGN,
            [
                f"c.yaml:9:38: model.keras.config.layers[2].config LSTM: backend scratch has no such layer; leave it out, {ELSEWHERE}",
                f"c.yaml:11:37: runtime.device: backend scratch computes on the CPU; expected cpu or auto, {ELSEWHERE}",
            ],
            id="layer",
        ),
        pytest.param(
            PENALTY,
            [
                f"c.yaml:9:85: model.keras.config.layers[2].config.beta_regularizer: backend scratch has no such penalties; leave it out, {ELSEWHERE}"
            ],
            id="penalty",
        ),
        pytest.param(
            PENALTY.replace(
                "Flatten, config: {name: flat}", "Activation, config: {name: a, activation: relu}"
            ),
            [
                "c.yaml:4:5: model.keras: backend scratch has no Dense for the input of letters",
                f"   leave it out, {ELSEWHERE}",
            ],
            id="input",
        ),
    ],
)
def test_layers_that_only_keras_knows(text: str, messages: list[str]) -> None:
    assert refused(text) == messages


def test_nothing_of_it_imports_a_framework(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(FOREIGN, encoding="utf-8")
    code = (
        "import sys\nfrom cnnlab.cli import run\nassert run(['train', 'c.yaml']) == 2\n"
        "assert not {'keras', 'tensorflow', 'jax', 'torch', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_without_numba_a_config_is_read_but_not_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "cnnlab.scratch.convolution.importlib.util.find_spec",
        lambda name: None if name == "numba" else found(name),
    )
    config = tmp_path / "letters.yaml"
    config.write_text(
        "dataset: {name: xo, train_count: 60, test_count: 20}\n"
        "model: {layers: [Flatten, Dense: {units: 2, activation: softmax}]}\n"
        "runtime: {backend: scratch, convolution: numba}\n"
    )
    assert run(["summary", str(config)]) == 0
    capsys.readouterr()
    assert run(["train", str(config), "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        "runtime.convolution: Numba is not installed; install it with pip install 'cnnlab[numba]', or use im2col\n"
    )


def test_a_convolution_is_chosen_for_the_engine_only() -> None:
    with pytest.raises(UserError) as caught:
        load_config("dnn", ["runtime.convolution=loops"])
    assert str(caught.value) == (
        "--set runtime.convolution: has no effect without backend: scratch; leave it out"
    )


def test_the_digest_has_the_convolution_where_it_is_not_the_usual_one() -> None:
    plain = load_config("cnn", ["runtime.backend=scratch"])
    assert plain.digest != load_config("cnn").digest
    assert (
        load_config("cnn", ["runtime.backend=scratch", "runtime.convolution=im2col"]).digest == plain.digest
    )
    assert load_config("cnn", ["runtime.backend=scratch", "runtime.convolution=loops"]).digest != plain.digest


def test_keras_computes_what_is_predicted_and_explained() -> None:
    trained = RuntimeConfig.model_validate({"backend": "scratch", "convolution": "loops"})
    assert asked_runtime(trained, backend=None, device=None).backend == "scratch"  # its host
    assert asked_runtime(trained, backend="jax", device=None).backend == "jax"
    with pytest.raises(UserError, match=r"^backend: a trained network is computed by Keras; expected"):
        asked_runtime(trained, backend="scratch", device=None)


def test_the_engine_computes_all_shipped_networks_but_two() -> None:
    configs = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
    lacks = {
        (path.stem, lack.node.layer.type())
        for path in configs
        for lack in lacking(load_config(str(path)).nodes)
    }
    assert lacks == {
        ("cifar10_resnet", "RandomFlip"),
        ("cifar10_resnet", "RandomTranslation"),
        ("mnist_distorted_st_cnn", "AffineSampling"),
    }
