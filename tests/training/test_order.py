"""The order of the images is a function of seed and epoch alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.training.epoch import epoch_order

SEEDS = st.integers(0, 2**32 - 1)
EPOCHS = st.integers(1, 10_000)


@given(st.integers(0, 3000), SEEDS, EPOCHS)
def test_it_is_a_permutation(count: int, seed: int, epoch: int) -> None:
    order = epoch_order(count, seed=seed, epoch=epoch)
    assert order.dtype == np.int32
    np.testing.assert_array_equal(np.sort(order), np.arange(count))


@given(SEEDS, EPOCHS, SEEDS, EPOCHS)
def test_it_is_a_function_of_seed_and_epoch(seed: int, epoch: int, other_seed: int, other_epoch: int) -> None:
    order = epoch_order(100, seed=seed, epoch=epoch)
    np.random.default_rng().permutation(7)  # whatever else draws random numbers
    np.testing.assert_array_equal(order, epoch_order(100, seed=seed, epoch=epoch))
    if (seed, epoch) != (other_seed, other_epoch):
        assert not np.array_equal(order, epoch_order(100, seed=other_seed, epoch=other_epoch))


def test_it_stays_as_it_is() -> None:
    """Another order would let a run that was interrupted before an update go on differently after it."""
    assert epoch_order(8, seed=3, epoch=2).tolist() == [1, 7, 4, 0, 2, 6, 3, 5]
