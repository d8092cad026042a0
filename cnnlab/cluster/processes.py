"""The processes that Ray has started on the machines of a cluster for one command, and what they are sent."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from cnnlab.cluster.flight import Flight
from cnnlab.cluster.messages import Job
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.process_environment import environment_of_the_user
from cnnlab.trainer import Trainer
from cnnlab.workers.messages import SharedSettings, Start
from cnnlab.workers.pool import STOP_TIMEOUT
from cnnlab.workers.shipped import shipped_name

_ARITHMETIC = ("OMP_", "OPENBLAS_", "MKL_", "NUMBA_", "TF_", "XLA_", "ONEDNN_", "DNNL_")
"""How the names of variables begin that decide how libraries compute: machines get those of this command."""


class Processes:
    """Starts processes on machines, hands runs to them, and ends them.

    Args:
        trainer: has the data.
    """

    def __init__(self, settings: SharedSettings, trainer: Trainer) -> None:
        self._settings = settings
        self._trainer = trainer
        self._session = secrets.token_hex(6)
        self._idle: dict[tuple[Any, ...], list[Any]] = {}
        self._all: list[Any] = []
        self._data: dict[str, list[Any]] = {}

    def launch(self, flight: Flight, most_at_once: int) -> None:
        """Let a process on a machine of the cluster take a run: an idle one, or a new one.

        Args:
            most_at_once: how many runs are trained at the same time on a machine.

        Raises:
            CnnlabError: what the run goes on from cannot be read.
        """
        import ray

        from cnnlab.cluster.host import Host

        run, need = flight.run, flight.need
        idle = self._idle.get(_kind(flight), [])
        if idle:
            flight.host = idle.pop()
        else:
            self.stop_idle()  # they would keep what this one needs
            options: dict[str, Any] = {"num_cpus": need.threads, "num_gpus": int(need.gpu), "max_restarts": 0}
            if flight.only_on:
                from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

                options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(flight.only_on, soft=False)
            start = Start(self._settings, run.config.runtime, run.threads)
            flight.host = ray.remote(Host).options(**options).remote(
                self._session, self._settings, start, _environment()
            )  # fmt: skip
            self._all.append(flight.host)
        job = Job(
            run.config, flight.files(), self._shipped(run.config), most_at_once, run.estimate,
        )  # fmt: skip
        flight.waits_since = time.monotonic()
        flight.pending = flight.host.begin.remote(job)

    def _shipped(self, config: ExperimentConfig) -> tuple[str, Sequence[Any]]:
        """The name of an experiment's data on machines, and a reference; in a list, Ray does not fetch it."""
        import ray

        data = self._trainer.dataset(config)
        if config.dataset is None:
            raise ValueError("a config without a dataset")
        name = shipped_name(config.dataset)
        if name not in self._data:
            self._data[name] = [ray.put(data)]
        return name, self._data[name]

    def rest(self, flight: Flight) -> None:
        """Keep the process for the next run of this kind."""
        self._idle.setdefault(_kind(flight), []).append(flight.host)

    def forget(self, host: Any) -> None:
        """End a process whose machine is lost: where only the connection is, it is not to go on."""
        import ray

        with suppress(Exception):
            ray.kill(host)
        self._all = [each for each in self._all if each is not host]

    def stop_idle(self) -> None:
        """Give back what processes without a run keep of the cluster."""
        for idle in self._idle.values():
            self.stop(idle)
            idle.clear()

    def stop(self, hosts: Sequence[Any]) -> None:
        """End processes on machines, with their workers and folders."""
        import ray

        stopping = [host for host in hosts if host is not None]
        try:
            asked = [host.stop.remote() for host in stopping]
            if asked:
                ray.wait(asked, num_returns=len(asked), timeout=STOP_TIMEOUT)
        finally:
            for host in stopping:
                with suppress(Exception):  # it is gone
                    ray.kill(host)
            self._all = [host for host in self._all if all(host is not each for each in stopping)]

    def stop_all(self) -> None:
        """End all of them."""
        self.stop(self._all)


def _kind(flight: Flight) -> tuple[Any, ...]:
    return (*flight.run.kind, flight.need, flight.only_on)


def _environment() -> dict[str, str | None]:
    """The user's variables that decide how libraries compute; None: not set, whatever Ray sets there."""
    own = environment_of_the_user()
    chosen: dict[str, str | None] = {"OMP_NUM_THREADS": None}
    for name, value in own.items():
        if name.startswith(_ARITHMETIC):
            chosen[name] = value
    if own.get("CNNLAB_TRACEBACK") == "1":
        chosen["CNNLAB_TRACEBACK"] = "1"
    return chosen
