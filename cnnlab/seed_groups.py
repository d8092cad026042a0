"""Several seeds of one experiment as one program: which they are, and how many a GPU has room for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.runs_at_once import TogetherCount
from cnnlab.cpu_settings import usual_threads
from cnnlab.datasets.content import Dataset
from cnnlab.datasets.memory_mapped import stays_on_disk
from cnnlab.errors import CnnlabError, OptionError
from cnnlab.language.fields import settings_within
from cnnlab.layers import LAYERS
from cnnlab.layers.base import Layer
from cnnlab.memory import device_bytes
from cnnlab.run_folders.arithmetic import seeds_begun_with
from cnnlab.run_folders.identity import is_finished, run_path
from cnnlab.run_folders.integrity import DamagedRun
from cnnlab.run_folders.records import Record
from cnnlab.run_folders.run_writer import trained_on
from cnnlab.trainer import Trainer
from cnnlab.wording import counted
from cnnlab.workers.capacity import EVALUATION_BYTES, may_have_gpu

MOST_TOGETHER = 32
"""Seeds in one program, unless the user says another number: beyond, little is gained per seed."""

MEMORY_SHARE = 0.8
"""How much of a GPU's memory a program may take by the estimate, which leaves out what a framework needs."""


@dataclass(frozen=True, eq=False)
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


class SeedGroups:
    """Puts the missing runs of experiments into groups, and trains these.

    Args:
        together: how many seeds the user wants in one program; "auto": on a GPU as many as it has room for,
            elsewhere only those that were begun together.
    """

    def __init__(self, trainer: Trainer, together: TogetherCount) -> None:
        self._trainer, self._together = trainer, together

    def check(self, config: ExperimentConfig) -> None:
        """Refuse a backend that computes one seed at a time where the user has asked for several.

        Raises:
            OptionError: with the reason.
        """
        backend = config.runtime.backend
        if self._together not in ("auto", 1) and backend != "jax":
            raise OptionError(
                "together",
                f"only JAX computes several seeds in one program, and {config.name} runs on {backend}; use "
                "--backend jax, or --workers to train several runs at once on a CPU",
                value=self._together,
            )

    def of(self, missing: Sequence[ExperimentConfig], *, threads: int | None) -> list[SeedGroup]:
        """The groups of missing runs; what is in none of them is trained alone.

        Args:
            threads: of the CPU, where the user has said how many.
        """
        experiments: dict[tuple[str, str], list[ExperimentConfig]] = {}
        for config in missing:
            if config.runtime.backend == "jax" and self._together != 1:
                experiments.setdefault((config.name, config.digest), []).append(config)
        groups = []
        for configs in experiments.values():
            most = self._most(configs, threads)
            if reason := why_not_together(configs[0], self._trainer.dataset(configs[0])):
                if most > 1:
                    self._trainer.reporter.note(f"{configs[0].name}: one seed at a time, because {reason}")
                continue
            groups += seed_groups(
                configs, together=self._together, most=most,
                begun_with=self._begun_with, is_finished=self._is_finished,
            )  # fmt: skip
        return groups

    def train(self, group: SeedGroup, tell: Callable[[ExperimentConfig, Record | CnnlabError], None]) -> None:
        """Train the missing runs of a group; `tell` is told what has come of each.

        Raises:
            CnnlabError: the runs that nothing has been told of cannot be trained here.
        """
        reporter, config = self._trainer.reporter, group.missing[0]
        backend = self._trainer.start(config)
        reporter.note(
            f"{config.name}: {len(group.seeds)} seeds in one program{self._bound(group, backend.device)}"
        )
        reporter.side_by_side(len(group.seeds))
        try:
            self._trainer.finish_together(group.lanes, group.missing, tell)
        finally:
            reporter.side_by_side(1)

    def _most(self, configs: Sequence[ExperimentConfig], threads: int | None) -> int:
        """How many seeds a new group may have."""
        if self._together != "auto":
            return self._together
        config = configs[0]
        if len(configs) == 1 or config.runtime.device == "cpu" or not may_have_gpu():
            return 1
        if threads not in (None, usual_threads("jax")):  # they are trained in a process of their own
            return 1
        if self._trainer.start(config).device == "cpu":
            return 1  # nothing is gained there
        return self._room(config)

    def _room(self, config: ExperimentConfig) -> int:
        images = self._trainer.dataset(config).train.images
        return room_for_seeds(config, device_bytes(), images.nbytes)

    def _bound(self, group: SeedGroup, device: str) -> str:
        """What the note of a group says of the GPU's memory."""
        if device == "cpu":
            return ""
        config, memory = group.missing[0], f"{device_bytes() / 2**30:,.1f} GiB"
        room = self._room(config)
        if len(group.seeds) > room and self._together != "auto":
            self._trainer.reporter.warn(
                f"--together {self._together}: by the estimate, the GPU's memory of {memory} has room for "
                f"{counted(room, 'seed')} of {config.name}; --together auto takes as many as fit"
            )
        return f" (by the estimate, {MEMORY_SHARE:.0%} of the GPU's {memory} have room for {room:,})"

    def _begun_with(self, config: ExperimentConfig) -> tuple[int, ...] | None:
        path, data = run_path(config, self._trainer.out), self._trainer.dataset(config)
        if self._trainer.fresh or trained_on(path) not in (None, data.provenance.digest):
            return None
        return seeds_begun_with(path)

    def _is_finished(self, config: ExperimentConfig) -> bool:
        try:
            return is_finished(run_path(config, self._trainer.out), config)
        except DamagedRun:  # it is not trained either
            return True


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
    """Why seeds of this experiment cannot be trained as one program on JAX; None where they can."""
    if stays_on_disk(data.train.images):
        return "its images stay on the disk, and several seeds in one program need them in memory"
    if config.model.keras is not None:
        return "its network was built with Keras: whether its layers can hold several seeds is not known"
    layers = (each for each in settings_within(config.model) if isinstance(each, Layer))
    for each in layers:
        if package := LAYERS.distribution(each.type()):
            return f"{each.type()} comes from {package.name}: whether it can hold several seeds is not known"
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
