"""cnnlab beside other tools that train the same networks: seconds, accuracy and memory, in turn.

usage: training_speed.py [--data-dir DIR] [--networks dnn cnn] [--tools PyTorch …] [--runs 5]
                         [--epochs 8] [--torch-python .venv-torch/bin/python] [--verdict]
                         [--results bench/RESULTS.md]

In each round every tool runs once, in a process of its own, with the round's number as its seed. A tool that
is not installed is left out, and so is a run that fails; the results say which. Writes RESULTS.md and a
picture of the same name; --verdict adds `cnnlab bench verdict`. The exit code is 1 if anything failed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from results_page import OURS, Run, Runs, Tool, draw, page

from cnnlab.benchmarks.verdict import write_mnist
from cnnlab.config.experiment import load_config
from cnnlab.datasets import DataPaths, load_dataset
from cnnlab.wording import three_digits

PEERS = Path(__file__).parent / "peers"
ROOT = Path(__file__).parents[1]


TOOLS = (
    OURS,
    Tool("plain Keras", "plain_keras.py", ("keras", "tensorflow")),
    Tool("PyTorch", "plain_pytorch.py", ("torch",), in_torch_python=True),
    Tool("Lightning", "plain_lightning.py", ("torch", "lightning"), in_torch_python=True),
    Tool("cnnlab on JAX", "with_cnnlab.py", ("jax",), backend="jax"),
    Tool("plain Keras on JAX", "plain_keras.py", ("keras", "jax"), backend="jax"),
)


class Failed(Exception):
    """A process ended without a result; the message is the last line that it printed."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--networks", nargs="+", choices=("dnn", "cnn"), default=["dnn", "cnn"])
    names = [tool.name for tool in TOOLS]
    parser.add_argument("--tools", nargs="+", choices=names, default=names, help="cnnlab is always one")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--torch-python", type=Path, default=ROOT / ".venv-torch" / "bin" / "python")
    parser.add_argument("--verdict", action="store_true")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "RESULTS.md")
    arguments = parser.parse_args()
    if arguments.runs < 1 or arguments.epochs < 2:
        parser.error("expected --runs of 1 or more, and --epochs of 2 or more: the first one compiles")

    asked = [each for each in TOOLS if each is OURS or each.name in arguments.tools]
    installed = [each for each in asked if is_installed(each, arguments.torch_python)]
    left_out = [each for each in asked if each not in installed]
    for tool in left_out:
        print(f"left out: {tool.name}, which needs {' and '.join(tool.needs)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        every_image = ["dataset.train_size=60000", "dataset.validation_size=0"]
        dataset = load_config("dnn", every_image).dataset
        assert dataset is not None
        write_mnist(
            Path(folder) / "mnist.npz", load_dataset(dataset, DataPaths.from_environment(arguments.data_dir))
        )
        peak = peak_of(folder)
        runs: Runs = {network: {tool.name: {} for tool in installed} for network in arguments.networks}
        failures = []
        for seed in range(arguments.runs):
            for network in arguments.networks:
                for tool in installed:
                    name = f"{network}, seed {seed}, {tool.name}"
                    try:
                        run = run_tool(tool, network, folder, arguments.epochs, seed, arguments.torch_python)
                    except Failed as error:
                        failures.append(f"{name}: {error}")
                        print(f"{name} failed: {error}", flush=True)
                        continue
                    runs[network][tool.name][seed] = run
                    print(
                        f"{name}: {three_digits(run.seconds)} s per epoch, "
                        f"test accuracy {run.test_accuracy:.2%}",
                        flush=True,
                    )
    verdict = ""
    if arguments.verdict:
        try:
            verdict = verdict_of(arguments.data_dir)
        except Failed as error:
            failures.append(f"cnnlab bench verdict: {error}")
    measured = {
        network: {name: each for name, each in tools.items() if each} for network, tools in runs.items()
    }
    measured = {network: tools for network, tools in measured.items() if tools}
    if not measured:
        sys.exit("\n".join(["nothing could be measured", *failures]))
    picture = arguments.results.with_suffix(".png")
    draw(measured, picture)
    text = page(
        measured, peak, left_out, verdict, picture.name, arguments.runs, arguments.epochs, failures=failures
    )
    arguments.results.write_text(text, encoding="utf-8")
    print(arguments.results)
    if failures:
        sys.exit("\n".join(["failed:", *failures]))


def is_installed(tool: Tool, torch_python: Path) -> bool:
    code = f"import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, {tool.needs!r})))"
    python = str(torch_python) if tool.in_torch_python else sys.executable
    try:
        return subprocess.run([python, "-c", code], check=False).returncode == 0
    except OSError:  # no such environment
        return False


def run_tool(tool: Tool, network: str, folder: str, epochs: int, seed: int, torch_python: Path) -> Run:
    """One process of a tool. The first epoch, which compiles, counts for the whole process only.

    Raises:
        Failed: the process did.
    """
    python = torch_python if tool.in_torch_python else sys.executable
    command = [str(python), str(PEERS / tool.script), network, folder, str(epochs), str(seed)]
    began = time.perf_counter()
    printed = output_of(command, backend=tool.backend)
    whole = time.perf_counter() - began
    result = json.loads(printed.splitlines()[-1])
    seconds = result.pop("seconds")
    return Run(seconds=statistics.median(seconds[1:]), whole_seconds=whole, **result)


def output_of(command: Sequence[str], *, backend: str | None = None) -> str:
    """What a process prints to stdout.

    Raises:
        Failed: its exit code was not 0.
    """
    variables = environment() | ({} if backend is None else {"KERAS_BACKEND": backend})
    done = subprocess.run(command, env=variables, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise Failed(lines[-1] if lines else f"exit code {done.returncode}, no message")
    return done.stdout


def environment() -> dict[str, str]:
    """Peers find this checkout's cnnlab."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


def peak_of(folder: str) -> float:
    """Operations per second of the fastest matrix product, as `cnnlab bench epoch` measures it."""
    command = [sys.executable, "-m", "cnnlab.cli", "bench", "epoch", "dnn", "--epochs", "1"]
    speed = json.loads(output_of([*command, "--data-dir", folder, "--quiet", "--json"]))
    return float(speed["peak"]["operations_per_second"])


def verdict_of(data_dir: Path | None) -> str:
    """What `cnnlab bench verdict` prints, without the folder that its files are in.

    Raises:
        Failed: the command did.
    """
    options = [] if data_dir is None else ["--data-dir", str(data_dir)]
    command = [sys.executable, "-m", "cnnlab.cli", "bench", "verdict", "--quiet", *options]
    return output_of(command).replace(f"{ROOT}/", "")


if __name__ == "__main__":
    main()
