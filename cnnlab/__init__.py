"""DNN or CNN, and why? Experiments with small image networks: the public Python API.

Importing cnnlab loads no framework; each name is imported when it is first used.
"""

from __future__ import annotations

from cnnlab.version import __version__

TYPE_CHECKING = False  # the one of `typing`, which takes longer to import than all that is here
if TYPE_CHECKING:
    from typing import Any

    from cnnlab.api.benchmarks import bench_convolution as bench_convolution
    from cnnlab.api.benchmarks import bench_epoch as bench_epoch
    from cnnlab.api.benchmarks import bench_verdict as bench_verdict
    from cnnlab.api.comparing import Comparison as Comparison
    from cnnlab.api.comparing import compare as compare
    from cnnlab.api.experiment import Experiment as Experiment
    from cnnlab.api.experiment import load as load
    from cnnlab.api.explaining import explain as explain
    from cnnlab.api.exporting import export as export
    from cnnlab.api.functions import predict as predict
    from cnnlab.api.functions import runs as runs
    from cnnlab.api.functions import summary as summary
    from cnnlab.api.live import live as live
    from cnnlab.api.merging import merge as merge
    from cnnlab.api.removing import remove as remove
    from cnnlab.api.run import Run as Run
    from cnnlab.api.sweep_commands import sweep_commands as sweep_commands
    from cnnlab.api.sweep_reports import sweep_report as sweep_report
    from cnnlab.api.sweeping import Sweep as Sweep
    from cnnlab.api.sweeping import sweep as sweep
    from cnnlab.api.training import TrainingFailed as TrainingFailed
    from cnnlab.api.training import train as train
    from cnnlab.api.varying import Variation as Variation
    from cnnlab.api.verifying import verify_gradients as verify_gradients
    from cnnlab.api.verifying import verify_resume as verify_resume
    from cnnlab.api.verifying import verify_runs as verify_runs
    from cnnlab.api.why import Why as Why
    from cnnlab.api.why import why as why
    from cnnlab.errors import CnnlabError as CnnlabError
    from cnnlab.errors import CnnlabWarning as CnnlabWarning
    from cnnlab.errors import UserError as UserError
    from cnnlab.explanations.explanation import Explanation as Explanation

_MODULES = {
    "load": "cnnlab.api.experiment",
    "summary": "cnnlab.api.functions",
    "train": "cnnlab.api.training",
    "compare": "cnnlab.api.comparing",
    "merge": "cnnlab.api.merging",
    "remove": "cnnlab.api.removing",
    "runs": "cnnlab.api.functions",
    "explain": "cnnlab.api.explaining",
    "export": "cnnlab.api.exporting",
    "live": "cnnlab.api.live",
    "predict": "cnnlab.api.functions",
    "sweep": "cnnlab.api.sweeping",
    "Sweep": "cnnlab.api.sweeping",
    "sweep_commands": "cnnlab.api.sweep_commands",
    "sweep_report": "cnnlab.api.sweep_reports",
    "verify_gradients": "cnnlab.api.verifying",
    "verify_resume": "cnnlab.api.verifying",
    "verify_runs": "cnnlab.api.verifying",
    "why": "cnnlab.api.why",
    "Why": "cnnlab.api.why",
    "bench_convolution": "cnnlab.api.benchmarks",
    "bench_epoch": "cnnlab.api.benchmarks",
    "bench_verdict": "cnnlab.api.benchmarks",
    "Experiment": "cnnlab.api.experiment",
    "Run": "cnnlab.api.run",
    "Explanation": "cnnlab.explanations.explanation",
    "Comparison": "cnnlab.api.comparing",
    "Variation": "cnnlab.api.varying",
    "CnnlabError": "cnnlab.errors",
    "UserError": "cnnlab.errors",
    "TrainingFailed": "cnnlab.api.training",
    "CnnlabWarning": "cnnlab.errors",
}
"""Each public name and the module it is imported from."""

__all__ = [
    "CnnlabError",
    "CnnlabWarning",
    "Comparison",
    "Experiment",
    "Explanation",
    "Run",
    "Sweep",
    "TrainingFailed",
    "UserError",
    "Variation",
    "Why",
    "__version__",
    "bench_convolution",
    "bench_epoch",
    "bench_verdict",
    "compare",
    "explain",
    "export",
    "live",
    "load",
    "merge",
    "predict",
    "remove",
    "runs",
    "summary",
    "sweep",
    "sweep_commands",
    "sweep_report",
    "train",
    "verify_gradients",
    "verify_resume",
    "verify_runs",
    "why",
]


def __getattr__(name: str) -> Any:
    import importlib

    if name not in _MODULES:
        raise AttributeError(f"module 'cnnlab' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
