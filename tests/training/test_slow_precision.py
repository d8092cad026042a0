"""Mixed precision that costs time instead of saving it is warned of."""

import os
import subprocess
import sys

import pytest

from cnnlab.training import slow_precision as module
from cnnlab.training.slow_precision import seconds_of, slow_precision


@pytest.fixture
def device(monkeypatch, backend):
    """device(float32=…, bfloat16=…) → a device whose convolutions, or Dense layers, take so many seconds."""

    def call(kind: str = "convolutions", **seconds: float) -> None:
        other = dict.fromkeys(seconds, 1.0)
        monkeypatch.setattr(
            module, "seconds_of", lambda dtype, asked: (seconds if asked == kind else other)[dtype]
        )

    return call


def test_a_device_that_is_slower_is_warned_of(device):
    device(float32=0.01, bfloat16=0.071)
    assert slow_precision("mixed_bfloat16", convolutions=True) == (
        "convolutions in mixed_bfloat16 take about 7 times as long as in float32 here; "
        "use --precision float32"
    )


def test_what_a_network_consists_of_counts(device):
    """Without oneDNN, convolutions in bfloat16 are slow, and matrix products are not."""
    device(float32=0.01, bfloat16=0.071)
    assert slow_precision("mixed_bfloat16", convolutions=False) is None
    device("Dense layers", float32=0.01, bfloat16=0.062)
    assert slow_precision("mixed_bfloat16", convolutions=True) is None
    assert slow_precision("mixed_bfloat16", convolutions=False) == (
        "Dense layers in mixed_bfloat16 take about 6 times as long as in float32 here; "
        "use --precision float32"
    )


@pytest.mark.parametrize("seconds", [0.004, 0.01, 0.019])
def test_a_device_that_is_faster_or_merely_busy_is_not(device, seconds):
    device(float32=0.01, float16=seconds)
    assert slow_precision("mixed_float16", convolutions=True) is None


def test_float32_is_not_tried(device):
    device()
    assert slow_precision("float32", convolutions=True) is None


def test_a_cpu_without_it_is_told_of(tmp_path):
    """oneDNN reads the variable when it starts. On a CPU of another kind it means nothing."""
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "TF_ENABLE_ONEDNN_OPTS": "1"}
    options = ["--precision", "mixed_bfloat16", "--set", "training.epochs=1", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "cnnlab", "train", "colors_cnn", *options, "--quiet"],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    if done.returncode == 0:
        pytest.skip("this CPU, or its oneDNN, computes in bfloat16 all the same")
    assert (done.returncode, done.stderr) == (
        2,
        "this CPU, as oneDNN may use it, cannot compute in mixed_bfloat16; use --precision float32, or set "
        "TF_ENABLE_ONEDNN_OPTS=0\n",
    )


@pytest.mark.parametrize("kind", module.SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_seconds_are_those_of_this_device(backend, dtype, kind):
    assert 0 < seconds_of(dtype, kind) < 30
