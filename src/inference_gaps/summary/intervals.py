"""How sure a mean over data points is: the spread between points, and the Monte-Carlo error of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["Interval", "mean_interval", "monte_carlo_standard_error", "selection_bias_bound", "sum_interval"]


@dataclass(frozen=True)
class Interval:
    """A mean over data points and its confidence interval, in nats."""

    mean: float
    low: float
    high: float


def mean_interval(values: NDArray[np.float64], level: float = 0.95) -> Interval:
    """Student's t interval for the mean of ``values`` [points].

    For a gap, ``values`` are the differences of two bounds at the same points: the spread between images,
    which is many times the gap, cancels. The data points are what is sampled; a Monte-Carlo error that is
    independent between points widens the interval by as much as it should.

    Args:
        values: one finite value per point, at least two.
        level: the coverage, between 0 and 1.
    """
    mean = float(np.mean(values))
    half = _quantile(level, len(values) - 1) * _standard_error(values)
    return Interval(mean, mean - half, mean + half)


def sum_interval(samples: Sequence[NDArray[np.float64]], level: float = 0.95) -> Interval:
    """Interval for the sum of the means of ``samples``, each over other points, which nothing pairs.

    Variances of the means add; the degrees of freedom are those of Welch (1947), so that one sample gives
    :func:`mean_interval`.

    Args:
        samples: one array [points] for each set of points, of at least two finite values.
        level: the coverage, between 0 and 1.
    """
    if len(samples) == 1:
        return mean_interval(samples[0], level)
    mean = float(sum(np.mean(values) for values in samples))
    variances = np.array([_standard_error(values) ** 2 for values in samples])
    total = float(variances.sum())
    if total == 0:
        return Interval(mean, mean, mean)
    freedom = total**2 / float(sum(v**2 / (len(s) - 1) for v, s in zip(variances, samples, strict=True)))
    half = _quantile(level, freedom) * total**0.5
    return Interval(mean, mean - half, mean + half)


# scipy.stats has both, and takes longer to import than all that a measurement needs besides PyTorch.
def _standard_error(values: NDArray[np.float64]) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def _quantile(level: float, freedom: float) -> float:
    return float(special.stdtrit(freedom, 0.5 + level / 2))


def monte_carlo_standard_error(standard_errors: NDArray[np.float64]) -> float:
    """Standard error of a mean over points [points] whose values have these independent errors."""
    return float(np.sqrt(np.sum(np.square(standard_errors))) / len(standard_errors))


def selection_bias_bound(errors: list[float]) -> float:
    """Bound how much the largest of several noisy means exceeds the largest true mean, on average.

    For k means with Gaussian errors of standard deviation at most s, dependent or not, the expected largest
    error is at most s sqrt(2 ln k) (Boucheron, Lugosi and Massart, 2013, theorem 2.5).

    Args:
        errors: Monte-Carlo standard error of each mean, in nats.
    """
    return float(max(errors) * np.sqrt(2 * np.log(len(errors))))
