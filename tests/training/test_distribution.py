"""One network on several devices gives what one device gives, to rounding, and the same bits each time.

The devices are parts of a CPU, each backend in a process of its own.
"""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from click.testing import CliRunner

import cnnlab.cli
from cnnlab.backend import Backend, Device
from cnnlab.config.experiment import load_config, parse_config
from cnnlab.errors import OptionError, UserError
from cnnlab.language.source import parse_yaml
from cnnlab.plugins import Distribution
from cnnlab.run_folders.records import Record, read_record
from cnnlab.seed_groups import SeedGroups, why_not_together
from cnnlab.training.distribution import distribution_note, sharing_devices

SCRIPT = Path(__file__).parent / "scripts" / "several_devices.py"
DEVICES = 3
ROUNDING = 1e-4
"""Relative and absolute, after 32 steps; typically, losses agree to 1e-6. Divided otherwise, sums of float32
have other last digits (6e-8 of a number), and each step builds on the one before."""


class Told(NamedTuple):
    """What a backend's processes have left and said: with all devices, and with one."""

    folder: Path
    several: dict[str, list[str]]
    one: dict[str, list[str]]

    def run(self, out: str, name: str) -> Record:
        [path] = (self.folder / out).glob(f"{name}-*/seed-0")
        return read_record(path)


@pytest.fixture(
    scope="module",
    params=[pytest.param("jax", marks=pytest.mark.other_backends), "tensorflow"],
)
def told(request, tmp_path_factory) -> Told:
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    return Told(folder, *(said(request.param, devices, folder) for devices in (DEVICES, 1)))


def said(backend: str, devices: int, folder: Path) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), backend, str(devices), str(folder)],
        capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def losses_of(record: Record) -> dict[str, list[Any]]:
    columns = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
    return {name: [row[name] for row in record.history] for name in columns}


def arrays_of(record: Record) -> dict[str, np.ndarray]:
    """The final weights, by layer."""
    import zipfile

    import h5py

    arrays = {}
    with (
        zipfile.ZipFile(record.path / "model.keras") as model,
        model.open("model.weights.h5") as weights,
        h5py.File(weights, "r") as file,
    ):
        file.visititems(lambda name, item: arrays.update({name: item[()]} if hasattr(item, "shape") else {}))
    return arrays


def assert_close(found: Record, wanted: Record, tolerance: float) -> None:
    for name, values in losses_of(wanted).items():
        np.testing.assert_allclose(
            losses_of(found)[name], values, rtol=tolerance, atol=tolerance, err_msg=name
        )
    for key in ("test_loss", "validation_loss", "train_loss"):
        one, other = getattr(found.result, key), getattr(wanted.result, key)
        assert one == pytest.approx(other, rel=tolerance), key
    weights = arrays_of(found)
    for name, array in arrays_of(wanted).items():
        if not name.endswith(("seed_generator_state/vars/0",)):
            np.testing.assert_allclose(weights[name], array, rtol=tolerance, atol=tolerance, err_msg=name)


def assert_same_bits(one: Record, other: Record) -> None:
    assert losses_of(one) == losses_of(other)
    assert one.result.test_loss == other.result.test_loss
    first, second = arrays_of(one), arrays_of(other)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@pytest.mark.parametrize("network", ["rules", "uneven"])
def test_several_devices_give_what_one_gives(told, network) -> None:
    """Batch normalization, penalties, class weights, clipping, averages and accumulation included.

    So are batches that are no multiple of the devices, and a last one with fewer images than devices.
    """
    assert_close(told.run("all", network), told.run("one", network), ROUNDING)


def test_half_precision(told) -> None:
    """Float16 has three digits; losses and weights after 32 steps agree to two."""
    found, wanted = told.run("all", "half"), told.run("one", "half")
    np.testing.assert_allclose(losses_of(found)["loss"], losses_of(wanted)["loss"], rtol=0.02)
    np.testing.assert_allclose(losses_of(found)["val_loss"], losses_of(wanted)["val_loss"], rtol=0.02)
    assert [each["accuracy"] for each in found.history][-1] > 0.6


def test_random_numbers(told) -> None:
    """On JAX they are those of one device; on TensorFlow each device has its own."""
    found, wanted = told.run("all", "random"), told.run("one", "random")
    if "jax" in wanted.environment:
        assert_close(found, wanted, ROUNDING)
    else:
        first, second = losses_of(found)["loss"], losses_of(wanted)["loss"]
        assert first != pytest.approx(second, rel=1e-3)
        assert first == pytest.approx(second, rel=0.25)


def test_the_same_bits_each_time(told) -> None:
    assert_same_bits(told.run("again", "random"), told.run("all", "random"))


def test_resumed_with_the_same_bits(told) -> None:
    assert not [each for each in told.several["resumed"] if "other arithmetic" in each]
    assert_same_bits(told.run("resumed", "random"), told.run("all", "random"))


def test_images_that_stay_on_the_disk(told) -> None:
    assert_same_bits(told.run("disk", "rules"), told.run("all", "rules"))


def test_resumed_with_another_number_of_devices(told) -> None:
    [warning] = [each for each in told.one["elsewhere"] if "other arithmetic" in each]
    assert f"resumed under other arithmetic (number of devices: {DEVICES} → 1)" in warning
    assert told.run("elsewhere", "random").environment["resumed_elsewhere"] is True


def test_what_is_said_and_recorded(told) -> None:
    names = [f"CPU:{device}" for device in range(DEVICES)]
    assert f"rules: {DEVICES} devices share each batch: {', '.join(names)}" in told.several["rules"]
    environment = told.run("all", "rules").environment
    assert (environment["devices"], environment["device_names"]) == (DEVICES, names)
    assert "devices" not in told.run("one", "rules").environment
    shown = CliRunner().invoke(cnnlab.cli.group, ["runs", "show", "rules", "--out", str(told.folder / "all")])
    assert shown.exit_code == 0, shown.output


def test_one_device_trains_as_without_distribution(told) -> None:
    [note] = [each for each in told.one["alone"] if "data_parallel" in each]
    assert "has one device here; it trains on this one, as without distribution" in note
    assert_same_bits(told.run("alone", "random"), told.run("none", "random"))


def test_a_batch_with_fewer_images_than_devices(told) -> None:
    [message] = told.several["too small"]
    assert message.startswith(
        f"rules: training.batch_size is 2, and {DEVICES} devices are to share each batch"
    )
    assert not (told.folder / "small").exists()


def test_a_saved_network_is_one_devices(told) -> None:
    """Nothing in it says that it was trained on several."""
    import zipfile

    for network in ("rules", "random"):
        settings = []
        for out in ("all", "one"):
            with zipfile.ZipFile(told.run(out, network).path / "model.keras") as model:
                settings.append(
                    re.sub(r'"(shared_object_)?(seed|id)": \d+', "", model.read("config.json").decode())
                )
        assert settings[0] == settings[1]
        assert "distrib" not in settings[0]


def test_it_answers_on_one_device_what_it_answered(told) -> None:
    """`model.keras` on the backend of this process, which has one device."""
    import keras

    record = told.run("all", "uneven")
    network = keras.models.load_model(record.path / "model.keras", compile=False)
    [run] = cnnlab.runs("uneven", out=told.folder / "all")
    from cnnlab.datasets import DataPaths, load_dataset

    data = load_dataset(record.config.dataset, DataPaths.from_environment(None))
    answers = network.predict(data.pixels.apply(data.test.images), verbose=0)
    with np.load(record.path / "predictions.npz") as kept:
        np.testing.assert_allclose(answers, kept["probabilities"], atol=2e-3)  # float16
    assert run.state == "finished"


CONFIG = """\
dataset: {name: xo, train_count: 40, test_count: 10}
model: {layers: [Flatten, Dense: {units: 2, activation: softmax}]}
runtime:
  backend: BACKEND
  distribution: data_parallel
"""


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        ("torch", "PyTorch needs a process for each, and a run has one process"),
        ("scratch", "cnnlab's own engine computes on the CPU"),
    ],
)
def test_refused_backends(backend, reason) -> None:
    with pytest.raises(UserError) as error:
        parse_config(parse_yaml(CONFIG.replace("BACKEND", backend), "c.yaml"), default_name="c")
    assert str(error.value) == (
        f"c.yaml:5:17: runtime.distribution: backend {backend} trains on one device: {reason}; leave it out, "
        "or use backend jax or tensorflow"
    )


KERAS = """\
dataset: {name: xo, train_count: 40, test_count: 10}
model:
  keras:
    class_name: Sequential
    config:
      layers:
        - {class_name: Flatten, config: {}}
        - {class_name: UnitNormalization, config: {}}
        - {class_name: Dense, config: {units: 2, activation: softmax}}
runtime: {backend: BACKEND, distribution: data_parallel}
"""


def test_a_layer_that_nobody_knows_is_refused_on_tensorflow() -> None:
    with pytest.raises(UserError) as error:
        parse_config(parse_yaml(KERAS.replace("BACKEND", "tensorflow"), "c.yaml"), default_name="c")
    assert str(error.value) == (
        "c.yaml:8:51: model.keras.config.layers[1].config UnitNormalization: on TensorFlow, each device "
        "computes its part of a batch, and whether a layer of Keras's that cnnlab does not know allows that "
        "is not known; use --backend jax, or runtime.distribution: none"
    )
    assert parse_config(
        parse_yaml(KERAS.replace(", distribution: data_parallel", "").replace("BACKEND", "tensorflow"), "c"),
        default_name="c",
    )


def test_a_layer_of_a_plug_in_is_refused_on_tensorflow(monkeypatch) -> None:
    monkeypatch.setattr(
        "cnnlab.layers.LAYERS.distribution",
        lambda name: Distribution("stranger", "1.0") if name == "Dense" else None,
    )
    with pytest.raises(UserError, match=r"layers\[1\] Dense: on TensorFlow, .* a layer from stranger allows"):
        parse_config(parse_yaml(CONFIG.replace("BACKEND", "tensorflow"), "c.yaml"), default_name="c")
    assert parse_config(parse_yaml(CONFIG.replace("BACKEND", "jax"), "c.yaml"), default_name="c")


def test_several_seeds_in_one_program_are_refused() -> None:
    config = load_config("colors_dnn", ["runtime.backend=jax", "runtime.distribution=data_parallel"])
    with pytest.raises(OptionError, match="colors_dnn shares each batch between several"):
        SeedGroups(None, 2).check(config, None)  # type: ignore[arg-type]
    SeedGroups(None, "auto").check(config, None)  # type: ignore[arg-type]
    assert "all devices train one network" in (why_not_together(config, None) or "")  # type: ignore[arg-type]


def test_the_digest() -> None:
    """Where it is not at its default, and only there."""
    plain = load_config("colors_dnn")
    assert load_config("colors_dnn", ["runtime.distribution=none"]).digest == plain.digest
    assert load_config("colors_dnn", ["runtime.distribution=data_parallel"]).digest != plain.digest


def test_gpus_by_name() -> None:
    config = load_config("colors_dnn", ["runtime.backend=jax", "runtime.distribution=data_parallel"])
    gpus = tuple(Device(f"GPU:{number}", "NVIDIA H100") for number in range(2))
    backend = Backend("jax", "0", "gpu", "GPU (NVIDIA H100)", devices=gpus)
    assert distribution_note(config, backend) == (
        "colors_dnn: 2 devices share each batch: GPU:0 (NVIDIA H100), GPU:1 (NVIDIA H100)"
    )
    config = load_config("colors_dnn", ["runtime.backend=jax"])
    assert sharing_devices(config, backend) == ()
