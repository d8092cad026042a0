"""`cnnlab.export`: a finished run → a file for other runtimes."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.api.arguments import data_paths, out_folder, path_of
from cnnlab.api.progress import ProgressLike, reporter_for
from cnnlab.api.run import Run
from cnnlab.errors import OptionError, UserError, unknown

if TYPE_CHECKING:
    from cnnlab.conversion.exporting import Exported
    from cnnlab.conversion.formats import Format


def export(
    run: Run | str | PathLike[str],
    *,
    to: str,
    out: str | PathLike[str] | None = None,
    quantize: str | None = None,
    data_dir: str | PathLike[str] | None = None,
    progress: ProgressLike = None,
) -> Exported:
    """Write a trained network to a file for another runtime, and check what it answers there.

    >>> cnnlab.export("cnn", to="onnx").path

    The file takes raw pixels, (batch, height, width, channels) uint8, and gives class probabilities; scaling,
    standardization and permutation are inside. It names its classes and says where it comes from. It is run
    over the test images, in a process of its own, by the runtime that it is meant for.

    Args:
        run: a Run, a run's folder, or an experiment's name: its latest finished run.
        to: "onnx", "litert" (formerly TensorFlow Lite), "saved-model" or "keras".
        out: the file, or the folder that it is to stand in; by default RUN/export/.
        quantize: "int8": weights and values of 8 bits, of ONNX and LiteRT; their ranges are taken from 200
            training images.
        data_dir: where dataset files are looked for first.
        progress: see `cnnlab.train`.

    Raises:
        UserError: there is no such finished run or format, a layer has no counterpart there, or a package is
            missing.
        CnnlabError: the file's probabilities differ from the network's by more than 0.0001, or it cannot be
            written. Nothing is left of it then.
    """
    from cnnlab.conversion.formats import FORMATS

    if to not in FORMATS:
        raise OptionError("to", str(unknown("format", str(to), FORMATS)))
    kind = FORMATS[to]
    if quantize not in (None, "int8"):
        raise OptionError("quantize", f"expected int8, found {quantize!r:.60}")
    if quantize and not kind.can_quantize:
        able = " or ".join(each.name for each in FORMATS.values() if each.can_quantize)
        raise OptionError("quantize", f"expected --to {able}, found --to {to}", value=quantize)
    if not isinstance(run, Run):
        from cnnlab.run_folders.listing import latest_run

        run = Run(latest_run(str(run), out_folder(None)))
    record = run.record
    if not (record.path / "model.keras").is_file():
        raise UserError(f"{run.folder}: model.keras is missing; train this run again with --fresh")
    if record.config.dataset is None:
        raise UserError(f"{run.folder}: this run has no dataset")
    kind.check_installed()
    target = _target(run.folder, kind, None if out is None else path_of(out, "out"), quantized=bool(quantize))
    from cnnlab.user_files import check_can_be_made

    check_can_be_made(target.parent)
    from cnnlab.conversion.exporting import export_record
    from cnnlab.trainer import load_reported

    reporter = reporter_for(progress)
    data = load_reported(record.config.dataset, data_paths(data_dir), reporter)
    return export_record(
        record, kind, data, folder=run.folder, target=target, quantize=quantize, reporter=reporter
    )


def _target(run: Path, kind: Format, out: Path | None, *, quantized: bool) -> Path:
    """Where the file is to be.

    Raises:
        UserError: its name has another format's ending.
    """
    name = kind.default_name(quantized=quantized)
    if out is None:
        return run / "export" / name
    if kind.is_folder:
        return out / name if out.is_dir() and any(out.iterdir()) else out
    if out.is_dir() or not out.suffix:
        return out / name
    if out.suffix != kind.ending:
        raise OptionError("out", f"expected a name that ends in {kind.ending}", value=out)
    return out
