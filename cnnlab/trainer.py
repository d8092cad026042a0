"""A config and its seed → its finished run: found, or trained in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets import DataPaths, DatasetConfig, load_dataset
from cnnlab.datasets.loading import dataset_of, read_content
from cnnlab.errors import CnnlabError, UserError
from cnnlab.few_images import few_images_warning
from cnnlab.framework_errors import is_out_of_memory, out_of_memory
from cnnlab.run_folders.arithmetic import resume_under, reused_from_before
from cnnlab.run_folders.contents import DatasetFacts
from cnnlab.run_folders.epochs import check_room, kept_epochs, warning_of_size
from cnnlab.run_folders.holding import hold, keep_aside, remove_checkpoints, start_over
from cnnlab.run_folders.identity import is_finished, run_path
from cnnlab.run_folders.records import Record, read_json, read_record
from cnnlab.run_folders.run_writer import RunWriter, open_run, trained_on

if TYPE_CHECKING:
    from cnnlab.backend import Backend
    from cnnlab.datasets.content import Content, Dataset
    from cnnlab.reporting import Reporter
    from cnnlab.training.costs import CostEstimate


@dataclass
class Trainer:
    """Finds or trains runs, one after the other, in this process.

    Args:
        out: the folder of all runs.
        fresh: train again what is finished, and start over what was interrupted.
        shipped: reads datasets that another machine has sent; they are looked for nowhere else then.
    """

    out: Path
    data_paths: DataPaths
    reporter: Reporter
    fresh: bool = False
    shipped: Callable[[DatasetConfig], Dataset] | None = None
    _datasets: dict[str, Dataset] = field(default_factory=dict)
    _contents: dict[str, Content] = field(default_factory=dict)  # what folds are made of
    _warned: set[str] = field(default_factory=set)

    def dataset(self, config: ExperimentConfig) -> Dataset:
        """The data of an experiment, loaded once.

        Raises:
            UserError: the config has none, or a file of it is broken.
        """
        if config.dataset is None:
            raise UserError(
                f"{config.name}: this config has no dataset and can only be summarized; add a dataset to "
                "train it"
            )
        key = config.dataset.model_dump_json()
        if key not in self._datasets:
            self._datasets[key] = self._loaded(config.dataset)
        return self._datasets[key]

    def _loaded(self, dataset: DatasetConfig) -> Dataset:
        """The images of a section; those that folds are made of are read once for all of these."""
        if self.shipped is not None:
            return self.shipped(dataset)
        if dataset.fold is None:
            return load_reported(dataset, self.data_paths, self.reporter)
        key = dataset.model_copy(update={"fold": None}).model_dump_json()
        if key not in self._contents:
            content = read_content(dataset, self.data_paths, progress=self.reporter.downloading)
            if content.provenance.warning:
                self.reporter.warn(content.provenance.warning)
            self._contents[key] = content
        return dataset_of(self._contents[key], dataset)

    def warn_of(self, messages: Sequence[str]) -> None:
        """Say each once, however many seeds there are."""
        for message in messages:
            if message not in self._warned:
                self._warned.add(message)
                self.reporter.warn(message)

    def _tell_of_few_images(self, config: ExperimentConfig) -> None:
        """Say once where an accuracy is told of a test set that is too small for it."""
        assert config.dataset is not None
        if config.fold is not None:  # the accuracy is told of all folds together
            return
        count = len(self.dataset(config).test)
        note = few_images_warning(config.dataset.full_title, count)
        if note is not None and note not in self._warned:
            self._warned.add(note)
            self.reporter.note(note)

    def start(self, config: ExperimentConfig) -> Backend:
        """Start the backend and say what the arithmetic runs on, and how.

        Raises:
            UserError: the backend, the device or Numba is not there, the process has another backend, or
                there are more devices than images in a batch that they are to share.
        """
        if config.runtime.backend == "scratch":
            from cnnlab.scratch.convolution import implementation

            implementation(config.runtime.convolution)  # says where Numba is missing
        from cnnlab.backend import start_backend

        backend = start_backend(config.runtime)
        self.reporter.note(str(backend))
        if config.runtime.distribution != "none":
            from cnnlab.training.distribution import distribution_note

            self.reporter.note(distribution_note(config, backend))
        if backend.device == "cpu":
            from cnnlab.training.slow_precision import slow_precision

            convolutions = any(node.layer.is_convolution for node in config.nodes)
            if warning := slow_precision(config.runtime.precision, convolutions=convolutions):
                self.reporter.warn(warning)
        if config.gives_logits:
            self.reporter.note(f"{config.name}: the last layer has no softmax; training on logits")
        return backend

    def estimate_cost(self, config: ExperimentConfig) -> CostEstimate:
        """Try a few steps of a run and say what all of it will cost; nothing is written."""
        data = self.dataset(config)
        self.start(config)
        if warning := warning_of_size(config):
            self.warn_of([warning])
        from cnnlab.backend import own_randomness
        from cnnlab.training.cost_estimate import estimate_cost

        with own_randomness():
            estimate = estimate_cost(config, data)
        if estimate.seconds_in_loops is not None:
            self.reporter.note(
                f"{config.name}: {estimate.seconds_in_loops:,.1f} s of each step are convolutions in loops, "
                "told from a sample of their multiplications; runtime.convolution: im2col computes the same"
            )
        return estimate

    def reused(self, config: ExperimentConfig) -> Record | None:
        """The run of this config on its data, if it is finished and not to be trained again; reported.

        Raises:
            DamagedRun: it is finished, but its files are not those that it finished with.
        """
        path, data = run_path(config, self.out), self.dataset(config)
        if self.fresh or not is_finished(path, config) or trained_on(path) != data.provenance.digest:
            return None
        record = read_record(path)
        remove_checkpoints(path, self.out)
        if warning := reused_from_before(record):
            self.warn_of([warning])
        self.reporter.reused(record)
        self._tell_of_few_images(config)
        if config.training.keep_epochs and not kept_epochs(path):
            self.reporter.note(
                f"{path}: was trained without training.keep_epochs, so it has the weights of its end only; "
                "--fresh trains it again and keeps those of each epoch"
            )
        return record

    def finished(self, config: ExperimentConfig, *, side_by_side: int = 1) -> Record:
        """The run of a config, trained where it is not finished, or not on this data.

        Args:
            side_by_side: how many runs are trained at the same time, in other processes.

        Raises:
            CnnlabError: the run failed, or cannot be trained here.
        """
        if record := self.reused(config):
            return record
        path, data = run_path(config, self.out), self.dataset(config)
        backend = self.start(config)
        from cnnlab.backend import own_randomness
        from cnnlab.training.slow_convolutions import slow_convolutions

        if warning := slow_convolutions(config, len(data.train)):
            self.warn_of([warning])
        with own_randomness(), hold(path, self.out):
            if record := self.reused(config):  # another process has finished it meanwhile
                return record
            from cnnlab.training.train import train

            with (
                self._open(path, config, data, backend, side_by_side) as (run, facts),
                self._told_of_memory(),
            ):
                train(config, data, run, self.reporter, environment=facts)
            record = read_record(path)
        self.reporter.finished(config, record)
        self._tell_of_few_images(config)
        return record

    def finish_together(
        self,
        lanes: Sequence[ExperimentConfig],
        configs: Sequence[ExperimentConfig],
        tell: Callable[[ExperimentConfig, Record | CnnlabError], None],
    ) -> None:
        """Train runs of one experiment as one program; each finishes or fails by itself.

        Args:
            lanes: one config with each seed of the program.
            configs: those of the runs to train, among these.
            tell: is told what has come of a run, as soon as it has.

        Raises:
            CnnlabError: none of those that nothing has been told of can be trained here.
        """
        data, backend = self.dataset(configs[0]), self.start(configs[0])
        from cnnlab.backend import own_randomness
        from cnnlab.training.together import Member, train_together

        seeds = [each.seed for each in lanes]
        marks = {"together": len(seeds), "together_seeds": seeds}
        with own_randomness(), ExitStack() as all_runs:
            members = []
            for config in configs:
                path = run_path(config, self.out)
                folder = all_runs.enter_context(ExitStack())
                failing = partial(_failing_alone, folder, partial(tell, config))
                with failing():
                    folder.enter_context(hold(path, self.out))
                    if record := self.reused(config):  # another process has finished it meanwhile
                        folder.close()
                        tell(config, record)
                        continue
                    opened = self._open(path, config, data, backend, len(seeds), marks)
                    run, facts = folder.enter_context(opened)
                    finish = partial(self._finish_member, folder, config, tell)
                    lane = seeds.index(config.seed)
                    members.append(Member(config, lane, run, facts, failing, finish))
            if members:
                with self._told_of_memory(together=len(seeds)):
                    train_together(lanes, members, data, self.reporter)

    def _finish_member(
        self,
        folder: ExitStack,
        config: ExperimentConfig,
        tell: Callable[[ExperimentConfig, Record | CnnlabError], None],
    ) -> None:
        folder.close()
        record = read_record(run_path(config, self.out))
        self.reporter.finished(config, record)
        self._tell_of_few_images(config)
        tell(config, record)

    @contextmanager
    def _open(
        self,
        path: Path,
        config: ExperimentConfig,
        data: Dataset,
        backend: Backend,
        side_by_side: int,
        marks: Mapping[str, Any] = MappingProxyType({}),
    ) -> Iterator[tuple[RunWriter, dict[str, Any]]]:
        """Begin, or go on with, the run in a folder that is held; with what its environment.json is to say.

        Args:
            side_by_side: how many runs are trained at the same time.
            marks: what else environment.json is to say.
        """
        from cnnlab.run_folders.environment import environment

        digest = data.provenance.digest
        self.clear_way(path, config, digest)
        self.check_room(path, config)
        with open_run(path, config, data=digest) as run:
            facts = environment(config, backend, dataset_facts(config, data))
            facts |= {**_neighbours(path, side_by_side), **marks}
            if warning := resume_under(run, facts):
                self.reporter.warn(f"{path}: {warning}")
            yield run, facts

    def clear_way(self, path: Path, config: ExperimentConfig, data: str) -> None:
        """Clear the folder of a run that is held of whatever the run does not go on from.

        Args:
            data: the digest of what it is trained on.
        """
        if self.fresh:
            start_over(path, config)
        elif trained_on(path) not in (None, data):
            self._make_way(path, config)

    def check_room(self, path: Path, config: ExperimentConfig) -> None:
        """See whether there is room for the weights of each epoch, and warn where they are many bytes.

        Raises:
            CnnlabError: there is not.
        """
        if warning := warning_of_size(config):
            self.warn_of([warning])
        check_room(path, config)

    @contextmanager
    def _told_of_memory(self, *, together: int = 1) -> Iterator[None]:
        """In this block, frameworks train: of memory that is not enough, they tell in many ways."""
        try:
            yield
        except Exception as error:
            self.reporter.check_interruption()  # then the run is interrupted, not failed
            if is_out_of_memory(error):
                raise CnnlabError(out_of_memory(error, together=together)) from error
            raise

    def _make_way(self, path: Path, config: ExperimentConfig) -> None:
        """Clear the folder of a run on other data; what it has come to, if it is finished, is kept aside."""
        other = f"{path}: this run was trained on different data of the same name"
        if is_finished(path, config):
            kept = keep_aside(path)
            self.reporter.warn(
                f"{other}; it is kept as {kept.name}, and training starts again; to use both, give the "
                "experiment another name"
            )
        else:
            self.reporter.warn(f"{other}; training it again")
            start_over(path, config)


@contextmanager
def _failing_alone(folder: ExitStack, tell: Callable[[CnnlabError], None]) -> Iterator[None]:
    """What a run of several fails with in this block closes its folder, and is told; the others go on."""
    try:
        yield
    except CnnlabError as error:
        with suppress(CnnlabError), folder:
            raise
        tell(error)


def _neighbours(path: Path, side_by_side: int) -> dict[str, Any]:
    """What environment.json says of runs that were trained at the same time; those of an earlier part count.

    The seconds of a run that is resumed include what it had taken before.
    """
    earlier = (read_json(path / "environment.json") or {}).get("side_by_side")
    most = max(side_by_side, earlier if isinstance(earlier, int) else 1)
    return {"side_by_side": most} if most > 1 else {}


def load_reported(dataset: DatasetConfig, data_paths: DataPaths, reporter: Reporter) -> Dataset:
    """`load_dataset`; the reporter sees the download and is told of unverified data."""
    data = load_dataset(dataset, data_paths, progress=reporter.downloading)
    if data.provenance.warning:
        reporter.warn(data.provenance.warning)
    return data


def dataset_facts(config: ExperimentConfig, data: Dataset) -> DatasetFacts:
    """What a run records of its data."""
    if config.dataset is None:
        raise ValueError("a config without a dataset")
    return DatasetFacts(name=config.dataset.name, title=config.dataset.full_title, **asdict(data.provenance))
