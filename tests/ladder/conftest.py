from types import SimpleNamespace

import pytest

from cnnlab.comparison.spread import spread


@pytest.fixture
def outcome():
    """What a rung reached, as far as steps ask: `outcome(0.96, 0.97, seeds=(0, 1))`."""

    def make(*accuracies, seeds=None):
        seeds = tuple(range(len(accuracies))) if seeds is None else seeds
        records = tuple(SimpleNamespace(seed=seed) for seed in seeds)
        return SimpleNamespace(
            seeds=seeds, test_accuracy=spread(accuracies), params=1, macs=1, records=records
        )

    return make
