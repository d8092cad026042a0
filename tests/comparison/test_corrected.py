"""Interval and test over folds: closed forms, and by simulation how often they cry wolf."""

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.weightstats import DescrStatsW

from cnnlab.comparison.corrected import corrected_p, corrected_spread, fold_means

FIVE = [0.02, 0.05, -0.01, 0.04, 0.03]
SIX_SEEDS = np.random.default_rng(0).normal(0.02, 0.03, size=(6, 4))


def test_one_seed_is_the_corrected_resampled_t_test_of_nadeau_and_bengio():
    mean, variance, training, testing = np.mean(FIVE), np.var(FIVE, ddof=1), 64, 16
    error = np.sqrt((1 / 5 + testing / training) * variance)
    assert corrected_p(FIVE, 5) == pytest.approx(2 * scipy.stats.t.sf(mean / error, 4))
    low, high = scipy.stats.t.interval(0.95, 4, mean, error)
    assert corrected_spread(FIVE, 5).ci95 == pytest.approx((low, high))


def test_without_the_overlap_it_is_students_test():
    """The correction alone sets it apart: the factor √(1 + K / (K - 1)) on the error."""
    t, _, freedom = DescrStatsW(FIVE).ttest_mean()
    assert corrected_p(FIVE, 5) == pytest.approx(2 * scipy.stats.t.sf(abs(t) / np.sqrt(1 + 5 / 4), freedom))


def test_seeds_are_averaged_within_a_fold():
    values = SIX_SEEDS.reshape(-1).tolist()  # seed by seed, fold by fold
    means = SIX_SEEDS.mean(axis=0)
    np.testing.assert_allclose(fold_means(values, 4), means)
    assert corrected_p(values, 4) == pytest.approx(corrected_p(means.tolist(), 4))
    found = corrected_spread(values, 4)
    assert found.ci95 == pytest.approx(corrected_spread(means.tolist(), 4).ci95)
    assert (found.mean, found.std) == pytest.approx((SIX_SEEDS.mean(), SIX_SEEDS.std(ddof=1)))
    assert found.values == tuple(values)


def test_interval_and_test_agree():
    rng = np.random.default_rng(3)
    for values in rng.normal(0.02, 0.02, size=(200, 10)).tolist():
        low, high = corrected_spread(values, 5).ci95
        assert (not low <= 0 <= high) == (corrected_p(values, 5) < 0.05)


def test_equal_folds_are_judged_by_their_signs():
    assert corrected_p([0.125] * 5, 5) == pytest.approx(2 / 2**5)
    assert corrected_p([0.0] * 3, 3) == 1
    assert corrected_spread([0.125] * 5, 5).ci95 == pytest.approx((0.125, 0.125))


@pytest.mark.parametrize(("values", "folds"), [([], 5), ([0.1] * 7, 5), ([0.1], 1)])
def test_all_seeds_need_all_folds(values, folds):
    with pytest.raises(ValueError, match=r"expected .* values for each seed"):
        corrected_p(values, folds)


def cross_validated(trials, seeds, used, *, images=80, folds=5, features=10):
    """Differences of two classifiers that are equally good, on data drawn anew in each trial.

    Each is a nearest-centroid rule on ten numbers of its own for each image; a seed leaves it `used` of them.
    """
    rng = np.random.default_rng(used)
    labels, fold = np.arange(images) % 2, np.arange(images) // 2 % folds
    differences = np.empty((trials, seeds, folds))
    for trial in range(trials):
        data = rng.normal(size=(2, images, features)) + 0.35 * (2 * labels - 1)[:, None]
        for index in range(folds):
            seen, tested = fold != index, fold == index
            ones, zeros = (data[:, seen & (labels == label)].mean(axis=1)[:, None] for label in (1, 0))
            scores = (data[:, tested] - (ones + zeros) / 2) * (ones - zeros)  # (2, images, features)
            chosen = rng.permuted(np.tile(np.arange(features) < used, (2, seeds, 1)), axis=-1)
            sums = np.einsum("amf,asf->asm", scores, chosen)
            a, b = ((sums > 0) == labels[tested]).mean(axis=-1)
            differences[trial, :, index] = a - b
    return differences.reshape(trials, -1)


@pytest.mark.parametrize("used", [10, 5], ids=["all-seeds-alike", "seeds-differ"])
def test_equal_classifiers_are_rarely_told_apart(used):
    """At most 5%, at a standard error of 1%; Student's test over all runs is wrong ten times as often.

    The formula for repetitions with folds of their own takes seeds that agree for new evidence.
    """
    differences = cross_validated(300, 6, used)
    wrong = np.mean([corrected_p(row, 5) < 0.05 for row in differences.tolist()])
    assert wrong < 0.05
    student = np.mean(scipy.stats.ttest_1samp(differences, 0, axis=1).pvalue < 0.05)
    assert student > 0.2
    if used == 10:
        t = scipy.stats.ttest_1samp(differences, 0, axis=1).statistic / np.sqrt(1 + 30 / 4)
        assert np.mean(2 * scipy.stats.t.sf(np.abs(t), 29) < 0.05) > 0.05
