"""When an estimate from importance weights may stand for log p(x), and how far off its mean over points may be.

log (1/k) sum w is a lower bound in expectation, low by about half of the relative variance of the mean weight. The
delta method estimates that variance from the same weights, so that where few of them count, both the
shortfall and the claimed error are too small, and nothing in the weights says so. Simulations on known answers
(``benchmarks/coverage.py``; table in ``docs/estimators.md``) give the two rules here.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_gaps.summary.intervals import monte_carlo_standard_error

__all__ = [
    "FEWEST",
    "LOW_ACCEPTANCE",
    "MOST_RESIDUAL",
    "MOST_UNTRUSTED",
    "mean_error",
    "shortfall",
    "stuck",
    "trusted",
    "weights_behind",
]

FEWEST = 32.0
"""An effective sample size that is enough however many weights there are; of fewer than 64, half of them is."""

MOST_UNTRUSTED = 0.1
"""Share of points with a smaller effective sample size from which on an estimator says nothing of the mean."""

MOST_RESIDUAL = 0.1
"""Nats that the last cycle of local optimisation may have gained at a point whose q* counts as found."""

LOW_ACCEPTANCE = 0.2
"""Share of accepted proposals below which the chains of AIS hardly move. Step sizes aim at 0.65."""

_Numbers = NDArray[np.float64] | pd.Series


def weights_behind(effective_sample_size: _Numbers, standard_error: _Numbers) -> NDArray[np.float64]:
    """Return how many weights k gave an effective sample size and a standard error by the delta method.

    The error is s = sqrt((k / ESS - 1) / (k - 1)), so that k = (1 - s^2) / (1 / ESS - s^2); infinite where all
    weights are alike.

    Args:
        effective_sample_size: [B].
        standard_error: [B] in nats.
    """
    size, squared = np.asarray(effective_sample_size, float), np.square(np.asarray(standard_error, float))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(squared > 0, (1 - squared) / np.maximum(1 / size - squared, 0), np.inf)


def trusted(effective_sample_size: _Numbers, standard_error: _Numbers) -> NDArray[np.bool_]:
    """Return at which points enough weights count [B]: at least half of them, or :data:`FEWEST`.

    Args:
        effective_sample_size: [B].
        standard_error: [B] in nats.
    """
    size = np.asarray(effective_sample_size, float)
    half = 0.5 * weights_behind(size, standard_error)
    alike = np.asarray(standard_error, float) <= 0
    return (size >= np.minimum(half, FEWEST)) | alike


def stuck(acceptance: _Numbers) -> int:
    """Return at how many points chains hardly move.

    Proposals that diverge are not counted: they are rejected, and with random step sizes some do so without harm.

    Args:
        acceptance: share of accepted proposals of each point [B].
    """
    return int((np.asarray(acceptance, float) < LOW_ACCEPTANCE).sum())


def shortfall(standard_error: _Numbers) -> float:
    """Return how many nats the mean over points of log mean weights may be too low.

    Each is low by about s^2 / 2, and s^2 is allowed for, since s is itself estimated too small.

    Args:
        standard_error: of each point [B] by the delta method, in nats.
    """
    return float(np.square(np.asarray(standard_error, float)).mean())


def mean_error(standard_error: _Numbers) -> float:
    """Return the error of the mean over points of log mean weights, in nats.

    Errors of points are independent and average out; their shortfalls do not.

    Args:
        standard_error: of each point [B] by the delta method, in nats.
    """
    errors = np.asarray(standard_error, float)
    return float(np.hypot(monte_carlo_standard_error(errors), shortfall(errors)))
