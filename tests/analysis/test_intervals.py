"""Confidence intervals and Monte-Carlo errors against what they promise."""

import numpy as np
import pytest

from inference_gaps.summary.intervals import (
    mean_interval,
    monte_carlo_standard_error,
    selection_bias_bound,
    sum_interval,
)

STUDIES, POINTS, GAP = 2000, 30, 1.5


def _studies(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    # Images differ by 20 nats, the gap at an image by 0.5.
    lower = -100 + 20 * rng.standard_normal((STUDIES, POINTS))
    return lower + GAP + 0.5 * rng.standard_normal((STUDIES, POINTS)), lower


def test_the_interval_of_paired_differences_covers_the_gap_in_95_of_100_studies() -> None:
    upper, lower = _studies(np.random.default_rng(0))
    intervals = [mean_interval(one - other) for one, other in zip(upper, lower)]
    covered = np.mean([interval.low <= GAP <= interval.high for interval in intervals])
    # Six standard errors of a proportion of 2,000.
    assert abs(covered - 0.95) < 6 * np.sqrt(0.95 * 0.05 / STUDIES)


def test_pairing_is_what_makes_the_interval_narrow() -> None:
    upper, lower = _studies(np.random.default_rng(1))
    paired = mean_interval(upper[0] - lower[0])
    shuffled = mean_interval(upper[0] - np.roll(lower[0], 1))
    assert paired.high - paired.low < 0.1 * (shuffled.high - shuffled.low)


def test_the_interval_is_that_of_student() -> None:
    interval = mean_interval(np.array([1.0, 2.0, 3.0, 4.0]))
    # t(0.975; 3) = 3.182446, standard error = sqrt(5/3)/2
    half = 3.182446 * np.sqrt(5 / 3) / 2
    assert (interval.mean, interval.low, interval.high) == pytest.approx((2.5, 2.5 - half, 2.5 + half))


def test_monte_carlo_errors_of_independent_points_average_out() -> None:
    assert monte_carlo_standard_error(np.array([3.0, 4.0])) == pytest.approx(2.5)
    assert monte_carlo_standard_error(np.full(100, 0.2)) == pytest.approx(0.02)


def test_the_largest_of_equal_means_stays_below_the_bias_bound() -> None:
    noise = 0.3 * np.random.default_rng(2).standard_normal((20000, 8))
    bias, bound = noise.max(axis=1).mean(), selection_bias_bound([0.3] * 8)
    assert 0.6 * bound < bias < bound
    assert selection_bias_bound([0.3]) == 0


def test_an_interval_for_a_sum_of_means_of_other_points_covers_the_truth() -> None:
    generator = np.random.default_rng(7)
    hits = 0
    for _ in range(4000):
        few, many = generator.normal(2.0, 3.0, 8), generator.normal(-1.0, 0.5, 40)
        interval = sum_interval([few, many])
        hits += interval.low <= 1.0 <= interval.high
    # Four binomial standard errors.
    assert abs(hits / 4000 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 4000)


def test_a_sum_of_one_is_the_mean() -> None:
    values = np.array([1.0, 2.0, 4.0])
    assert sum_interval([values]) == mean_interval(values)
