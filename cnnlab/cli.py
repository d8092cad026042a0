"""The command line: commands are imported when called, errors become one message and an exit code."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from typing import Any

# Pydantic looks for plugins in every installed distribution, which costs more than all of cnnlab's start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

import click

import cnnlab
from cnnlab.errors import CnnlabError, closest

COMMANDS = {
    "train": "Train experiments.",
    "compare": "Train what is missing, then compare: which network is better?",
    "data": "Datasets: what there is, fetch it, check it, look at it.",
    "predict": "What does a trained network say to these images?",
    "init": "Write a commented config to begin with.",
    "summary": "Where the parameters are, layer by layer.",
    "draw": "A picture of the network: volumes, kernels, branches.",
    "schema": "The config language as a JSON Schema, for editors.",
    "explain": "What a trained network has learned, in pictures and numbers.",
    "report": "A comparison as one HTML page to read, print and hand in.",
    "runs": "Find, look into, compare and remove runs.",
}


RESUMING = ("train", "compare", "report")
"""Commands that train: called again, they go on where they were interrupted."""


class LazyGroup(click.Group):
    """Imports a command's module only when it is called; the overview needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"cnnlab.commands.{cmd_name}").command
        command.name = cmd_name
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            match = closest(args[0], COMMANDS)
            hint = f"did you mean {match}?" if match else f"known: {', '.join(COMMANDS)}"
            raise click.UsageError(f"unknown command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        # Here, because click's own way with a reader that has gone is to exit with 1.
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return _reader_has_gone()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(cnnlab.__version__, prog_name="cnnlab")
def group() -> None:
    """DNN or CNN, and why? Experiments with small image networks, described in YAML.

    \b
    cnnlab train cnn              a name in configs/, or any path to a YAML file
    cnnlab compare dnn cnn        trains what is missing, prints the table
    cnnlab summary                parameter counts; with names: layer by layer
    """


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave the process with its exit code.

    0 done; 1 the run failed; 2 the user's input is wrong; 130 interrupted.
    """
    try:
        code = run(arguments)
    except KeyboardInterrupt:  # a second one, while the first was being dealt with
        code = 130
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is written; from here on it could only make noise
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    shows_traceback = os.environ.get("CNNLAB_TRACEBACK") == "1"
    try:
        code: Any = group.main(arguments, prog_name="cnnlab", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        _with_suggestion(error).show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        given = sys.argv[1:] if arguments is None else arguments
        resumes = given[:1] and given[0] in RESUMING
        click.echo(f"interrupted{'; the same command goes on where it stopped' if resumes else ''}", err=True)
        return 130
    except BrokenPipeError:
        return _reader_has_gone()
    except CnnlabError as error:
        if shows_traceback:
            traceback.print_exc()
        click.echo(error.on_command_line(), err=True)
        return error.exit_code
    except Exception as error:  # noqa: BLE001  # the last line of defence: no traceback reaches a user
        if shows_traceback:
            traceback.print_exc()
        summary = f"{type(error).__name__}: {error}".splitlines()[0]
        click.echo(
            f"cnnlab failed on a mistake of its own: {summary}\n   CNNLAB_TRACEBACK=1 shows where", err=True
        )
        return 1


def _reader_has_gone() -> int:
    """The reader, such as head, has seen enough; what is still buffered goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _with_suggestion(error: click.ClickException) -> click.ClickException:
    """`--epochs 3`, as other programs have it, is a setting of the config here."""
    if not isinstance(error, click.NoSuchOption) or error.possibilities or error.ctx is None:
        return error
    if not any(parameter.name == "set" for parameter in error.ctx.command.params):
        return error
    hint = "What a config says is changed with --set, such as --set training.epochs=3."
    return click.UsageError(f"{error.format_message()} {hint}", error.ctx)


if __name__ == "__main__":
    main()
