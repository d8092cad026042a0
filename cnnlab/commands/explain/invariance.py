"""cnnlab explain invariance"""

from __future__ import annotations

import click

from cnnlab.commands.explain.subject import Subject, finished_runs_of, open_subject
from cnnlab.commands.explain.technique import Asked, Explanation, say, subject_options, write
from cnnlab.commands.options import complete_experiment, json_option
from cnnlab.errors import UserError


def explain(*subjects: Subject, images: int = 1000) -> Explanation:
    """Curves of one or more runs, those of one experiment as a band."""
    import numpy as np

    from cnnlab.analyses.invariance import AMOUNTS, UNCHANGED, UNITS, accuracy_under, reach
    from cnnlab.pictures.drawings.sets import Panel, invariance_curves

    if len({subject.data.provenance.test_digest for subject in subjects}) > 1:
        raise UserError(
            "invariance: these runs were tested on different images; compare runs of one data set"
        )
    names = list(dict.fromkeys(subject.config.name for subject in subjects))
    panels: list[Panel] = []
    for change, amounts in AMOUNTS.items():
        curves: dict[str, list[np.ndarray]] = {name: [] for name in names}
        for subject in subjects:
            test = subject.data.test
            curve = accuracy_under(
                subject.model, subject.seen(test.images[:images]), test.labels[:images], change=change,
                amounts=np.array(amounts),
            )  # fmt: skip
            curves[subject.config.name].append(curve)
        stacked = {name: np.stack(seeds) for name, seeds in curves.items()}
        panels.append(Panel(change, UNITS[change], UNCHANGED[change], np.array(amounts), stacked))

    said = []
    arrays: dict[str, np.ndarray] = {}
    for panel in panels:
        arrays[f"{panel.name}_amounts"] = panel.amounts
        for name, seeds in panel.curves.items():
            arrays[f"{panel.name}_{name}"] = seeds
            low, high = reach(panel.amounts, seeds.mean(axis=0), unchanged=panel.unchanged)
            said.append(f"{name} loses less than 10 points for a {panel.name} from {low:g} to {high:g}")
    count = min(images, len(subjects[0].data.test))
    several = f" (mean of {len(subjects)} runs, bands span all seeds)" if len(subjects) > len(names) else ""
    title = f"What {' and '.join(names)} {'does' if len(names) == 1 else 'do'} not mind"
    return Explanation(
        f"{count:,} test images, shifted, rotated and scaled{several}\n" + "\n".join(said),
        {"": invariance_curves(panels, title=title)},
        arrays,
        {
            "images": count,
            "runs": [subject.name for subject in subjects],
            "amounts": AMOUNTS,
            "accuracies": {
                panel.name: {name: seeds.tolist() for name, seeds in panel.curves.items()} for panel in panels
            },
        },
    )


@click.command()
@click.argument("runs", nargs=-1, required=True, shell_complete=complete_experiment, metavar="RUN...")
@click.option(
    "--images", type=click.IntRange(min=1), default=1000, show_default=True, help="So many test images."
)
@subject_options
@json_option
def command(runs: tuple[str, ...], images: int, asked: Asked, as_json: bool) -> None:
    """Accuracy against shift, rotation and scale; of a name all finished seeds, as a band.

    \b
    cnnlab explain invariance dnn cnn
    cnnlab explain invariance experiments/cnn-1a2b3c4d/seed-0

    Pooling absorbs small shifts; rotations and scales must be learned from augmented images. A digit that
    has left the picture is nobody's failure.
    """
    from cnnlab.commands.progress import watch
    from cnnlab.datasets import Places

    with watch(quiet=asked.quiet) as watcher:
        paths = [path for run in runs for path in finished_runs_of(run, asked.out)]
        subjects = [
            open_subject(
                str(path), out=asked.out, places=Places.from_environment(asked.data_dir), watcher=watcher,
                backend=asked.backend, device=asked.device,
            )
            for path in dict.fromkeys(paths)
        ]  # fmt: skip
        subjects[0].start()
        names = list(dict.fromkeys(subject.config.name for subject in subjects))
        if len(names) > 1:  # belongs to no single run
            subjects[0].folder = asked.out / "comparisons" / "-vs-".join(names)
        document = write(subjects[0], "invariance", explain(*subjects, images=images))
    say(document, as_json=as_json)


command.explain = explain  # type: ignore[attr-defined]
command.own = {"images"}  # type: ignore[attr-defined]
