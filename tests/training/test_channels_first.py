"""Training on channels-first images: the same run as on channels-last ones, on every device."""

import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from cnnlab import channels_first
from cnnlab.config.experiment import parse_config
from cnnlab.datasets import DataPaths, load_dataset
from cnnlab.language.source import parse_yaml

CONFIG = """
name: net
dataset: {{name: xo, train_count: 120, test_count: 40, data_format: {format}}}
model:
  layers:
    - Conv2D: {{filters: 4, kernel_size: 3, activation: relu, data_format: {format}}}
    - MaxPooling2D: {{data_format: {format}}}
    - BatchNormalization: {{axis: {axis}}}
    - Residual:
        layers: [DepthwiseConv2D: {{kernel_size: 3, padding: same, data_format: {format}}}]
    - SeparableConv2D: {{filters: 6, kernel_size: 3, data_format: {format}}}
    - GroupNormalization: {{groups: 2, axis: {axis}}}
    - Conv2DTranspose: {{filters: 3, kernel_size: 3, strides: 2, data_format: {format}}}
    - Flatten: {{data_format: {format}}}
    - Dense: {{units: 2, activation: softmax}}
training: {{epochs: 2, batch_size: 20}}
runtime: {{device: cpu, precision: {precision}}}
"""


@pytest.fixture
def run_in(trained):
    """run_in("channels_first") → the record of a finished run."""

    def run(data_format: str, precision: str = "float32"):
        axis = 1 if data_format == "channels_first" else -1
        text = CONFIG.format(format=data_format, axis=axis, precision=precision)
        config = parse_config(parse_yaml(text, "net.yaml"), default_name="net")
        return trained(config, load_dataset(config.dataset, DataPaths.from_environment(None)))

    return run


@pytest.fixture(params=["as it is", "without kernels"])
def device(request, monkeypatch):
    if request.param == "without kernels":
        computes = channels_first.computes
        monkeypatch.setattr(
            channels_first,
            "computes",
            lambda *trial: dict(trial[2])["data_format"] == "channels_last" and computes(*trial),
        )


def losses(record) -> list[float]:
    return [row["loss"] for row in record.history]


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-4), ("mixed_bfloat16", 5e-2)])
def test_a_run_has_the_numbers_of_its_channels_last_twin(run_in, device, precision, tolerance):
    first, last = run_in("channels_first", precision), run_in("channels_last", precision)
    np.testing.assert_allclose(losses(first), losses(last), rtol=tolerance)


def test_weights_and_saved_layers_are_the_ordinary_ones(run_in, device, weights_of):
    first, last = run_in("channels_first"), run_in("channels_last")
    for ours, theirs in zip(weights_of(first), weights_of(last), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
    with zipfile.ZipFile(first.path / "model.keras") as archive:
        saved = archive.read("config.json").decode()
    assert '"module": "keras.layers", "class_name": "Conv2D"' in saved
    assert "cnnlab" not in saved


def test_a_run_without_onednn_is_explained_and_continued_with_it(tmp_path):
    """In processes of their own: what computes is settled when TensorFlow starts."""
    text = CONFIG.format(format="channels_first", axis=1, precision="float32")
    (tmp_path / "net.yaml").write_text(text)
    for onednn, arguments in [("0", ["train", "net.yaml"]), ("1", ["explain", "saliency", "net"])]:
        done = subprocess.run(
            [sys.executable, "-m", "cnnlab.cli", *arguments],
            cwd=tmp_path, env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": onednn}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "local_rendezvous" not in done.stderr
