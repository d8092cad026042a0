"""The points of a sweep → the command lines that train them, as for the job array of a cluster."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from cnnlab.comparison.experiments import seeds_text
from cnnlab.config.axes import value_text
from cnnlab.errors import UserError
from cnnlab.language.source import parse_value
from cnnlab.search.plan import Plan, Planned


def train_commands(
    experiment: str,
    planned: Sequence[Planned],
    *,
    seeds: Sequence[int],
    fixed: Mapping[str, Any],
    options: Sequence[str] = (),
) -> list[str]:
    """One line for each point, quoted for a POSIX shell. It trains the runs that the sweep looks for.

    Args:
        experiment: as cnnlab train takes it, a name or a path.
        fixed: settings that are the same in all points, plain data, by the keys that --set takes.
        options: of cnnlab train, in words.
    """
    rest = ["--seeds", seeds_text(seeds), *options]
    return [shlex.join([*train_command(experiment, {**fixed, **settings}), *rest]) for settings, _ in planned]


def winner_command(plan: Plan, settings: Mapping[str, Any]) -> str | None:
    """The command that trains one point; None where its experiment is no file, or a value fits on no line."""
    if plan.experiment is None:
        return None
    try:
        words = train_command(plan.experiment, {**plan.fixed, **settings})
    except UserError:
        return None
    return shlex.join([*words, "--seeds", seeds_text(plan.seeds)])


def train_command(experiment: str, settings: Mapping[str, Any]) -> list[str]:
    """cnnlab train EXPERIMENT --set KEY=VALUE …, in words.

    Raises:
        UserError: a value cannot be written in YAML on one line.
    """
    words = ["cnnlab", "train", f"./{experiment}" if experiment.startswith("-") else experiment]
    for key, value in settings.items():
        words += ["--set", f"{key}={_yaml(key, value)}"]
    return words


def _yaml(key: str, value: Any) -> str:
    """A value as --set reads it back, the shorter form where both do."""
    for text in (value_text(value), json.dumps(value, ensure_ascii=False)):
        try:
            again = parse_value(text, key).plain()
        except UserError:
            continue
        if repr(again) == repr(value):  # 1 is not true, nor 1.0
            return text
    raise UserError(f"{key}: {value!r:.60} cannot be written on a command line; put it in the config")
