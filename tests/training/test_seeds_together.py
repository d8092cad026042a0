"""Several seeds in one program give what each gives alone, to rounding, and the same bits each time."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import cnnlab.cli
from cnnlab.layers import LAYERS
from cnnlab.plugins import Distribution
from cnnlab.run_folders.arithmetic import differences_among
from cnnlab.run_folders.records import Record, read_json, read_record
from cnnlab.seed_groups import MOST_BY_DEFAULT, seed_groups, why_not_together
from cnnlab.seed_memory import MEMORY_SHARE, room_for_seeds, seed_bytes

SCRIPT = Path(__file__).parent / "scripts" / "seeds_together.py"
SEEDS = 0, 1, 2
ROUNDING = 1e-4
"""Relative and absolute, after 32 steps at most."""

on_jax = pytest.mark.other_backends


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("together")


@pytest.fixture(scope="module")
def told(folder) -> dict[str, Any]:
    """What the script says; its runs are in `folder`."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder)], capture_output=True, text=True, check=False,
        env={"PYTHONPATH": root, "PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def run_of(out: Path, seed: int) -> Record:
    [path] = out.glob(f"several-*/seed-{seed}")
    return read_record(path)


def arrays_of(record: Record) -> dict[str, np.ndarray]:
    """The final weights and all answers."""
    import zipfile

    import h5py

    arrays = {}
    with (
        zipfile.ZipFile(record.path / "model.keras") as model,
        model.open("model.weights.h5") as weights,
        h5py.File(weights, "r") as file,
    ):
        file.visititems(lambda name, item: arrays.update({name: item[()]} if hasattr(item, "shape") else {}))
    with np.load(record.path / "predictions.npz") as answers:
        arrays |= {name: answers[name] for name in answers.files}
    return arrays


def losses_of(record: Record) -> dict[str, list[Any]]:
    columns = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
    return {name: [row[name] for row in record.history] for name in columns}


def assert_same_bits(one: Record, other: Record) -> None:
    assert losses_of(one) == losses_of(other)
    first, second = arrays_of(one), arrays_of(other)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@on_jax
@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_gives_what_it_gives_alone(told, folder, seed) -> None:
    together, alone = run_of(folder / "together", seed), run_of(folder / "alone", seed)
    found, wanted = losses_of(together), losses_of(alone)
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=ROUNDING, atol=ROUNDING, err_msg=name)
    found, wanted = arrays_of(together), arrays_of(alone)
    for name in wanted:
        tolerance = 2e-3 if name == "probabilities" else ROUNDING  # they are float16
        np.testing.assert_allclose(found[name], wanted[name], rtol=tolerance, atol=tolerance, err_msg=name)
    assert together.result.best_epoch == alone.result.best_epoch


@on_jax
def test_the_seeds_go_ways_of_their_own(told, folder) -> None:
    """They stop at different epochs, and their learning rates fall at different epochs."""
    first, second, third = (run_of(folder / "together", seed).history for seed in SEEDS)
    assert len(second) < len(first) < len(third)
    assert first[5]["learning_rate"] < third[5]["learning_rate"]


@on_jax
@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seeds_give_the_same_bits(told, folder, seed) -> None:
    """Although the process ended between the checkpoints of two seeds, and the rest came later."""
    assert_same_bits(run_of(folder / "interrupted", seed), run_of(folder / "together", seed))
    assert told["interrupted"] == told["together"]


@on_jax
def test_they_have_one_loss(told) -> None:
    """It is a compiled program on a GPU."""
    assert told["objectives"] == 1


@on_jax
def test_one_that_diverges_fails_alone(told, folder) -> None:
    """The others have the bits that they have beside one that does not."""
    for seed in (0, 2):
        assert_same_bits(run_of(folder / "diverged", seed), run_of(folder / "together", seed))
    [path] = (folder / "diverged").glob("several-*/seed-1")
    status = read_json(path / "run.json")
    assert status["state"] == "failed"
    assert status["error"].startswith("training diverged: the loss is nan in epoch 1 at step 1 of 4; ")
    assert "the first layer whose outputs are not finite is conv2d_1" in status["error"]
    assert told["diverged"]["errors"][0] == "1 of 3 runs failed; finished runs are kept"
    assert told["diverged"]["errors"][1].endswith(f"several, seed 1: {status['error']}")


@on_jax
def test_runs_say_which_seeds_were_with_them(told, folder) -> None:
    for out in ("together", "interrupted"):
        for seed in SEEDS:
            record = run_of(folder / out, seed)
            environment = dict(record.environment)
            assert (environment["together"], environment["together_seeds"]) == (3, [0, 1, 2])
            assert record.result.side_by_side == 3
            assert record.result.peak_memory_bytes is None
            assert environment["peak_memory"].startswith("not stated: 3 seeds were trained in one program")
            assert "resumed_elsewhere" not in read_json(record.path / "run.json")
    shown = CliRunner().invoke(
        cnnlab.cli.group, ["runs", "show", "several", "--out", str(folder / "together")]
    )
    assert len(re.findall(r"^  seconds +\d+\.\d, 3 seeds trained in one program$", shown.stdout, re.M)) == 3
    alone = run_of(folder / "alone", 0)
    assert "together" not in alone.environment
    assert alone.result.side_by_side is None
    assert alone.result.peak_memory_bytes is not None
    assert differences_among([run_of(folder / "together", 0), alone]) == ["seeds in one program: 3, 1"]


@on_jax
def test_one_that_is_asked_for_alone_goes_on_alone(told, folder) -> None:
    [warning] = [each for each in told["resumed_alone"]["warnings"] if "resumed" in each]
    assert "resumed under other arithmetic (seeds in one program: 3 → 1)" in warning
    record = run_of(folder / "resumed_alone", 1)
    assert record.environment["resumed_elsewhere"] is True
    assert "together" not in record.environment
    assert record.result.side_by_side == 3  # its seconds are partly those of the group
    states = [read_json(path)["state"] for path in sorted((folder / "resumed_alone").glob("*/*/run.json"))]
    assert states == ["interrupted", "finished", "interrupted"]


@on_jax
def test_a_step_of_every_layer_can_hold_several_seeds(told) -> None:
    assert told["layers"] == sorted(LAYERS)


FOUR = (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("seeds", "begun", "finished", "together", "most", "groups"),
    [
        pytest.param(range(5), {}, (), "auto", 3, [((0, 1, 2), (0, 1, 2)), ((3, 4), (3, 4))], id="new"),
        pytest.param(range(4), {}, (), "auto", 3, [((0, 1, 2), (0, 1, 2))], id="one left over is alone"),
        pytest.param(range(4), {}, (), "auto", 1, [], id="one at a time"),
        pytest.param(FOUR, {0: FOUR, 1: FOUR}, (), "auto", 1, [(FOUR, FOUR)], id="two had saved"),
        pytest.param((1, 3), {1: FOUR, 3: FOUR}, (0, 2), "auto", 1, [(FOUR, (1, 3))], id="some are finished"),
        pytest.param((1, 3), {1: FOUR, 3: FOUR}, (), "auto", 9, [(FOUR, (1, 3))], id="some are asked for"),
        pytest.param((1,), {1: FOUR}, (0, 2, 3), "auto", 1, [(FOUR, (1,))], id="the last one"),
        pytest.param((1,), {1: FOUR}, (0,), "auto", 9, [], id="asked for alone"),
        pytest.param(FOUR, {0: (), 1: ()}, (), "auto", 9, [((2, 3), (2, 3))], id="two were begun alone"),
        pytest.param(FOUR, {0: (), 1: FOUR}, (), 2, 2, [((0, 1), (0, 1)), ((2, 3), (2, 3))], id="regrouped"),
        pytest.param(FOUR, dict.fromkeys(FOUR, FOUR), (), 4, 4, [(FOUR, FOUR)], id="the same number"),
        pytest.param((2,), {2: (0, 1, 2)}, (0, 1), 8, 8, [((0, 1, 2), (2,))], id="more than there are"),
        pytest.param((5,), {5: (4, 5)}, (0, 1, 2, 3, 4), 4, 4, [((4, 5), (5,))], id="the rest of six"),
    ],
)  # fmt: skip
def test_groups(experiment, seeds, begun, finished, together, most, groups) -> None:
    config = experiment()
    found = seed_groups(
        [config.with_seed(seed) for seed in seeds], together=together, most=most,
        begun_with=lambda each: begun.get(each.seed), is_finished=lambda each: each.seed in finished,
    )  # fmt: skip
    assert [(each.seeds, tuple(run.seed for run in each.missing)) for each in found] == groups
    assert [[lane.seed for lane in each.lanes] for each in found] == [list(each.seeds) for each in found]


def test_how_many_a_gpu_has_room_for(experiment) -> None:
    config, images = experiment(), 1000
    for seeds in (2, 7):
        needed = seeds * seed_bytes(config) + images
        assert room_for_seeds(config, int(needed / MEMORY_SHARE) + 2, images) == seeds
        assert room_for_seeds(config, int(needed / MEMORY_SHARE) - 2, images) == seeds - 1
    assert room_for_seeds(config, 2**60, images) > MOST_BY_DEFAULT
    assert room_for_seeds(config, 0, images) == 1
    # State: weights and the two slots of Adam, twice; the weights once more, beside what images take.
    wider = experiment("[Flatten, Dense: {units: 1000}, Dense: {units: 10, activation: softmax}]")
    weights = (785 * 1000 + 1001 * 10 - 785 * 10) * 4
    assert seed_bytes(wider) - seed_bytes(config) == 7 * weights


def test_why_seeds_are_trained_one_at_a_time(experiment, dataset, monkeypatch) -> None:
    config, data = experiment(), dataset()
    assert why_not_together(config, data) is None
    built = config.model_copy(update={"model": config.model.model_copy(update={"keras": {}})})
    assert "built with Keras" in why_not_together(built, data)
    with monkeypatch.context() as patch:
        patch.setattr("cnnlab.seed_groups.stays_on_disk", lambda images: images is data.train.images)
        assert "stay on the disk" in why_not_together(config, data)
    acme = Distribution("acme", "1.0")
    monkeypatch.setattr(LAYERS, "distribution", lambda name: acme if name == "Flatten" else None)
    assert why_not_together(config, data).startswith("Flatten comes from acme: ")
