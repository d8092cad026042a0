"""How much memory a seed takes in a program on a GPU, and how many fit: an estimate."""

from __future__ import annotations

from cnnlab.accounting.architecture import NUMBER_BYTES
from cnnlab.accounting.memory import EVALUATION_BYTES, evaluation_batch
from cnnlab.accounting.patches import patch_numbers
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.memory import device_bytes

MEMORY_SHARE = 0.8
"""How much of a GPU's memory a program may take by the estimate, which leaves out what a framework needs."""


def room_for_seeds(config: ExperimentConfig, memory_bytes: int, image_bytes: int) -> int:
    """How many seeds fit into a GPU's memory as one program, by the estimate; 1 or more.

    Args:
        memory_bytes: that JAX may take.
        image_bytes: of the training images, which are there once.
    """
    free = int(MEMORY_SHARE * memory_bytes) - image_bytes
    return max(1, free // seed_bytes(config))


def seed_bytes(config: ExperimentConfig) -> int:
    """About what a seed of a program takes on the GPU.

    Between two epochs, its state is there twice: in the variables, and in the program. On top of that comes
    most of what it takes in three situations: in a step, while its variables get a new state, and while it is
    evaluated.
    """
    memory, architecture = config.training_memory, config.architecture
    patches = patch_numbers(architecture)
    number_bytes = NUMBER_BYTES if config.runtime.precision == "float32" else NUMBER_BYTES // 2
    largest = number_bytes * max(patches, default=0)
    state = memory.weights_bytes + memory.optimizer_bytes
    step = memory.gradients_bytes + memory.activations_bytes
    # Patches are kept for the gradient; beside them, those of one convolution have their own.
    step += memory.batch_size * (number_bytes * sum(patches) + largest)
    evaluation = memory.weights_bytes + EVALUATION_BYTES + evaluation_batch(architecture) * largest
    return 2 * state + max(step, state, evaluation)


def gpu_memory() -> str:
    """What `room_for_seeds` counts on, as a message says it."""
    return (
        f"{MEMORY_SHARE:.0%} of the {device_bytes() / 2**30:,.1f} GiB that JAX may take of the GPU's memory"
    )
