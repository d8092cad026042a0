"""cnnlab init"""

from __future__ import annotations

import re
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from cnnlab.commands.options import ExperimentType, Text, complete_experiment, json_option
from cnnlab.commands.output import print_json, say
from cnnlab.config.experiment import known_configs, load_config
from cnnlab.config.starters import STARTERS, schema_seen_from, shipped_schema, starter
from cnnlab.datasets import DATASETS
from cnnlab.errors import UserError, unknown
from cnnlab.user_files import written


def _complete_like(context: click.Context, parameter: click.Parameter, text: str) -> list[CompletionItem]:
    """The starters, then experiments."""
    starters = [CompletionItem(name) for name in STARTERS if name.startswith(text)]
    return starters + complete_experiment(context, parameter, text)


@click.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--like", type=ExperimentType(), default="cnn", show_default=True, shell_complete=_complete_like,
    metavar="|".join((*STARTERS, "CONFIG")), help="A template, or an experiment to copy.",
)  # fmt: skip
@click.option(
    "--dataset", help=f"The dataset, for {', '.join(STARTERS)}: {', '.join(DATASETS)}.  [default: mnist]"
)
@click.option(
    "--for", "pictures", type=Text("a folder of images"), metavar="FOLDER",
    help="A folder of your own images, with one folder for each class, in place of a dataset.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@json_option
def command(
    name: str, like: str, dataset: str | None, pictures: str | None, force: bool, as_json: bool
) -> None:
    """Create a commented config to start from: NAME.yaml, in the current directory or at the path given.

    \b
    cnnlab init mine
    cnnlab init mine --like resnet --dataset cifar10
    cnnlab init mine --like vgg16
    cnnlab init mine --for photos/

    Where there is no schema.json by which editors check a config, one is written beside it.
    """
    path = Path(name)
    if not path.name:
        raise UserError(f"expected a name of letters, digits, - and _, found {name!r}")
    if path.suffix not in (".yaml", ".yml"):
        path = path.with_name(path.name + ".yaml")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", path.stem):
        raise UserError(f"expected a name of letters, digits, - and _, found {path.stem!r}")
    if dataset is not None and pictures is not None:
        raise UserError("--dataset and --for exclude each other")
    for option, given in (("--dataset", dataset), ("--for", pictures)):
        if given is not None and like not in STARTERS:
            raise UserError(
                f"{option}: expected --like {', '.join(STARTERS)}, found {like}, which has a dataset"
            )
    if like not in STARTERS:
        _check_experiment(like)
    schema = schema_seen_from(path.parent)
    text = starter(path.stem, like, dataset or "mnist", schema, path.parent, pictures=pictures)
    with written(path):
        if path.exists() and not force:
            raise UserError(f"{path} already exists; use --force to overwrite it")
        path.write_text(text, encoding="utf-8")
        beside = path.parent / "schema.json"
        if schema == beside.name and not beside.exists():
            beside.write_text(shipped_schema(), encoding="utf-8")
    if as_json:
        print_json({"path": str(path), "name": path.stem, "like": like})
    else:
        say(f"Created {path}. Next:\n   cnnlab summary {path}\n   cnnlab train {path}")


def _check_experiment(like: str) -> None:
    """Refuse to copy what is no experiment, or one that has mistakes.

    Raises:
        UserError: there is no such experiment, or its config is wrong.
    """
    known = dict.fromkeys((*STARTERS, *known_configs()))
    if like not in known and len(Path(like).parts) == 1 and not Path(like).suffix and not Path(like).exists():
        raise unknown("experiment", like, known)
    load_config(like)
