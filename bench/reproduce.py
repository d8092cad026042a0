"""Trains what the notes compare, and writes experiments/RESULTS.md: every figure with its command.

usage: reproduce.py [--data-dir DIR] [--out experiments] [--only mnist colors …] [--sample FILE]

Finished runs are not trained again, so an interrupted reproduction goes on where it stopped. An experiment
whose data is not here, and cannot be downloaded, is named and left out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cnnlab.cli import run


@dataclass(frozen=True)
class Study:
    """One comparison of the results page."""

    title: str
    experiments: tuple[str, ...]
    seeds: str
    remark: str = ""
    match: str = ""  # the budget that the first experiment is resized to

    @property
    def arguments(self) -> list[str]:
        match = ["--match", self.match] if self.match else []
        return ["compare", *self.experiments, "--seeds", self.seeds, *match]

    @property
    def folder(self) -> str:
        first, *others = self.experiments
        if self.match:
            first = f"{first}_{self.match}_of_{others[0]}"
        return "-vs-".join((first, *others))


STUDIES = {
    "mnist": Study(
        "MNIST, the first 10,000 training images",
        ("dnn", "cnn"),
        "0-5",
        "The lecture reports one run of each: 0.9661 for the DNN, 0.98 for the CNN.",
    ),
    "mnist_matched": Study(
        "MNIST, as many parameters for both",
        ("dnn", "cnn"),
        "0-5",
        "The DNN's layers are narrowed until it has the parameters of the CNN.",
        match="parameters",
    ),
    "mnist_60000": Study(
        "MNIST, all 60,000 training images",
        ("dnn_60000", "cnn_60000"),
        "0-5",
        "The same networks and epochs as above, with six times the images. Nothing is held out, so there is "
        "no validation.",
    ),
    "fashion": Study(
        "Fashion-MNIST, the first 10,000 training images", ("fashion_dnn", "fashion_cnn"), "0-5"
    ),
    "colors": Study(
        "Colours",
        ("colors_dnn", "colors_cnn", "colors_cnn_minimal"),
        "0-9",
        "The DNN sees grey values only. The minimal CNN, with 2 and 3 filters, reaches 0.95 in its best "
        "seeds and collapses in others, when the ReLUs of a layer die. The lecture reports 0.816 for its DNN "
        "and 0.963 for its minimal CNN, on pictures of its own.",
    ),
    "shapes": Study(
        "Shapes",
        ("shapes_dnn", "shapes_cnn"),
        "0-5",
        "Circles, rectangles, triangles, diamonds and lines of any size and place, with noise, at "
        "difficulty 0.8.",
    ),
    "cifar10": Study(
        "CIFAR-10",
        ("cifar10_dnn", "cifar10_cnn"),
        "0-5",
        "The lecture reports 0.6361 for the CNN after 10 epochs, on the official pixels. Another "
        "content, such as a JPEG copy (unverified), does not compare exactly; below is said what was seen.",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=Path("experiments"))
    parser.add_argument("--only", nargs="+", choices=STUDIES, default=list(STUDIES))
    parser.add_argument("--sample", type=Path, help="write the report of the first study here too")
    arguments = parser.parse_args()
    if arguments.data_dir:
        os.environ["CNNLAB_DATA_DIR"] = arguments.data_dir
    for name in arguments.only:
        succeeds([*STUDIES[name].arguments, "--out", str(arguments.out)])
    first = STUDIES[arguments.only[0]]
    if arguments.sample and succeeds(["report", *first.arguments[1:], "--out", str(arguments.out)]):
        shutil.copyfile(arguments.out / "comparisons" / first.folder / "report.html", arguments.sample)
    results = arguments.out / "RESULTS.md"
    results.write_text(page(arguments.out), encoding="utf-8")
    print(results)


def succeeds(command: list[str]) -> bool:
    """Whether cnnlab does this; Ctrl-C ends the reproduction with it."""
    code = run(command)
    if code == 130:
        sys.exit(code)
    return code == 0


def page(out: Path) -> str:
    """The results page, of all studies that have been compared so far."""
    sections = [section(study, out) for study in STUDIES.values()]
    return "\n".join(
        [
            "# Results",
            "",
            "Written by `make reproduce`. Accuracies are mean ± standard deviation over the seeds. Each",
            "section names its command, its data and its machine.",
            "",
            *sections,
        ]
    )


def section(study: Study, out: Path) -> str:
    compared = out / "comparisons" / study.folder
    command = f"    cnnlab {' '.join(study.arguments)}"
    if not (compared / "comparison.json").exists():
        return f"## {study.title}\n\n{command}\n\nNot reproduced here: the data is missing.\n"
    comparison = json.loads((compared / "comparison.json").read_text(encoding="utf-8"))
    table = (compared / "table.md").read_text(encoding="utf-8")
    # What a run costs besides, and the classes, are in the comparison's own folder.
    table = re.split(r"\n\| Experiment +\| +Test, 95% CI|\nTest accuracy class by class:", table)[0].strip()
    for folder in runs_of(comparison, out):  # where the data lies here is nobody's business
        origin = json.loads((folder / "environment.json").read_text(encoding="utf-8"))["dataset"]["origin"]
        table = table.replace(f" in {origin}", "")
    remark = f"\n{study.remark}\n" if study.remark else ""
    return f"## {study.title}\n\n{command}\n\n{table}\n{remark}\n{provenance(comparison, out)}\n"


def runs_of(comparison: dict[str, object], out: Path) -> Iterator[Path]:
    """The folders of all runs compared."""
    for experiment in comparison["experiments"]:  # type: ignore[attr-defined]
        for seed in experiment["seeds"]:
            yield out / f"{experiment['name']}-{experiment['digest'][:8]}" / f"seed-{seed}"


def provenance(comparison: dict[str, object], out: Path) -> str:
    """Machine, versions, data and dates of the runs, as they recorded them."""
    said: Counter[str] = Counter()
    for folder in runs_of(comparison, out):
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
