"""What an exception that no part of cnnlab raised comes down to: one line, instead of a framework's pages.

Knows the texts of TensorFlow, JAX, PyTorch, Keras and NumPy, and imports none of them.
"""

from __future__ import annotations

import errno
import re

_MARKUP = re.compile(r"\x1b\[[\d;]*m")
_FRAME = re.compile(
    r'File "|Graph execution error|Detected at node|\d+ root error|Original stack|Stack trace|\[\[\{\{node'
    r"|Hint: |\[Op:|Exception encountered when calling|During handling|-{5,}|The above operation"
)
"""Lines that say where or how, not what."""

_NODE = re.compile(r"\{\{node ([^}\s]+)\}\}|Detected at node '?([^'\s]+)'? defined")
_CALLED = re.compile(r"Exception encountered when calling (?:layer '([^']+)'|(\w+)\.call)")
_AROUND = (
    re.compile(r"\{\{function_node [^}]*\}\}\s*"),
    re.compile(r"^\(\d+\)\s*"),  # of several root errors
    re.compile(r"\s*\[Op:[^\]]*\].*$"),
    re.compile(r"\s*\[\[\{\{node.*$"),
    re.compile(r" on /job:.*$"),
)
_MEMORY = re.compile(
    r"RESOURCE_EXHAUSTED|\bOOM\b|\bout of memory\b|can't allocate memory|cannot allocate memory|bad_alloc"
    r"|unable to allocate|_STATUS_ALLOC_FAILED",
    re.IGNORECASE,
)
_LONGEST = 400

SMALLER = (
    "use a smaller training.batch_size, fewer or smaller layers, smaller images, or --precision "
    "mixed_bfloat16, which halves the memory of activations"
)
"""The ways out where memory is short."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a process or a device had no room for an array."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    kind = type(error).__name__
    if kind in ("ResourceExhaustedError", "OutOfMemoryError"):
        return True
    return (
        isinstance(error, RuntimeError) or kind in ("JaxRuntimeError", "XlaRuntimeError", "InternalError")
    ) and _MEMORY.search(str(error)) is not None


def root_cause(error: BaseException) -> str:
    """The line of a message that says what is wrong, and the layer or operation where that is known.

    >>> root_cause(ValueError("Graph execution error:\\n\\nsizes differ\\n [[{{node a/dense_1/MatMul}}]]"))
    'sizes differ (at a/dense_1/MatMul)'
    """
    said = _MARKUP.sub("", str(error)).partition("\nArguments received by")[0]
    lines = [line for line in map(_bare, said.splitlines()) if line and not _FRAME.match(line)]
    if not lines and error.__cause__ is not None:
        return root_cause(error.__cause__)
    memory = [line for line in lines if is_out_of_memory(error) and _MEMORY.search(line)]
    line = (memory or lines or [""])[0]
    if line.endswith(":") and line in lines[:-1]:  # announces what the next one says
        line += f" {lines[lines.index(line) + 1]}"
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST - 1]}…"
    place = _place(said)
    return f"{line} (at {place})".strip() if place and place not in line else line


def described(error: BaseException) -> str:
    """The kind of an exception and its root cause, in one line."""
    cause = root_cause(error)
    return f"{type(error).__name__}: {cause}" if cause else type(error).__name__


def out_of_memory(error: BaseException, *, together: int = 1) -> str:
    """The message for a user: what there was no room for, and what takes less.

    Args:
        together: how many seeds were trained as one program.
    """
    cause = root_cause(error)
    fewer = f"use --together with fewer than {together} seeds, or " if together > 1 else ""
    return f"out of memory{f': {cause}' if cause else ''}\n   {fewer}{SMALLER}"


def _bare(line: str) -> str:
    """A line without what TensorFlow writes around it."""
    line = line.strip()
    for pattern in _AROUND:
        if not line.startswith(("[[", "[Op:")):
            line = pattern.sub("", line)
    return line.strip()


def _place(said: str) -> str | None:
    """The operation in the graph, whose path holds the layer's name, or the layer that was called."""
    for pattern in (_NODE, _CALLED):
        if found := pattern.search(said):
            return found[1] or found[2]
    return None
