"""`cnnlab.verify_resume`: is nothing lost with this experiment, on this machine?"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from cnnlab.api.arguments import data_paths, out_folder, with_runtime
from cnnlab.api.experiment import ExperimentLike, load
from cnnlab.api.progress import ProgressLike, reporter_for
from cnnlab.errors import OptionError

if TYPE_CHECKING:
    from cnnlab.verification.resuming import ResumeVerification


def verify_resume(
    experiment: ExperimentLike,
    *,
    set: Mapping[str, Any] | None = None,
    backend: str | None = None,
    data_dir: str | PathLike[str] | None = None,
    kills: int = 5,
    kill_seed: int = 0,
    progress: ProgressLike = None,
) -> ResumeVerification:
    """Train an experiment once without interruption, and once killed and resumed; compare the bits.

    Both are trained in other processes and in a temporary folder, which is removed in the end.

    >>> cnnlab.verify_resume("colors_cnn", kills=10).equal
    True

    Args:
        experiment: a name, a path, a mapping or an Experiment; see `cnnlab.load`.
        set: settings to change, by the keys that `--set` takes.
        backend: tensorflow, jax, torch or scratch; by default the one in the config.
        data_dir: where dataset files are looked for first; by default CNNLAB_DATA_DIR.
        kills: how many times the second training is killed: while the first checkpoint is written, in the
            final writes, and at random moments all over the run.
        kill_seed: of these moments.
        progress: see `cnnlab.train`.

    Returns:
        `.equal`, `.kills`, `.resumed` and `.differences`; as text, a sentence.

    Raises:
        UserError: the experiment cannot be trained.
        CnnlabError: the training without interruption fails, or ends too soon for that many kills.
    """
    for option, value, least in (("kills", kills, 1), ("kill_seed", kill_seed, 0)):
        if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
            raise OptionError(option, f"expected a whole number, {least} or more, found {value!r:.60}")
    config = load(experiment, with_runtime(set, backend=backend)).config
    paths = data_paths(data_dir)
    from cnnlab.jobs import Jobs
    from cnnlab.verification.resuming import verify_resume

    jobs = Jobs(out_folder(None), paths, reporter_for(progress))
    return verify_resume(config, jobs, kills=kills, kill_seed=kill_seed, data_dir=paths.data_dir)
