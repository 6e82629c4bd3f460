"""Claimed standard errors against the spread of 200 repetitions.

A repetition is a row of one batch: the same data point, other random numbers. The standard deviation of 200 values
is known to 5 %, so that claim and spread must agree within four of those, 20 %.
"""

import pandas as pd
import pytest
import torch
from torch import Tensor

from inference_gaps.bounds.ais import annealed_importance_sampling
from inference_gaps.bounds.importance import Bound, elbo, log_mean_weight, log_weights
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.specs.bounds import AisSpec
from inference_gaps.summary.gaps import Bounds, quantities
from tests.bounds.targets import wide_start
from tests.linear_gaussian import LinearGaussian

REPETITIONS, TOLERANCE = 200, 0.2


def _model_and_row() -> tuple[LinearGaussian, Tensor]:
    model = LinearGaussian(2, 4, sigma=1.0)
    return model, model.sample(1, torch.Generator().manual_seed(1)).expand(REPETITIONS, 4)


def _weights(samples: int, seed: int, offset: float = 0.3) -> Tensor:
    """Log importance weights [REPETITIONS, samples] of a Gaussian that is not the posterior."""
    (model, x), rng = _model_and_row(), torch.Generator().manual_seed(seed)
    location, scale = wide_start(model, x, offset)
    parameters = {"mean": location, "log_variance": 2 * scale.log()}
    family = FullyFactorisedGaussian(2)

    def sample(n: int) -> tuple[Tensor, Tensor]:
        z, log_q = family.rsample_with_log_prob(parameters, n, rng)
        return model.log_joint(x, z), log_q

    return log_weights(sample, samples, 300)


def _ais(seed: int) -> tuple[Bound, Bound]:
    model, x = _model_and_row()
    spec = AisSpec(points=REPETITIONS, chains=100, distributions=15, leapfrog_steps=2, initial_step_size=0.6)
    rng = torch.Generator().manual_seed(seed)
    result = annealed_importance_sampling(model, x, *wide_start(model, x, 1.0), spec, rng)
    return result.bound, result.single_chain


def _claim_over_spread(value: Tensor, standard_error: Tensor) -> float:
    """Root mean square of the claimed errors over the standard deviation of the repetitions."""
    return (standard_error.square().mean().sqrt() / value.std()).item()


@pytest.mark.parametrize("name", ["elbo", "iwae", "ais", "ais, one chain"])
def test_the_claimed_error_is_the_spread_of_repetitions(name: str) -> None:
    if name in ("elbo", "iwae"):
        bound = {"elbo": elbo, "iwae": log_mean_weight}[name](_weights(600, seed=2))
    else:
        bound = dict(zip(("ais", "ais, one chain"), _ais(seed=3)))[name]
    assert bound.value.std() > 0.005
    assert _claim_over_spread(bound.value, bound.standard_error) == pytest.approx(1, rel=TOLERANCE)


def _gap(bounds: dict[str, Bound]) -> tuple[Tensor, Tensor]:
    """The inference gap [REPETITIONS] and its error, the repetitions in place of data points."""
    value = pd.DataFrame({name: bound.value.numpy() for name, bound in bounds.items()})
    error = pd.DataFrame({name: bound.standard_error.numpy() for name, bound in bounds.items()})
    (gap,) = (each for each in quantities(Bounds(value, error), "ffg") if each.name == "inference_gap")
    return torch.tensor(gap.per_point.to_numpy()), torch.tensor(gap.standard_error.to_numpy())


def test_the_error_of_a_gap_is_the_spread_of_repetitions() -> None:
    """log p(x) by AIS, the ELBO from samples of its own."""
    weights = _weights(600, seed=4)
    bounds = {"ais_prior": _ais(seed=5)[0], "elbo_amortized": elbo(weights), "iwae_amortized": elbo(weights)}
    gap, error = _gap(bounds)
    assert gap.mean() > 0.1
    assert _claim_over_spread(gap, error) == pytest.approx(1, rel=TOLERANCE)


def test_the_error_of_a_gap_between_bounds_of_the_same_samples_is_no_smaller_than_its_spread() -> None:
    """IWAE and ELBO from the same weights err in the same direction: the claim may only be too large."""
    weights = _weights(600, seed=6)
    bound = elbo(weights)
    gap, error = _gap(
        {"ais_prior": bound, "elbo_amortized": bound, "iwae_amortized": log_mean_weight(weights)}
    )
    assert _claim_over_spread(gap, error) > 1 - TOLERANCE
