"""A finished run → a file for another runtime, checked by running it there."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnlab.conversion.converting import Request
from cnnlab.conversion.facts import facts_of
from cnnlab.conversion.formats import Format
from cnnlab.datasets.permuting import pixel_order, raw_images
from cnnlab.errors import CnnlabError, UserError
from cnnlab.process_environment import environment_of_the_user
from cnnlab.run_folders.folders import Folder
from cnnlab.run_folders.records import Record
from cnnlab.user_files import temporary_folder

if TYPE_CHECKING:
    from cnnlab.datasets.content import Dataset
    from cnnlab.reporting import Reporter

LARGEST_DIFFERENCE = 1e-4
"""Of a probability in float32: beyond, the file does not compute what the network does."""

CALIBRATION_IMAGES = 200
"""Training images that the ranges of 8-bit numbers are taken from."""


@dataclass(frozen=True)
class Exported:
    """A file that was written, and how it answers the test images beside Keras.

    largest_difference: of a probability. same_answers: the share of images with the same class.
    test_accuracy, original_accuracy: shares, of the file and of the network in Keras, float32.
    """

    run: Path
    format: str
    path: Path
    bytes: int
    runtime: str
    images: int
    largest_difference: float
    same_answers: float
    test_accuracy: float
    original_accuracy: float
    quantized: str | None

    def as_dict(self) -> dict[str, Any]:
        """What `cnnlab export --json` prints."""
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}


def export_record(
    record: Record,
    kind: Format,
    data: Dataset,
    *,
    folder: Path,
    target: Path,
    quantize: str | None,
    reporter: Reporter,
) -> Exported:
    """Write a run's network to a file, and run the file over the test images; see `cnnlab.export`.

    Args:
        folder: of the run, as the caller named it.
        target: where the file is to be; one that is there is replaced once the new one has been checked.

    Raises:
        UserError: the network or its format cannot be exported.
        CnnlabError: the file's answers differ from the network's, or it cannot be written; none is left then.
    """
    dataset = record.config.dataset
    assert dataset is not None
    if data.provenance.digest != record.dataset.digest:
        raise UserError(
            f"{folder}: the data has changed since this run was trained, and the exported file could not be "
            "checked; train it again with --fresh"
        )
    with temporary_folder("cnnlab-export-") as scratch:
        images = raw_images(data.test.images, dataset)
        request = Request(scratch, record.path.resolve(), kind.name, kind.file, quantize)
        request.write()
        np.save(scratch / "images.npy", images)
        if quantize:
            np.save(scratch / "calibration.npy", raw_images(data.train.images[:CALIBRATION_IMAGES], dataset))
        if dataset.permute_pixels is not None:
            np.save(scratch / "order.npy", pixel_order(dataset.permute_pixels, *dataset.image_shape[:2]))
        np.savez(scratch / "scale.npz", factor=data.pixels.factor, offset=data.pixels.offset)
        facts = json.dumps(facts_of(record, quantized=quantize), ensure_ascii=False)
        (scratch / "facts.json").write_text(facts, encoding="utf-8")
        reporter.note(f"converting {record.config.run_title} to {kind.name}")
        _in_a_process("cnnlab.conversion.converting", scratch)
        reporter.note(f"running it over {len(images):,} test images with {kind.runtime}")
        _in_a_process("cnnlab.conversion.running", scratch)
        original, exported = np.load(scratch / "answers.npy"), np.load(scratch / "exported.npy")
        largest = float(np.max(np.abs(original - exported)))
        if not quantize and not largest <= LARGEST_DIFFERENCE:
            raise CnnlabError(
                f"{kind.runtime} gives other probabilities than Keras: they differ by up to {largest:.2g}, "
                f"and at most {LARGEST_DIFFERENCE:g} is expected; nothing was written"
            )
        written = scratch / request.file
        size = sum(each.stat().st_size for each in [written, *written.rglob("*")] if each.is_file())
        in_run = target.parent.parent if target.parent == folder / "export" else None
        place = Folder(target.parent, inside=in_run)
        with place.alone() if in_run else nullcontext():  # other folders are the user's own
            place.move_in(target.name, written)
    labels = data.test.labels
    return Exported(
        run=folder,
        format=kind.name,
        path=target,
        bytes=size,
        runtime=kind.runtime,
        images=len(images),
        largest_difference=largest,
        same_answers=float(np.mean(original.argmax(axis=1) == exported.argmax(axis=1))),
        test_accuracy=float(np.mean(exported.argmax(axis=1) == labels)),
        original_accuracy=float(np.mean(original.argmax(axis=1) == labels)),
        quantized=quantize,
    )


_PROGRAM = """\
import importlib, os, sys, threading

threading.Thread(target=lambda: os.read(0, 1) or os._exit(1), daemon=True).start()
module, folder, *sys.path[:] = sys.argv[1:]
importlib.import_module(module).main(folder)
"""
"""It ends with the process that has started it, whose end of standard input closes even if it is killed."""


def _in_a_process(module: str, folder: Path) -> None:
    """Let a module's `main` work in a process of its own, on whatever backend it needs.

    Raises:
        CnnlabError: it has left an error, or has died.
    """
    environment = environment_of_the_user()
    # Convolutions of channels-first images then go through channels last, which other runtimes know as well.
    environment["TF_ENABLE_ONEDNN_OPTS"] = "0"
    command = [sys.executable, "-P", "-c", _PROGRAM, module, str(folder), *sys.path]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=environment,
    )  # fmt: skip
    try:
        said = process.stdout.read() if process.stdout else b""
        code = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()
    left = folder / "error.json"
    if left.exists():
        error = json.loads(left.read_text(encoding="utf-8"))
        raise (UserError if error["exit_code"] == 2 else CnnlabError)(error["message"])
    if code:
        last = said.decode(errors="replace").strip().splitlines()[-1:]
        raise CnnlabError(f"the process that converts the network ended with {code}: {' '.join(last)}")
