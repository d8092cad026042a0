"""Accuracies of a cross-validation: an interval and a test that know that training sets overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from cnnlab.comparison.significance import sign_flip
from cnnlab.comparison.spread import Spread, spread, t_quantile


def corrected_spread(values: Sequence[float], folds: int) -> Spread:
    """Mean and standard deviation of `values`, with a corrected 95% confidence interval of the mean.

    Networks of two folds are trained on mostly the same images, so their accuracies are not independent, and
    Student's interval is too narrow. Nadeau & Bengio (2003, doi 10.1023/A:1024068626366) widen it: mean ±
    t · √((1/K + test/training) · variance), where test/training is 1 / (K - 1) for K folds, with K - 1
    degrees of freedom; Bouckaert & Frank (2004, doi 10.1007/978-3-540-24775-3_3) use it for cross-validation.

    Seeds are averaged first, and the variance is that of the K means. Their formula for repeated
    cross-validation, with one value for each repetition and fold, is for repetitions with folds of their own.
    Here all seeds have the same folds: more seeds tell nothing more about other images.

    Args:
        values: one for each run, seed by seed, fold by fold.
        folds: how many there are, 2 or more.

    Raises:
        ValueError: not as many values for each seed as folds.
    """
    plain = spread(values)
    means = fold_means(values, folds)
    half_width = t_quantile(folds - 1) * _standard_error(means)
    return Spread(plain.values, plain.mean, plain.std, (plain.mean - half_width, plain.mean + half_width))


def corrected_p(differences: Sequence[float], folds: int) -> float:
    """Two-sided p of the corrected resampled t test: is the mean difference 0?

    It belongs to the interval of `corrected_spread`: it is below 0.05 where that excludes 0. Folds that all
    have the same difference, as coarse accuracies may, say nothing about a distribution: p is then that of
    `sign_flip` over the folds.

    Args:
        differences: one for each pair of runs, seed by seed, fold by fold.

    Raises:
        ValueError: not as many differences for each seed as folds.
    """
    means = fold_means(differences, folds)
    error = _standard_error(means)
    if error <= 1e-12:  # a hair of rounding
        return sign_flip(means).p
    from scipy.special import stdtr

    return 2 * float(stdtr(folds - 1, -abs(fmean(means)) / error))


def fold_means(values: Sequence[float], folds: int) -> list[float]:
    """The mean over the seeds of each fold.

    Raises:
        ValueError: not as many values for each seed as folds.
    """
    if folds < 2 or not values or len(values) % folds:
        raise ValueError(f"expected {folds} values for each seed, 2 or more; found {len(values)} in all")
    return [fmean(values[fold::folds]) for fold in range(folds)]


def _standard_error(means: Sequence[float]) -> float:
    folds = len(means)
    return stdev(means) * math.sqrt(1 / folds + 1 / (folds - 1))
