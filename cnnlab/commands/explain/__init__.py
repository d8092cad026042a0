"""cnnlab explain TECHNIQUE RUN: each technique is a file here, imported when it is called."""

from __future__ import annotations

import importlib

import click

from cnnlab.errors import closest

TECHNIQUES = {
    "kernels": "What nine small kernels make of a picture; convolution, ReLU, pooling.",
    "filters": "The weights of a convolution as pictures.",
    "features": "One image on its way through the network, stage by stage.",
    "maximize": "The image that a filter, a neuron or a class answers to most.",
    "examples": "The test images that activate each unit most, and where.",
    "deconvnet": "What a unit saw in its strongest images, projected back to pixels.",
    "saliency": "Which pixels a class's score depends on, by five methods.",
    "occlusion": "Cover a part of the image, watch the class's probability.",
    "dream": "A picture with more of what a layer sees.",
    "style": "The content of one picture in the style of another.",
    "invariance": "Accuracy against shift, rotation and scale.",
    "mistakes": "The surest wrong answers.",
    "confusion": "Which class is taken for which.",
    "embedding": "The last hidden layer as a plane: what lies near what.",
    "equivalence": "A convolution as the Dense matrix that it is.",
    "all": "All of these, and a page that shows them.",
}


class Techniques(click.Group):
    """Imports a technique's module only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(TECHNIQUES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in TECHNIQUES:
            return None
        # `all` is the page of all techniques; a module of its name would be Python's own function.
        module = "page" if cmd_name == "all" else cmd_name
        command: click.Command = importlib.import_module(f"{__name__}.{module}").command
        command.name = cmd_name
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in TECHNIQUES and not args[0].startswith("-"):
            match = closest(args[0], TECHNIQUES)
            hint = f"did you mean {match}?" if match else f"known: {', '.join(TECHNIQUES)}"
            raise click.UsageError(f"unknown technique {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Techniques"):
            formatter.write_dl(list(TECHNIQUES.items()))


@click.group(cls=Techniques)
def command() -> None:
    """What a trained network has learned, in pictures and numbers.

    \b
    cnnlab explain saliency cnn
    cnnlab explain maximize cnn --layer conv2d_2
    cnnlab explain all experiments/cnn-1a2b3c4d/seed-0
    cnnlab explain all model.keras --dataset-of cnn

    A run is its folder, an experiment's name (its latest finished run) or a .keras file. Pictures, arrays
    and numbers are written to RUN/explain/.
    """
