"""--together where it cannot be had: refused with the reason; auto is one seed at a time there."""

import json

import pytest


def test_another_backend_is_refused(cnnlab) -> None:
    refused = cnnlab("train", "cnn", "--seeds", "0-3", "--together", "4")
    assert (refused.code, refused.stdout) == (2, "")
    assert (
        "--together 4: only JAX computes several seeds in one program, and cnn runs on tensorflow; use "
        "--backend jax, or --workers to train several runs at once on a CPU"
    ) in refused.stderr


@pytest.mark.parametrize("workers", ["2", "auto"])
def test_workers_are_refused_beside_it(cnnlab, workers: str) -> None:
    refused = cnnlab("train", "cnn", "--backend", "jax", "--together", "4", "--workers", workers)
    assert (refused.code, refused.stdout) == (2, "")
    assert (
        "--together 4: several seeds in one program are trained by one process; leave out workers, or train "
        "one seed at a time"
    ) in refused.stderr


def test_numbers_that_are_refused(cnnlab) -> None:
    refused = cnnlab("compare", "dnn", "cnn", "--together", "0")
    assert (refused.code, refused.stdout) == (2, "")
    assert "Error: Invalid value for '--together': expected 1 or more, or auto, found '0'" in refused.stderr
    refused = cnnlab("compare", "dnn", "cnn", "--backend", "jax", "--together", "2000")
    assert (refused.code, refused.stdout) == (2, "")
    assert "--together: expected at most 1,024 seeds in one program, found 2,000" in refused.stderr


def test_check_trains_nothing_together(cnnlab) -> None:
    refused = cnnlab("train", "cnn", "--check", "--together", "2")
    assert refused.code == 2
    assert "--together: --check only runs a few steps" in refused.stderr


def test_auto_is_one_at_a_time_on_tensorflow(cnnlab, backend, configs, data_dir, tmp_path) -> None:
    done = cnnlab(
        "train", configs["small"], "--seeds", "0-1", "--together", "auto", "--set", "training.epochs=1",
        "--data-dir", data_dir, "--out", tmp_path, "--json",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert "in one program" not in done.stderr
    runs = json.loads(done.stdout)
    assert [run["seed"] for run in runs] == [0, 1]
    assert not any("side_by_side" in run for run in runs)
