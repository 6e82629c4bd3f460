"""How often the 95 % interval of a gap covers the true gap, and what choosing log p(x) does, by simulation.

Measured with 20,000 simulated studies each, for gaps with Monte-Carlo noise of a third of their spread:

    gaps          24 points   64 points   1,000 points
    normal          95.1 %      95.0 %       95.0 %
    exponential     93.3 %      94.4 %       95.2 %
    log-normal      91.6 %      92.9 %       94.9 %

Skewed gaps are covered less often where points are few: the mean and its standard error are then correlated.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from inference_gaps.summary.gaps import Bounds, quantities
from inference_gaps.summary.intervals import mean_interval

STUDIES = 2000
GAP = 1.5

# Gaps of mean GAP and of the same standard deviation, GAP.
SHAPES: dict[str, Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]] = {
    "normal": lambda rng, shape: rng.normal(GAP, GAP, shape),
    "exponential": lambda rng, shape: rng.exponential(GAP, shape),
    "log-normal": lambda rng, shape: rng.lognormal(np.log(GAP / np.sqrt(2)), np.sqrt(np.log(2)), shape),
}
# As in the module docstring; those of normal gaps are exact.
MEASURED = {
    "normal": {24: 0.95, 64: 0.95, 1000: 0.95},
    "exponential": {24: 0.933, 64: 0.944, 1000: 0.952},
    "log-normal": {24: 0.916, 64: 0.929, 1000: 0.949},
}


def coverage(shape: str, points: int, studies: int, seed: int = 0) -> float:
    """Share of simulated studies whose interval covers GAP: images 20 nats apart, noise at each point."""
    rng = np.random.default_rng([seed, points, list(SHAPES).index(shape)])
    covered = 0
    for start in range(0, studies, 200):
        size = (min(200, studies - start), points)
        lower = -100 + 20 * rng.standard_normal(size)
        upper = lower + SHAPES[shape](rng, size) + GAP / 3 * rng.standard_normal(size)
        intervals = (mean_interval(values) for values in upper - lower)
        covered += sum(interval.low <= GAP <= interval.high for interval in intervals)
    return covered / studies


@pytest.mark.parametrize("points", [24, 64, 1000])
@pytest.mark.parametrize("shape", SHAPES)
def test_intervals_cover_the_gap_as_often_as_stated(shape: str, points: int) -> None:
    """Other studies than those of the table, ten times fewer; normal gaps are covered as promised."""
    expected = MEASURED[shape][points]
    error = np.sqrt(expected * (1 - expected) / STUDIES)
    assert abs(coverage(shape, points, STUDIES) - expected) < 4 * error


def test_the_largest_estimate_at_each_point_is_too_large_by_its_noise() -> None:
    """Of four estimates with the same mean and noise s, the largest is 1.0294 s above them in expectation."""
    points, noise = 20000, 0.5
    rng = np.random.default_rng(1)
    truth = -90 + 20 * rng.standard_normal((points, 1))
    excess = (truth + noise * rng.standard_normal((points, 4))).max(axis=1) - truth[:, 0]
    assert abs(excess.mean() - 1.02938 * noise) < 4 * excess.std() / np.sqrt(points)


def test_choosing_one_estimator_by_its_mean_is_biased_by_less_than_its_bound() -> None:
    """The same four estimates: the bias of log p(x) is that of the largest of four means, 1/sqrt(n) as large."""
    studies, points, noise = 300, 64, 0.5
    rng = np.random.default_rng(2)
    names = ["ais_prior", "iwae_amortized", "iwae_local_ffg", "elbo_amortized"]
    excess, by_points, bounds = [], [], []
    for _ in range(studies):
        truth = -90 + 20 * rng.standard_normal(points)
        value = pd.DataFrame({name: truth + noise * rng.standard_normal(points) for name in names})
        found = quantities(Bounds(value, value * 0 + noise), "ffg")
        (best,) = (each for each in found if each.name == "log_p_best")
        assert best.bias_bound is not None
        excess.append(float((best.per_point - truth).mean()))
        by_points.append(float((value.max(axis=1) - truth).mean()))
        bounds.append(best.bias_bound)
    bias, error = np.mean(excess), np.std(excess) / np.sqrt(studies)
    assert abs(bias - 1.02938 * noise / np.sqrt(points)) < 4 * error
    assert bias + 4 * error < min(bounds)
    # The largest at each point is biased by sqrt(64) = 8 times as much.
    assert np.mean(by_points) > 6 * bias
