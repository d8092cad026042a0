"""`cnnlab.explain`: what a trained network has learned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.api.arguments import data_paths, out_folder
from cnnlab.api.progress import ProgressLike, reporter_for
from cnnlab.api.run import Run
from cnnlab.errors import OptionError, UserError

if TYPE_CHECKING:
    from cnnlab.explanations.explanation import Explanation
    from cnnlab.explanations.technique import Technique
    from cnnlab.report.explained import ExplanationsPage

Subject = Run | str | PathLike[str]
"""A Run, a run's folder, an experiment's name (its latest finished run), or a .keras file."""


def explain(
    technique: str | Technique,
    subject: Subject | Sequence[Subject] | None = None,
    *,
    out: str | PathLike[str] | None = None,
    data_dir: str | PathLike[str] | None = None,
    backend: str | None = None,
    device: str | None = None,
    pixels: tuple[float, float] | None = None,
    dataset_of: Subject | None = None,
    progress: ProgressLike = None,
    **options: Any,
) -> Explanation:
    """Show what a network has learned. Nothing is written before `save` is called.

    >>> cnnlab.explain("saliency", "cnn", image=[0, 18]).figures["saliency"]

    Args:
        technique: one of `cnnlab explain --help`, such as "saliency"; or a technique with its options.
        subject: a Run, a run's folder, an experiment's name (its latest finished run) or a .keras file;
            several for a technique that compares networks, such as "invariance"; for one that needs no
            trained network, such as "convolution", also an experiment's name or YAML file, or nothing.
        out: where runs are kept.
        data_dir: where dataset files are looked for first.
        backend: by default what the run was trained on.
        device: auto, cpu or gpu.
        pixels: for a .keras file: the values of a black and a white pixel.
        dataset_of: for a .keras file: the experiment, or a run's folder, with the same images and classes.
        progress: see `cnnlab.train`.
        options: those of the technique: `cnnlab explain TECHNIQUE --help`.

    Raises:
        UserError: there is no such technique, option or run, or the network lacks what the technique needs.
    """
    from cnnlab.explanations.explaining import explain as explain_runs
    from cnnlab.explanations.explaining import technique_of

    if subject is None:
        subject = []
    elif isinstance(subject, Run | str | PathLike) or not isinstance(subject, Iterable):
        subject = [subject]
    return explain_runs(
        technique_of(technique, options),
        [_meant(each) for each in subject],
        out=out_folder(out), data_paths=data_paths(data_dir), reporter=reporter_for(progress),
        backend=backend, device=device, pixels=_pixels(pixels), dataset_of=_dataset_of(dataset_of),
    )  # fmt: skip


def explain_all(
    subject: Subject,
    *,
    picture: Sequence[str | PathLike[str]] = (),
    out: str | PathLike[str] | None = None,
    data_dir: str | PathLike[str] | None = None,
    backend: str | None = None,
    device: str | None = None,
    pixels: tuple[float, float] | None = None,
    dataset_of: Subject | None = None,
    format: str | Iterable[str] | None = None,
    aspect: str = "auto",
    font_scale: float = 1.0,
    progress: ProgressLike = None,
) -> ExplanationsPage:
    """All techniques with their defaults, written to RUN/explain/ with index.html, a page that shows them.

    Args:
        picture: picture files for the techniques that look at pictures, instead of test images.
        format, aspect, font_scale: of the pictures, as `Explanation.save` takes them; PNG is always written,
            for the page.

    The other arguments are those of `explain`.

    Raises:
        UserError: there is no such run, or its model cannot be read.
    """
    from cnnlab.explanations.finding import open_subject
    from cnnlab.pictures.kit.files import PictureFiles
    from cnnlab.report.explained import write_explanations

    how = PictureFiles.of(format=format, aspect=aspect, font_scale=font_scale)
    found = open_subject(
        _meant(subject), out=out_folder(out), data_paths=data_paths(data_dir),
        reporter=reporter_for(progress), backend=backend, device=device, pixels=_pixels(pixels),
        dataset_of=_dataset_of(dataset_of),
    )  # fmt: skip
    found.start()
    return write_explanations(found, [Path(each) for each in picture], how=how)


def _meant(subject: Subject) -> str | Path:
    """What finds the network.

    Raises:
        UserError: the subject is none.
    """
    if isinstance(subject, Run):
        return subject.folder
    if not isinstance(subject, str | PathLike):
        raise UserError(f"expected a run, an experiment's name or a .keras file, found {subject!r:.60}")
    return str(subject)


def _dataset_of(given: Subject | None) -> str | None:
    if given is None:
        return None
    if not isinstance(given, Run | str | PathLike):
        raise OptionError("dataset_of", f"expected an experiment's name or a run, found {given!r:.60}")
    return str(_meant(given))


def _pixels(given: tuple[float, float] | None) -> tuple[float, float] | None:
    if given is None:
        return None
    try:
        black, white = (float(each) for each in given)
    except (TypeError, ValueError):
        raise OptionError("pixels", f"expected two numbers, found {given!r:.60}") from None
    return black, white
