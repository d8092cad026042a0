"""One backend for the whole session, and how hypothesis looks for examples."""

import gc
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from cnnlab.backend import Backend, start_backend
from cnnlab.config.sections import RuntimeConfig
from cnnlab.version import ARITHMETIC

# Otherwise the threads of OpenMP, which scikit-learn and PyTorch use, keep their CPU busy while they wait:
# where tests share the CPUs, t-SNE takes ten times as long. Read when a library is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

CONFIGS = Path(__file__).parents[1] / "configs"

# The same examples every time, so that a red test is red for everyone;
# HYPOTHESIS_PROFILE=explore looks further.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

ON_THE_DEVICE = ("analyses", "architecture", "keras_models", "layers", "optimization", "predict", "training")
"""Folders whose tests are about the numbers that Keras computes: what they find may depend on the device.

Elsewhere networks are trained as well, but most of what is asserted is about commands, files and messages;
the other tests there are marked by hand, `@pytest.mark.device`.
"""

KERAS_COMPUTES_NOTHING = {
    "analyses/test_kernels.py", "analyses/test_letters.py",
    "architecture/test_lecture.py", "architecture/test_receptive_field.py",
    "keras_models/test_drawing.py", "keras_models/test_refusals.py",
    "layers/test_against_keras.py", "layers/test_counts.py", "layers/test_errors.py", "layers/test_python.py",
}  # fmt: skip
"""Files in these folders about counts, shapes, messages, or what NumPy computes."""


LONGEST = ("layers/test_every_backend.py", "training/test_seeds_together.py", "cli/test_workers.py")
"""Files that take minutes. They begin first, lest one process wait for the other at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))
    for item in items:
        path = item.path.relative_to(Path(__file__).parent)
        if "elsewhere" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.other_backends)
        elif path.parts[0] in ON_THE_DEVICE and path.as_posix() not in KERAS_COMPUTES_NOTHING:
            item.add_marker(pytest.mark.device)


def pytest_collection_finish() -> None:
    keep_for_good()


def keep_for_good() -> None:
    """What lives as long as the session is not looked through again by the garbage collector.

    Every training collects garbage twice. Among all tests and all of TensorFlow that takes longer than a tiny
    network takes to learn.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def backend() -> Backend:
    """Keras on TensorFlow, deterministic; started once, because it takes seconds."""
    started = start_backend(RuntimeConfig())
    keep_for_good()
    return started


@pytest.fixture
def no_pictures(monkeypatch):
    """Comparisons draw none: they take longer than all the rest."""
    monkeypatch.setattr("cnnlab.studies.writing.pictures", lambda comparison, answers: {})


@pytest.fixture
def unrendered(monkeypatch):
    """Figures are drawn but not rendered, which takes as long as a tiny training; their files hold a line."""
    from cnnlab.run_folders.folders import Folder

    def write_figure(folder, name, figure):
        folder.save_with(name, lambda path: path.write_text(f"{figure}, which was not rendered\n"))

    monkeypatch.setattr(Folder, "write_figure", write_figure)


NO_TENSORFLOW = """
import importlib.machinery
import sys

class Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] == "tensorflow" else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = Finder
"""
"""As where it is not installed. None in sys.modules is something else: Keras takes it for an import."""


@pytest.fixture(params=["jax", "torch"])
def other(request):
    """The name of another backend than the session's."""
    return request.param


@pytest.fixture
def elsewhere(other, tmp_path_factory):
    """Runs code in a process of its own, where the other backend is, and TensorFlow is not.

    torch need not be installed beside TensorFlow: CNNLAB_TORCH_PYTHON names an interpreter that has it.
    """
    variable = f"CNNLAB_{other.upper()}_PYTHON"
    interpreter = os.environ.get(variable) or (importlib.util.find_spec(other) and sys.executable)
    if not interpreter:
        pytest.skip(f"{other} is not installed, and {variable} names no Python that has it")

    def call(code):
        code = f"{NO_TENSORFLOW}\n{code}"
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        environment.pop("KERAS_BACKEND", None)
        # One for all, and nobody's own: JAX finds the programs there that another test has compiled.
        environment.setdefault("CNNLAB_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        done = subprocess.run(
            [interpreter, "-c", code], capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr

    return call


@pytest.fixture(scope="session")
def make_run():
    """Writes a finished run that never ran: `make_run(out, "colors_cnn", seed=0, accuracy=0.9) → folder`.

    Everything is there but model.keras. The answers are wrong on a random share of the test images, seeded;
    images with a low index are hard for all. `changes` are overrides such as "training.epochs=3".
    """
    from cnnlab.config.experiment import load_config
    from cnnlab.datasets import DataPaths, load_dataset
    from cnnlab.run_folders.holding import hold
    from cnnlab.run_folders.identity import run_path
    from cnnlab.run_folders.run_writer import open_run
    from cnnlab.trainer import dataset_facts

    datasets = {}

    def make(
        out: Path, experiment: str, *, seed: int = 0, accuracy: float = 0.9, changes=(), state="finished"
    ) -> Path:
        config = load_config(str(CONFIGS / f"{experiment}.yaml"), changes).with_seed(seed)
        key = config.dataset.model_dump_json()
        if key not in datasets:
            datasets[key] = load_dataset(config.dataset, DataPaths.from_environment(None))
        data = datasets[key]
        classes = len(data.class_names)
        rng = np.random.default_rng([seed, config.architecture.total_params])
        labels = data.test.labels
        ease = rng.random(len(labels)) + np.linspace(0, 1, len(labels))
        wrong = np.argsort(ease)[: round((1 - accuracy) * len(labels))]
        predicted = labels.copy()
        predicted[wrong] = (labels[wrong] + rng.integers(1, classes, len(wrong))) % classes
        probabilities = np.full((len(labels), classes), 0.02, np.float16)
        probabilities[np.arange(len(labels)), predicted] = 0.9
        reached = accuracy * (1 - 0.6 * 0.7 ** np.arange(1, config.training.epochs + 1))
        history = [
            {
                "epoch": epoch, "loss": 2 * (1 - share) + 0.01, "accuracy": share,
                "val_loss": 2.1 * (1 - share), "val_accuracy": share - 0.01, "learning_rate": 0.1,
                "seconds": 0.5 + seed / 100, "images_per_second": 9000.0,
            }
            for epoch, share in enumerate(reached, start=1)
        ]  # fmt: skip
        path = run_path(config, out)
        with hold(path, out), open_run(path, config, data=data.provenance.digest) as run:
            run.write_setting(
                {
                    "cnnlab": "0.1.0", "arithmetic": ARITHMETIC,
                    "python": "3.11.7", "keras": "3.15.1", "numpy": "2.4.6",
                    "backend": "tensorflow", "tensorflow": "2.21.0", "device": "cpu",
                    "device_name": "CPU (2 cores)", "precision": "float32", "platform": "Linux", "cores": 2,
                    "memory_bytes": 2**33, "git_commit": None,
                    "dataset": dataset_facts(config, data).as_dict(),
                }
            )  # fmt: skip
            run.write_history(history)
            run.write_arrays(
                "predictions.npz", labels=labels, predicted=predicted, probabilities=probabilities
            )
            run.write_json(
                "result.json",
                {
                    "name": config.name, "digest": config.digest, "seed": seed,
                    "train_loss": 0.01, "train_accuracy": 0.999, "validation_loss": 0.2,
                    "validation_accuracy": accuracy - 0.01, "test_loss": 0.2,
                    "test_accuracy": float(np.mean(predicted == labels)), "epochs": len(history),
                    "best_epoch": len(history), "tested_epoch": len(history),
                    "params": config.architecture.total_params,
                    "trainable_params": config.architecture.trainable_params,
                    "macs": config.architecture.macs, "seconds": 12.5 + seed,
                    "seconds_per_epoch": 0.5 + seed / 100, "images_per_second": 9000.0,
                    "peak_memory_bytes": 700 * 2**20,
                },
            )  # fmt: skip
        if state != "finished":
            run.write_state(state)
        return path

    return make


@pytest.fixture(scope="session")
def settle():
    """Makes changed files those that the run finished with: `settle(folder)`."""
    from cnnlab.run_folders.integrity import DIGESTED, file_digest

    def write(folder: Path) -> None:
        status = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        files = {name: file_digest(folder / name) for name in DIGESTED if (folder / name).exists()}
        (folder / "run.json").write_text(json.dumps(status | {"files": files}), encoding="utf-8")

    return write
