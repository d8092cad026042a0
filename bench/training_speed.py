"""cnnlab train against the plain `model.fit` script: whole processes, and seconds per epoch, in turn.

usage: training_speed.py DATA_DIR [--runs 5] [--epochs 20] [--networks dnn cnn]
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PEER = Path(__file__).parent / "peers" / "plain_keras.py"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data_dir")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--networks", nargs="+", default=["dnn", "cnn"])
    arguments = parser.parse_args()
    print("| network | what | cnnlab | plain model.fit | cnnlab ÷ plain, median (min to max of pairs) |")
    print("| --- | --- | --- | --- | --- |")
    for network in arguments.networks:
        ours, theirs = [], []
        for _ in range(arguments.runs):
            ours.append(timed(run_cnnlab, network, arguments))
            theirs.append(timed(run_plain, network, arguments))
        row(network, "whole process, s", [each[0] for each in ours], [each[0] for each in theirs])
        row(network, "training steps, s/epoch", [each[1] for each in ours], [each[1] for each in theirs])


def timed(
    run: Callable[[str, str, int], list[float]], network: str, arguments: argparse.Namespace
) -> tuple[float, float]:
    """Seconds of the whole process, and the median epoch; the first epoch, which compiles, is left out."""
    began = time.perf_counter()
    epochs = run(network, arguments.data_dir, arguments.epochs)
    return time.perf_counter() - began, statistics.median(epochs[1:] or epochs)


def run_cnnlab(network: str, data_dir: str, epochs: int) -> list[float]:
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "cnnlab.cli", "train", network, "--out", out, "--data-dir", data_dir]
        command += ["--set", f"training.epochs={epochs}", "--quiet", "--json"]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        folder = Path(json.loads(answer.stdout)["run"])
        with (folder / "history.csv").open() as file:
            return [float(line["seconds"]) for line in csv.DictReader(file)]


def run_plain(network: str, data_dir: str, epochs: int) -> list[float]:
    command = [sys.executable, str(PEER), network, data_dir, str(epochs)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds: list[float] = json.loads(answer.stdout)["seconds"]
    return seconds


def row(network: str, what: str, ours: list[float], theirs: list[float]) -> None:
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    print(
        f"| {network} | {what} | {statistics.median(ours):.3g} | {statistics.median(theirs):.3g} "
        f"| {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |",
        flush=True,
    )


if __name__ == "__main__":
    main()
