"""How long `cnnlab runs list` takes with many runs: python bench/runs_list.py [--runs 10000]

Writes that many finished runs (run.json, result.json, the config of cnn) into a temporary folder and
lists them in a process of its own, start-up included. The promise: 10,000 in under 2 s.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cnnlab.config.experiment import load_config

PROMISE = 2.0  # seconds for 10,000 runs


def write_runs(out: Path, number: int, *, seeds: int = 10) -> None:
    config = load_config("cnn").to_yaml()
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
        (folder / "config.yaml").write_text(config, encoding="utf-8")


def measure(out: Path, *arguments: str) -> float:
    """The fastest of three."""
    command = [sys.executable, "-m", "cnnlab.cli", "runs", "list", "--out", str(out), *arguments]
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    number = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        write_runs(out, number)
        results = {
            "json": measure(out, "--json"),
            "where": measure(out, "--where", "test_accuracy > 0.98", "--sort", "-test_accuracy"),
            "setting": measure(out, "--where", "training.epochs = 20", "--sort", "training.batch_size"),
            "table": measure(out),
        }
    for name, seconds in results.items():
        print(f"{number:,} runs, {name:<7} {seconds:.2f} s")
    if max(results.values()) > PROMISE * number / 10_000:
        sys.exit(f"slower than promised: {PROMISE} s for 10,000")


if __name__ == "__main__":
    main()
