"""Several runs at once, on the machines of a cluster: Ray says where, and their folders are written here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cnnlab.cluster import nodes
from cnnlab.cluster.address import Address
from cnnlab.cluster.connection import connected
from cnnlab.cluster.costs import DeviceCost, kinds
from cnnlab.cluster.flight import Flight
from cnnlab.cluster.messages import Begun, News
from cnnlab.cluster.nodes import Need, Node
from cnnlab.cluster.processes import Processes
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.runs_at_once import RunsAtOnce
from cnnlab.errors import CnnlabError, UserError
from cnnlab.run_folders.records import Record
from cnnlab.trainer import Trainer
from cnnlab.wording import counted
from cnnlab.workers.messages import Done, Ended, Estimated, Event, Failed, Message, SharedSettings
from cnnlab.workers.pool import Run, tell
from cnnlab.workers.process import WorkerDied

if TYPE_CHECKING:
    from cnnlab.reporting import Reporter
    from cnnlab.training.costs import CostEstimate

    Outcome = Record | CostEstimate | CnnlabError

LOOKING = 1.0
"""Seconds after which the cluster is looked at again, where nothing has been heard."""

PATIENCE = 60.0
"""Seconds for which a run waits that no machine has room for any more, for another machine to join."""

TOLD_AFTER = 20.0
"""Seconds after which the user is told that a run waits for room."""


class ClusterWorkers:
    """The machines of a cluster, as a context: whatever ends the block ends what they train; see `Workers`.

    Args:
        trainer: clears the way in folders, and has the data.
        most: how many runs are trained at the same time; "auto": as many as the cluster has room for.
    """

    def __init__(
        self,
        address: Address,
        settings: SharedSettings,
        trainer: Trainer,
        reporter: Reporter,
        most: RunsAtOnce,
    ) -> None:
        self._address = address
        self._settings = settings
        self._trainer = trainer
        self._reporter = reporter
        self._most = most
        self._processes = Processes(settings, trainer)
        self._flights: list[Flight] = []
        self._nodes: list[Node] = []
        self._looked = 0.0
        self._told_of_room = False
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(connected(self._address))
            self._look()
            facts = nodes.facts_of(self._nodes)
            nodes.check_versions(facts)
            self._kinds = kinds(self._nodes, facts)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            for flight in self._flights:
                flight.interrupt()
            self._flights.clear()
            self._processes.stop_all()

    def trained(
        self, runs: Sequence[Run], *, announce: Callable[[], None] | None = None
    ) -> Iterator[tuple[ExperimentConfig, Record | CnnlabError]]:
        """Train runs, and yield each with what came of it when it has ended.

        Raises:
            CnnlabError: the cluster has no room for one of them.
        """
        for need in dict.fromkeys(map(self._need, runs)):
            nodes.check_room(self._nodes, need)
        if runs:
            at_once = min(len(runs), *(self._at_once(need) for need in map(self._need, runs)))
            self._announce(runs[0], at_once, counted(len(runs), "run"))
        waiting = iter(runs)
        return self._outcomes(lambda: next(waiting, None))

    def fed(
        self, next_run: Callable[[], Run | None], *, announce: Callable[[], None] | None = None
    ) -> Iterator[tuple[ExperimentConfig, Record | CnnlabError]]:
        """Train runs that come one by one, and yield each with what came of it when it has ended.

        Args:
            next_run: is called where there is room for another run, and returns it; or None, where there is
                none until one that is being trained has ended.
        """
        first = next_run()
        if first is None:
            return iter(())
        self._announce(first, self._at_once(self._need(first)), "runs")
        kept = [first]
        return self._outcomes(lambda: kept.pop() if kept else next_run())

    def estimated(self, run: Run) -> CostEstimate:
        """Try a few steps of a run on a machine, to say what all of it will cost there.

        Raises:
            CnnlabError: it cannot be trained there.
        """
        return self._estimated(run, None)

    def costs(self, run: Run) -> list[DeviceCost]:
        """What a run will cost on each kind of machine that the cluster has.

        Raises:
            CnnlabError: it cannot be trained there.
        """
        need = self._need(run)
        nodes.check_room(self._nodes, need)
        found = []
        for kind, members in self._kinds.items():
            fitting = [node for node in members if node.room(replace(need, gpu=False))]
            if not fitting:
                self._reporter.note(f"{kind}: no room for a run that takes {counted(need.threads, 'CPU')}")
                continue
            estimate = self._estimated(run, fitting[0])
            at_once = nodes.room(fitting, self._need(run, fitting[0]))
            found.append(DeviceCost(estimate, kind, len(fitting), at_once))
        return found

    def _estimated(self, run: Run, node: Node | None) -> CostEstimate:
        waiting = iter([replace(run, estimate=True)])
        ((_, outcome),) = self._outcomes(lambda: next(waiting, None), node)
        if isinstance(outcome, CnnlabError):
            raise outcome
        estimate: CostEstimate = outcome
        return estimate

    def _need(self, run: Run, node: Node | None = None) -> Need:
        """What a run takes: a GPU, too, where the cluster, or this machine of it, has one that it may use.

        Raises:
            UserError: it is to be trained on a GPU, and there is none.
        """
        runtime = run.config.runtime
        there = any(each.gpus for each in (self._nodes if node is None else [node]))
        if runtime.device == "gpu" and runtime.may_use_gpu and not there:
            raise UserError("--device gpu: the cluster has no GPU; use --device auto or cpu")
        return Need(run.threads, gpu=runtime.may_use_gpu and there)

    def _announce(self, first: Run, at_once: int, runs: str) -> None:
        """Say how runs are trained: `first` is one of them."""
        self._reporter.side_by_side(at_once)
        where = "this machine" if self._address.host is None else counted(len(self._nodes), "machine")
        self._reporter.note(
            f"{runs} on {where} by Ray, {at_once:,} at once, {counted(first.threads, 'thread')} each"
        )

    def _at_once(self, need: Need) -> int:
        """How many runs may be under way."""
        room = max(1, nodes.room(self._nodes, need))
        return room if self._most == "auto" else min(self._most, room)

    def _outcomes(
        self, next_run: Callable[[], Run | None], node: Node | None = None
    ) -> Iterator[tuple[ExperimentConfig, Any]]:
        """Each run with its record, its estimate if it asks for that, or an error, once it has ended."""
        waiting: Run | None = None
        while True:
            while True:
                waiting = waiting or next_run()
                if waiting is None or len(self._flights) >= self._at_once(self._need(waiting, node)):
                    break
                run, waiting = waiting, None
                outcome = self._begin(run, node)
                if outcome is not None:
                    yield run.config, outcome
            if not self._flights:
                return
            for flight in self._heard():
                outcome = self._advance(flight)
                if outcome is not None:
                    self._flights.remove(flight)
                    yield flight.run.config, outcome

    def _begin(self, run: Run, node: Node | None) -> Outcome | None:
        """Begin a run; what has come of it where it has ended already."""
        flight = Flight(run, self._need(run, node), only_on=None if node is None else node.id)
        try:
            nodes.check_room(self._nodes, flight.need)
            if not run.estimate and (record := flight.open(self._trainer)):
                return record
        except CnnlabError as error:
            return error
        self._flights.append(flight)
        try:
            self._processes.launch(flight, self._neighbours(flight.need))
        except CnnlabError as error:
            self._flights.remove(flight)
            flight.fail(error)
            return error
        return None

    def _neighbours(self, need: Need) -> int:
        """How many runs are trained at the same time on a machine, at most."""
        most = max((node.room(need) for node in self._nodes), default=1)
        return max(1, min(most, self._at_once(need)))

    def _heard(self) -> list[Flight]:
        """Those that have been heard of, or that have waited for long enough."""
        import ray

        ready, _ = ray.wait([flight.pending for flight in self._flights], num_returns=1, timeout=LOOKING)
        if time.monotonic() - self._looked > LOOKING:
            self._look()
        return [flight for flight in self._flights if flight.pending in ready or self._waits_in_vain(flight)]

    def _look(self) -> None:
        self._nodes = nodes.alive()
        self._looked = time.monotonic()

    def _waits_in_vain(self, flight: Flight) -> bool:
        """Whether a run has no machine, and there will be none."""
        if flight.there is not None or flight.node is not None:
            return False
        waited = time.monotonic() - flight.waits_since
        self._processes.stop_idle()  # of another kind, or left when this one was lost
        if waited > TOLD_AFTER and not self._told_of_room:
            self._told_of_room = True
            self._reporter.note("waiting for a machine of the cluster that has room")
        return waited > PATIENCE and not nodes.room(self._nodes, flight.need)

    def _advance(self, flight: Flight) -> Outcome | None:
        """Take in what a machine has said of a run; what has come of the run, if that is known now."""
        import ray

        if self._waits_in_vain(flight):
            try:
                nodes.check_room(self._nodes, flight.need)
            except CnnlabError as error:
                return self._ended(flight, error, dies=True)
        try:
            answer = ray.get(flight.pending)
        except CnnlabError as error:  # Ray raises errors of ours as ours
            return self._ended(flight, _own(error), dies=True)
        except ray.exceptions.RayError as error:
            return self._lost(flight, error)
        if isinstance(answer, Begun):
            flight.there, flight.node, flight.machine = answer.path, answer.node, answer.machine
        elif isinstance(answer, News) and (outcome := self._news(flight, answer)):
            return outcome
        flight.pending = flight.host.news.remote()
        return None

    def _news(self, flight: Flight, news: News) -> Outcome | None:
        try:
            if flight.mirror and news.files:
                flight.mirror.take(news.files)
        except CnnlabError as error:
            return self._ended(flight, error, dies=True)
        for message in news.messages:
            if outcome := self._outcome(flight, message):
                return outcome
        return None

    def _outcome(self, flight: Flight, message: Message) -> Outcome | None:
        match message:
            case Event(name, arguments, options):
                event = Event(name, tuple(map(flight.here, arguments)), options)
                goes_on = tell(self._reporter, event, flight.run.config)
                if name == "epoch_ended" and self._settings.may_prune:
                    flight.host.answer.remote(goes_on)
                return None
            case Done():
                try:
                    record = flight.finish()
                except CnnlabError as error:
                    return self._ended(flight, error, dies=True)
                self._processes.rest(flight)
                self._reporter.finished(flight.run.config, record)
                return record
            case Estimated(estimate):
                self._processes.rest(flight)
                return estimate
            case Failed(error):
                error.args = tuple(map(flight.here, error.args))
                return self._ended(flight, error, dies=False)
            case Ended():
                return self._ended(flight, WorkerDied(message), dies=False)
        return None

    def _ended(self, flight: Flight, error: CnnlabError, *, dies: bool) -> CnnlabError:
        """A run has failed. `dies`: its process is not fit for others, or is still busy with it."""
        if isinstance(error, WorkerDied):
            flight.interrupt()
        else:
            flight.fail(error)
        if dies:
            self._processes.stop([flight.host])
        else:
            self._processes.rest(flight)
        return error

    def _lost(self, flight: Flight, error: Exception) -> CnnlabError | None:
        """A machine, or Ray's process on it, is gone: its run goes on elsewhere."""
        self._processes.forget(flight.host)
        self._look()
        title, machine = flight.run.config.run_title, flight.machine
        saved = flight.is_lost()
        if saved is None:
            problem = CnnlabError(
                f"it lost {counted(flight.losses, 'machine')} without an epoch in between{_reason(error)}\n"
                "   run the same command again to resume this run"
            )
            flight.interrupt()
            return problem
        where = f"from its checkpoint after epoch {saved}" if saved else "from the start"
        self._reporter.note(f"{title}: {machine} is lost{_reason(error)}; the run goes on elsewhere, {where}")
        try:
            self._processes.launch(flight, self._neighbours(flight.need))
        except CnnlabError as failed:
            flight.fail(failed)
            return failed
        return None


def _reason(error: Exception) -> str:
    """Why Ray's process is gone, as far as that is of use."""
    if "memory" in str(error).lower():
        return ", whose memory had run out"
    return f" ({nodes.first_line(error)})" if os.environ.get("CNNLAB_TRACEBACK") == "1" else ""


def _own(error: CnnlabError) -> CnnlabError:
    """An error of cnnlab's that Ray has made a class of its own of."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, CnnlabError) else error
