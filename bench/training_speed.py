"""cnnlab beside other tools that train the same networks: seconds, accuracy and memory, in turn.

usage: training_speed.py [--data-dir DIR] [--networks dnn cnn] [--tools PyTorch …] [--runs 5]
                         [--epochs 8] [--torch-python .venv-torch/bin/python] [--verdict]
                         [--timeout 1800] [--results bench/RESULTS.md]

In each round every tool runs once, in a process of its own, with the round's number as its seed. A tool that
is not installed is left out, and so is a run that fails or takes longer than --timeout; the results say
which. Writes RESULTS.md and a picture of the same name, after Ctrl-C too, of what was measured until then;
--verdict adds `cnnlab bench verdict`. The exit code is 1 if anything failed.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Annotated

import psutil
from pydantic import BaseModel, Field, ValidationError
from results_page import OURS, Run, Runs, Tool, draw, page

from cnnlab.benchmarks.verdict import write_mnist
from cnnlab.config.experiment import load_config
from cnnlab.datasets import DataPaths, load_dataset
from cnnlab.wording import three_digits

PEERS = Path(__file__).parent / "peers"
ROOT = Path(__file__).parents[1]

TRAININGS_OF_A_VERDICT = 24
"""Two networks, six seeds, with and without cnnlab."""

TOOLS = (
    OURS,
    Tool("plain Keras", "plain_keras.py", ("keras", "tensorflow")),
    Tool("PyTorch", "plain_pytorch.py", ("torch",), in_torch_python=True),
    Tool("Lightning", "plain_lightning.py", ("torch", "lightning"), in_torch_python=True),
    Tool("cnnlab on JAX", "with_cnnlab.py", ("jax",), backend="jax"),
    Tool("plain Keras on JAX", "plain_keras.py", ("keras", "jax"), backend="jax"),
)


class Failed(Exception):
    """A process ended without a result, or did not end; the message says why."""


class Told(BaseModel, extra="forbid", strict=True, allow_inf_nan=False):
    """The last line that a peer prints: the contract of bench/README.md."""

    seconds: list[Annotated[float, Field(gt=0)]] = Field(min_length=2)
    test_accuracy: float = Field(ge=0, le=1)
    peak_memory_bytes: int
    onednn: bool | None
    versions: dict[str, str]


@dataclass
class Results:
    """What has been measured so far, and what could not be."""

    runs: Runs
    peak: float | None = None  # operations per second
    verdict: str = ""
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def measuring(self, name: str) -> Iterator[None]:
        """Go on where the block has failed; whatever ends all of it is recorded as well."""
        try:
            yield
        except Failed as error:
            self._say(f"{name}: {error}")
        except BaseException as error:
            reason = "interrupted" if isinstance(error, KeyboardInterrupt) else repr(error)
            self._say(f"{name}, and what would have followed: {reason}")
            raise

    def _say(self, failure: str) -> None:
        self.failures.append(failure)
        print(f"failed: {failure}", flush=True)


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
    parser.add_argument("--timeout", type=float, default=1800, metavar="SECONDS", help="of one training")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "RESULTS.md")
    arguments = parser.parse_args()
    if arguments.runs < 1 or arguments.epochs < 2:
        parser.error("expected --runs of 1 or more, and --epochs of 2 or more: the first one compiles")
    if not arguments.timeout > 0:
        parser.error("expected a --timeout of more than 0 seconds")

    asked = [each for each in TOOLS if each is OURS or each.name in arguments.tools]
    installed = [each for each in asked if is_installed(each, arguments.torch_python)]
    left_out = [each for each in asked if each not in installed]
    for tool in left_out:
        print(f"left out: {tool.name}, which needs {' and '.join(tool.needs)}", flush=True)
    results = Results({network: {tool.name: {} for tool in installed} for network in arguments.networks})
    interrupted = False
    try:
        measure(arguments, installed, results)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        written = write(arguments, left_out, results)
    said = "\n".join(["failed:" if written else "nothing could be measured", *results.failures])
    if interrupted:
        print(said, file=sys.stderr)
        sys.exit(130)
    if results.failures:
        sys.exit(said)


def measure(arguments: argparse.Namespace, installed: Sequence[Tool], results: Results) -> None:
    """Fill the results, step by step."""
    with tempfile.TemporaryDirectory() as folder:
        every_image = ["dataset.train_size=60000", "dataset.validation_size=0"]
        dataset = load_config("dnn", every_image).dataset
        assert dataset is not None
        write_mnist(
            Path(folder) / "mnist.npz", load_dataset(dataset, DataPaths.from_environment(arguments.data_dir))
        )
        with results.measuring("TensorFlow's peak"):
            results.peak = peak_of(folder, arguments.timeout)
        for seed, network, tool in product(range(arguments.runs), arguments.networks, installed):
            name = f"{network}, seed {seed}, {tool.name}"
            with results.measuring(name):
                run = run_tool(tool, network, folder, seed, arguments)
                results.runs[network][tool.name][seed] = run
                print(
                    f"{name}: {three_digits(run.seconds)} s per epoch, test accuracy {run.test_accuracy:.2%}",
                    flush=True,
                )
    if arguments.verdict:
        with results.measuring("cnnlab bench verdict"):
            results.verdict = verdict_of(arguments.data_dir, TRAININGS_OF_A_VERDICT * arguments.timeout)


def write(arguments: argparse.Namespace, left_out: Sequence[Tool], results: Results) -> bool:
    """The page, then its picture; False: nothing was measured, and an earlier page stays."""
    measured = {
        network: {name: each for name, each in tools.items() if each}
        for network, tools in results.runs.items()
    }
    measured = {network: tools for network, tools in measured.items() if tools}
    if not measured:
        return False
    picture = arguments.results.with_suffix(".png")
    text = page(
        measured, results.peak, left_out, results.verdict, picture.name, arguments.runs, arguments.epochs,
        command=make_command(sys.argv[1:]), failures=results.failures,
    )  # fmt: skip
    arguments.results.write_text(text, encoding="utf-8")
    draw(measured, picture)
    print(arguments.results)
    return True


def make_command(given: Sequence[str]) -> str:
    """The `make bench` that measures the same; where files lie on this machine is left out."""
    paths = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for option in ("--torch-python", "--data-dir", "--results"):
        paths.add_argument(option)
    _, options = paths.parse_known_args(given)
    if options == ["--verdict"]:  # what the Makefile passes by itself
        return "make bench"
    return f"make bench BENCH_OPTIONS={shlex.quote(shlex.join(options))}"


def is_installed(tool: Tool, torch_python: Path) -> bool:
    code = f"import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, {tool.needs!r})))"
    python = str(torch_python) if tool.in_torch_python else sys.executable
    try:
        return subprocess.run([python, "-c", code], check=False).returncode == 0
    except OSError:  # no such environment
        return False


def run_tool(tool: Tool, network: str, folder: str, seed: int, arguments: argparse.Namespace) -> Run:
    """One process of a tool. The first epoch, which compiles, counts for the whole process only.

    Raises:
        Failed: the process did.
    """
    python = arguments.torch_python if tool.in_torch_python else sys.executable
    script = PEERS / tool.script
    command = [str(each) for each in (python, script, network, folder, arguments.epochs, seed)]
    began = time.perf_counter()
    printed = output_of(command, arguments.timeout, backend=tool.backend)
    whole = time.perf_counter() - began
    last_line = (printed.strip().splitlines() or [""])[-1]
    try:
        told = Told.model_validate_json(last_line)
    except ValidationError as error:
        first = error.errors()[0]
        what = ": ".join([*map(str, first["loc"]), first["msg"]])
        raise Failed(f"its last line breaks the contract: {what}, in {last_line[:80]!r}") from error
    return Run(
        statistics.median(told.seconds[1:]), whole, told.test_accuracy, told.peak_memory_bytes, told.onednn,
        told.versions,
    )  # fmt: skip


def output_of(command: Sequence[str], timeout: float, *, backend: str | None = None) -> str:
    """What a process prints to stdout.

    Raises:
        Failed: its exit code was not 0, or it took longer than so many seconds.
    """
    variables = environment() | ({} if backend is None else {"KERAS_BACKEND": backend})
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        try:
            printed, said = process.communicate(timeout=timeout)
        except BaseException as error:
            with suppress(psutil.NoSuchProcess):  # they would slow down what is measured next
                for each in psutil.Process(process.pid).children(recursive=True):
                    each.kill()
            process.kill()
            if isinstance(error, subprocess.TimeoutExpired):
                raise Failed(f"stopped after {three_digits(timeout)} s, see --timeout") from error
            raise
    if process.returncode != 0:
        lines = said.strip().splitlines()
        raise Failed(lines[-1] if lines else f"exit code {process.returncode}, no message")
    return printed


def environment() -> dict[str, str]:
    """Peers find this checkout's cnnlab."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


def peak_of(folder: str, timeout: float) -> float:
    """Operations per second of the fastest matrix product, as `cnnlab bench epoch` measures it.

    Raises:
        Failed: the command did.
    """
    command = [sys.executable, "-m", "cnnlab.cli", "bench", "epoch", "dnn", "--epochs", "1"]
    speed = json.loads(output_of([*command, "--data-dir", folder, "--quiet", "--json"], timeout))
    return float(speed["peak"]["operations_per_second"])


def verdict_of(data_dir: Path | None, timeout: float) -> str:
    """What `cnnlab bench verdict` prints, without the folder that its files are in.

    Raises:
        Failed: the command did.
    """
    options = [] if data_dir is None else ["--data-dir", str(data_dir)]
    command = [sys.executable, "-m", "cnnlab.cli", "bench", "verdict", "--quiet", *options]
    return output_of(command, timeout).replace(f"{ROOT}/", "")


if __name__ == "__main__":
    main()
