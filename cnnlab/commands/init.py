"""cnnlab init"""

from __future__ import annotations

import re
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from cnnlab.commands.options import complete_experiment, json_option
from cnnlab.commands.output import print_json
from cnnlab.config.starters import STARTERS, schema_seen_from, starter
from cnnlab.datasets import DATASETS
from cnnlab.errors import CnnlabError, UserError


def _complete_like(context: click.Context, parameter: click.Parameter, text: str) -> list[CompletionItem]:
    """The starters, then experiments."""
    starters = [CompletionItem(name) for name in STARTERS if name.startswith(text)]
    return starters + complete_experiment(context, parameter, text)


@click.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--like", default="cnn", show_default=True, shell_complete=_complete_like,
    metavar="|".join((*STARTERS, "CONFIG")), help="What to begin with; another experiment is copied.",
)  # fmt: skip
@click.option(
    "--dataset", help=f"Which images, with {', '.join(STARTERS)}: {', '.join(DATASETS)}.  [default: mnist]"
)
@click.option("--force", is_flag=True, help="Overwrite a file of that name.")
@json_option
def command(name: str, like: str, dataset: str | None, force: bool, as_json: bool) -> None:
    """Write a commented config to begin with: NAME.yaml, in this directory or at the path given.

    \b
    cnnlab init mine
    cnnlab init mine --like resnet --dataset cifar10
    cnnlab init mine --like vgg16
    """
    path = Path(name)
    if not path.name:
        raise UserError(f"{name!r} is no name for an experiment: expected letters, digits, - and _")
    if path.suffix not in (".yaml", ".yml"):
        path = path.with_name(path.name + ".yaml")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", path.stem):
        raise UserError(f"{path.stem!r} is no name for an experiment: expected letters, digits, - and _")
    if dataset is not None and like not in STARTERS:
        raise UserError(f"--dataset goes with --like {', '.join(STARTERS)}; {like} has its own")
    text = starter(path.stem, like, dataset or "mnist", schema_seen_from(path.parent))
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UserError(f"{path} exists already; --force overwrites it") from None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise UserError(f"{path}: no such directory as {path.parent}, or {path} is one itself") from None
    except OSError as error:
        raise CnnlabError(f"{path}: cannot be written: {error.strerror}") from None
    if as_json:
        print_json({"path": str(path), "name": path.stem, "like": like})
    else:
        click.echo(f"{path} is there. Next:\n   cnnlab summary {path}\n   cnnlab train {path}")
