"""Several seeds of one experiment as one program: which they are, and which of them are trained so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.runs_at_once import RunsAtOnce
from cnnlab.cpu_settings import usual_threads
from cnnlab.datasets.content import Dataset
from cnnlab.datasets.memory_mapped import stays_on_disk
from cnnlab.errors import CnnlabError, OptionError, UserError
from cnnlab.language.fields import settings_within
from cnnlab.layers import LAYERS
from cnnlab.layers.base import Layer
from cnnlab.memory import device_bytes
from cnnlab.run_folders.arithmetic import seeds_begun_with
from cnnlab.run_folders.identity import is_finished, run_path
from cnnlab.run_folders.integrity import DamagedRun
from cnnlab.run_folders.records import Record
from cnnlab.run_folders.run_writer import trained_on
from cnnlab.seed_memory import gpu_memory, room_for_seeds
from cnnlab.trainer import Trainer
from cnnlab.wording import counted
from cnnlab.workers.capacity import may_have_gpu

MOST_BY_DEFAULT = 32
"""Seeds in one program, unless the user says another number: beyond, little is gained per seed."""


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

    def __init__(self, trainer: Trainer, together: RunsAtOnce) -> None:
        self._trainer, self._together = trainer, together

    def check(self, config: ExperimentConfig, threads: int | None) -> None:
        """Refuse what rules several seeds in one program out where the user has asked for them.

        Args:
            threads: of the CPU, where the user has said how many.

        Raises:
            OptionError: the backend computes one seed at a time, or the runtime does, or this process
                computes, on the CPU, with another number of threads.
            UserError: the backend or the device is not there.
        """
        backend = config.runtime.backend
        if self._together in ("auto", 1):
            return
        if backend != "jax":
            raise OptionError(
                "together",
                f"only JAX computes several seeds in one program, and {config.name} runs on {backend}; use "
                "--backend jax, or --workers to train several runs at once on a CPU",
                value=self._together,
            )
        if config.runtime.distribution != "none":
            raise OptionError(
                "together",
                f"several seeds in one program compute on one device, and {config.name} shares each batch "
                "between several (runtime.distribution: data_parallel); leave out one of the two",
                value=self._together,
            )
        usual = usual_threads("jax")
        if threads not in (None, usual) and not self._computes_on_gpu(config):
            raise OptionError(
                "together",
                f"on a CPU, several seeds in one program compute with the {counted(usual, 'thread')} of this "
                "process; leave out threads, or train one seed at a time",
                value=self._together,
            )

    def most_on_cpu(self, config: ExperimentConfig, configs: Sequence[ExperimentConfig]) -> int:
        """How many seeds of an experiment, of all these runs, one program holds in this machine's memory."""
        if self._together == "auto" or may_have_gpu():
            return 1
        return min(self._together, len({each.seed for each in configs if each.name == config.name}))

    def are_for_gpu(self, missing: Sequence[ExperimentConfig]) -> bool:
        """Whether this process trains several of these runs as one program by itself, for it has a GPU.

        It starts JAX where there may be one.
        """
        with suppress(UserError):  # such as that JAX is not installed, as whoever trains the runs says
            return self.may_be_for_gpu(missing) and any(
                not self._why_not(configs[0]) and self._computes_on_gpu(configs[0])
                for configs in self._experiments(missing)
            )
        return False

    def may_be_for_gpu(self, missing: Sequence[ExperimentConfig]) -> bool:
        """Whether that is possible, as far as is known without JAX."""
        return may_have_gpu() and any(
            configs[0].runtime.may_use_gpu for configs in self._experiments(missing)
        )

    def of(
        self, missing: Sequence[ExperimentConfig], *, threads: Callable[[ExperimentConfig], int | None]
    ) -> list[SeedGroup]:
        """The groups of missing runs; what is in none of them is trained alone.

        Args:
            threads: of the CPU, that a run is to have; None: as many as this process has.
        """
        groups: list[SeedGroup] = []
        for configs in self._experiments(missing):
            with suppress(UserError):  # as above
                groups += self._of_experiment(configs, threads)
        return groups

    def _of_experiment(
        self, configs: Sequence[ExperimentConfig], threads: Callable[[ExperimentConfig], int | None]
    ) -> list[SeedGroup]:
        config = configs[0]
        room = self._room(config) if self._computes_on_gpu(config) else None
        by_default = min(MOST_BY_DEFAULT, room) if room else 1  # on a CPU, nothing is gained
        most = by_default if self._together == "auto" else self._together
        if reason := self._why_not(config):
            if most > 1:
                self._trainer.reporter.note(f"{config.name}: one seed at a time, because {reason}")
            return []
        groups = seed_groups(
            configs, together=self._together, most=most,
            begun_with=self._begun_with, is_finished=self._is_finished,
        )  # fmt: skip
        return [each for each in groups if (self._fits(each) if room else self._has_threads(each, threads))]

    def _experiments(self, missing: Sequence[ExperimentConfig]) -> list[list[ExperimentConfig]]:
        """Runs on JAX by experiment, where several of them, or of those that were begun, may be a group."""
        experiments: dict[tuple[str, str], list[ExperimentConfig]] = {}
        for config in missing:
            if config.runtime.backend == "jax" and self._together != 1:
                experiments.setdefault((config.name, config.digest), []).append(config)
        return [
            configs for configs in experiments.values() if len(configs) > 1 or self._begun_with(configs[0])
        ]

    def _computes_on_gpu(self, config: ExperimentConfig) -> bool:
        """Whether this process does, or would; JAX is started where there may be a GPU.

        Raises:
            UserError: it cannot be.
        """
        may_be = config.runtime.device != "cpu" and may_have_gpu()
        return may_be and self._trainer.start(config).device == "gpu"

    def _why_not(self, config: ExperimentConfig) -> str | None:
        return why_not_together(config, self._trainer.dataset(config))

    def _fits(self, group: SeedGroup) -> bool:
        """Whether a GPU has room for a group, or the user wants it all the same."""
        count, config = len(group.seeds), group.missing[0]
        if self._together != "auto" or count <= (room := self._room(config)):
            return True
        self._trainer.reporter.warn(
            f"{config.name}: {count} seeds were begun as one program, and by the estimate, "
            f"{gpu_memory()} have room for {room:,}; they go on one at a time; to resume them as one "
            f"program, use --together {count}"
        )
        return False

    def _has_threads(self, group: SeedGroup, threads: Callable[[ExperimentConfig], int | None]) -> bool:
        """Whether the runs of a group are to have the number of CPU threads that this process has."""
        usual, name = usual_threads("jax"), group.missing[0].name
        numbers = {number for each in group.missing if (number := threads(each))} - {usual}
        if not numbers:
            return True
        wanted = " or ".join(counted(number, "thread") for number in sorted(numbers))
        self._trainer.reporter.note(
            f"{name}: one seed at a time, because the runs are to have {wanted}, and several in one program "
            f"would have the {usual:,} of this process"
        )
        return False

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

    def _room(self, config: ExperimentConfig) -> int:
        images = self._trainer.dataset(config).train.images
        return room_for_seeds(config, device_bytes(), images.nbytes)

    def _bound(self, group: SeedGroup, device: str) -> str:
        """What the note of a group says of the GPU's memory."""
        if device == "cpu":
            return ""
        config = group.missing[0]
        room = self._room(config)
        if len(group.seeds) > room and self._together != "auto":
            self._trainer.reporter.warn(
                f"--together {self._together}: by the estimate, {gpu_memory()} have room for "
                f"{counted(room, 'seed')} of {config.name}; --together auto takes as many as fit"
            )
        return f" (by the estimate, {gpu_memory()} have room for {room:,})"

    def _begun_with(self, config: ExperimentConfig) -> tuple[int, ...] | None:
        path, data = run_path(config, self._trainer.out), self._trainer.dataset(config)
        if self._trainer.fresh or trained_on(path) not in (None, data.provenance.digest):
            return None
        return seeds_begun_with(path, config.seed)

    def _is_finished(self, config: ExperimentConfig) -> bool:
        try:
            return is_finished(run_path(config, self._trainer.out), config)
        except DamagedRun:  # it is not trained either
            return True


def seed_groups(
    missing: Sequence[ExperimentConfig],
    *,
    together: RunsAtOnce,
    most: int,
    begun_with: Callable[[ExperimentConfig], tuple[int, ...] | None],
    is_finished: Callable[[ExperimentConfig], bool],
) -> list[SeedGroup]:
    """The groups of the missing runs of one experiment; what is in none of them is trained alone.

    A group that was interrupted goes on as it was begun. A run of it goes on alone where it alone is asked
    for and others of the group are not finished, or where the user wants fewer seeds in a program.

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
        if (together == "auto" or len(seeds) <= together) and not asked_for_alone:
            groups.append(SeedGroup(seeds, members))
    grouped = {config.seed for group in groups for config in group.missing}
    new = [seed for seed in configs if seed not in grouped and (begun[seed] is None or together != "auto")]
    for start in range(0, len(new), most):
        if len(seeds := tuple(new[start : start + most])) > 1:
            groups.append(SeedGroup(seeds, tuple(configs[seed] for seed in seeds)))
    return groups


def why_not_together(config: ExperimentConfig, data: Dataset) -> str | None:
    """Why seeds of this experiment cannot be trained as one program on JAX; None where they can."""
    if config.runtime.distribution != "none":
        return "all devices train one network (runtime.distribution: data_parallel)"
    if stays_on_disk(data.train.images):
        return "its images stay on the disk, and several seeds in one program need them in memory"
    if config.model.keras is not None:
        return "its network was built with Keras: whether its layers can hold several seeds is not known"
    layers = (each for each in settings_within(config.model) if isinstance(each, Layer))
    for each in layers:
        if package := LAYERS.distribution(each.type()):
            return f"{each.type()} comes from {package.name}: whether it can hold several seeds is not known"
    return None
