"""The user's own kernels: a YAML file of names and rows of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.errors import UserError
from cnnlab.explanations.array_images import MOST
from cnnlab.foreign_text import one_line
from cnnlab.language.fields import as_written
from cnnlab.language.source import YamlNode, read_yaml
from cnnlab.wording import counted

if TYPE_CHECKING:
    import numpy as np

_TAKEN = (
    "file", "allow_pickle", "picture", "pipeline_convolution", "pipeline_relu", "pipeline_max_pooling",
)  # fmt: skip
"""Names of the arrays that stand beside those of kernels, and two that NumPy keeps for itself."""

_ROWS = "expected rows of numbers, all of the same length"


@dataclass(frozen=True, eq=False)
class OwnKernel:
    """weights: (h, w) float64. place: where it is written, as file:line:column."""

    weights: np.ndarray
    place: str


def read_kernels(path: Path) -> Mapping[str, OwnKernel]:
    """Kernels from a YAML file: name: [[…], […]], rows of equal length. Any size will do, be it even.

    Raises:
        UserError: with the place of what is wrong.
    """
    import numpy as np

    root = read_yaml(path)
    taken: dict[str, str] = {}
    if not isinstance(root.value, dict) or not root.value:
        raise UserError(f"{root.place}: expected kernels as name: [[…], […]]")
    kernels = {}
    for name, entry in root.value.items():
        array, shown = array_name(name), one_line(name)
        if not array.strip("_"):
            raise UserError(f"{entry.place}: expected a name for the kernel, found {as_written(name)}")
        if array in _TAKEN:
            raise UserError(f"{entry.place}: {shown}: this name is reserved; choose another")
        if array in taken:
            raise UserError(
                f"{entry.place}: {shown}: expected another name; {array} is that of the kernel at "
                f"{taken[array]}"
            )
        taken[array] = entry.place
        rows = _rows(shown, entry.node)
        kernels[name] = OwnKernel(np.array(rows, np.float64), entry.node.place)
    return kernels


def array_name(name: str) -> str:
    """What the response of a kernel is called in the file of arrays."""
    return name.lower().replace(" ", "_").replace("/", "_")


def check_fit(kernels: Mapping[str, OwnKernel], size: tuple[int, int], image: str) -> None:
    """Refuse kernels that are larger than an image.

    Raises:
        UserError: with the place of the first that is.
    """
    for name, kernel in kernels.items():
        height, width = kernel.weights.shape
        if height > size[0] or width > size[1]:
            raise UserError(
                f"{kernel.place}: {one_line(name)}: the {height}×{width} kernel does not fit {image}, "
                f"which is {size[0]}×{size[1]}"
            )


def _rows(name: str, node: YamlNode) -> list[list[float]]:
    if not isinstance(node.value, tuple) or not node.value:
        raise UserError(f"{node.place}: {name}: {_ROWS}; found {as_written(node.plain())}")
    rows: list[list[float]] = []
    for row in node.value:
        if not isinstance(row.value, tuple) or not row.value:
            raise UserError(f"{row.place}: {name}: {_ROWS}; found {as_written(row.plain())} as a row")
        if rows and len(row.value) != len(rows[0]):
            found = f"{counted(len(row.value), 'number')} in a row after {len(rows[0])}"
            raise UserError(f"{row.place}: {name}: {_ROWS}; found {found}")
        rows.append([_number(name, each) for each in row.value])
    return rows


def _number(name: str, node: YamlNode) -> float:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not -MOST <= value <= MOST:
        expected = f"expected a number from {-MOST:,.0f} to {MOST:,.0f}"
        raise UserError(f"{node.place}: {name}: {expected}, found {as_written(node.plain())}")
    return float(value)
