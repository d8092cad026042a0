"""How long `cnnlab runs list` takes with many runs: python bench/runs_list.py [--runs 1000 10000 100000]

Writes that many finished runs (run.json, result.json, the config of cnn) into a temporary folder and lists
them in processes of their own, start-up included; prints the table of docs/scaling.md. "without" has no index
to read: the first listing, which writes one. The promise: 10,000 in under 2 s, 100,000 in under 5 s.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cnnlab.config.experiment import load_config

PROMISES = {10_000: 2.0, 100_000: 5.0}
"""Seconds for so many runs, at most, as soon as there is an index."""

WAYS = {
    "latest 20": ("--sort", "-started", "--limit", "20"),
    "`--where test_accuracy > 0.98`": ("--where", "test_accuracy > 0.98", "--sort", "-test_accuracy"),
    "`--where training.epochs = 3`": ("--where", "training.epochs = 3"),
    "table of all": (),
    "`--json` of all": ("--json",),
}


def write_runs(out: Path, number: int, *, seeds: int = 10) -> None:
    configs = [load_config("cnn", [f"training.epochs={epochs}"]).to_yaml() for epochs in (3, *[20] * 6)]
    for index in range(number):
        name, digest = f"cnn{index // seeds % 7}", f"{index // seeds:08x}"
        folder = out / f"{name}-{digest}" / f"seed-{index % seeds}"
        folder.mkdir(parents=True)
        run = {"state": "finished", "started": "2026-11-21T08:14:58+00:00", "updated": "", "seconds": 19.6}
        run |= {"command": ["cnnlab", "train", name], "pid": 1, "error": None}
        result = {"name": name, "digest": digest * 8, "seed": index % seeds, "test_accuracy": index / number}
        result |= dict.fromkeys(("train_loss", "train_accuracy", "test_loss", "seconds"), 0.123456789)
        result |= {"params": 137_660, "macs": 1_639_350, "epochs": 20}
        (folder / "run.json").write_text(json.dumps(run, indent=2), encoding="utf-8")
        (folder / "result.json").write_text(json.dumps(result, indent=2), encoding="utf-8")
        (folder / "config.yaml").write_text(configs[index // seeds % 7], encoding="utf-8")


def measured(*arguments: str) -> tuple[float, float]:
    """Seconds that one command of cnnlab's takes, and those of the CPU."""
    command = [sys.executable, "-m", "cnnlab.cli", *arguments]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def listings(out: Path, number: int, *, rounds: int) -> bool:
    """Print a line for each way to list these runs; whether the promise is kept."""
    kept = True
    for name, arguments in WAYS.items():
        (out / f".runs-{os.getuid()}.sqlite").unlink(missing_ok=True)
        first = measured("runs", "list", "--out", str(out), *arguments)
        warm = min(measured("runs", "list", "--out", str(out), *arguments) for _ in range(rounds))
        print(f"| {number:,} | {name} | {first[0]:.2f} ({first[1]:.2f}) | {warm[0]:.2f} ({warm[1]:.2f}) |")
        sys.stdout.flush()
        kept = kept and warm[0] <= PROMISES.get(number, float("inf"))
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=[10_000])
    parser.add_argument("--rounds", type=int, default=3, help="listings with an index; the fastest counts")
    options = parser.parse_args()
    print("| runs | listing | without: seconds (of the CPU) | with an index |\n| ---: | --- | ---: | ---: |")
    kept = True
    for number in options.runs:
        with tempfile.TemporaryDirectory() as folder:
            write_runs(Path(folder), number)
            time.sleep(3)  # files that have just been written are not indexed
            kept = listings(Path(folder), number, rounds=options.rounds) and kept
    if not kept:
        sys.exit("slower than promised: 2 s for 10,000 runs, 5 s for 100,000")


if __name__ == "__main__":
    main()
