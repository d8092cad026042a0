"""Trains the shipped experiments and writes experiments/RESULTS.md: every result with its command.

usage: reproduce.py [--data-dir DIR] [--out experiments] [--only mnist colors …] [--sample FILE]

Finished runs are not trained again, so an interrupted reproduction resumes. Experiments whose data is missing
and cannot be downloaded are reported and left out. The page keeps the sections of studies whose runs are not
in --out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cnnlab.cli import run


class Results(NamedTuple):
    """Table and verdict as Markdown, and of each experiment name, digest and seeds."""

    text: str
    experiments: list[tuple[str, str, list[int]]]


@dataclass(frozen=True)
class Study:
    """One comparison of the results page."""

    title: str
    experiments: tuple[str, ...]
    seeds: str = ""
    remark: str = ""
    match: str = ""  # the budget that the first experiment is resized to
    timed: bool = True  # or trained side by side, and without times
    margin: str = ""  # in points: seeds are added until the question is settled

    @property
    def arguments(self) -> list[str]:
        match = ["--match", self.match] if self.match else []
        seeds = ["--until-settled", "--margin", self.margin] if self.margin else ["--seeds", self.seeds]
        side_by_side = () if self.timed else SIDE_BY_SIDE
        return ["compare", *self.experiments, *seeds, *match, *side_by_side]

    @property
    def folder(self) -> str:
        first, *others = self.experiments
        if self.match:
            first = f"{first}_{self.match}_of_{others[0]}"
        return "-vs-".join((first, *others))

    def results(self, folder: Path) -> Results:
        """What the comparison has written."""
        document = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
        table = (folder / "table.md").read_text(encoding="utf-8")
        # What a run costs besides, and the classes, are in the comparison's own folder.
        table = re.split(r"\n\| Experiment +\| +Test, 95% CI|\nTest accuracy class by class:", table)[0]
        return Results(
            table, [(each["name"], each["digest"], each["seeds"]) for each in document["experiments"]]
        )


@dataclass(frozen=True)
class Why:
    """One study of `cnnlab why` of the results page."""

    title: str
    dnn: str
    cnn: str
    seeds: str = "0-5"
    rungs: str = ""
    settings: tuple[str, ...] = ()
    remark: str = ""

    @property
    def arguments(self) -> list[str]:
        rungs = ["--rungs", self.rungs] if self.rungs else []
        settings = [part for setting in self.settings for part in ("--set", setting)]
        return ["why", self.dnn, self.cnn, "--seeds", self.seeds, *rungs, *settings, *SIDE_BY_SIDE]

    @property
    def folder(self) -> str:
        return f"why-{self.dnn}-vs-{self.cnn}"

    def results(self, folder: Path) -> Results:
        """What the study has written."""
        document = json.loads((folder / "why.json").read_text(encoding="utf-8"))
        runs = [(each["name"], each["digest"], document["seeds"]) for each in document["rungs"]]
        return Results((folder / "why.md").read_text(encoding="utf-8"), runs)


@dataclass(frozen=True)
class Variation:
    """Two experiments at several values of a setting."""

    title: str
    experiments: tuple[str, str]
    vary: str
    seeds: str
    settings: tuple[str, ...] = ()
    remark: str = ""
    equal_steps: bool = False

    @property
    def arguments(self) -> list[str]:
        settings = [part for setting in self.settings for part in ("--set", setting)]
        steps = ["--equal-steps"] if self.equal_steps else []
        return [
            "compare",
            *self.experiments,
            "--seeds",
            self.seeds,
            *settings,
            "--vary",
            self.vary,
            *steps,
            *SIDE_BY_SIDE,
        ]

    @property
    def folder(self) -> str:
        return "-vs-".join(self.experiments)

    def results(self, folder: Path) -> Results:
        """What the comparison has written."""
        name = f"vary-{self.vary.partition('=')[0]}"
        document = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        if document["equal_steps"] != self.equal_steps:
            raise FileNotFoundError(name)
        runs = {
            (each["name"], each["digest"]): each["seeds"]
            for comparison in document["comparisons"]
            for each in comparison["experiments"]
        }
        text = (folder / f"{name}.md").read_text(encoding="utf-8")
        return Results(text, [(*which, seeds) for which, seeds in runs.items()])


SIDE_BY_SIDE = ("--workers", "auto")
"""Of studies whose tables show no times."""

MAIN_RUNGS = (
    "locally_connected,cnn_strided,dnn_permuted,cnn_permuted,locally_connected_permuted,cnn_strided_permuted"
)

STUDIES: dict[str, Study | Why | Variation] = {
    "mnist": Study(
        "MNIST, the first 10,000 training images",
        ("dnn", "cnn"),
        "0-5",
        "The lecture reports one run of each: 96.61% for the DNN and 98% for the CNN.",
    ),
    "mnist_matched": Study(
        "MNIST, with the same number of parameters",
        ("dnn", "cnn"),
        "0-5",
        "The layers of the DNN are made narrower until it has as many parameters as the CNN.",
        match="parameters",
    ),
    "mnist_60000": Study(
        "MNIST, all 60,000 training images",
        ("dnn_60000", "cnn_60000"),
        "0-5",
        "The same networks and epochs as above, with six times as many images. No images are held out for "
        "validation.",
    ),
    "fashion": Study(
        "Fashion-MNIST, the first 10,000 training images", ("fashion_dnn", "fashion_cnn"), "0-5"
    ),
    "colors": Study(
        "Colors",
        ("colors_dnn", "colors_cnn", "colors_cnn_minimal"),
        "0-9",
        "The DNN sees only gray values. The minimal CNN, with 2 and 3 filters, reaches 95% with its best "
        "seeds and fails to learn with others, when the ReLUs of a layer die. The lecture reports 81.6% for "
        "its DNN and 96.3% for its minimal CNN, on its own images.",
    ),
    "shapes": Study(
        "Shapes",
        ("shapes_dnn", "shapes_cnn"),
        "0-5",
        "Circles, rectangles, triangles, diamonds and lines of any size and position, with noise, at "
        "difficulty 0.8.",
    ),
    "distorted": Study(
        "Distorted MNIST",
        ("mnist_distorted_cnn", "mnist_distorted_st_cnn"),
        "0-5",
        "The digits for training, validation and test are turned by up to 45° and scaled by 0.7 to 1.2. The "
        "second network is the first behind a spatial transformer.",
    ),
    "go": Study(
        "Go",
        ("go_dnn", "go_cnn_pooling", "go_policy"),
        "0-5",
        "The next move, one of 361. The network with pooling has the parameters of the one without.",
    ),
    "tones": Study(
        "Tones, along frequency and along time",
        ("tones_frequency", "tones_transposed"),
        "0-5",
        "The same network; the second sees time and frequency exchanged.",
    ),
    "cifar10": Study(
        "CIFAR-10",
        ("cifar10_dnn", "cifar10_cnn"),
        "0-5",
        "The lecture reports 63.61% for the CNN after 10 epochs, on the official images. Results on other "
        "content, such as an unverified JPEG copy, are not exactly comparable; the line below states the "
        "content used.",
    ),
    "why_mnist": Why("Why: MNIST, the first 10,000 training images", "dnn", "cnn"),
    "why_colors": Why(
        "Why: colors",
        "colors_dnn",
        "colors_cnn",
        remark="dnn_recipe is the DNN with the CNN's input, colors, and with its training.",
    ),
    "why_fashion": Why(
        "Why: Fashion-MNIST, the first 10,000 training images",
        "fashion_dnn",
        "fashion_cnn",
        "0-2",
        MAIN_RUNGS,
    ),
    "why_cifar10": Why(
        "Why: CIFAR-10, 5,000 training images",
        "cifar10_dnn",
        "cifar10_cnn",
        "0-2",
        MAIN_RUNGS,
        ("dataset.train_size=5000",),
        "Ten epochs on 5,000 images are few: the accuracies lie far below those above. The images are a JPEG "
        "copy of CIFAR-10 where the lines below call the content unverified.",
    ),
    "average": Study(
        "Average against max pooling",
        ("cnn", "cnn_average"),
        "0-5",
        "Without the maximum, the convolutions and the averages behind them are one linear map.",
        timed=False,
    ),
    "filters": Study(
        "More filters with depth, or fewer",
        ("mnist_filters_50_25", "mnist_filters_35_35", "cnn"),
        "0-6",
        "50 and 25, 35 and 35, 25 and 50 filters, at about the same number of multiplications.",
        timed=False,
    ),
    "settled": Study(
        "Equal within half a point?",
        ("cnn", "cnn_30_60"),
        remark="25 and 50 filters, 30 and 60. The first look, after six seeds, settles it.",
        timed=False,
        margin="0.5",
    ),
    "kernels": Study(
        "Kernel size",
        ("mnist_kernel_1", "mnist_kernel_3", "mnist_kernel_5"),
        "0-6",
        "Padding keeps the maps, so that the networks differ in their kernels alone.",
        timed=False,
    ),
    "learning_mnist": Variation(
        "Fewer images: MNIST",
        ("dnn", "cnn"),
        "dataset.train_size=300,1000,3000,10000",
        "0-7",
        ("dataset.validation_size=0",),
        equal_steps=True,
    ),
    "learning_fashion": Variation(
        "Fewer images: Fashion-MNIST",
        ("fashion_dnn", "fashion_cnn"),
        "dataset.train_size=300,1000,3000,10000",
        "0-7",
        ("dataset.validation_size=0",),
        equal_steps=True,
    ),
    "blocks": Variation(
        "At what scale neighborhood matters: blocks of pixels that change places",
        ("dnn", "cnn"),
        f"dataset.permute_pixels={','.join(f'{{seed: 0, block: {side}}}' for side in (1, 2, 4, 7, 14))}",
        "0-2",
    ),
    "larger_norm_images": Variation(
        "Which channel is larger, against the number of images",
        ("larger_norm_dnn", "larger_norm_cnn"),
        "dataset.train_count=1000,2000,4000,8000,16000",
        "0-2",
        remark="Pixels of independent noise; the class says which of two channels has the larger norm.",
    ),
    "larger_norm_pixels": Variation(
        "Which channel is larger, against the size of the images",
        ("larger_norm_dnn", "larger_norm_cnn"),
        "dataset.size=4,8,16,32",
        "0-2",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=Path("experiments"))
    parser.add_argument("--only", nargs="+", choices=STUDIES, default=list(STUDIES))
    parser.add_argument("--sample", type=Path, help="also write the report of the first study to this file")
    arguments = parser.parse_args()
    if arguments.data_dir:
        os.environ["CNNLAB_DATA_DIR"] = arguments.data_dir
    for name in arguments.only:
        succeeds([*STUDIES[name].arguments, "--out", str(arguments.out)])
    first = STUDIES[arguments.only[0]]
    if arguments.sample and succeeds(["report", *first.arguments[1:], "--out", str(arguments.out)]):
        shutil.copyfile(arguments.out / "comparisons" / first.folder / "report.html", arguments.sample)
    results = arguments.out / "RESULTS.md"
    before = results.read_text(encoding="utf-8") if results.exists() else ""
    results.write_text(page(arguments.out, before), encoding="utf-8")
    print(results)


def succeeds(command: list[str]) -> bool:
    """Whether cnnlab does this; Ctrl-C ends the reproduction with it."""
    code = run(command)
    if code == 130:
        sys.exit(code)
    return code == 0


def page(out: Path, before: str = "") -> str:
    """The results page, of all studies that have been carried out so far.

    Args:
        before: the page as it was; it has the sections of studies whose runs are not here.
    """
    known = {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in before.split("\n## ")[1:]}
    sections = [section(study, out) or known.get(study.title) or missing(study) for study in STUDIES.values()]
    return "\n".join(
        [
            "# Results",
            "",
            "Generated by `make reproduce`. Accuracies are mean ± standard deviation over the seeds. Each",
            "section states its command, its data and its machine.",
            "",
            *sections,
        ]
    )


def heading(study: Study | Why | Variation) -> str:
    return f"## {study.title}\n\n    cnnlab {shlex.join(study.arguments)}"


def missing(study: Study | Why | Variation) -> str:
    return f"{heading(study)}\n\nNot carried out yet.\n"


def section(study: Study | Why | Variation, out: Path) -> str | None:
    """What a study has shown; None where it was not carried out here."""
    try:
        results = study.results(out / "comparisons" / study.folder)
    except FileNotFoundError:
        return None
    table = results.text.strip()
    for folder in runs_of(results, out):  # where the data lies here is nobody's business
        origin = json.loads((folder / "environment.json").read_text(encoding="utf-8"))["dataset"]["origin"]
        table = table.replace(f" in {origin}", "")
    remark = f"\n{study.remark}\n" if study.remark else ""
    return f"{heading(study)}\n\n{table}\n{remark}\n{provenance(results, out)}\n"


def runs_of(results: Results, out: Path) -> Iterator[Path]:
    """The folders of all runs that took part."""
    for name, digest, seeds in results.experiments:
        for seed in seeds:
            yield out / f"{name}-{digest[:8]}" / f"seed-{seed}"


def provenance(results: Results, out: Path) -> str:
    """Machine, versions, data and dates of the runs, as they recorded them."""
    said: Counter[str] = Counter()
    for folder in runs_of(results, out):
        environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
        date = json.loads((folder / "run.json").read_text(encoding="utf-8"))["started"][:10]
        versions = f"{environment['backend']} {environment[environment['backend']]}"
        said[
            f"{environment['device_name']}, {environment['memory_bytes'] / 2**30:.0f} GiB, "
            f"{environment['platform'].split('-')[0]}; cnnlab {environment['cnnlab']}, "
            f"Keras {environment['keras']}, {versions}, Python {environment['python']}; "
            f"{environment['dataset']['title']} ({environment['dataset']['status']} content, "
            f"digest {environment['dataset']['digest'][:8]}); {date}"
        ] += 1
    return "\n".join(f"{runs} runs: {each}." for each, runs in said.items())


if __name__ == "__main__":
    main()
