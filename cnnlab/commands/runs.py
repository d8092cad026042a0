"""cnnlab runs list | show | rm | diff | merge"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from cnnlab.commands.options import GivenPath, Text, existing_out_option, json_option, out_option
from cnnlab.commands.output import (
    print_csv,
    print_json,
    print_table,
    say,
    say_side_by_side,
    seconds_text,
    tell,
)
from cnnlab.errors import UserError
from cnnlab.wording import counted

_HEADERS = {
    "name": "Experiment",
    "digest": "Digest",
    "seed": "Seed",
    "state": "State",
    "test_accuracy": "Test",
    "validation_accuracy": "Validation",
    "params": "Parameters",
    "epochs": "Epochs",
    "seconds": "Seconds",
    "started": "Started",
}
_MORE_HEADERS = {"bytes": "Bytes"}

_RUN = Text("a run's folder or an experiment's name")


def _where_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--where",
        metavar="CONDITION",
        help="Only runs that meet this condition, such as test_accuracy > 0.98; see cnnlab runs list -h.",
    )(command)


@click.group()
def command() -> None:
    """Find, inspect, compare and remove runs.

    \b
    cnnlab runs list --where 'test_accuracy > 0.98' --sort -test_accuracy
    cnnlab runs show cnn-1a2b3c4d/seed-0
    cnnlab runs diff cnn-1a2b3c4d/seed-0 cnn-5e6f7a8b/seed-0
    cnnlab runs rm --where 'state = failed'
    cnnlab runs merge /mnt/node7/experiments

    A run is given by its folder, which may be relative to --out. An experiment's folder or name stands for
    all of its runs.
    """


@command.command("list")
@click.argument("names", nargs=-1, type=Text("an experiment's name"), metavar="[NAME]...")
@_where_option
@click.option(
    "--sort", type=Text("a key"), metavar="[-]KEY", help="Sort by a key; -KEY sorts from high to low."
)
@click.option(
    "--column",
    "columns",
    type=Text("a key"),
    metavar="KEY",
    multiple=True,
    help="Show a key as another column; may be repeated.",
)
@click.option(
    "--columns",
    "only",
    type=Text("keys"),
    metavar="KEY,KEY,…",
    help="Show these columns alone, in this order.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show at most N runs.")
@click.option("--disk", is_flag=True, help="Show the disk space that each run takes, and the total.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values in full precision.")
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
@existing_out_option
@json_option
def list_command(
    names: tuple[str, ...],
    where: str | None,
    sort: str | None,
    columns: tuple[str, ...],
    only: str | None,
    limit: int | None,
    disk: bool,
    as_csv: bool,
    markdown: bool,
    out: Path,
    as_json: bool,
) -> None:
    """List all runs, or those of the experiments named. Runs in deeper folders are found, too.

    \b
    cnnlab runs list
    cnnlab runs list cnn dnn --sort -test_accuracy --limit 10
    cnnlab runs list --where 'state = finished and (params < 1e5 or test_accuracy >= 98%)'
    cnnlab runs list --where 'dataset.name = mnist' --sort training.optimizer.learning_rate

    A key is one that --json prints, or a setting as --set takes it: dataset, training.epochs,
    model.layers.conv2d_1.filters. A condition compares a key with a number, a text, a list, true, false or
    null by =, !=, <, <=, > or >=; and, or, not and parentheses combine conditions. A missing value, such as
    the test accuracy of an unfinished run, matches only = null.
    """
    from cnnlab.run_folders.listing import KEYS, sort_rows

    if as_json + as_csv + markdown > 1:
        raise click.UsageError("--json, --csv and --markdown exclude each other")
    chosen = () if only is None else tuple(each.strip() for each in only.split(","))
    if chosen and columns:
        raise click.UsageError("--column and --columns exclude each other")
    columns = chosen or columns
    if sort is not None:
        columns = (sort.removeprefix("-"), *columns)
    rows = _selected(out, names=names, where=where, keys=columns, nested=True)
    if sort is not None:
        rows = sort_rows(rows, sort)
    shown = rows[:limit]
    if disk:
        from cnnlab.run_folders.removing import disk_use

        shown = [{**row, "bytes": disk_use(row["path"])} for row in shown]
        columns = (*columns, "bytes")
    usual = KEYS if as_json or as_csv else tuple(_HEADERS)
    keys = list(dict.fromkeys([*(chosen or usual), *(columns if not chosen else ["bytes"] if disk else [])]))
    if as_json:
        print_json([{key: row.get(key) for key in keys} for row in shown])
    elif as_csv:
        print_csv(keys, [[_in_csv(row.get(key)) for key in keys] for row in shown])
    elif shown:
        cells = [[_in_table(key, row) for key in keys] for row in shown]
        print_table(
            [(_HEADERS | _MORE_HEADERS).get(key, key) for key in keys], cells, left=2, markdown=markdown
        )
        say_side_by_side(row.get("side_by_side") for row in shown)
    count = f"{len(shown)} of {len(rows)} runs" if len(shown) < len(rows) else counted(len(rows), "run")
    if disk:
        count += f", {sum(row['bytes'] for row in shown) / 2**20:,.1f} MiB,"
    tell(f"{count} in {out}" if out.is_dir() else f"no runs yet: {out} does not exist")


@command.command("show")
@click.argument("runs", nargs=-1, required=True, type=_RUN, metavar="RUN...")
@existing_out_option
@json_option
def show_command(runs: tuple[str, ...], out: Path, as_json: bool) -> None:
    """Show everything recorded about a run.

    State, result, environment, config and files.
    """
    from cnnlab.api.run import Run
    from cnnlab.run_folders.listing import find_runs

    documents = [Run(path).facts() for run in runs for path in find_runs(run, out)]
    if as_json:
        print_json(documents if len(documents) > 1 else documents[0])
        return
    for index, document in enumerate(documents):
        if index:
            say()
        _show(document)


@command.command("diff")
@click.argument("a", type=_RUN, metavar="A")
@click.argument("b", type=_RUN, metavar="B")
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
@existing_out_option
@json_option
def diff_command(a: str, b: str, markdown: bool, out: Path, as_json: bool) -> None:
    """Show what differs between two runs.

    Config, result and environment are compared key by key. An experiment with several runs stands for the
    one with the lowest seed. The keys of the config are those that --set takes.
    """
    from cnnlab.run_folders.listing import differences, find_runs

    if as_json and markdown:
        raise click.UsageError("--json and --markdown exclude each other")
    paths = [find_runs(each, out)[0] for each in (a, b)]
    found = differences(*paths)
    if as_json:
        print_json(
            {"a": str(paths[0]), "b": str(paths[1]), "differences": [each._asdict() for each in found]}
        )
        return
    if not found:
        say("no difference in config, result or environment")
        return
    rows = [[each.section, each.key, _in_cell(each.a), _in_cell(each.b)] for each in found]
    print_table(["", "Key", str(paths[0]), str(paths[1])], rows, left=4, markdown=markdown)


@command.command("rm")
@click.argument("runs", nargs=-1, type=_RUN, metavar="[RUN]...")
@_where_option
@click.option(
    "--keep-best",
    type=click.IntRange(min=1),
    metavar="N",
    help="Of the chosen runs, keep the N with the highest validation accuracy.",
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="List what would be removed, but remove nothing.")
@existing_out_option
@json_option
def remove_command(
    runs: tuple[str, ...],
    where: str | None,
    keep_best: int | None,
    yes: bool,
    dry_run: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Remove runs permanently, after confirmation.

    A run that is being trained cannot be removed. Only folders of runs are removed, each completely or not
    at all. A removed run is trained again when it is next needed.

    --keep-best ranks the chosen runs together, whatever experiments they are of, by validation accuracy and
    never by test accuracy. Chosen runs that are unfinished, damaged or without a validation accuracy are
    never among the best, and are removed; add --where 'state = finished' to spare them.
    """
    from cnnlab.run_folders.removing import plan_removal

    if not runs and where is None:
        raise click.UsageError("expected runs to remove, or --where")
    plan = plan_removal(runs, out, where=where, keep_best=keep_best)
    for path in plan.unreadable:
        tell(f"warning: {path}: config.yaml cannot be read; its settings are unknown")
    what = f"{counted(len(plan.rows), 'run')}, {plan.size / 2**20:.1f} MiB"
    if not as_json:  # before the question: it is about these
        for row in plan.kept:
            say(f"keep    {_with_accuracy(row)}")
        for row in plan.rows:
            say(f"remove  {_with_accuracy(row)}" if keep_best else str(Path(row["path"])))
    if plan.rows and not dry_run:
        if not yes and not _agreed(what, as_json=as_json):
            tell("nothing was removed")
            return
        plan = plan.carry_out()
    if as_json:
        print_json(plan.as_dict() | {"removed": not dry_run})
    done = f"{'would remove' if dry_run else 'removed'} {what}" if plan.rows else "nothing to remove"
    tell(done)


def _with_accuracy(row: Mapping[str, Any]) -> str:
    """A run beside what it is ranked by, or why it has no rank."""
    accuracy = row["validation_accuracy"]
    rank = f"validation {accuracy:.2%}" if accuracy is not None else "no validation accuracy"
    return f"{Path(row['path'])}  {rank if row['state'] == 'finished' else row['state']}"


@command.command("merge")
@click.argument("folder", type=GivenPath(exists=True, file_okay=False), metavar="DIR")
@click.option("--dry-run", is_flag=True, help="List what would be taken in, but write nothing.")
@out_option
@json_option
def merge_command(folder: Path, dry_run: bool, out: Path, as_json: bool) -> None:
    """Take in runs that were trained elsewhere.

    DIR is a folder of runs, as --out is, or that of an experiment or of one run. Sweeps and comparisons in it
    are left alone: make them again from the runs. Each run is checked by the digests of its files. Nothing is
    overwritten: a run that is here with the same result is skipped; one with another result, or a damaged
    one, is named and left out, and the exit code is 1. Unfinished runs are taken in with their checkpoints
    where there is none here, except for those being trained.
    """
    from cnnlab.api.merging import merge

    merged = merge(folder, out=out, dry_run=dry_run)
    if as_json:
        print_json(merged.as_dict())
    else:
        for each in merged.runs:
            done = "would be taken in" if dry_run and each.outcome == "taken in" else each.outcome
            say(f"{each.source}: {done}{f' ({each.reason})' if each.reason else ''}")
    problems = len(merged.problems)
    verb = "would be taken in" if dry_run else "taken in"
    tell(
        f"{len(merged.taken)} of {counted(len(merged.runs), 'run')} {verb}, {out}"
        + (f"; {problems} left out: see above" if problems and not as_json else "")
    )
    if problems:
        raise click.exceptions.Exit(1)


def _agreed(what: str, *, as_json: bool) -> bool:
    """Ask whether the runs that were listed shall go.

    Raises:
        UserError: standard input is not a terminal, or the list was not shown.
    """
    if as_json:
        raise UserError(
            f"remove {what}? --json cannot ask; add --yes to confirm, or --dry-run to list the runs only"
        )
    if not sys.stdin.isatty():
        raise UserError(f"remove {what}? standard input is not a terminal; add --yes to confirm")
    return click.confirm(f"Remove {what}?", err=True)


def _selected(out: Path, **asked: Any) -> list[Mapping[str, Any]]:
    """`select`, and the user is told of runs whose config cannot be read."""
    from cnnlab.run_folders.listing import select

    rows, unreadable = select(out, **asked)
    for path in unreadable:
        tell(f"warning: {path}: config.yaml cannot be read; its settings are unknown")
    return rows


def _show(document: Mapping[str, Any]) -> None:
    """One run on the terminal: what matters first, then the config as it stands in its file."""
    status, result, environment = (document[key] for key in ("status", "result", "environment"))
    say(f"{document['run']}: {status.get('state')}")
    dataset, side_by_side = environment.get("dataset", {}), result.get("side_by_side")
    together = environment.get("together")
    beside = (
        f"{together} seeds trained in one program"
        if together
        else f"{side_by_side} runs trained side by side"
    )
    facts = {
        "started": status.get("started"),
        "error": status.get("error"),
        "test accuracy": _cell("test_accuracy", result.get("test_accuracy"), empty=""),
        "validation accuracy": _cell("test_accuracy", result.get("validation_accuracy"), empty=""),
        "train accuracy": _cell("test_accuracy", result.get("train_accuracy"), empty=""),
        "parameters": _cell("params", result.get("params"), empty=""),
        "MACs": _cell("params", result.get("macs"), empty=""),
        "seconds": _cell("seconds", result.get("seconds"), empty="")
        + (f", {beside}" if side_by_side else ""),
        "data": f"{dataset.get('title')}, {dataset.get('status')}, {dataset.get('digest', '')[:8]}"
        if dataset
        else None,
        "machine": ", ".join(
            str(environment[key]) for key in ("device_name", "platform", "precision") if key in environment
        ),
        "versions": ", ".join(
            f"{key} {environment[key]}"
            for key in ("cnnlab", "python", "keras", environment.get("backend", ""))
            if key in environment
        ),
        "commit": _commit(environment),
        "command": " ".join(str(word) for word in status.get("command", [])),
        "disk": f"{sum(document['files'].values()) / 2**20:.1f} MiB",
        "files": ", ".join(f"{name} ({size / 1024:,.0f} KiB)" for name, size in document["files"].items()),
    }
    width = max(len(key) for key in facts)
    for key, value in facts.items():
        if value:
            say(f"  {key:<{width}}  {value}")
    config = Path(document["run"]) / "config.yaml"
    if config.exists():
        say(f"\n{config.read_text(encoding='utf-8').rstrip()}")


def _commit(environment: Mapping[str, Any]) -> str | None:
    """The commit, and whether the checkout had been changed since; older runs do not know."""
    commit = environment.get("git_commit")
    return f"{commit}, with uncommitted changes" if commit and environment.get("git_dirty") else commit


def _in_csv(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def _in_table(key: str, row: Mapping[str, Any]) -> str:
    if key == "seconds" and row.get(key) is not None:
        return seconds_text(row[key], row.get("side_by_side"))
    return _cell(key, row.get(key))


def _cell(key: str, value: Any, *, empty: str = "–") -> str:
    if value is None:
        return empty
    if key.endswith("_accuracy"):
        return f"{value:.2%}"
    if key == "seconds":
        return f"{value:.1f}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if key == "started":
        return str(value)[:16].replace("T", " ")
    if isinstance(value, int) and not isinstance(value, bool) and key != "seed":
        return f"{value:,}"
    return _in_cell(value)


def _in_cell(value: Any) -> str:
    from cnnlab.run_folders.listing.differences import format_value

    text = format_value(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
