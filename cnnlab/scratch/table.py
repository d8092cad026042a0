"""Which layers the engine has, by the names that they have in a config."""

from __future__ import annotations

from typing import Any

from cnnlab.language.lazy_table import LazyTable
from cnnlab.scratch.layer import ScratchLayer

_MODULES = {
    "convolutions": ("Conv2D",),
    "dense": ("Dense", "Flatten"),
}

SCRATCH_LAYERS: LazyTable[ScratchLayer[Any]] = LazyTable(
    dict(
        sorted(
            (name, f"cnnlab.scratch.layers.{module}:{name}")
            for module, names in _MODULES.items()
            for name in names
        )
    )
)
