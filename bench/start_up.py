"""How long the commands take that must answer at once: whole processes, in turn with an empty Python.

usage: start_up.py [--runs 15]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BROKEN = "name: broken\ndataset: mnist\nmodel:\n  layers:\n    - Dense: {units: 10, activation: sofmax}\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        broken = Path(folder) / "broken.yaml"
        broken.write_text(BROKEN)
        cnnlab = str(Path(sys.executable).parent / "cnnlab")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "import cnnlab": [sys.executable, "-c", "import cnnlab"],
            "import click, yaml, pydantic": [sys.executable, "-c", "import click, yaml, pydantic"],
            "cnnlab --help": [cnnlab, "--help"],
            "cnnlab summary": [cnnlab, "summary"],
            "cnnlab summary cnn": [cnnlab, "summary", "cnn"],
            "cnnlab train broken.yaml": [cnnlab, "train", str(broken)],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                began = time.perf_counter()
                subprocess.run(command, capture_output=True, check=False)
                seconds[name].append(time.perf_counter() - began)
    print("| command | median, s | min to max |\n| --- | --- | --- |")
    for name, values in seconds.items():
        print(f"| `{name}` | {statistics.median(values):.2f} | {min(values):.2f} to {max(values):.2f} |")


if __name__ == "__main__":
    main()
