"""Experiments as a command is given them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnlab.commands.options import TrainingOptions

if TYPE_CHECKING:
    from cnnlab.api.experiment import Experiment, ExperimentLike


def read_first(
    experiments: Sequence[ExperimentLike], options: TrainingOptions
) -> tuple[list[Experiment], TrainingOptions]:
    """Read experiments before anything is imported that trains them: a mistake is answered at once.

    Returns:
        The experiments with the settings that the options change, and the other options.

    Raises:
        UserError: an experiment or an option is wrong.
    """
    from cnnlab.api.arguments import with_runtime
    from cnnlab.api.experiment import load_all

    settings = with_runtime(
        options["set"], backend=options["backend"], device=options["device"], precision=options["precision"]
    )
    others = options | {"set": {}, "backend": None, "device": None, "precision": None}
    return load_all(experiments, settings), others
