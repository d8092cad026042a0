"""The same network, data and settings with cnnlab, as `cnnlab train` does it.

usage: with_cnnlab.py dnn|cnn DATA_DIR EPOCHS SEED      see bench/README.md; KERAS_BACKEND=jax: on JAX
"""

import csv
import json
import os
import resource
import sys
import tempfile

import cnnlab


def main() -> None:
    network, folder, epochs, seed = sys.argv[1:]
    with tempfile.TemporaryDirectory() as out:
        (run,) = cnnlab.train(
            network,
            seeds=int(seed),
            set={"training.epochs": int(epochs)},
            data_dir=folder,
            out=out,
            backend=os.environ.get("KERAS_BACKEND"),
        )
        with (run.folder / "history.csv").open() as file:
            seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
        environment = json.loads((run.folder / "environment.json").read_text())
        accuracy = run.result.test_accuracy
    print(
        json.dumps(
            {
                "seconds": seconds,
                "test_accuracy": accuracy,
                "peak_memory_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
                "onednn": environment["onednn"],
                "versions": {name: environment[name] for name in ("cnnlab", "keras", environment["backend"])},
            }
        )
    )


if __name__ == "__main__":
    main()
