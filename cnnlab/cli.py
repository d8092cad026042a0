"""The command line: commands are imported when called, errors become one message and an exit code."""

from __future__ import annotations

if __name__ == "__main__":  # python -m cnnlab.cli
    from cnnlab.starting import handle_signals, open_streams

    open_streams()
    handle_signals()

import codecs
import importlib
import io
import os
import sys
import warnings
from contextlib import suppress
from types import ModuleType
from typing import Any, TextIO

import click

from cnnlab.commands.interruption import noticed_interruption
from cnnlab.commands.output import tell
from cnnlab.errors import CnnlabError, CnnlabWarning, closest
from cnnlab.foreign_text import plain_signs
from cnnlab.interruption import Interruption, interruption_of_process
from cnnlab.starting import claim_process
from cnnlab.version import __version__

COMMANDS = {
    "train": "Train experiments.",
    "compare": "Compare experiments: which network is better?",
    "why": "Find out why a CNN beats a DNN: experiments in between.",
    "sweep": "Find the best settings of an experiment: a grid, a random search, TPE.",
    "data": "List, download, check and show datasets.",
    "predict": "Classify images with a trained network.",
    "init": "Create a commented config to start from.",
    "summary": "Count parameters and operations, layer by layer.",
    "draw": "Draw a network to scale: volumes, kernels, branches.",
    "schema": "Print the JSON Schema of configs, for editors.",
    "explain": "Show what a trained network has learned, in pictures and numbers.",
    "export": "Write a trained network to a file for other runtimes.",
    "live": "Write a page to draw on, in which every layer of a network answers.",
    "report": "Write a comparison as a single HTML page.",
    "runs": "Find, inspect, compare and remove runs.",
    "verify": "Check what cnnlab promises: kill and resume a run, compare the gradients of two engines.",
    "bench": "Measure how fast cnnlab is on this machine.",
}


_NARROWEST = 20
"""Columns of a terminal that text still fits into."""

RESUMING = ("train", "compare", "why", "sweep", "report")
"""Commands that train: run again, they resume what was interrupted."""


class LazyGroup(click.Group):
    """Imports a command's module only when it is called; the overview needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        _settle_libraries()
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
        except KeyboardInterrupt:  # click would write an empty line, be there a ^C in front of it or not
            if sys.stderr.isatty():
                click.echo(err=True)
            raise click.Abort from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="cnnlab")
def group() -> None:
    """DNN or CNN, and why? Run and compare experiments with small image networks.

    \b
    cnnlab train cnn           a name in configs/, or the path of a YAML file
    cnnlab compare dnn cnn     trains missing runs, prints tables and a verdict
    cnnlab summary             counts parameters; with a name, layer by layer
    """


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave the process with its exit code.

    0 done; 1 the run failed; 2 the user's input is wrong; 130, 143 or 129 ended by Ctrl-C, SIGTERM or SIGHUP.
    """
    warnings.showwarning = show_warning
    claim_process()
    interruption = Interruption()
    _settle_surroundings()
    try:
        interruption.handle_signals()
        code = run(arguments)
        interruption.finish()
    except KeyboardInterrupt:  # before the first line of the command, or behind its last
        interruption.finish()
        code = _interrupted(arguments, interruption)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # such as of a terminal that was closed; Python would fail at it once more
            _discard(stream)
    sys.exit(code)


def _settle_surroundings() -> None:
    """Whatever encoding the streams have, and whatever a notebook has set, the command can do its work."""
    codecs.register_error("plain_signs", plain_signs)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names need not be text, and few encodings have a ±
            utf8 = codecs.lookup(stream.encoding).name == "utf-8"
            stream.reconfigure(errors="backslashreplace" if utf8 else "plain_signs")
    # Nothing is drawn on a screen; matplotlib refuses to be imported where this names a backend it lacks.
    os.environ.pop("MPLBACKEND", None)
    if not os.path.isabs(os.path.expanduser("~")):  # noqa: PTH111, PTH117  # pathlib raises where there is none
        _lend_home()
    if (columns := os.environ.get("COLUMNS")) and not (columns.isdigit() and int(columns) >= _NARROWEST):
        del os.environ["COLUMNS"]  # no text fits; the terminal itself may know better


def _settle_libraries() -> None:
    """What the libraries of a command would do on the side, none of which this process has imported yet."""
    import logging

    # It says where it keeps its list of fonts if its folder is read-only, which is nothing to act on.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    # JAX compiles what it cannot read or keep, as when the disk is full, which is nothing to act on, either.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache entry")
    # Pydantic looks for plugins in every installed distribution, which costs more than all of cnnlab's start;
    # where it is told not to, it still imports what it would look with.
    if os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__") == "__all__":
        none = ModuleType("pydantic.plugin._loader")
        vars(none)["get_plugins"] = tuple
        sys.modules.setdefault(none.__name__, none)


def _lend_home() -> None:
    """Libraries keep caches below the home folder; a user without one gets a folder for this command."""
    import atexit
    import shutil
    import tempfile

    with suppress(OSError):
        home = tempfile.mkdtemp(prefix="cnnlab-home-")
        atexit.register(shutil.rmtree, home, ignore_errors=True)
        os.environ["HOME"] = home
        tell("note: there is no home folder (HOME is not set), so that caches last for this command only")


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """cnnlab's own warnings as one line on stderr; all others as Python shows them."""
    own = issubclass(category, CnnlabWarning)
    text = (
        f"warning: {message}\n" if own else warnings.formatwarning(message, category, filename, lineno, line)
    )
    tell(text.rstrip("\n"))


def run(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    shows_traceback = os.environ.get("CNNLAB_TRACEBACK") == "1"
    try:
        with noticed_interruption():
            code: Any = group.main(arguments, prog_name="cnnlab", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        shown = io.StringIO()
        _with_suggestion(error).show(shown)
        tell(shown.getvalue().rstrip("\n"))
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _interrupted(arguments, interruption_of_process())
    except BrokenPipeError:
        return _reader_has_gone()
    except CnnlabError as error:
        if shows_traceback:
            import traceback

            traceback.print_exc()
        tell(error.on_command_line())
        return error.exit_code
    except Exception as error:  # noqa: BLE001  # the last line of defence: no traceback reaches a user
        if shows_traceback:
            import traceback

            traceback.print_exc()
        message, exit_code = _unexpected(error)
        tell(message)
        return exit_code


def _unexpected(error: Exception) -> tuple[str, int]:
    """What to say of an exception that is no message of cnnlab's, and the exit code."""
    import traceback

    from cnnlab.framework_errors import described, is_out_of_memory, out_of_memory

    if isinstance(error, OSError):
        if any(frame.f_code is click.echo.__code__ for frame, _ in traceback.walk_tb(error.__traceback__)):
            return f"the result cannot be written to standard output: {error.strerror}", 1
        try:
            os.getcwd()  # noqa: PTH109  # says nothing but whether it is there
        except OSError:
            return "the current directory does not exist any more; change to another one", 2
    if is_out_of_memory(error):
        return out_of_memory(error), 1
    return (
        f"internal error in cnnlab: {described(error)}\n"
        "   this is a bug: please report it, with the traceback that CNNLAB_TRACEBACK=1 shows",
        1,
    )


def _interrupted(arguments: list[str] | None, interruption: Interruption) -> int:
    """Say that the user has ended the command, if there is still a terminal; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    resumes = given[:1] and given[0] in RESUMING
    tell(f"interrupted{'; run the same command again to resume' if resumes else ''}")
    return interruption.exit_code


def _reader_has_gone() -> int:
    """The reader, such as head, has seen enough."""
    _discard(sys.stdout)
    return 0


def _discard(stream: TextIO) -> None:
    """What is still buffered, and all that follows, goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _with_suggestion(error: click.ClickException) -> click.ClickException:
    """`--epochs 3` is an option of other programs; here it is a setting of the config."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return error
    if set(error.possibilities or ()) - {"--help"}:  # which click finds close to --lr
        return error
    if not any(parameter.name == "set" for parameter in error.ctx.command.params):
        return error
    from cnnlab.config.experiment import ExperimentConfig
    from cnnlab.config.hints import setting_meant

    setting = setting_meant(error.option_name.lstrip("-"), tuple(ExperimentConfig.model_fields))
    if setting is None:
        return error
    hint = f"To change this setting of the config, use --set {setting}=VALUE."
    return click.UsageError(f"No such option {error.option_name!r}. {hint}", error.ctx)


if __name__ == "__main__":
    main()
