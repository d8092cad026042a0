"""One network on several devices: which of them share each batch, and what the user is told."""

from __future__ import annotations

from cnnlab.backend import Backend, Device
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import UserError


def sharing_devices(config: ExperimentConfig, backend: Backend) -> tuple[Device, ...]:
    """The devices that share each batch of a training; none where one device computes alone.

    Raises:
        UserError: a batch has fewer images than there are devices.
    """
    devices = backend.devices
    if config.runtime.distribution == "none" or len(devices) < 2:
        return ()
    if config.training.batch_size < len(devices):
        raise UserError(
            f"{config.name}: training.batch_size is {config.training.batch_size:,}, and {len(devices):,} "
            "devices are to share each batch (runtime.distribution: data_parallel); raise "
            f"training.batch_size, or let the process see fewer devices ({_LIMITS[backend.device]})"
        )
    return devices


def distribution_note(config: ExperimentConfig, backend: Backend) -> str:
    """What a training on several devices says before it begins.

    Raises:
        UserError: as above.
    """
    devices = sharing_devices(config, backend)
    if not devices:
        return (
            f"{config.name}: runtime.distribution: data_parallel, but {backend.name} has one device here; it "
            "trains on this one, as without distribution"
        )
    names = ", ".join(map(str, devices))
    return f"{config.name}: {len(devices):,} devices share each batch: {names}"


_LIMITS = {
    "cpu": "XLA_FLAGS=--xla_force_host_platform_device_count=… on JAX",
    "gpu": "CUDA_VISIBLE_DEVICES",
}
"""What decides how many devices there are."""
