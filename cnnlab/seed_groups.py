"""Which runs of one experiment are trained as one program: seeds of a group, and how many have room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.runs_at_once import TogetherCount
from cnnlab.datasets.content import Dataset
from cnnlab.datasets.memory_mapped import stays_on_disk
from cnnlab.language.fields import settings_within
from cnnlab.layers import LAYERS
from cnnlab.layers.base import Layer
from cnnlab.workers.capacity import EVALUATION_BYTES

MOST_TOGETHER = 32
"""Seeds in one program, unless the user says another number: beyond, little is gained per seed."""

MEMORY_SHARE = 0.8
"""How much of a GPU's memory a program may take by the estimate, which leaves out what a framework needs."""


@dataclass(frozen=True)
class SeedGroup:
    """Runs to train as one program.

    seeds: of all its lanes, in order. Runs that are finished keep their lanes: with other lanes, the program
        would be another one, and the last digits of the others would change.
    missing: the runs to train, all of them of one experiment.
    """

    seeds: tuple[int, ...]
    missing: tuple[ExperimentConfig, ...]

    @property
    def lanes(self) -> list[ExperimentConfig]:
        """The config of each lane."""
        return [self.missing[0].with_seed(seed) for seed in self.seeds]


def seed_groups(
    missing: Sequence[ExperimentConfig],
    *,
    together: TogetherCount,
    most: int,
    begun_with: Callable[[ExperimentConfig], tuple[int, ...] | None],
    is_finished: Callable[[ExperimentConfig], bool],
) -> list[SeedGroup]:
    """The groups of the missing runs of one experiment; what is in none of them is trained alone.

    A group that was interrupted goes on as it was begun. A run of it goes on alone where it alone is asked
    for and others of the group are not finished, or where the user wants another number of seeds.

    Args:
        together: what the user has said.
        most: how many seeds a new group may have.
        begun_with: the seeds of the group that a run was begun in, () for one that was begun alone; None
            where it begins anew.
    """
    configs = {config.seed: config for config in missing}
    begun = {seed: begun_with(config) for seed, config in configs.items()}
    groups: list[SeedGroup] = []
    for seeds in dict.fromkeys(each for each in begun.values() if each):
        members = tuple(configs[seed] for seed in seeds if begun.get(seed, ()) in (seeds, None))
        left_out = (seed for seed in seeds if seed not in configs)
        asked_for_alone = len(members) == 1 and not all(
            is_finished(members[0].with_seed(seed)) for seed in left_out
        )
        if together in ("auto", len(seeds)) and not asked_for_alone:
            groups.append(SeedGroup(seeds, members))
    grouped = {config.seed for group in groups for config in group.missing}
    new = [seed for seed in configs if seed not in grouped and (begun[seed] is None or together != "auto")]
    for start in range(0, len(new), most):
        if len(seeds := tuple(new[start : start + most])) > 1:
            groups.append(SeedGroup(seeds, tuple(configs[seed] for seed in seeds)))
    return groups


def why_not_together(config: ExperimentConfig, data: Dataset) -> str | None:
    """Why seeds of this experiment cannot be trained as one program; None where they can."""
    if config.runtime.backend != "jax":
        return f"{config.runtime.backend} trains one seed at a time; several in one program need JAX"
    if stays_on_disk(data.train.images):
        return "its images stay on the disk, and several seeds in one program need them in memory"
    if config.model.keras is not None:
        return "its network was built with Keras: whether its layers can hold several seeds is not known"
    layers = (each for each in settings_within(config.model) if isinstance(each, Layer))
    for each in layers:
        if package := LAYERS.distribution(each.type()):
            return (
                f"{each.type()} comes from {package.name}: whether it can hold several seeds is not known"
            )
    return None


def room_for_seeds(config: ExperimentConfig, device_bytes: int, image_bytes: int) -> int:
    """How many seeds fit into a GPU's memory as one program, by the estimate; 1 or more.

    Args:
        image_bytes: of the training images, which are there once.
    """
    free = int(MEMORY_SHARE * device_bytes) - image_bytes
    return max(1, min(MOST_TOGETHER, free // seed_bytes(config)))


def seed_bytes(config: ExperimentConfig) -> int:
    """About what a seed of a program takes on the GPU: its state is there twice, between two epochs."""
    memory = config.training_memory
    return memory.total_bytes + memory.weights_bytes + memory.optimizer_bytes + EVALUATION_BYTES
