"""Where the numbers of a page come from: runs, data, versions, machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnlab.accounting.quantities import size
from cnnlab.comparison import ComparedOutcomes
from cnnlab.comparison.conditions import conditions, distinctions
from cnnlab.comparison.experiments import seeds_text
from cnnlab.run_folders.records import Record, read_json


def provenance(
    name: str, digest: str, seeds: Sequence[int], records: Sequence[Record], folds: int | None = None
) -> dict[str, Any]:
    """Of one experiment, by its finished runs, of which there is at least one."""
    first = records[0]
    dataset, config = first.dataset.as_dict(), first.config
    if folds is not None:  # what all folds have in common
        config = config.with_fold(None)
        whole = {} if config.dataset is None else {"title": config.dataset.full_title}
        dataset = {key: dataset[key] for key in dataset if key not in ("digest", "test_digest")}
        dataset |= {**whole, "fold": f"0 to {folds - 1}"}
    statuses = [read_json(record.path / "run.json") or {} for record in records]
    return {
        "name": name,
        "digest": digest,
        "seeds": seeds_text(seeds),
        "folders": [str(record.path) for record in records],
        "dates": sorted({status["started"][:10] for status in statuses if "started" in status}),
        # The page is handed on: where the files lie on this machine is said in environment.json only.
        "dataset": {
            key: _value(value) for key, value in dataset.items() if value is not None and key != "origin"
        },
        "environment": _environment(first.environment),
        "config": config.to_yaml(),
    }


def facts(comparison: ComparedOutcomes) -> dict[str, str]:
    """Under what the numbers came about: data, training images, epochs, seeds; once where all share it.

    Then what else differs between the experiments besides the network.
    """
    names = [outcome.name for outcome in comparison.experiments]
    told = [conditions(outcome) for outcome in comparison.experiments]
    different = {
        each.what.capitalize(): _shared(dict(zip(names, each.values, strict=True)))
        for each in distinctions(comparison.experiments)
    }
    return {
        "Data": comparison.dataset_title,
        "Training images": _shared(
            {n: each.images.removesuffix(" images") for n, each in zip(names, told, strict=True)}
        ),
        "Epochs": _shared(
            {n: each.epochs.removesuffix(" epochs") for n, each in zip(names, told, strict=True)}
        ),
        "Seeds": _shared({each.name: seeds_text(each.seeds) for each in comparison.experiments}),
        **{what: values for what, values in different.items() if what not in ("Training images", "Epochs")},
    }


def _shared(values: Mapping[str, str]) -> str:
    different = set(values.values())
    return different.pop() if len(different) == 1 else ", ".join(f"{n}: {v}" for n, v in values.items())


def _value(value: object) -> str:
    """A setting with several parts as "seed 0, block 4"."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return str(value)


def _environment(environment: Mapping[str, Any]) -> list[str]:
    """Versions and machine, each as "what value"; what a run does not know, or did not use, is left out."""
    facts = {key: value for key, value in environment.items() if value and key != "dataset"}
    if "memory_bytes" in facts:
        facts["memory"] = size(facts.pop("memory_bytes"))
    if facts.pop("git_dirty", False):
        facts["git_commit"] = f"{facts['git_commit']} with uncommitted changes"
    for name, version in facts.pop("plugins", {}).items():
        facts[f"plug-in {name}"] = version
    return [f"{key.replace('_', ' ')} {value}" for key, value in facts.items()]
