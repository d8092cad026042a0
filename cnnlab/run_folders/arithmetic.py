"""What arithmetic made a run: under another one, the same config and seed give other last bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cnnlab.config.runs_at_once import MOST_THREADS, MOST_TOGETHER
from cnnlab.run_folders.checkpoints import CHECKPOINTS
from cnnlab.run_folders.records import Record, read_json
from cnnlab.run_folders.run_writer import RunWriter
from cnnlab.version import arithmetic_of
from cnnlab.wording import counted

Fact = str | int | bool | None
"""None: not recorded, or not known."""

RESUMED = "resumed_elsewhere"
"""The mark, in run.json and environment.json, of a run that was resumed under other arithmetic."""

_ALWAYS = {
    "arithmetic": "cnnlab's arithmetic",
    "keras": "Keras",
    "numpy": "NumPy",
    "blas": "BLAS",
    "numba": "Numba",
    "host": "Keras's backend",
    "device": "device",
    "devices": "number of devices",
    "together": "seeds in one program",
}
_ON_CPU = {
    "cpu": "CPU",
    "instruction_set": "instruction set",
    "onednn": "oneDNN",
    "threads": "threads",
    "parallel_operations": "parallel operations",
}
_ON_GPU = {"device_name": "device"}
_THREADS = ("threads", "parallel_operations")


@dataclass(frozen=True)
class Arithmetic:
    """What of a run's environment.json decides the last bits of its numbers."""

    facts: Mapping[str, Fact]
    """By key of environment.json; on a GPU without those of the CPU, which only feeds it."""

    resumed_elsewhere: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, Any]) -> Self:
        """Of runs from before a fact was recorded, or with something else in its place, it is not known."""
        of_device = _ON_GPU if environment.get("device") == "gpu" else _ON_CPU
        if environment.get("backend") == "scratch":  # which has the same bits with any number of threads
            of_device = {key: name for key, name in _ON_CPU.items() if key not in _THREADS}
        facts = {key: _fact(environment.get(key)) for key in ("backend", *_ALWAYS, *of_device)}
        if environment and "together" not in environment:
            facts["together"] = 1
        for where in ("backend", "host"):  # a run of the engine has NumPy's version, and a host
            if version := _fact(environment.get(str(facts[where]))):
                facts[where] = f"{facts[where]} {version}"
        return cls(facts, environment.get(RESUMED) is True)

    @property
    def number(self) -> int | None:
        """cnnlab's own, `cnnlab.version.arithmetic_of` when the run was trained; None: it had none."""
        number = self.facts.get("arithmetic")
        return number if isinstance(number, int) else None

    def differences(self, other: Arithmetic) -> list[str]:
        """Phrases such as "threads: 2 → 1", from here to the other; what either does not know is left out."""
        return _phrases([self, other], " → ")


def resume_under(run: RunWriter, environment: dict[str, Any]) -> str | None:
    """A sentence where a run that is about to go on may have been trained under other arithmetic.

    It is marked then, for good.

    Args:
        run: the open run; its environment.json is still that of the process before, or whatever is there.
        environment: what will take its place; the mark is put into it.

    Returns:
        None for a run that begins anew, or goes on as it was begun.
    """
    if not any((run.path / name).exists() for name in CHECKPOINTS):
        run.status.pop(RESUMED, None)
        return None
    earlier = Arithmetic.from_environment(read_json(run.path / "environment.json") or {})
    differences = earlier.differences(Arithmetic.from_environment(environment))
    told = None
    if differences:
        told = f"resumed under other arithmetic ({', '.join(differences)})"
    elif earlier.number is None:
        told = "resumed; it is not recorded under which arithmetic this run was begun"
    if told or earlier.resumed_elsewhere or run.status.get(RESUMED) is True:
        environment[RESUMED] = True
        run.write_state("running", **{RESUMED: True})
    return told and f"{told}; the last digits can differ from those of an uninterrupted run"


def threads_begun_with(path: Path) -> int | None:
    """With how many CPU threads the run in this folder was begun; None where it begins anew, or on a GPU."""
    if not any((path / name).exists() for name in CHECKPOINTS):
        return None
    environment = read_json(path / "environment.json") or {}
    threads = environment.get("threads")
    known = isinstance(threads, int) and 1 <= threads <= MOST_THREADS
    return threads if known and environment.get("device") == "cpu" else None


def seeds_begun_with(path: Path, seed: int) -> tuple[int, ...] | None:
    """The seeds that the run in this folder was begun with as one program; () for a run that was begun alone.

    None where it begins anew. What cannot be the record of a group counts as none.

    Args:
        seed: the run's own.
    """
    if not any((path / name).exists() for name in CHECKPOINTS):
        return None
    seeds = (read_json(path / "environment.json") or {}).get("together_seeds")
    if not isinstance(seeds, list) or not all(type(each) is int and 0 <= each < 2**32 for each in seeds):
        return ()
    known = seed in seeds and MOST_TOGETHER >= len(set(seeds)) == len(seeds) > 1
    return tuple(seeds) if known else ()


def reused_from_before(record: Record) -> str | None:
    """A sentence where a finished run is reused that would not have today's arithmetic; the same for many."""
    number, today = Arithmetic.from_environment(record.environment).number, _today(record)
    if number == today:
        return None
    trained = (
        f"before cnnlab numbered its arithmetic; this version of cnnlab has arithmetic version {today}"
        if number is None
        else f"with arithmetic version {number}; this version of cnnlab has version {today}"
    )
    return (
        f"reusing runs that were trained {trained}; new runs can differ from them in the last digits; "
        "--fresh trains them again"
    )


def of_other_arithmetic(records: Sequence[Record]) -> str | None:
    """How many of these runs do not have today's arithmetic; None where all have it."""
    others = [
        record
        for record in records
        if Arithmetic.from_environment(record.environment).number != _today(record)
    ]
    if not others:
        return None
    were, them = ("was", "it") if len(others) == 1 else ("were", "them")
    present = " or ".join(map(str, sorted({_today(record) for record in others})))
    return (
        f"{len(others)} of {counted(len(records), 'run')} {were} trained with another arithmetic version of "
        f"cnnlab than the present one, {present}; new runs can differ from {them} in the last digits"
    )


def _today(record: Record) -> int:
    """The number that the run would have if it were trained now, on the backend and device that it had."""
    return arithmetic_of(record.environment.get("backend"), record.environment.get("device"))


def differences_among(records: Sequence[Record]) -> list[str]:
    """Phrases such as "threads: 1, 8": where the runs of one experiment differ, in the order of the runs."""
    return _phrases([Arithmetic.from_environment(record.environment) for record in records], ", ")


def _phrases(several: Sequence[Arithmetic], separator: str) -> list[str]:
    """Per fact that is not the same in all, the values that are known."""
    phrases = []
    for key, label in {"backend": "backend", **_ALWAYS, **_ON_CPU, **_ON_GPU}.items():
        known = dict.fromkeys(
            _shown(each.facts.get(key)) for each in several if each.facts.get(key) is not None
        )
        if len(known) > 1:
            phrases.append(f"{label}: {separator.join(known)}")
    return phrases


def _fact(value: Any) -> Fact:
    return value if isinstance(value, int) or (isinstance(value, str) and value.isprintable()) else None


def _shown(fact: Fact) -> str:
    if isinstance(fact, bool):
        return "on" if fact else "off"
    return str(fact)
