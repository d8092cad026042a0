"""Mixed precision that costs time instead of saving it is warned of."""

import pytest

from cnnlab.training import slow_precision as module
from cnnlab.training.slow_precision import seconds_of, slow_precision


@pytest.fixture
def device(monkeypatch, backend):
    """device(float32=…, bfloat16=…) → a device that takes so many seconds."""
    return lambda **seconds: monkeypatch.setattr(module, "seconds_of", seconds.__getitem__)


def test_a_device_that_is_slower_is_warned_of(device):
    device(float32=0.01, bfloat16=0.071)
    assert slow_precision("mixed_bfloat16") == (
        "mixed_bfloat16 is about 7 times slower than float32 here; use --precision float32"
    )


@pytest.mark.parametrize("seconds", [0.004, 0.01, 0.019])
def test_a_device_that_is_faster_or_merely_busy_is_not(device, seconds):
    device(float32=0.01, float16=seconds)
    assert slow_precision("mixed_float16") is None


def test_float32_is_not_tried(device):
    device()
    assert slow_precision("float32") is None


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_seconds_are_those_of_this_device(backend, dtype):
    assert 0 < seconds_of(dtype) < 30
