"""Which estimates are to be trusted, and how far off their means may be, on weights whose mean is known."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from inference_gaps.bounds.importance import Bound, log_mean_weight
from inference_gaps.summary.gaps import Bounds, Quantity, quantities
from inference_gaps.summary.intervals import monte_carlo_standard_error
from inference_gaps.summary.trust import mean_error, trusted, weights_behind

POINTS = 100


def _log_normal(weights: int, spread: float, points: int, seed: int = 0) -> Bound:
    """log mean of weights whose mean is 1."""
    rng = torch.Generator().manual_seed(seed)
    noise = torch.randn(points, weights, generator=rng, dtype=torch.float64)
    return log_mean_weight(spread * noise - spread**2 / 2)


def _numpy(bound: Bound) -> tuple[NDArray[np.float64], ...]:
    return bound.value.numpy(), bound.standard_error.numpy(), bound.effective_sample_size.numpy()


@pytest.mark.parametrize("weights", [16, 5000])
def test_the_number_of_weights_is_read_off_error_and_effective_sample_size(weights: int) -> None:
    _, error, size = _numpy(_log_normal(weights, 1.0, 20))
    assert weights_behind(size, error) == pytest.approx(np.full(20, weights))


def test_half_of_few_weights_or_thirty_two_of_many_are_enough() -> None:
    def error(size: NDArray[np.float64], weights: int) -> NDArray[np.float64]:
        return np.sqrt((weights / size - 1) / (weights - 1))

    for weights, sizes in ((16, [7.9, 8.1, 16.0]), (5000, [31.9, 32.1, 5000.0])):
        size = np.array(sizes)
        assert trusted(size, error(size, weights)).tolist() == [False, True, True]


@pytest.mark.parametrize("weights", [16, 1000])
def test_the_error_of_a_mean_covers_its_shortfall_where_the_plain_one_does_not(weights: int) -> None:
    """300 studies of 100 points, the weights as uneven as may be trusted."""
    spread = {16: 0.75, 1000: 1.8}[weights]
    value, error, size = _numpy(_log_normal(weights, spread, 300 * POINTS))
    assert 0.85 < trusted(size, error).mean() < 1
    studies = list(zip(value.reshape(300, POINTS), error.reshape(300, POINTS)))
    plain = np.mean([abs(v.mean()) < 1.96 * monte_carlo_standard_error(e) for v, e in studies])
    honest = np.mean([abs(v.mean()) < 1.96 * mean_error(e) for v, e in studies])
    assert plain < 0.88
    assert honest > 0.93


def _bounds(ais_spread: float, iwae_shift: float = -0.5) -> Bounds:
    ais, iwae = _log_normal(16, ais_spread, POINTS), _log_normal(5000, 1.0, POINTS, seed=1)
    found = {"ais_local_ffg": _numpy(ais), "iwae_amortized": _numpy(iwae)}
    value = pd.DataFrame({name: columns[0] for name, columns in found.items()})
    value["iwae_amortized"] += iwae_shift
    error = pd.DataFrame({name: columns[1] for name, columns in found.items()})
    size = pd.DataFrame({name: columns[2] for name, columns in found.items()})
    value["elbo_amortized"], error["elbo_amortized"] = -3.0, 0.01
    return Bounds(value, error, effective_sample_size=size)


def _log_p(bounds: Bounds) -> Quantity:
    return next(each for each in quantities(bounds, "ffg") if each.name == "log_p_best")


def test_of_estimates_to_be_trusted_the_tightest_stands_for_log_p() -> None:
    best = _log_p(_bounds(ais_spread=0.3))
    assert (best.estimator, best.loose) == ("ais_local_ffg", False)


def test_an_estimate_with_few_effective_weights_does_not_stand_for_log_p() -> None:
    bounds = _bounds(ais_spread=3.0, iwae_shift=0.0)
    assert not bounds.trusted("ais_local_ffg")
    best = _log_p(bounds)
    assert (best.estimator, best.loose) == ("iwae_amortized", False)


def test_where_no_estimate_is_to_be_trusted_log_p_and_its_gaps_are_called_loose() -> None:
    bounds = _bounds(ais_spread=3.0)
    bounds.effective_sample_size["iwae_amortized"] = 2.0  # type: ignore[index]
    bounds.standard_error["iwae_amortized"] = 0.7
    found = {each.name: each for each in quantities(bounds, "ffg")}
    assert found["log_p_best"].loose
    assert found["inference_gap"].loose
    assert not found["elbo_amortized"].loose


def test_a_trusted_estimate_far_below_another_lower_bound_is_not_log_p() -> None:
    bounds = _bounds(ais_spread=0.3, iwae_shift=0.0)
    bounds.value["elbo_local_af"], bounds.standard_error["elbo_local_af"] = 1.0, 0.01
    assert _log_p(bounds).loose


def test_without_effective_sample_sizes_nothing_is_doubted() -> None:
    bounds = _bounds(ais_spread=3.0)
    assert not _log_p(Bounds(bounds.value, bounds.standard_error)).loose
