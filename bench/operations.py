"""Where a training step spends its time, operation by operation, on TensorFlow.

usage: operations.py CONFIG [--data-dir FOLDER] [--steps 50] [--precision mixed_bfloat16]
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from cnnlab.api.experiment import load
from cnnlab.backend import start_backend
from cnnlab.datasets import DataPaths, load_dataset

SHOWN = 12


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config")
    parser.add_argument("--data-dir")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--precision", default="float32")
    arguments = parser.parse_args()
    config = load(arguments.config, {"runtime.precision": arguments.precision}).config
    if config.dataset is None:
        parser.error(f"{arguments.config} has no dataset")
    start_backend(config.runtime)
    from cnnlab.training.epoch import epoch_batches
    from cnnlab.training.train import prepare

    data = load_dataset(config.dataset, DataPaths.from_environment(arguments.data_dir))
    _, steps = prepare(config, data)
    batches = epoch_batches(config, len(data.train), epoch=1)[0]
    count = min(arguments.steps, len(batches))
    steps.run(batches, 0, count)  # compiles
    microseconds, calls = profiled(lambda: steps.run(batches, 0, count))
    total = sum(microseconds.values())
    print(f"{config.name}: {total / count / 1000:.2f} ms of operations a step, batch {batches.shape[1]}\n")
    print("| operation | calls a step | ms a step | share |\n| --- | --: | --: | --: |")
    for name, taken in microseconds.most_common(SHOWN):
        print(f"| {name} | {calls[name] / count:.1f} | {taken / count / 1000:.3f} | {taken / total:.1%} |")


def profiled(work: Callable[[], object]) -> tuple[Counter[str], Counter[str]]:
    """Microseconds and calls of each kind of operation, by TensorFlow's own profiler."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf.xplane_pb2 import XSpace

    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            work()
        (written,) = Path(folder).rglob("*.xplane.pb")
        space = XSpace.FromString(written.read_bytes())
    microseconds: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    # An operation's event is called node:Kind; those of functions and of the runtime have other names.
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                node, separator, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
                if separator and node.strip() and not node.endswith(":") and kind.isidentifier():
                    microseconds[kind] += event.duration_ps / 1e6
                    calls[kind] += 1
    return microseconds, calls


if __name__ == "__main__":
    main()
