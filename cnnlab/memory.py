"""What one run takes of the memory, whatever its process did before; and that nothing of it stays."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cnnlab.backend import Backend

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.datasets.content import Dataset


class PeakMemory:
    """The most memory that one run takes: of its process, or where a GPU computes, of the GPU.

    The peak of the process would depend on what it has done before: the first run loads what later ones find
    there, TensorFlow keeps what a large network took for the small one that follows, and a notebook keeps
    results. So three parts are added up: what the process held before its first run, the run's images, and
    what its network took on top of all that is left without it. On a GPU the last part is all there is.

    Attributes:
        description: for environment.json: whose memory it is, or why none is stated.
    """

    def __init__(self, backend: Backend, data: Dataset) -> None:
        in_process = backend.device == "cpu"
        name = "process" if in_process else "GPU"
        self._counter = _counter_of(backend)
        images = _bytes_of(data) if in_process else 0
        first = name not in _BEFORE_FIRST
        if first:
            _warm_up(backend.host or backend)
            _release()
            _BEFORE_FIRST[name] = _Process().held() - images if in_process else 0
        self._besides = _BEFORE_FIRST[name] + images
        self._known = self._counter.restart() or first
        self.description = f"of the {name}" if self._known else _NOT_TOLD

    def begin(self) -> None:
        """From here on, the peak is the run's: its network is built, and the one before is gone."""
        _trim()
        self._counter.restart()

    def peak(self) -> int:
        """The most that has been held since `begin`, in bytes, whatever it was."""
        return self._counter.peak()

    def of_run(self, peak: int) -> int | None:
        """What the run has taken, in bytes, once nothing refers to its network any more.

        Args:
            peak: as it was when training had ended: what writes files and pictures is not the network's.

        Returns:
            None where the system cannot tell one run's peak from an earlier one's.
        """
        _release()
        return self._besides + peak - self._counter.held() if self._known else None


@contextmanager
def custom_gradients_dropped() -> Iterator[None]:
    """TensorFlow forgets the custom gradients of the functions that are traced in the block.

    It enters each of them in a table of the process for good, and with it the graph in which it was traced:
    the graph of every training step, since Keras's optimizers sum gradients over devices by one. Once a
    function is traced, its own gradient included, nothing looks there any more.
    """
    from tensorflow.python.framework import ops

    registry = ops.gradient_registry
    known = set(registry.list())
    try:
        yield
    finally:
        for name in set(registry.list()) - known:
            if name.startswith("CustomGradient-"):  # the others belong to operations, and are few
                del registry._registry[name]


def device_bytes() -> int:
    """The memory of the GPU that JAX computes on, so far as JAX may take it."""
    import jax

    return int(jax.devices()[0].memory_stats()["bytes_limit"])


class _Counter(Protocol):
    """Who counts the bytes that are held."""

    def restart(self) -> bool:
        """Let the peak begin anew; False where that cannot be done."""

    def peak(self) -> int:
        """The most since the last restart, or ever."""

    def held(self) -> int:
        """What is held now."""


class _Process:
    """What the system counts: memory of the process that is in use."""

    def restart(self) -> bool:
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:  # not Linux, or a container that hides it
            return False
        return True

    def peak(self) -> int:
        with suppress(OSError):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

    def held(self) -> int:
        import psutil

        return int(psutil.Process().memory_info().rss)


@dataclass(frozen=True)
class _TensorFlow:
    """What TensorFlow counts: its tensors on a device, where its allocator counts them."""

    device: str

    @property
    def counts(self) -> bool:
        """On CPUs only with oneDNN, whose allocator keeps what it took: the system's count is wrong."""
        try:
            self.held()
        except ValueError:
            return False
        return True

    def restart(self) -> bool:
        import tensorflow as tf

        tf.config.experimental.reset_memory_stats(self.device)
        return True

    def peak(self) -> int:
        import tensorflow as tf

        return int(tf.config.experimental.get_memory_info(self.device)["peak"])

    def held(self) -> int:
        import tensorflow as tf

        return int(tf.config.experimental.get_memory_info(self.device)["current"])


class _JaxGpu:
    def restart(self) -> bool:
        return False  # JAX has no call for it

    def peak(self) -> int:
        return self._bytes("peak_bytes_in_use")

    def held(self) -> int:
        return self._bytes("bytes_in_use")

    def _bytes(self, which: str) -> int:
        import jax

        return int(jax.devices()[0].memory_stats()[which])


class _TorchGpu:
    def restart(self) -> bool:
        import torch

        torch.cuda.reset_peak_memory_stats()
        return True

    def peak(self) -> int:
        import torch

        return int(torch.cuda.max_memory_allocated())

    def held(self) -> int:
        import torch

        return int(torch.cuda.memory_allocated())


_NOT_TOLD = "not stated: this system cannot tell a run's peak from that of an earlier run in the same process"

_BEFORE_FIRST: dict[str, int] = {}
"""Bytes that the process held before its first run, the run's images aside; there once a run has begun."""


def _counter_of(backend: Backend) -> _Counter:
    match backend.name, backend.device:
        case "tensorflow", device:
            counter = _TensorFlow(f"{device.upper()}:0")
            return counter if counter.counts else _Process()
        case "jax", "gpu":
            return _JaxGpu()
        case "torch", "gpu":
            return _TorchGpu()
    return _Process()


def _warm_up(backend: Backend) -> None:
    """JAX loads its compiler with the first programs, some 100 MB: before the first run then, not in it."""
    if backend.name == "jax":
        import jax

        def step(images: jax.Array, kernel: jax.Array) -> jax.Array:
            return jax.numpy.tanh(jax.lax.conv(images, kernel, (1, 1), "SAME") @ kernel[0, 0]).sum()

        jax.jit(jax.grad(step, argnums=1))(jax.numpy.ones((8, 3, 8, 8)), jax.numpy.ones((3, 3, 8, 8)))


def _release() -> None:
    """Let nothing be held that nothing refers to."""
    gc.collect()
    _trim()


def _trim() -> None:
    """Give freed memory back to the system: it would count as held, and hide what is taken next."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):  # of the GNU library; others keep less
        library.malloc_trim(0)


def _bytes_of(data: Dataset) -> int:
    """What a dataset holds in memory: a view keeps the whole array, images on the disk take nothing."""
    import numpy as np

    arrays: dict[int, np.ndarray] = {}
    for split in (data.train, data.validation, data.test):
        for array in (split.images, split.labels):
            while isinstance(array.base, np.ndarray) and not isinstance(array, np.memmap):
                array = array.base
            arrays[id(array)] = array
    return sum(array.nbytes for array in arrays.values() if not isinstance(array, np.memmap))
