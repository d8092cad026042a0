"""From a technique and what the user calls a network to an explanation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets import DataPaths
from cnnlab.errors import CnnlabError, OptionError, UserError, unknown
from cnnlab.explanations import TECHNIQUES
from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.finding import open_subject, open_subjects, run_or_config
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique
from cnnlab.explanations.untrained import Untrained
from cnnlab.plugins import failures_of
from cnnlab.reporting import SILENT, Reporter


def explain(
    technique: str | Technique,
    run: str | Path | Sequence[str | Path] | None = None,
    *,
    out: Path,
    data_paths: DataPaths,
    reporter: Reporter = SILENT,
    backend: str | None = None,
    device: str | None = None,
    pixels: tuple[float, float] | None = None,
    dataset_of: str | None = None,
    **options: Any,
) -> Explanation:
    """Show what a network has learned; nothing is written.

    Args:
        technique: its name, or the technique with its options.
        run: a run's folder, an experiment's name (its latest finished run) or a .keras file; several where
            the technique takes several, of a name then all finished seeds. Where no network is needed, also
            an experiment that is not trained yet, a YAML file, or None.
        out: the folder of all runs.
        data_paths: where dataset files are looked for.
        backend: what Keras runs on, if not what the run was trained on.
        device: what to compute on.
        pixels: what black and white are for the network in a .keras file.
        dataset_of: the experiment, or the folder of a run, whose dataset has the images of a .keras file.
        options: of the technique, where it is given by its name.

    Raises:
        UserError: there is no such technique, option or run, or the network lacks what the technique needs.
    """
    asked = technique_of(technique, options)
    runs = [run] if isinstance(run, str | Path) else list(run or ())
    for_networks = {"backend": backend, "device": device, "pixels": pixels, "dataset_of": dataset_of}
    where: dict[str, Any] = {"out": out, "data_paths": data_paths, "reporter": reporter}
    if asked.takes_network == "never" and runs:
        raise UserError(f"{asked.name}: takes no network; leave out {runs[0]}")
    if asked.takes_network != "always" and len(runs) <= 1:
        meant = run_or_config(runs[0], out) if runs else None
        if meant is None or isinstance(meant, ExperimentConfig):
            for option, given in for_networks.items():
                if given is not None:
                    raise OptionError(option, "has no effect without a trained network; leave it out")
            untrained = Untrained(**where, config=meant)
            if meant is None:
                untrained.reject_data_dir("without a run or an experiment")
            return asked.explain_untrained(untrained)
        runs = [meant]
    where |= for_networks
    if asked.takes_several:
        subjects = open_subjects(runs, **where)
    elif len(runs) == 1:
        subjects = [open_subject(runs[0], **where)]
    elif not runs:
        raise UserError(f"{asked.name}: expected a run, an experiment's name or a .keras file")
    else:
        raise UserError(f"{asked.name}: expected one run, found {len(runs)}")
    subjects[0].start()
    look: Callable[..., Explanation] = asked.explain
    return look(*subjects)


def technique_of(technique: str | Technique, options: Mapping[str, Any]) -> Technique:
    """The technique with its options.

    Raises:
        UserError: there is no such technique, or no such option; or both come with options.
    """
    if isinstance(technique, Technique):
        if options:
            raise UserError(
                f"{technique.name}: options are already set in the technique; remove {', '.join(options)}"
            )
        return technique
    if technique not in TECHNIQUES:
        raise unknown("technique", str(technique), TECHNIQUES)
    return TECHNIQUES[technique](**options)


def explain_all(
    subject: Subject, *, pictures: Sequence[Path] = ()
) -> Iterator[tuple[str, Explanation | CnnlabError]]:
    """Every technique that looks into networks, with its defaults: what it found, or why nothing.

    Args:
        subject: opened and started.
        pictures: picture files for the techniques that look at pictures, instead of test images. Techniques
            that look at one take the first, style the first two as content and style.

    Raises:
        UserError: the model cannot be read.
    """
    _ = subject.model  # where it cannot be read, that is one mistake and not one of every technique
    for name, technique in TECHNIQUES.items():
        if technique.takes_network == "never":
            continue
        found: Explanation | CnnlabError
        try:
            with failures_of(TECHNIQUES.distribution(name)):
                found = technique.of_pictures(pictures, subject).explain(subject)
        except CnnlabError as error:
            found = error
        yield name, found
