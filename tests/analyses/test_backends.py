"""The same network gives the same arrays on every backend: one saved file, a process for each."""

import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from cnnlab.cli import run

SCRIPT = Path(__file__).parent / "scripts" / "every_technique.py"


def assert_same(found, wanted):
    assert set(found) == set(wanted)
    for key in wanted:
        tolerance = 1e-4 * np.abs(wanted[key]).max(initial=0)
        assert_allclose(found[key], wanted[key], rtol=1e-3, atol=tolerance, err_msg=key)


def test_every_technique_agrees(other, elsewhere, small_network, images_for, tmp_path):
    for name, activation in {"kinked": "relu", "smooth": "tanh"}.items():
        model = small_network("branches", activation=activation)
        model.save(tmp_path / f"{name}.keras")
    np.save(tmp_path / "images.npy", images_for(model, 5))
    arguments = [str(SCRIPT), other, str(tmp_path)]
    elsewhere(f"import runpy; sys.argv = {arguments}; runpy.run_path(sys.argv[0], run_name='__main__')")
    wanted = runpy.run_path(str(SCRIPT))["arrays_of"](tmp_path)
    with np.load(tmp_path / f"{other}.npz") as found:
        assert_same(found, wanted)
    assert all(array.any() for key, array in wanted.items() if key != "positions")


@pytest.mark.slow
def test_the_commands_agree(other, elsewhere, tmp_path):
    """A run that was trained on TensorFlow, explained on both; and all techniques run."""
    small = ["--set=dataset.train_size=200", "--set=dataset.validation_size=50", "--set=training.epochs=2"]
    assert run(["train", "colors_cnn", "--out", str(tmp_path), "--quiet", *small]) == 0
    (source,) = tmp_path.glob("colors_cnn-*/seed-0")
    there = shutil.copytree(source, tmp_path / other)
    assert run(["explain", "all", str(source), "--quiet"]) == 0
    arguments = ["explain", "all", str(there), "--quiet", "--backend", other]
    elsewhere(f"from cnnlab.cli import run; sys.exit(run({arguments}))")
    for name in ("saliency", "occlusion", "deconvnet", "features", "examples", "embedding", "equivalence"):
        with (
            np.load(source / "explain" / f"{name}.npz") as wanted,
            np.load(there / "explain" / f"{name}.npz") as found,
        ):
            assert_same(found, wanted)
