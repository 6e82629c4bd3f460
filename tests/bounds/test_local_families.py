"""The best member of every family that is richer than the Gaussian it starts at, against exact answers."""

import pytest
import torch
from torch import Tensor

from inference_gaps.bounds.importance import elbo, log_mean_weight
from inference_gaps.bounds.local import LocalOptimum, optimise
from inference_gaps.exact.quadrature import PosteriorGrid
from inference_gaps.posteriors.registry import local_family
from inference_gaps.specs.bounds import LocalSpec
from inference_gaps.specs.families import FAMILIES
from tests.bounds.test_local_starts import LinearProblem, NetworkProblem, Problem

SAMPLES = 10_000


def _optimum(problem: Problem, family: str, rate: float) -> tuple[LocalOptimum, Tensor]:
    """Optimise from q*_FFG; return the optimum and log importance weights [B, SAMPLES]."""
    rng = torch.Generator().manual_seed(5)
    member = local_family(family, problem.generator.latent_dim, steps=2, hidden=8)
    start = member.from_gaussian(problem.gaussian["mean"], problem.gaussian["log_variance"], rng)
    spec = LocalSpec(family=family, samples=8, steps=150, learning_rate=rate, max_cycles=2)
    optimum = optimise(problem.generator, member, problem.x, [start], spec, rng, lambda cycle, bound: None)
    here = member.given(problem.generator.score(problem.x))
    z, log_q = here.rsample_with_log_prob(optimum.parameters, SAMPLES, rng)
    return optimum, problem.generator.log_joint(problem.x, z) - log_q


@pytest.fixture(scope="module")
def network() -> Problem:
    torch.set_default_dtype(torch.float64)
    return NetworkProblem(2)


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "ffg"])
def test_bounds_of_the_optimum_lie_between_the_gaussian_and_log_p(family: str, network: Problem) -> None:
    """L[q*_FFG] <= L[q*] <= log p(x) at every point, better in the mean; IWAE reaches log p(x)."""
    assert isinstance(network, NetworkProblem)
    log_p = PosteriorGrid(network.generator, network.x).log_marginal
    optimum, log_w = _optimum(network, family, rate=0.01)
    bound, tight = elbo(log_w), log_mean_weight(log_w)
    gain = bound.value - (network.best - network.shortfall(network.gaussian))
    assert (gain > -4 * bound.standard_error).all()
    assert gain.mean() > 0.01
    assert (bound.value < log_p + 4 * bound.standard_error).all()
    assert ((tight.value - log_p).abs() < 4 * tight.standard_error).all()
    assert optimum.residual.isfinite().all()


def test_full_gaussian_is_the_posterior_of_a_linear_model() -> None:
    """No approximation gap, constant weights, where the factorised Gaussian misses a tenth of a nat."""
    problem = LinearProblem(3, 6)
    assert problem.model.gaussian_gap() > 0.1
    _, log_w = _optimum(problem, "full-gaussian", rate=0.03)
    log_p = problem.model.log_marginal(problem.x)
    assert ((log_p - log_w.mean(1)).abs() < 1e-4).all()
    assert (log_w.std(1) < 0.01).all()


@pytest.mark.parametrize("family", ["full-gaussian", "coupling", "hamiltonian"])
def test_a_destructive_rate_leaves_no_point_below_the_gaussian(family: str) -> None:
    problem = LinearProblem(3, 6)
    optimum, log_w = _optimum(problem, family, rate=1.0)
    bound = elbo(log_w)
    gain = bound.value - (problem.best - problem.shortfall(problem.gaussian))
    assert (gain > -4 * bound.standard_error).all()
    assert optimum.residual.isfinite().all()
