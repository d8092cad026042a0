"""Where a training step spends its time, operation by operation, on TensorFlow; on JAX, what its forms bring.

usage: operations.py CONFIG [--backend jax] [--data-dir FOLDER] [--steps 50] [--precision mixed_bfloat16]
"""

from __future__ import annotations

import argparse
import inspect
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from cnnlab.api.experiment import load
from cnnlab.backend import start_backend
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets import DataPaths, load_dataset
from cnnlab.datasets.content import Dataset

SHOWN = 12
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config")
    parser.add_argument("--backend", choices=["tensorflow", "jax"], default="tensorflow")
    parser.add_argument("--data-dir")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--precision", default="float32")
    arguments = parser.parse_args()
    runtime = {"runtime.precision": arguments.precision, "runtime.backend": arguments.backend}
    config = load(arguments.config, runtime).config
    if config.dataset is None:
        parser.error(f"{arguments.config} has no dataset")
    backend = start_backend(config.runtime)
    from cnnlab.training.epoch import epoch_batches
    from cnnlab.training.train import prepare

    data = load_dataset(config.dataset, DataPaths.from_environment(arguments.data_dir))
    if arguments.backend == "jax":
        print(f"{config.name} on {backend}, ms a step\n")
        time_forms(config, data, arguments.steps)
        return
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


def time_forms(config: ExperimentConfig, data: Dataset, count: int) -> None:
    """Steps with Keras's own pooling and convolutions, and in the forms for GPUs: the same steps, in turn."""
    from keras.src.backend.jax import nn

    from cnnlab.fast_forms_jax import FORMS, use_fast_form
    from cnnlab.training.epoch import epoch_batches
    from cnnlab.training.train import prepare

    for operation in FORMS:  # as on a GPU; on a CPU, too, to see what they would cost there
        use_fast_form(operation)
    forms = {name: getattr(nn, name) for name in FORMS}
    own = {name: inspect.unwrap(form) for name, form in forms.items()}
    choices = {
        "Keras's own": own,
        "max pooling as reshape + max": {**own, "max_pool": forms["max_pool"]},
        "all pooling, and convolution as patches × matrix": forms,
    }
    batches = epoch_batches(config, len(data.train), epoch=1)[0]
    count = min(count, len(batches))
    steps = {}
    for label, chosen in choices.items():
        for name, form in chosen.items():
            setattr(nn, name, form)
        steps[label] = prepare(config, data)[1]
        steps[label].run(batches, 0, count)  # compiles
    milliseconds: dict[str, list[float]] = {label: [] for label in steps}
    for _ in range(ROUNDS):
        for label, each in steps.items():
            began = time.perf_counter()
            each.run(batches, 0, count)
            milliseconds[label].append((time.perf_counter() - began) * 1000 / count)
    print("| forms | median | min to max |\n| --- | --: | --- |")
    for label, taken in milliseconds.items():
        print(f"| {label} | {statistics.median(taken):.3f} | {min(taken):.3f} to {max(taken):.3f} |")


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
