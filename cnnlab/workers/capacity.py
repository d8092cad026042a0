"""What a machine has room for: the parameters of a network, and how many worker processes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from cnnlab.accounting.memory import EVALUATION_BYTES
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import UserError
from cnnlab.processor import usable_cpus
from cnnlab.workers.control_groups import cpu_quota, memory_left

FRAMEWORK_BYTES = 700 * 2**20
"""What a process holds before it trains: Python, Keras and its backend, some 500 to 650 MiB on the CPU."""

_GPU_FILES = ("/dev/nvidia*", "/dev/kfd", "/dev/dxg")
"""Where Linux has the GPUs of NVIDIA and AMD, and those that Windows lends to it."""


def check_memory(config: ExperimentConfig, *, together: int = 1) -> None:
    """Refuse a model whose parameters cannot fit in this machine's memory, before it is built.

    Args:
        together: how many seeds of it are there at once, as one program.

    Raises:
        UserError: with the arithmetic.
    """
    import psutil

    architecture = config.architecture
    optimizer = config.training.optimizer
    copies = 2 + optimizer.slots
    needed = architecture.trainable_params * copies * 4 * together
    memory = psutil.virtual_memory().total
    if needed <= memory:
        return
    largest, node = max(zip(architecture.rows, config.nodes, strict=True), key=lambda pair: pair[0].params)
    seeds = f" × {together} seeds in one program" if together > 1 else ""
    slots = f", {optimizer.slots} for {optimizer.name}" if optimizer.slots else ""
    raise UserError(
        f"{config.place_of_width(node)}: the parameters do not fit in this machine's memory\n"
        f"   {architecture.trainable_params:,} parameters × 4 bytes × {copies} (weights, gradients{slots})"
        f"{seeds} = {needed / 2**30:,.1f} GiB; this machine has {memory / 2**30:,.1f} GiB\n"
        f"   {largest.name} holds {largest.params / architecture.total_params:.0%} of them: make its input "
        "or output smaller, or use --force to train anyway"
    )


def automatic_workers(runs: Sequence[tuple[ExperimentConfig, int]]) -> int:
    """How many runs to train at the same time: no more than there are, or CPUs and memory allow; at least 1.

    Args:
        runs: those to train, each with the bytes of its images.
    """
    largest = max((process_bytes(config, images) for config, images in runs), default=FRAMEWORK_BYTES)
    return max(1, min(available_cpus(), available_memory() // largest, len(runs)))


def process_bytes(config: ExperimentConfig, image_bytes: int) -> int:
    """About what a process takes that trains this run."""
    return FRAMEWORK_BYTES + config.training_memory.total_bytes + EVALUATION_BYTES + image_bytes


def available_memory() -> int:
    """Bytes that processes can take now, in the whole machine and in this process's container."""
    import psutil

    return min(int(psutil.virtual_memory().available), memory_left())


def available_cpus() -> int:
    """How many CPUs processes can keep busy, in the whole machine and in this process's container."""
    return min(usable_cpus(), cpu_quota())


def may_have_gpu() -> bool:
    """Whether a backend could find a GPU; False only where it surely would not."""
    return not sys.platform.startswith("linux") or any(
        any(Path("/").glob(pattern.lstrip("/"))) for pattern in _GPU_FILES
    )
