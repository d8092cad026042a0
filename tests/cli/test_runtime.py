"""One process, several runtimes: what cannot be is refused, what can be is what it says."""

from pathlib import Path

import pytest

import cnnlab.backend
from cnnlab.backend import Backend, start_backend
from cnnlab.config.sections import RuntimeConfig
from cnnlab.errors import UserError


@pytest.fixture
def running_on(monkeypatch: pytest.MonkeyPatch, backend: Backend):
    """Lets this process believe that it runs on a device, and that there is a GPU or not."""

    def call(device: str, *, gpu: bool) -> None:
        running = Backend(backend.name, backend.version, device, f"{device} of a test")
        monkeypatch.setattr(cnnlab.backend, "_running", [running])
        monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: ["GPU:0"] if gpu else [])

    return call


@pytest.mark.parametrize(
    ("running", "asked"), [("gpu", "auto"), ("gpu", "gpu"), ("cpu", "auto"), ("cpu", "cpu")]
)
def test_the_device_that_is_there_is_taken_again(running_on, running: str, asked: str) -> None:
    running_on(running, gpu=True)
    assert start_backend(RuntimeConfig(device=asked)).device == running


@pytest.mark.parametrize(("running", "asked"), [("gpu", "cpu"), ("cpu", "gpu")])
def test_another_device_is_refused(running_on, running: str, asked: str) -> None:
    running_on(running, gpu=True)
    with pytest.raises(UserError) as caught:
        start_backend(RuntimeConfig(device=asked))
    assert str(caught.value) == (
        f"this process already uses the {running.upper()}, and a process can use only one device; "
        f"use --device {asked} in a separate process"
    )


def test_without_a_gpu_that_is_what_is_said(running_on) -> None:
    running_on("cpu", gpu=False)
    with pytest.raises(UserError, match=r"--device gpu: TensorFlow .*, found no GPU"):
        start_backend(RuntimeConfig(device="gpu"))


def test_another_backend_is_refused(backend: Backend) -> None:
    with pytest.raises(UserError, match="this process already uses tensorflow"):
        start_backend(RuntimeConfig(backend="jax"))


def test_runs_of_several_devices_are_refused_before_any_is_trained(
    cnnlab, write_config, data_dir: Path, tmp_path: Path, configs
) -> None:
    text = configs["small"].read_text()
    paths = [
        write_config(
            f"{text}runtime: {{device: {device}}}\n".replace("name: small", f"name: on_{device}"),
            f"{device}.yaml",
        )
        for device in ("cpu", "auto")
    ]
    out = tmp_path / "out"
    code, stdout, stderr = cnnlab("train", *paths, "--data-dir", data_dir, "--out", out)
    assert (code, stdout) == (2, "")
    assert stderr.splitlines()[-1] == (
        "expected one backend and device per command, found tensorflow on auto, tensorflow on cpu; "
        "train each in a separate command, then compare, or use --workers auto"
    )
    assert not list(out.glob("*/seed-*"))


def test_precisions_do_not_rub_off(
    cnnlab, write_config, configs, data_dir: Path, folder_of, tmp_path
) -> None:
    """float32, bfloat16, float32 in one process: each computes in its own, the last equals the first."""
    import keras

    text = configs["stateful"].read_text().replace("epochs: 4", "epochs: 1")
    named = {
        name: write_config(
            text.replace("name: stateful", f"name: {name}") + f"runtime: {{precision: {precision}}}\n",
            f"{name}.yaml",
        )
        for name, precision in (("first", "float32"), ("mixed", "mixed_bfloat16"), ("last", "float32"))
    }
    assert cnnlab("train", *named.values(), "--data-dir", data_dir, "--out", tmp_path).code == 0
    runs = {name: folder_of(tmp_path, name=name) for name in named}
    runs["first"].assert_same_training(runs["last"])
    assert runs["mixed"].timeless_history != runs["first"].timeless_history
    for name, run in runs.items():
        layers = keras.models.load_model(run.path / "model.keras").layers
        policies = {layer.dtype_policy.name for layer in layers if layer.name.startswith("conv2d")}
        assert policies == {"mixed_bfloat16" if name == "mixed" else "float32"}
        assert run.json("environment.json")["precision"] == policies.pop()
