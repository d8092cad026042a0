"""cnnlab explain invariance"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cnnlab.commands.explain.finding import finished_runs_of, is_file_alone, open_subject
from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, SubjectOptions, say, subject_options, write
from cnnlab.commands.options import complete_experiment, json_option
from cnnlab.errors import UserError

if TYPE_CHECKING:
    from cnnlab.analyses.invariance import Change


def explain(*subjects: Subject, images: int = 1000) -> Explanation:
    """Curves of one or more runs, those of one experiment as a band.

    Experiments of one name and different configs are told apart as NAME-DIGEST8, as `cnnlab compare` does.
    """
    import numpy as np

    from cnnlab.analyses.invariance import AMOUNTS, LOSS, UNCHANGED, UNITS, accuracy_under, reach
    from cnnlab.pictures.drawings.sets import Panel, invariance_curves

    if len({subject.data.provenance.test_digest for subject in subjects}) > 1:
        raise UserError(
            "invariance: these runs were tested on different images; compare runs of one data set"
        )
    groups = _groups(subjects)
    points = f"{100 * LOSS:.0f} points"

    def curve(subject: Subject, change: Change) -> np.ndarray:
        test = subject.data.test
        seen, labels = subject.seen(test.images[:images]), test.labels[:images]
        return accuracy_under(subject.model, seen, labels, change=change, amounts=np.array(AMOUNTS[change]))

    panels: list[Panel] = []
    for change, amounts in AMOUNTS.items():
        curves = {
            name: np.stack([curve(subject, change) for subject in group]) for name, group in groups.items()
        }
        panels.append(Panel(change, UNITS[change], UNCHANGED[change], np.array(amounts), curves))

    said = []
    arrays: dict[str, np.ndarray] = {}
    for panel in panels:
        arrays[f"{panel.name}_amounts"] = panel.amounts
        for name, accuracies in panel.curves.items():
            arrays[f"{panel.name}_{name}"] = accuracies
            mean = accuracies.mean(axis=0)
            whole = float(mean[panel.amounts == panel.unchanged][0])
            if whole <= LOSS + 1 / len(subjects[0].class_names):
                said.append(
                    f"{name} is right on {100 * whole:.1f} % unchanged: too close to chance to lose {points}"
                )
                continue
            low, high = reach(panel.amounts, mean, unchanged=panel.unchanged)
            said.append(
                f"{name} loses less than {points} for a {panel.name} from {low:g} to {high:g} {panel.unit}"
            )
    said = list(dict.fromkeys(said))  # a network close to chance is so three times
    count = min(images, len(subjects[0].data.test))
    several = " (means over seeds, bands span them)" if len(subjects) > len(groups) else ""
    title = f"What {' and '.join(groups)} {'does' if len(groups) == 1 else 'do'} not mind"
    with_seeds = {name: _with_seeds(name, group) for name, group in groups.items()}
    drawn = [
        panel._replace(
            curves={
                with_seeds[name] + (" (mean and range)" if len(curves) > 1 else ""): curves
                for name, curves in panel.curves.items()
            }
        )
        for panel in panels
    ]
    return Explanation(
        f"{count:,} test images, shifted, rotated and scaled{several}\n" + "\n".join(said),
        {"": invariance_curves(drawn, title=title, accuracy_of=f"{count:,} test images")},
        arrays,
        {
            "run": subjects[0].run if len(subjects) == 1 else None,
            "subject": " and ".join(with_seeds.values()),
            "images": count,
            "runs": [subject.run for subject in subjects],
            "amounts": AMOUNTS,
            "accuracies": {
                panel.name: {name: accuracies.tolist() for name, accuracies in panel.curves.items()}
                for panel in panels
            },
        },
    )


def _groups(subjects: Sequence[Subject]) -> dict[str, list[Subject]]:
    """The runs by experiment, under the names that `cnnlab compare` gives these; each file by itself."""
    from cnnlab.comparison import grouped, labels_of

    of_run = {subject.record.path: subject for subject in subjects if subject.record is not None}
    experiments = grouped(subject.record for subject in subjects if subject.record is not None)
    groups = {
        label: [of_run[record.path] for record in experiment.records]
        for label, experiment in zip(labels_of(experiments), experiments, strict=True)
    }
    for subject in subjects:
        if subject.record is None:
            name, number = subject.name, 1
            while name in groups:
                number += 1
                name = f"{subject.name}_{number}"
            groups[name] = [subject]
    return groups


def _with_seeds(name: str, group: Sequence[Subject]) -> str:
    from cnnlab.comparison.experiments import seeds_named

    seeds = [subject.record.seed for subject in group if subject.record is not None]
    return f"{name}, {seeds_named(seeds)}" if seeds else name


@click.command()
@click.argument("runs", nargs=-1, required=True, shell_complete=complete_experiment, metavar="RUN...")
@click.option(
    "--images", type=click.IntRange(min=1), default=1000, show_default=True, help="So many test images."
)
@subject_options
@json_option
def command(runs: tuple[str, ...], images: int, asked: SubjectOptions, as_json: bool) -> None:
    """Accuracy against shift, rotation and scale; of a name all finished seeds, as a band.

    \b
    cnnlab explain invariance dnn cnn
    cnnlab explain invariance experiments/cnn-1a2b3c4d/seed-0

    Pooling absorbs small shifts; rotations and scales must be learned from augmented images. A digit that
    has left the picture is nobody's failure.
    """
    from cnnlab.commands.progress import reporting
    from cnnlab.datasets import DataPaths
    from cnnlab.studies.writing import comparison_folder

    with reporting(quiet=asked.quiet) as reporter:
        found = (path for run in runs for path in finished_runs_of(run, asked.out))
        paths = {path.resolve(): path for path in found}.values()  # each once
        for_runs = not any(is_file_alone(path) for path in paths)  # they refuse what is for files
        subjects = [
            open_subject(
                str(path), out=asked.out, data_paths=DataPaths.from_environment(asked.data_dir),
                reporter=reporter,
                backend=asked.backend, device=asked.device,
                pixels=asked.pixels if for_runs or is_file_alone(path) else None,
                dataset_of=asked.dataset_of if for_runs or is_file_alone(path) else None,
            )
            for path in paths
        ]  # fmt: skip
        groups = _groups(subjects)
        subjects[0].start()
        explanation = explain(*subjects, images=images)
        if len(groups) > 1:  # belongs to no single run
            subjects[0].folder = comparison_folder(groups, asked.out).path
        document = write(subjects[0], "invariance", explanation)
    say(document, as_json=as_json)


command.explain = explain  # type: ignore[attr-defined]
command.own = {"images"}  # type: ignore[attr-defined]
