"""The formats that a network can be exported to: one row each."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cnnlab.errors import UserError

FormatName = Literal["onnx", "litert", "saved-model", "keras"]


@dataclass(frozen=True)
class Format:
    """A format, and what it takes to write and to run it.

    file: what it is called in RUN/export/. needed: modules, and the packages that have them.
    """

    name: FormatName
    file: str
    runtime: str
    runtime_module: str
    needed: tuple[tuple[str, str], ...] = ()
    can_quantize: bool = False
    is_folder: bool = False

    @property
    def ending(self) -> str:
        return Path(self.file).suffix

    def default_name(self, *, quantized: bool) -> str:
        """model.onnx, or model-int8.onnx"""
        path = Path(self.file)
        return f"{path.stem}-int8{path.suffix}" if quantized else path.name

    def check_installed(self) -> None:
        """Refuse to begin without the packages.

        Raises:
            UserError: one is missing; the message says how to install it.
        """
        _check_installed(f"--to {self.name}", self.needed)

    def check_runtime_installed(self) -> None:
        """Refuse to begin without what runs a file.

        Raises:
            UserError: it is missing; the message says how to install it.
        """
        runs_it = [each for each in self.needed if each[0] == self.runtime_module]
        _check_installed(f"a file {self.ending}", runs_it)


def _check_installed(what: str, needed: Sequence[tuple[str, str]]) -> None:
    missing = [package for module, package in needed if importlib.util.find_spec(module) is None]
    if missing:
        raise UserError(f"{what} needs {' and '.join(missing)}; install with: pip install 'cnnlab[export]'")


FORMATS = {
    each.name: each
    for each in (
        Format(
            "onnx", "model.onnx", "onnxruntime", "onnxruntime",
            (("onnx", "onnx"), ("onnxruntime", "onnxruntime"), ("tf2onnx", "tf2onnx")), can_quantize=True,
        ),
        Format(
            "litert", "model.tflite", "ai-edge-litert", "ai_edge_litert",
            (("ai_edge_litert", "ai-edge-litert"),), can_quantize=True,
        ),
        Format("saved-model", "saved_model", "tensorflow", "tensorflow", is_folder=True),
        Format("keras", "model.keras", "keras", "keras"),
    )
}  # fmt: skip
"""By name."""


def format_of_file(path: Path) -> Format | None:
    """The format that a file's name says, of those that predict takes; None where it says none."""
    return next(
        (each for each in FORMATS.values() if each.name in ("onnx", "litert") and each.ending == path.suffix),
        None,
    )
