"""Annealed importance sampling against values of log p(x) that are known.

Tolerances are in Monte-Carlo standard errors, or rounding; seeds are fixed.
"""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from inference_gaps.bounds.ais import annealed_importance_sampling, annealing_schedule, whitened_potential
from inference_gaps.models.mlp import MlpGenerator
from inference_gaps.posteriors.gaussian import normal_log_prob
from inference_gaps.specs.bounds import AisSpec
from tests.bounds.targets import weighted_slope, wide_start
from tests.linear_gaussian import LinearGaussian


def _spec(**settings: Any) -> AisSpec:
    return AisSpec(**{"points": 1, "initial_step_size": 0.3, "leapfrog_steps": 3} | settings)


@pytest.mark.parametrize("start", ["prior", "gaussian"])
@pytest.mark.parametrize("schedule", ["linear", "sigmoidal"])
def test_ais_weights_are_unbiased(
    start: str, schedule: str, linear: LinearGaussian, rng: torch.Generator
) -> None:
    """E[w] = p(x) for any number of distributions: few of them and many chains."""
    x = linear.sample(3, rng)
    mean, precision = linear.posterior(x)
    location, scale = torch.zeros(3, 3), torch.ones(3, 3)
    if start == "gaussian":
        location, scale = mean + 0.3, 1.5 * precision.diagonal().rsqrt().expand(3, 3)
    spec = AisSpec(points=3, chains=4000, distributions=25, schedule=schedule, leapfrog_steps=4)
    result = annealed_importance_sampling(linear, x, location, scale, spec, rng)
    error = result.bound.value - linear.log_marginal(x)
    assert (result.bound.standard_error < 0.1).all()
    assert (error.abs() < 4 * result.bound.standard_error).all()


def test_weights_stay_unbiased_with_transitions_that_reject_half() -> None:
    """Five distributions, three transitions that move far: here a wrong acceptance or weight is a bias."""
    model, rng = LinearGaussian(2, 3, sigma=0.8), torch.Generator().manual_seed(1)
    x = model.sample(2, rng)
    location, scale = wide_start(model, x)
    spec = _spec(
        chains=20000, distributions=5, leapfrog_steps=1, initial_step_size=1.2, target_acceptance=0.5
    )
    result = annealed_importance_sampling(model, x, location, scale, spec, rng)
    error = result.bound.value - model.log_marginal(x)
    assert (error.abs() < 4 * result.bound.standard_error).all()
    assert (result.bound.standard_error < 0.05).all()
    assert ((result.acceptance > 0.4) & (result.acceptance < 0.85)).all()


@pytest.mark.parametrize("adaptation", ["preliminary", "cumulative"])
def test_ais_reaches_log_p_and_the_target_acceptance(
    adaptation: str, linear: LinearGaussian, rng: torch.Generator
) -> None:
    x = linear.sample(2, rng)
    spec = AisSpec(points=2, chains=40, distributions=400, adaptation=adaptation, initial_step_size=0.02)
    result = annealed_importance_sampling(linear, x, torch.zeros(2, 3), torch.ones(2, 3), spec, rng)
    error = result.bound.value - linear.log_marginal(x)
    assert (error.abs() < 4 * result.bound.standard_error + 0.01).all()
    if adaptation == "preliminary":
        assert ((result.acceptance - 0.65).abs() < 0.1).all()


def _single_chain_slope(leapfrog_steps: int) -> tuple[float, float]:
    """Slope of log bias against log number of transitions, and its standard error."""
    model, rng = LinearGaussian(10, 14), torch.Generator().manual_seed(1)
    x = model.sample(2, rng)
    location, scale = wide_start(model, x)
    lengths, logs, errors = [8, 16, 32, 64, 128], [], []
    for length in lengths:
        spec = _spec(chains=500, distributions=length + 1, leapfrog_steps=leapfrog_steps)
        result = annealed_importance_sampling(model, x, location, scale, spec, rng)
        bias = (model.log_marginal(x) - result.single_chain.value).mean().item()
        logs.append(math.log(bias))
        errors.append(result.single_chain.standard_error.square().sum().sqrt().item() / len(x) / bias)
    return weighted_slope([math.log(length) for length in lengths], logs, errors)


@pytest.mark.parametrize("leapfrog_steps", [2, 10])
def test_the_bias_of_one_chain_falls_like_one_over_the_distributions(leapfrog_steps: int) -> None:
    """log p(x) - E[log w] is proportional to 1/T once T is large (Grosse et al., 2013)."""
    slope, error = _single_chain_slope(leapfrog_steps)
    # Then a slope within 0.2 of -1 is no accident.
    assert 4 * error < 0.2
    assert -1.2 < slope < -0.8


def _bimodal() -> tuple[MlpGenerator, Tensor, float]:
    """A decoder that is the same for z and -z, a data point, and log p(x) by a sum over a fine grid."""
    rng = torch.Generator().manual_seed(2)
    generator = MlpGenerator(1, [4], 150, "tanh", folded=True).requires_grad_(False)
    for parameter in generator.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=rng))
    x = torch.bernoulli(generator.logits(torch.tensor([[1.6]])).sigmoid(), generator=rng)
    grid = torch.linspace(-9, 9, 20001).view(1, -1, 1)
    log_p = torch.logsumexp(generator.log_joint(x, grid), 1) + math.log(18 / 20000)
    return generator, x, log_p.item()


def test_chains_from_the_prior_find_both_modes() -> None:
    """Two modes of equal mass; a start in one of them misses log 2 nats, and does not notice."""
    generator, x, log_p = _bimodal()
    rng = torch.Generator().manual_seed(3)
    spec = _spec(chains=1000, distributions=60)
    result = annealed_importance_sampling(generator, x, torch.zeros(1, 1), torch.ones(1, 1), spec, rng)
    assert result.bound.standard_error.item() < 0.05
    assert abs(result.bound.value.item() - log_p) < 4 * result.bound.standard_error.item()

    grid = torch.linspace(0, 9, 10001)
    weight = generator.log_joint(x, grid.view(1, -1, 1))[0].softmax(0)
    mean = (weight * grid).sum()
    scale = (weight * (grid - mean).square()).sum().sqrt()
    assert mean > 5 * scale
    one_mode = annealed_importance_sampling(
        generator, x, mean.view(1, 1), scale.view(1, 1), _spec(chains=1000, distributions=60), rng
    )
    missing = log_p - one_mode.bound.value.item()
    assert abs(missing - math.log(2)) < 4 * one_mode.bound.standard_error.item() + 1e-3


class _Cliff(LinearGaussian):
    """One latent dimension, whose log joint density is ``bad`` beyond ``edge``."""

    def __init__(self, edge: float, bad: float) -> None:
        super().__init__(1, 3)
        self.edge, self.bad = edge, bad

    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        return torch.where(z[..., 0] > self.edge, self.bad, super().log_joint(x, z))


def test_chains_that_diverge_are_counted_and_the_rest_is_right() -> None:
    """Without the density beyond an edge, p(x) is the old one times the posterior probability of this side."""
    rng = torch.Generator().manual_seed(5)
    whole = LinearGaussian(1, 3)
    x = whole.sample(1, rng)
    mean, precision = whole.posterior(x)
    model = _Cliff(mean.item(), -math.inf)
    start = mean, precision.rsqrt().expand(1, 1)
    result = annealed_importance_sampling(model, x, *start, _spec(chains=4000, distributions=6), rng)
    # Half of the chains start beyond the edge, and diverge in each of the four transitions.
    assert result.diverged.item() > 4 * (2000 - 4 * 1000**0.5)
    error = result.bound.value - (whole.log_marginal(x) + math.log(0.5))
    assert abs(error.item()) < 4 * result.bound.standard_error.item()
    untouched = annealed_importance_sampling(whole, x, *start, _spec(chains=50, distributions=6), rng)
    assert not untouched.diverged.any()


def test_a_chain_that_is_not_a_number_is_never_averaged() -> None:
    """The point where chains start beyond the edge has no finite value; the one beside it is as it should be."""
    model, rng = _Cliff(1.0, math.nan), torch.Generator().manual_seed(6)
    x = model.sample(1, rng).expand(2, 3)
    location, scale = torch.tensor([[-3.0], [1.0]]), torch.full((2, 1), 0.1)
    result = annealed_importance_sampling(model, x, location, scale, _spec(chains=20, distributions=6), rng)
    for bound in (result.bound, result.single_chain):
        assert torch.isfinite(bound.value[0])
        assert not torch.isfinite(bound.value[1])
        assert not torch.isfinite(bound.standard_error[1])
    assert result.diverged[1] > 0


def test_schedules_run_from_zero_to_one() -> None:
    linear_schedule = annealing_schedule("linear", 5)
    assert linear_schedule == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    sigmoidal = annealing_schedule("sigmoidal", 101)
    assert (sigmoidal[0], sigmoidal[-1]) == (0, 1)
    assert sigmoidal == sorted(sigmoidal)

    def sigmoid(value: float) -> float:
        return 1 / (1 + math.exp(-value))

    expected = (sigmoid(4 * (2 * 0.3 - 1)) - sigmoid(-4)) / (sigmoid(4) - sigmoid(-4))
    assert sigmoidal[30] == pytest.approx(expected)


def test_whitened_potential_is_the_log_likelihood_for_the_prior(rng: torch.Generator) -> None:
    torch.manual_seed(0)
    generator = MlpGenerator(2, [5], 6, "elu").requires_grad_(False)
    x, u = torch.rand(3, 6).round(), torch.randn(3, 4, 2)
    value, _ = whitened_potential(generator, x, torch.zeros(3, 2), torch.ones(3, 2))(u, True)
    expected = torch.distributions.Bernoulli(logits=generator.logits(u)).log_prob(x.unsqueeze(1)).sum(-1)
    torch.testing.assert_close(value, expected)


def test_whitened_potential_is_the_log_ratio_of_joint_and_start() -> None:
    torch.manual_seed(0)
    generator = MlpGenerator(2, [5], 6, "elu").requires_grad_(False)
    x, location, scale = torch.rand(3, 6).round(), torch.randn(3, 1, 2), torch.rand(3, 1, 2) + 0.5
    u = torch.randn(3, 4, 2)
    z = location + scale * u
    value, _ = whitened_potential(generator, x, location[:, 0], scale[:, 0])(u, True)
    torch.testing.assert_close(
        value, generator.log_joint(x, z) - normal_log_prob(z, location, 2 * scale.log())
    )


def test_whitened_potential_has_its_own_gradient() -> None:
    torch.manual_seed(0)
    generator = MlpGenerator(2, [5], 6, "elu").requires_grad_(False)
    x, location, scale = torch.rand(3, 6).round(), torch.randn(3, 2), torch.rand(3, 2) + 0.5
    potential = whitened_potential(generator, x, location, scale)
    u = torch.randn(3, 4, 2)
    gradient = potential(u, False)[1]
    step = 1e-6
    for axis in range(2):
        shift = step * torch.eye(2)[axis]
        difference = (potential(u + shift, True)[0] - potential(u - shift, True)[0]) / (2 * step)
        torch.testing.assert_close(gradient[..., axis], difference, rtol=1e-5, atol=1e-6)
