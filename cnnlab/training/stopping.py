"""When to stop and when to slow down, told from the history alone.

Pure functions of the rows so far: there is no state to lose when a run is interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.config.sections import EarlyStopping, ReduceOnPlateau
from cnnlab.run_folders.records import EpochRow


def should_stop(history: Sequence[EpochRow], rule: EarlyStopping | None) -> bool:
    """Whether the last `patience` epochs brought no improvement."""
    if rule is None:
        return False
    waited, best = 0, float("inf")
    for value in _falling(history, rule.monitor):
        improved = value < best - rule.min_delta
        best = value if improved else best
        waited = 0 if improved else waited + 1
        if waited >= rule.patience:
            return True
    return False


def reductions(history: Sequence[EpochRow], rule: ReduceOnPlateau) -> int:
    """How many times the learning rate has been reduced so far; counts as Keras's ReduceLROnPlateau does."""
    count, waited, cooling, best = 0, 0, 0, float("inf")
    for value in _falling(history, rule.monitor):
        if cooling > 0:
            cooling -= 1
            waited = 0
        if value < best - rule.min_delta:
            best, waited = value, 0
        elif cooling == 0:
            waited += 1
            if waited >= rule.patience:
                count, waited, cooling = count + 1, 0, rule.cooldown
    return count


def _falling(history: Sequence[EpochRow], monitor: str) -> list[float]:
    """The monitored column, turned so that lower is better."""
    sign = -1 if monitor.endswith("accuracy") else 1
    return [sign * float(row[monitor] or 0.0) for row in history]
