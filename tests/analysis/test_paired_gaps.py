"""Gaps and the choice of log p(x) on values whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.table import gap_mark
from inference_gaps.replication.analysis.values import align
from inference_gaps.summary.gaps import (
    Bounds,
    Quantity,
    average_over_seeds,
    quantities,
    tightest,
)

# Nats below log p(x).
BELOW = {
    "elbo_amortized": 3.5,
    "iwae_amortized": 0.4,
    "elbo_local_ffg": 1.5,
    "iwae_local_ffg": 0.1,
    "elbo_local_af": 1.0,
    "ais_prior": 0.9,
}


def _bounds(below: dict[str, float], points: int = 40, error: float = 0.1) -> Bounds:
    truth = -90 + 20 * np.random.default_rng(0).standard_normal(points)
    value = pd.DataFrame({name: truth - distance for name, distance in below.items()})
    return Bounds(value, value * 0 + error)


def _named(found: list[Quantity]) -> dict[str, Quantity]:
    return {quantity.name: quantity for quantity in found}


def test_gaps_have_their_sign_and_size_and_add_up() -> None:
    found = _named(quantities(_bounds(BELOW), "ffg"))
    means = {name: quantity.per_point.mean() for name, quantity in found.items()}
    assert means["approximation_gap"] == pytest.approx(1.4)
    assert means["amortization_gap"] == pytest.approx(2.0)
    assert means["inference_gap"] == pytest.approx(3.4)
    assert means["amortization_minus_approximation"] == pytest.approx(0.6)
    total = found["approximation_gap"].per_point + found["amortization_gap"].per_point
    np.testing.assert_allclose(total, found["inference_gap"].per_point, atol=1e-12)


def test_the_gaps_are_those_of_the_family_trained_with() -> None:
    means = {name: q.per_point.mean() for name, q in _named(quantities(_bounds(BELOW), "af")).items()}
    assert means["approximation_gap"] == pytest.approx(0.9)
    assert means["amortization_gap"] == pytest.approx(2.5)


def test_the_papers_rule_looks_at_two_estimators_and_ours_at_all() -> None:
    found = _named(quantities(_bounds(BELOW), "ffg"))
    assert found["log_p_best"].estimator == "iwae_local_ffg"
    assert found["log_p_paper"].estimator == "iwae_amortized"
    assert found["inference_gap_paper"].per_point.mean() == pytest.approx(3.1)
    longer = _named(quantities(_bounds(BELOW | {"ais_prior": 0.2}), "ffg"))
    assert longer["log_p_paper"].estimator == "ais_prior"
    assert longer["log_p_best"].estimator == "iwae_local_ffg"


def test_log_p_is_chosen_by_its_mean_and_not_point_by_point() -> None:
    rng = np.random.default_rng(3)
    truth = -90 + 20 * rng.standard_normal(4000)
    noisy = {
        name: truth + rng.standard_normal(4000) for name in ("iwae_amortized", "ais_prior", "elbo_amortized")
    }
    value = pd.DataFrame(noisy)
    found = _named(quantities(Bounds(value, value * 0 + 1.0), "ffg"))
    error = float((found["log_p_best"].per_point - truth).mean())
    assert abs(error) < 6 / np.sqrt(4000)
    # The largest value at each point would be biased by 0.85 standard deviations.
    assert (value.max(axis=1) - truth).mean() > 0.7
    assert tightest(Bounds(value, value), list(noisy)) == found["log_p_best"].estimator


def test_monte_carlo_errors_add_as_squares() -> None:
    found = _named(quantities(_bounds(BELOW, error=0.1), "ffg"))
    assert found["inference_gap"].standard_error.iloc[0] == pytest.approx(0.1 * np.sqrt(2))
    # 2 L[q*] - L[q] - log p(x)
    assert found["amortization_minus_approximation"].standard_error.iloc[0] == pytest.approx(0.1 * np.sqrt(6))


def test_an_estimator_that_is_far_below_adds_nothing_to_the_selection_bias() -> None:
    close = _named(quantities(_bounds(BELOW | {"iwae_amortized": 0.11}), "ffg"))["log_p_best"].bias_bound
    far = _named(quantities(_bounds(BELOW), "ffg"))["log_p_best"].bias_bound
    assert close == pytest.approx(0.1 / np.sqrt(40) * np.sqrt(2 * np.log(2)))
    assert far == 0


def test_without_a_local_optimum_only_the_inference_gap_is_left() -> None:
    few = {name: BELOW[name] for name in ("elbo_amortized", "iwae_amortized", "ais_prior")}
    names = set(_named(quantities(_bounds(few), "ffg")))
    assert "inference_gap" in names
    assert not names & {"approximation_gap", "amortization_gap", "amortization_minus_approximation"}


def test_seeds_are_averaged_at_the_points_that_they_share() -> None:
    one = quantities(_bounds(BELOW), "ffg")
    shifted = _bounds({name: distance + 1 for name, distance in BELOW.items()})
    other = quantities(Bounds(shifted.value.iloc[1:], shifted.standard_error.iloc[1:]), "ffg")
    average = _named(average_over_seeds([one, other]))
    assert len(average["log_p_best"].per_point) == 39
    mean = _bounds(BELOW).value["elbo_amortized"].iloc[1:].mean()
    assert average["elbo_amortized"].per_point.mean() == pytest.approx(mean - 0.5)
    assert average["elbo_amortized"].standard_error.iloc[0] == pytest.approx(0.1 / np.sqrt(2))
    assert average["inference_gap"].per_point.mean() == pytest.approx(3.4)


def _estimator(values: list[float]) -> pd.DataFrame:
    frame = pd.DataFrame({"value": values, "standard_error": 0.1})
    return frame.rename_axis("point")


def test_a_point_that_is_not_finite_is_left_out_of_all_estimators_and_counted() -> None:
    broken = [-1.0] * 20
    broken[3] = float("-inf")
    bounds = align({"a": _estimator([-2.0] * 20), "b": _estimator(broken)}, "here")
    assert bounds.excluded == 1
    assert 3 not in bounds.value.index
    assert len(bounds.value) == 19
    assert np.isfinite(bounds.value).all(axis=None)


def test_too_many_points_that_are_not_finite_are_an_error() -> None:
    broken = [float("nan")] * 5 + [-1.0] * 15
    with pytest.raises(UserError, match=r"5 of 20 data points in here .* not finite, most often in b"):
        align({"a": _estimator([-2.0] * 20), "b": _estimator(broken)}, "here")


def test_different_points_are_an_error() -> None:
    with pytest.raises(UserError, match="a and b in here are not of the same data points"):
        align({"a": _estimator([-2.0] * 20), "b": _estimator([-2.0] * 19)}, "here")


def test_an_estimator_is_not_chosen_for_its_noise() -> None:
    """The noisy mean is larger by one of its standard errors; the paper's rule takes it, ours does not."""
    bounds = _bounds(BELOW | {"ais_prior": -0.1, "iwae_amortized": 0.1, "iwae_local_ffg": 0.1})
    errors = bounds.standard_error.assign(ais_prior=0.2 * np.sqrt(40), iwae_local_ffg=0.01)
    found = _named(quantities(Bounds(bounds.value, errors), "ffg"))
    assert found["log_p_paper"].estimator == "ais_prior"
    assert found["log_p_best"].estimator == "iwae_local_ffg"
    # It might have been chosen: its noise counts as that of a rival.
    assert found["log_p_best"].bias_bound == pytest.approx(0.2 * np.sqrt(2 * np.log(3)))


def test_gaps_are_marked_by_their_interval_and_by_bdmc() -> None:
    assert gap_mark(1.0, 0.5, 1.5) == "positive"
    assert gap_mark(1.0, 0.0, 2.0) == "includes zero"
    assert gap_mark(-1.0, -2.0, -0.1) == "negative"
    assert gap_mark(1.0, 0.5, 1.5, bdmc_gap=0.9) == "positive"
    assert gap_mark(1.0, 0.5, 1.5, bdmc_gap=1.1) == "within the BDMC gap"
    # What is not positive is worse than inaccurate.
    assert gap_mark(1.0, -0.5, 2.5, bdmc_gap=1.1) == "includes zero"
