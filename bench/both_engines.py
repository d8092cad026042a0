"""The same experiments trained by Keras and by hand: curves in one picture, accuracies and times in a table.

usage: both_engines.py --out DIR [--only colors_cnn mnist_8_16 cnn] [--epochs N] [--seed 0] [--data-dir DIR]

Trains each experiment on TensorFlow and with `backend: scratch`, one run at a time. After each experiment, it
writes DIR/both_engines.png and DIR/both_engines.md. Finished runs in DIR are not trained again, interrupted
ones are resumed. Run nothing else at the same time.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cnnlab
from cnnlab.wording import counted, three_digits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EXPERIMENTS = ("colors_cnn", "mnist_8_16", "cnn")

ENGINES = {"tensorflow": "Keras on TensorFlow", "scratch": "from scratch"}
"""Backends, and what they are called in picture and table."""

Runs = Mapping[str, Mapping[str, cnnlab.Run]]
"""By experiment and by backend."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=EXPERIMENTS, default=EXPERIMENTS)
    parser.add_argument("--epochs", type=int, help="instead of those of the configs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-dir")
    arguments = parser.parse_args()
    settings = {} if arguments.epochs is None else {"training.epochs": arguments.epochs}
    runs: dict[str, dict[str, cnnlab.Run]] = {}
    for name in arguments.only:
        runs[name] = {
            backend: cnnlab.train(
                name,
                seeds=[arguments.seed],
                set=settings,
                out=arguments.out,
                data_dir=arguments.data_dir,
                backend=backend,
                progress=print,
            )[0]
            for backend in ENGINES
        }
        curves(runs).savefig(arguments.out / "both_engines.png")
        (arguments.out / "both_engines.md").write_text(page(runs), encoding="utf-8")
    print(page(runs))


def page(runs: Runs) -> str:
    """A row for each run, and what they were trained with."""
    lines = [
        "| experiment | engine | test accuracy | seconds per epoch | ÷ Keras |",
        "| --- | --- | --: | --: | --: |",
    ]
    for name, by_backend in runs.items():
        seconds = {backend: seconds_per_epoch(run) for backend, run in by_backend.items()}
        lines += [
            f"| `{name}` | {ENGINES[backend]} | {run.result.test_accuracy:.2%} "
            f"| {three_digits(seconds[backend])} | {seconds[backend] / seconds['tensorflow']:.2f} |"
            for backend, run in by_backend.items()
        ]
    said = {
        f"{each['device_name']}, {each['instruction_set']}, {counted(each['threads'], 'thread')}; TensorFlow "
        f"{each['tensorflow']}, Keras {each['keras']}, NumPy {each['numpy']} with {each['blas']}, Python "
        f"{each['python']}"
        for each in (by_backend["scratch"].environment for by_backend in runs.values())
    }
    return "\n".join([*lines, "", "Seconds: median of the epochs after the first.", *sorted(said), ""])


def seconds_per_epoch(run: cnnlab.Run) -> float:
    """Of the training steps; the first epoch, in which Keras compiles, counts only where it is alone."""
    seconds = [float(each) for each in run.history["seconds"]]
    return statistics.median(seconds[1:] or seconds)


def curves(runs: Runs) -> Figure:
    """A row for each experiment: losses on the left, accuracies on the right.

    Validation is solid, training dashed; Keras's lines are broad and pale, so that others are seen on them.
    """
    from matplotlib.lines import Line2D
    from matplotlib.ticker import MaxNLocator

    from cnnlab.pictures.kit.palette import COLORS, GREY, INK
    from cnnlab.pictures.kit.style import LABEL, PERCENT_TICKS, new_figure, style_axes

    strokes: dict[str, dict[str, Any]] = {"tensorflow": {"color": COLORS[0], "linewidth": 6, "alpha": 0.35},
                                          "scratch": {"color": COLORS[1], "linewidth": 1.6}}  # fmt: skip
    figure = new_figure(1.3 + 2.6 * len(runs), "The same experiments by both engines")
    rows = figure.subplots(len(runs), 2, squeeze=False)
    for (loss, accuracy), (name, by_backend) in zip(rows, runs.items(), strict=True):
        style_axes(loss, f"{name}: loss", x="epoch")
        style_axes(accuracy, f"{name}: accuracy", x="epoch")
        accuracy.yaxis.set_major_formatter(PERCENT_TICKS)
        for backend, run in by_backend.items():
            draw(loss, run, "loss", strokes[backend])
            draw(accuracy, run, "accuracy", strokes[backend])
        loss.set_ylim(bottom=0)
        for axes in (loss, accuracy):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend = {label: Line2D([], [], **strokes[backend]) for backend, label in ENGINES.items()}
    legend |= {
        "validation": Line2D([], [], color=GREY, linewidth=1.6),
        "training": Line2D([], [], color=GREY, linewidth=1.6, linestyle=dashes(1.6)),
    }
    figure.legend(
        list(legend.values()), list(legend), loc="outside lower center", ncols=4, fontsize=LABEL,
        labelcolor=INK, frameon=False, handlelength=2.5,
    )  # fmt: skip
    return figure


def draw(axes: Axes, run: cnnlab.Run, quantity: str, stroke: Mapping[str, Any]) -> None:
    """One quantity of one run over its epochs."""
    epochs = list(run.history["epoch"])
    for column, line in ((f"val_{quantity}", "solid"), (quantity, dashes(stroke["linewidth"]))):
        axes.plot(epochs, run.history[column], linestyle=line, **stroke)


def dashes(width: float) -> tuple[int, tuple[float, float]]:
    """The same dashes at any width of a line, in whose units they are given."""
    return 0, (8 / width, 4 / width)


if __name__ == "__main__":
    main()
