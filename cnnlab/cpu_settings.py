"""How a backend computes on the CPU: its threads, and whether oneDNN does the work."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from cnnlab.processor import usable_cpus

if TYPE_CHECKING:
    from cnnlab.backend import Backend


def threads_of(backend: Backend) -> tuple[int, int]:
    """How many threads one operation is spread over, and how many operations run at once.

    JAX does not say; its thread pools have one thread for each CPU that the process may run on.
    """
    match backend.name:
        case "tensorflow":
            import tensorflow as tf

            configured = tf.config.threading
            within = configured.get_intra_op_parallelism_threads()
            between = configured.get_inter_op_parallelism_threads()
            names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
            asked = (os.environ.get(name, "") for name in names)
            first, second = (int(text) if text.isdecimal() else 0 for text in asked)
            return within or first or usable_cpus(), between or second or usable_cpus()
        case "torch":
            import torch

            return torch.get_num_threads(), torch.get_num_interop_threads()
        case "jax":
            return usable_cpus(), usable_cpus()


def uses_onednn(backend: Backend) -> bool | None:
    """Whether oneDNN computes; None where the backend has nothing to do with it, or does not say."""
    match backend.name:
        case "tensorflow":
            # What is, whatever the environment says since TensorFlow was imported; nothing public tells.
            with suppress(ImportError, AttributeError):
                from tensorflow.python.util import _pywrap_util_port

                return bool(_pywrap_util_port.IsMklEnabled())
            return None
        case "torch":
            import torch

            return bool(torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled)
        case "jax":
            return None
