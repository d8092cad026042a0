"""How long the commands take that must answer at once, and a training of two steps: processes in turn.

usage: start_up.py [--runs 15] [--trainings 5]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

BROKEN = "name: broken\ndataset: mnist\nmodel:\n  layers:\n    - Dense: {units: 10, activation: sofmax}\n"

# Two steps: nearly all of its time is what comes before and after them.
TINY = """\
name: tiny
dataset: {name: xo, train_size: 200, validation_size: 100}
model:
  layers:
    - Conv2D: {filters: 4, kernel_size: 3, activation: relu}
    - MaxPooling2D
    - Flatten
    - Dense: {units: 2, activation: softmax}
training: {epochs: 1, batch_size: 100}
"""

ALONE = "import sys; sys.modules['sklearn'] = None; "
"""Keras imports scikit-learn where it is installed."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=15, help="of each command that answers at once")
    parser.add_argument("--trainings", type=int, default=5, help="of each training; 0: none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "broken.yaml").write_text(BROKEN)
        (folder / "tiny.yaml").write_text(TINY)
        cnnlab = str(Path(sys.executable).parent / "cnnlab")
        show(
            {
                "import click, yaml, pydantic": [sys.executable, "-c", "import click, yaml, pydantic"],
                "python -c pass": [sys.executable, "-c", "pass"],
                "import cnnlab": [sys.executable, "-c", "import cnnlab"],
                "cnnlab --help": [cnnlab, "--help"],
                "cnnlab summary": [cnnlab, "summary"],
                "cnnlab summary cnn": [cnnlab, "summary", "cnn"],
                "cnnlab train broken.yaml": [cnnlab, "train", str(folder / "broken.yaml")],
            },
            folder,
            options.runs,
            expected={"cnnlab train broken.yaml": 2},
        )
        if not options.trainings:
            return
        train = [cnnlab, "train", str(folder / "tiny.yaml"), "--out", str(folder / "out"), "--fresh"]
        backends = [each for each in ("tensorflow", "jax") if importlib.util.find_spec(each)]
        frameworks = {
            "import tensorflow, keras, without scikit-learn": f"{ALONE}import tensorflow, keras",
            "import jax, keras, without scikit-learn": (
                f"{ALONE}import os; os.environ['KERAS_BACKEND'] = 'jax'; import jax, keras"
            ),
        }
        print()
        show(
            {
                name: [sys.executable, "-c", code]
                for name, code in frameworks.items()
                if name.split()[1].rstrip(",") in backends
            }
            | {f"cnnlab train, two steps, {each}": [*train, "--backend", each] for each in backends},
            folder,
            options.trainings,
        )


def show(
    commands: Mapping[str, list[str]], folder: Path, runs: int, *, expected: Mapping[str, int] | None = None
) -> None:
    """Run the commands in turn and print a table; the first in it is what the others are compared with.

    Args:
        expected: the exit codes of those that do not end with 0.
    """
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "CNNLAB_CACHE": str(folder)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            began = time.perf_counter()
            code = subprocess.run(command, capture_output=True, check=False, env=environment).returncode
            if code != (expected or {}).get(name, 0):
                raise SystemExit(f"{name} has failed with exit code {code}")
            if turn:  # the first one compiles: Python its modules, JAX its programs
                seconds[name].append(time.perf_counter() - began)
    reference = statistics.median(next(iter(seconds.values())))
    print("| command | median, s | min to max | ratio |\n| --- | --- | --- | --- |")
    for name, values in seconds.items():
        median = statistics.median(values)
        print(
            f"| `{name}` | {median:.2f} | {min(values):.2f} to {max(values):.2f} | {median / reference:.2f} |"
        )


if __name__ == "__main__":
    main()
