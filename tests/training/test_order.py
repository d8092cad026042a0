"""The order of the images is a function of seed and epoch alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.training.epoch import epoch_batches, epoch_order

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


def test_the_last_batch_is_smaller_than_the_others(experiment) -> None:
    config = experiment(training="batch_size: 16")
    whole, rest = epoch_batches(config, 70, epoch=3)
    assert (whole.shape, rest.shape) == ((4, 16), (1, 6))
    np.testing.assert_array_equal(
        np.concatenate([whole.ravel(), rest.ravel()]), epoch_order(70, seed=0, epoch=3)
    )
    assert config.training.steps_per_epoch(70) == 5


def test_drop_last_leaves_out_other_images_in_each_epoch(experiment) -> None:
    config = experiment(training="batch_size: 16, drop_last: true")
    assert config.training.steps_per_epoch(70) == 4
    left_out = []
    for epoch in range(1, 150):
        [whole] = epoch_batches(config, 70, epoch)
        np.testing.assert_array_equal(whole.ravel(), epoch_order(70, seed=0, epoch=epoch)[:64])
        left_out.append(frozenset(range(70)) - set(whole.ravel().tolist()))
    assert {len(each) for each in left_out} == {6}
    assert len(set(left_out)) == len(left_out)
    assert frozenset().union(*left_out) == frozenset(range(70))


@pytest.mark.parametrize("dropping", ["", ", drop_last: true"])
def test_batches_that_are_all_whole(experiment, dropping: str) -> None:
    config = experiment(training=f"batch_size: 16{dropping}")
    assert [each.shape for each in epoch_batches(config, 64, epoch=1)] == [(4, 16)]
    assert config.training.steps_per_epoch(64) == 4
