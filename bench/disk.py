"""What a run takes of the disk, and what it writes after each epoch: python bench/disk.py [cnn dnn]

Trains each config for two epochs in a temporary folder, and prints the tables of docs/scaling.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cnnlab
from cnnlab.run_folders.folders import Folder

EPOCHS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("configs", nargs="*", default=["cnn", "dnn"])
    for name in parser.parse_args().configs:
        written: defaultdict[str, list[int]] = defaultdict(list)
        save_with = Folder.save_with

        def watched(
            folder: Folder,
            file: str,
            save: Callable[[Path], object],
            *,
            original: Any = save_with,
            log: Any = written,
        ) -> None:
            original(folder, file, save)
            log[file].append((folder.path / file).stat().st_size)

        Folder.save_with = watched  # type: ignore[method-assign, assignment]
        try:
            with tempfile.TemporaryDirectory() as out:
                [run] = cnnlab.train(name, set={"training.epochs": EPOCHS}, out=out)
                files = {file: size for file, size in run.facts()["files"].items() if size}
        finally:
            Folder.save_with = save_with  # type: ignore[method-assign]
        print(f"\n{name}: {sum(files.values()):,} bytes a run\n\n| file | bytes | times written |")
        print("| --- | ---: | ---: |")
        for file, size in sorted(files.items(), key=lambda item: -item[1]):
            print(f"| {file} | {size:,} | {len(written[file])} |")
        checkpoints = written["checkpoint.npz"]
        print(f"\ncheckpoint.npz: {checkpoints} bytes, {len(checkpoints)} times in {EPOCHS} epochs")


if __name__ == "__main__":
    main()
