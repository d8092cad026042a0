"""The same config and seed give the same bits."""

from pathlib import Path

import numpy as np
import pytest


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param([], id="adam-dropout-batch-normalization"),
        pytest.param(["training.optimizer={name: sgd, momentum: 0.9, nesterov: true}"], id="sgd-momentum"),
        pytest.param(["training.optimizer=rmsprop", "training.batch_size=30"], id="rmsprop-uneven-batches"),
    ],
)
def test_twice_the_same(cnnlab, configs, data_dir: Path, folder_of, tmp_path: Path, overrides) -> None:
    sets = [part for override in overrides for part in ("--set", override)]
    for out in ("first", "second"):
        options = ("--data-dir", data_dir, "--out", tmp_path / out)
        assert cnnlab("train", configs["stateful"], *sets, *options).code == 0
    folder_of(tmp_path / "first").assert_same_training(folder_of(tmp_path / "second"))


def test_a_seed_is_itself_in_whatever_company(
    cnnlab, process, configs, data_dir: Path, folder_of, tmp_path: Path
) -> None:
    """Trained after another one, or alone in a process of its own."""
    both, alone = tmp_path / "both", tmp_path / "alone"
    assert (
        cnnlab("train", configs["stateful"], "--data-dir", data_dir, "--out", both, "--seeds", "0-1").code
        == 0
    )
    result = process("train", configs["stateful"], "--data-dir", data_dir, "--out", alone, "--set", "seed=1")
    assert result.code == 0, result.stderr
    folder_of(both, 1).assert_same_training(folder_of(alone, 1))
    zero, one = folder_of(both, 0), folder_of(both, 1)
    assert zero.timeless_history != one.timeless_history
    assert not all(map(np.array_equal, zero.weights, one.weights))
