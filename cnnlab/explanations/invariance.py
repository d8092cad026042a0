"""Accuracy against shift, rotation and scale, of one network or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from cnnlab.errors import UserError
from cnnlab.explanations.explanation import Explained, Explanation
from cnnlab.explanations.options import Count
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique
from cnnlab.studies.result_folders import Experiments, results_path

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.analyses.invariance import Change
    from cnnlab.pictures.drawings.sets import Panel


_SAID = {
    "shift": "a horizontal shift from {} to {} pixels",
    "rotation": "a rotation from {} to {} degrees",
    "scale": "a scale from {} to {}",
}


class Invariance(Technique):
    """Measure the accuracy on test images that are shifted, rotated and scaled.

    Experiments of one name and different configs are told apart as NAME-DIGEST8, as `cnnlab compare` does.
    """

    name = "invariance"
    summary = "Accuracy against shift, rotation and scale."
    examples = ("dnn cnn", "experiments/cnn-1a2b3c4d/seed-0")
    description = (
        "Of an experiment's name, all finished seeds are drawn as a band. Pooling absorbs small shifts; "
        "rotations and scales must be learned from augmented images. A digit that has left the image cannot "
        "be recognized by any network."
    )
    papers = ("Goodfellow et al. 2009",)
    takes_several = True

    images: Count = Field(1000, description="Number of test images.")

    def explain(self, subject: Subject, *others: Subject) -> Explanation:
        from cnnlab.analyses.invariance import AMOUNTS
        from cnnlab.pictures.drawings.sets import invariance_curves

        subjects = (subject, *others)
        if len({each.data.provenance.test_digest for each in subjects}) > 1:
            raise UserError(
                "invariance: these runs were tested on different images; compare runs of one dataset"
            )
        groups = _groups(subjects)
        panels = [self._panel(change, groups) for change in AMOUNTS]
        count = min(self.images, len(subject.data.test))
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
        several = " (means over seeds)" if len(subjects) > len(groups) else ""
        sentences = _sentences(panels, chance=1 / len(subject.class_names))
        return Explanation(
            self, _explained(subjects, groups, " and ".join(with_seeds.values())),
            sentence="\n".join([f"{count:,} test images, shifted, rotated and scaled{several}", *sentences]),
            figures={
                "invariance": lambda: invariance_curves(
                    drawn, title=f"Robustness of {' and '.join(groups)}", accuracy_of=f"{count:,} test images"
                )
            },
            arrays={
                key: array
                for panel in panels
                for key, array in {
                    f"{panel.name}_amounts": panel.amounts,
                    **{f"{panel.name}_{name}": curves for name, curves in panel.curves.items()},
                }.items()
            },
            facts={
                **Experiments(_digests(groups)).as_dict(),
                "images": count, "runs": [each.run for each in subjects], "amounts": AMOUNTS,
                "accuracies": {
                    panel.name: {name: curves.tolist() for name, curves in panel.curves.items()}
                    for panel in panels
                },
            },
        )  # fmt: skip

    def _panel(self, change: Change, groups: Mapping[str, Sequence[Subject]]) -> Panel:
        """Of each group the accuracies: (networks, amounts)."""
        import numpy as np

        from cnnlab.analyses.invariance import AMOUNTS, UNCHANGED, UNITS
        from cnnlab.pictures.drawings.sets import Panel

        amounts = np.array(AMOUNTS[change])
        curves = {
            name: np.stack([accuracies(subject, change, amounts, images=self.images) for subject in group])
            for name, group in groups.items()
        }
        return Panel(change, UNITS[change], UNCHANGED[change], amounts, curves)


def accuracies(subject: Subject, change: Change, amounts: np.ndarray, *, images: int) -> np.ndarray:
    """The accuracy on the first test images, changed by each amount.

    Args:
        amounts: (A,); see `cnnlab.analyses.invariance.accuracy_under`.
        images: how many test images are changed.

    Returns:
        (A,) float64 in [0, 1].
    """
    from cnnlab.analyses.invariance import accuracy_under

    test = subject.data.test
    inputs, labels = subject.to_inputs(test.images[:images]), test.labels[:images]
    return accuracy_under(subject.model, inputs, labels, change=change, amounts=amounts)


def _sentences(panels: Sequence[Panel], *, chance: float) -> list[str]:
    """How far each group may be changed before it loses accuracy; of one close to chance, that it is."""
    from cnnlab.analyses.invariance import LOSS, reach

    points = f"{100 * LOSS:.0f} percentage points"
    sentences = []
    for panel in panels:
        for name, accuracies in panel.curves.items():
            mean = accuracies.mean(axis=0)
            whole = float(mean[panel.amounts == panel.unchanged][0])
            if whole <= LOSS + chance:
                sentences.append(
                    f"{name} has an accuracy of {whole:.1%} on unchanged images: too close to chance to lose "
                    f"{points}"
                )
                continue
            low, high = reach(panel.amounts, mean, unchanged=panel.unchanged)
            change = _SAID[panel.name].format(*(f"{each:g}".replace("-", "−") for each in (low, high)))
            sentences.append(f"{name} loses at most {points} for {change}")
    return list(dict.fromkeys(sentences))  # a network close to chance is so three times


def _explained(subjects: Sequence[Subject], groups: Mapping[str, Sequence[Subject]], name: str) -> Explained:
    """One run or experiment, or a comparison, which belongs to no single run."""
    first = subjects[0].explained
    folder = first.folder
    if len(groups) > 1:
        folder = results_path(Experiments(_digests(groups)), subjects[0].out)
    return replace(first, name=name, run=first.run if len(subjects) == 1 else None, folder=folder)


def _digests(groups: Mapping[str, Sequence[Subject]]) -> dict[str, str]:
    """What each group is of: the digest of its experiment, or the file."""
    return {
        name: group[0].run if group[0].record is None else group[0].record.config.digest
        for name, group in groups.items()
    }


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
