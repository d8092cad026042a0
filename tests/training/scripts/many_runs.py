"""Train tiny networks one after the other in this process; print what each took, and what the process held.

Usage: many_runs.py FOLDER COUNT NETWORK [NETWORK …]; the networks take turns.
"""

import gc
import json
import sys
from pathlib import Path

import psutil

from cnnlab.backend import start_backend
from cnnlab.config.experiment import parse_config
from cnnlab.config.sections import RuntimeConfig
from cnnlab.datasets import DataPaths
from cnnlab.jobs import Jobs
from cnnlab.language.source import parse_yaml
from cnnlab.reporting import SILENT

NETWORKS = {
    "tiny": "[Flatten, Dense: {units: 2, activation: softmax}]",
    "wide": "[Flatten, Dense: {units: 30000, activation: relu}, Dense: {units: 2, activation: softmax}]",
    "cnn": """
    - Conv2D: {filters: 16, kernel_size: 3, activation: silu}
    - Flatten
    - Dense: {units: 2, activation: softmax}
""",
}


DRAWN = 10
"""Every tenth run's curves are drawn: to draw them takes a third of a run."""


class NoCurves:
    """Takes the place of a drawing."""

    def savefig(self, path: Path) -> None:
        path.touch()


def main(folder: str, count: str, *networks: str) -> None:
    jobs = Jobs(Path(folder), DataPaths.from_environment(None), SILENT)
    process = psutil.Process()
    start_backend(RuntimeConfig())
    from cnnlab.training import train  # imports Keras, as the backend wants it

    drawing = train.history_curves
    for index in range(int(count)):
        network = networks[index % len(networks)]
        train.history_curves = drawing if index % DRAWN == 0 else lambda *_, **__: NoCurves()
        text = (
            f"name: {network}\nseed: {index}\n"
            "dataset: {name: xo, train_count: 40, validation_size: 10, test_count: 20}\n"
            "training: {epochs: 1, batch_size: 20, optimizer: sgd}\n"
            f"model:\n  layers: {NETWORKS[network]}\n"
        )
        (record,) = jobs.finished([parse_config(parse_yaml(text, "tiny.yaml"), default_name=network)])
        held = process.memory_info().rss
        sys.stdout.write(json.dumps([network, record.result.peak_memory_bytes, held]) + "\n")
        sys.stdout.flush()
        if index == 10:
            gc.freeze()  # what is loaded by now stays; that nobody looks through it again saves half the time


if __name__ == "__main__":
    main(*sys.argv[1:])
