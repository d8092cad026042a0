"""How a backend computes on the CPU: its threads, and whether oneDNN does the work."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Literal

from cnnlab.errors import UserError
from cnnlab.process_environment import set_variable
from cnnlab.processor import usable_cpus
from cnnlab.wording import counted

KerasBackendName = Literal["tensorflow", "jax", "torch"]
"""What Keras runs on."""

BackendName = Literal["tensorflow", "jax", "torch", "scratch"]
"""What trains a network: Keras, or cnnlab's own engine in NumPy."""

_VARIABLES = {
    "tensorflow": ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    "jax": ("PJRT_NPROC", "NPROC"),
}
"""Where a backend looks for the numbers of its threads when it starts; JAX takes the first that is set."""

_engine_threads: list[int] = []
"""The threads that cnnlab's own engine has been told to compute with, once it has been."""


def threads_of(backend: BackendName) -> tuple[int, int]:
    """How many threads one operation is spread over, and how many operations run at once.

    JAX does not say; its pool has as many threads as the environment says, else one for each CPU that the
    process may run on.
    """
    match backend:
        case "tensorflow":
            import tensorflow as tf

            configured = tf.config.threading
            within = configured.get_intra_op_parallelism_threads()
            between = configured.get_inter_op_parallelism_threads()
            asked = _asked_for(backend)
            return within or asked[0], between or asked[1]
        case "torch":
            import torch

            return torch.get_num_threads(), torch.get_num_interop_threads()
        case "jax":
            return _asked_for(backend)
        case "scratch":
            return _engine_threads[-1] if _engine_threads else usable_cpus(), 1


def usual_threads(backend: BackendName) -> int:
    """How many threads one operation is spread over in this process, or will be once the backend starts."""
    if backend == "torch":
        with suppress(ImportError):  # whoever starts it says that it is not installed
            return threads_of(backend)[0]
        return usable_cpus()
    if backend == "scratch" or backend in sys.modules:
        return threads_of(backend)[0]
    return _asked_for(backend)[0]


def use_threads(backend: BackendName, threads: int) -> None:
    """Let a backend that has not started compute with so many threads: one operation, and several at once.

    Nothing changes where it does so anyway.

    Raises:
        UserError: it has started with another number.
    """
    if threads == (usual := usual_threads(backend)):
        return
    if backend == "scratch":
        _engine_threads[:] = [threads]
        return
    if backend == "torch":
        with suppress(ImportError):  # as above
            import torch

            torch.set_num_threads(threads)
    elif backend in sys.modules:
        raise UserError(
            f"--threads {threads}: this process already computes with {counted(usual, 'thread')}; use a "
            "separate process"
        )
    else:
        for name in _VARIABLES[backend]:
            set_variable(name, str(threads))


def _asked_for(backend: BackendName) -> tuple[int, int]:
    """The two numbers that a backend starts with: those of the environment, else one thread for each CPU."""
    texts = (os.environ.get(name, "") for name in _VARIABLES[backend])
    first, second = (int(text) if text.isdecimal() else 0 for text in texts)
    if backend == "jax":  # one pool
        first = second = first or second
    return first or usable_cpus(), second or usable_cpus()


def uses_onednn(backend: BackendName) -> bool | None:
    """Whether oneDNN computes; None where the backend has nothing to do with it, or does not say."""
    match backend:
        case "tensorflow":
            # What is, whatever the environment says since TensorFlow was imported; nothing public tells.
            with suppress(ImportError, AttributeError):
                from tensorflow.python.util import _pywrap_util_port

                return bool(_pywrap_util_port.IsMklEnabled())
            return None
        case "torch":
            import torch

            return bool(torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled)
        case "jax" | "scratch":
            return None
