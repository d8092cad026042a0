"""cnnlab bench"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from cnnlab.commands.options import (
    Command,
    SeedsType,
    backend_option,
    data_dir_option,
    device_option,
    experiments_argument,
    json_option,
    overrides_option,
    precision_option,
    quiet_option,
    reject_unused,
    threads_option,
    workers_option,
)
from cnnlab.commands.output import print_json, print_table, say, tell_files
from cnnlab.commands.picture_options import NewDrawing, one_file, picture_options
from cnnlab.cpu_settings import KerasBackendName
from cnnlab.wording import TEXT_COLUMNS, counted, three_digits

if TYPE_CHECKING:
    from cnnlab.benchmarks.convolution import ConvolutionSpeed
    from cnnlab.benchmarks.epoch import EpochSpeed
    from cnnlab.benchmarks.timing import Timing
    from cnnlab.benchmarks.verdict import VerdictSpeed
    from cnnlab.config.runs_at_once import RunsAtOnce
    from cnnlab.pictures.kit.files import PictureFiles


def _options(command: Command) -> Command:
    """What commands that train take."""
    for option in (
        json_option, quiet_option, precision_option, device_option, backend_option,
        data_dir_option, overrides_option("training.batch_size=50"),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group()
def command() -> None:
    """Measure how fast cnnlab is on this machine.

    \b
    cnnlab bench epoch cnn
    cnnlab bench verdict
    cnnlab bench convolution
    """


@command.command("epoch")
@experiments_argument("CONFIG...", required=False)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How many epochs to measure after the first one.",
)
@_options
def epoch(experiments: tuple[str, ...], epochs: int, quiet: bool, as_json: bool, **options: Any) -> None:
    """Measure seconds per epoch, images per second and the share of the matrix-multiply peak.

    \b
    cnnlab bench epoch
    cnnlab bench epoch cnn mine.yaml --epochs 10

    Without CONFIG: dnn and cnn. Each experiment is trained as cnnlab train does, but nothing is kept.
    Seconds are those of the training steps, as in history.csv: the median, the lowest and the highest of all
    epochs but the first, which also compiles and is shown apart. The share relates the operations of an
    epoch, 6 × MACs × images, to the fastest product of two square float32 matrices, measured in the same
    process with the same backend. Run nothing else at the same time.
    """
    from cnnlab.api.benchmarks import LECTURE, bench_epoch
    from cnnlab.commands.progress import reporting

    with reporting(quiet=quiet) as reporter:
        speeds = bench_epoch(experiments or LECTURE, epochs=epochs, **options, progress=reporter)
    if as_json:
        documents = [speed.as_dict() for speed in speeds]
        print_json(documents if len(documents) > 1 else documents[0])
    else:
        _print_epochs(speeds)


def _print_epochs(speeds: Sequence[EpochSpeed]) -> None:
    headers = [
        "Experiment",
        "Seconds/\nepoch",
        "Lowest to\nhighest",
        "Images/\nsecond",
        "Share of\npeak",
        "First\nepoch",
    ]
    rows = [
        [
            each.name,
            three_digits(each.seconds.median),
            _range(each.seconds),
            f"{each.images_per_second:,.0f}",
            "–" if each.share is None else f"{each.share:.1%}",
            three_digits(each.first_epoch_seconds),
        ]
        for each in speeds
    ]
    print_table(headers, rows, width=TEXT_COLUMNS)
    facts, peak = speeds[0].environment, speeds[0].peak
    say()
    say(f"Seconds: median of {counted(len(speeds[0].seconds.values), 'epoch')}, the first one left out.")
    say(
        f"Peak: {peak.operations_per_second / 1e9:,.0f} GFLOP/s, the product of two {peak.matrix_size}×"
        f"{peak.matrix_size} float32 matrices."
    )
    say(f"Machine: {_machine(facts)}.")


def _machine(facts: Any) -> str:
    """CPU (2 cores), AVX2, 2 threads; tensorflow 2.21.0 with oneDNN, Keras 3.15.1"""
    onednn = {True: " with oneDNN", False: " without oneDNN", None: ""}[facts["onednn"]]
    processor = [facts["instruction_set"]] if facts["device"] == "cpu" and facts["instruction_set"] else []
    machine = ", ".join([facts["device_name"], *processor, counted(facts["threads"], "thread")])
    backend = facts["backend"]
    if backend == "scratch":
        return f"{machine}; scratch with {facts['convolution']}, {_numpy(facts)}"
    return f"{machine}; {backend} {facts[backend]}{onednn}, Keras {facts['keras']}"


def _numpy(facts: Any) -> str:
    """NumPy 2.4.6 with openblas 0.3.31 (SkylakeX)"""
    return f"NumPy {facts['numpy']} with {facts['blas']}"


@command.command("verdict")
@experiments_argument("A B...", required=False)
@click.option(
    "--seeds", type=SeedsType(), metavar="0-4|0,2", default="0-5", show_default=True,
    help="Train each experiment with these seeds.",
)  # fmt: skip
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How often to run both, in turn.",
)
@workers_option
@threads_option
@_options
def verdict(
    experiments: tuple[str, ...],
    seeds: tuple[int, ...],
    repeats: int,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Measure the seconds from a cold start to the verdict of cnnlab compare.

    \b
    cnnlab bench verdict
    cnnlab bench verdict --workers auto
    cnnlab bench verdict --set training.epochs=3 --repeats 5

    Without A and B: dnn and cnn. cnnlab compare runs in a process of its own, with an empty folder of runs;
    so does the loop that one would write in plain Keras, with SciPy's paired t-test at the end. Its path is
    printed below the table. It trains dnn and cnn, one run at a time, on the same backend; for other
    experiments or settings, only cnnlab is measured. Data is downloaded before the clock starts, and no
    compiled programs are reused. Run nothing else at the same time.
    """
    from cnnlab.api.benchmarks import LECTURE, bench_verdict
    from cnnlab.commands.progress import reporting

    with reporting(quiet=quiet) as reporter:
        speed = bench_verdict(
            experiments or LECTURE, seeds=seeds, repeats=repeats, **options, progress=reporter
        )
    if as_json:
        print_json(speed.as_dict())
    else:
        _print_verdict(speed)


def _print_verdict(speed: VerdictSpeed) -> None:
    from cnnlab.benchmarks.verdict import PLAIN_LOOP

    headers = ["Command", "Seconds", "Lowest to\nhighest", "cnnlab ÷\nplain Keras"]
    rows = [["cnnlab compare", three_digits(speed.cnnlab.seconds.median), _range(speed.cnnlab.seconds), ""]]
    if speed.plain_keras and speed.ratio:
        seconds = speed.plain_keras.seconds
        rows.append(
            ["plain Keras loop", three_digits(seconds.median), _range(seconds), f"{speed.ratio.median:.2f}"]
        )
    shown = [column for column in range(len(headers)) if any(row[column] for row in rows)]
    print_table(
        [headers[column] for column in shown],
        [[row[column] for column in shown] for row in rows],
        width=TEXT_COLUMNS,
    )
    trainings = len(speed.experiments) * len(speed.seeds)
    epochs = sorted(set(speed.epochs))
    say()
    say(
        f"From a cold start to the verdict: {counted(trainings, 'training')} "
        f"of {' or '.join(map(str, epochs))} epoch{'s' if epochs != [1] else ''}, {_at_once(speed.workers)}."
    )
    say()
    say(f"cnnlab compare: {speed.cnnlab.verdict}")
    say()
    if speed.plain_keras:
        say(f"plain Keras loop: {speed.plain_keras.verdict}")
        say(str(PLAIN_LOOP))
    else:
        say(f"No plain Keras loop: {speed.left_out}.")


def _at_once(workers: RunsAtOnce) -> str:
    if workers == "auto":
        return "as many at once as the machine has room for (--workers auto)"
    return f"{workers:,} at once" if workers > 1 else "one at a time"


@command.command("convolution")
@click.option(
    "--images", type=click.IntRange(min=1), default=64, show_default=True, metavar="N",
    help="Convolve a batch of N images.",
)  # fmt: skip
@click.option(
    "--repeats", type=click.IntRange(min=1), default=20, show_default=True, metavar="N",
    help="How often to time all but the loops, in turn.",
)  # fmt: skip
@click.option(
    "--out", type=NewDrawing(), metavar="FILE.svg|FILE.png", help="Also draw the seconds, to this file."
)
@picture_options
@click.option(
    "--backend", type=click.Choice(get_args(KerasBackendName)), default="tensorflow", show_default=True,
    help="The backend of Keras.",
)  # fmt: skip
@device_option
@quiet_option
@json_option
def convolution(out: Path | None, pictures: PictureFiles, quiet: bool, as_json: bool, **options: Any) -> None:
    """Measure one convolution in nested loops, compiled, as im2col and in Keras.

    \b
    cnnlab bench convolution
    cnnlab bench convolution --images 640 --out convolution.png

    The shapes are those of the lecture, which convolves 64 images of 28×28×3 with 4 kernels of 3×3×3: ten
    times in 38.06 s in loops, in 0.07 s when they are compiled. Three passes are measured: forward, and
    backward to the gradients of the input and of the kernels. The loops of Python take seconds and are timed
    once; how long is said beforehand. The same loops compiled by Numba, im2col and Keras are timed several
    times after a warm-up, and the median counts. Run nothing else at the same time.
    """
    from cnnlab.api.benchmarks import bench_convolution
    from cnnlab.commands.progress import reporting

    if out is not None:
        pictures = one_file(out, pictures)
    elif pictures.output is None:
        reject_unused("format", "aspect", "font_scale", reason="without -o or --out, nothing is drawn")
    with reporting(quiet=quiet) as reporter:
        speed = bench_convolution(**options, progress=reporter)
    if as_json:
        print_json(speed.as_dict())
    else:
        _print_convolution(speed)
    if pictures.output is not None:  # last: what was measured is told in any case
        from cnnlab.pictures.kit.figures import LazyFigures

        page = pictures.page
        draw = partial(speed.draw, aspect=page.aspect, font_scale=page.font_scale)
        tell_files(pictures.write_here(LazyFigures({"convolution": draw})), on_stdout=not as_json)


def _print_convolution(speed: ConvolutionSpeed) -> None:
    headers = [
        "Convolution",
        "Pass",
        "Seconds",
        "Times\nfaster",
        "Multipli-\ncations/s",
        "Largest\ndifference",
    ]
    rows = []
    for each in speed.implementations:
        if each.missing:
            rows.append([each.name, each.missing, *"––––"])
        for name, measured in each.passes.items():
            rows.append(
                [
                    each.name,
                    name,
                    three_digits(measured.seconds.median),
                    three_digits(measured.times_faster),
                    f"{three_digits(measured.multiplications_per_second / 1e6)} M",
                    f"{measured.largest_difference:.1g}",
                ]
            )
    print_table(headers, rows, left=2, width=TEXT_COLUMNS)
    repeats = len(speed.implementations[-1].passes["forward"].seconds.values)
    say()
    say(f"{speed.shapes}: {speed.multiplications:,} multiplications a pass.")
    say(f"Seconds of a pass: median of {counted(repeats, 'measurement')} after a warm-up; of the loops, one.")
    compiled = [
        f"{each.name} {three_digits(each.compilation_seconds)} s"
        for each in speed.implementations
        if each.compilation_seconds is not None
    ]
    say(f"Compilation before that: {', '.join(compiled)}.")
    say("Largest difference: from the result of the loops, as a share of its largest value.")
    say(f"Machine: {_machine(speed.environment)}, {_numpy(speed.environment)}.")


def _range(measured: Timing) -> str:
    if len(measured.values) == 1:
        return ""
    return f"{three_digits(min(measured.values))} to {three_digits(max(measured.values))}"
