"""The estimators against models whose log p(x) is known.

Tolerances are in Monte-Carlo standard errors, or rounding; seeds are fixed.
"""

import math

import pytest
import torch

from inference_gaps.bounds.ais import annealed_importance_sampling, annealing_schedule, whitened_potential
from inference_gaps.bounds.hmc import ChainState, transition
from inference_gaps.bounds.importance import elbo, log_mean_weight, log_weights
from inference_gaps.bounds.local import optimise
from inference_gaps.models.mlp import MlpGenerator
from inference_gaps.posteriors.auxiliary_flow import AuxiliaryFlow
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.posteriors.local import flow_from_gaussian
from inference_gaps.specs.ais import AisSpec
from inference_gaps.specs.local import LocalSpec
from tests.linear_gaussian import LinearGaussian


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.fixture
def linear() -> LinearGaussian:
    return LinearGaussian(3, 6)


def test_log_mean_weight_and_its_standard_error(rng: torch.Generator) -> None:
    """Log-normal weights: E[w] = exp(m + s^2 / 2). The claimed error is the spread of repetitions."""
    repetitions, k, mean, sd = 2000, 400, -700.0, 0.8
    log_w = mean + sd * torch.randn(repetitions, k, generator=rng)
    bound = log_mean_weight(log_w)
    errors = bound.value - (mean + sd**2 / 2)
    assert abs(errors.mean()) < 4 * errors.std() / repetitions**0.5 + sd**2 / k
    assert bound.standard_error.mean() == pytest.approx(errors.std().item(), rel=0.06)
    lower = elbo(log_w)
    assert abs(lower.value.mean() - mean) < 4 * sd / (repetitions * k) ** 0.5
    assert lower.standard_error.mean() == pytest.approx(sd / k**0.5, rel=0.01)


def test_effective_sample_size_at_its_extremes() -> None:
    equal = log_mean_weight(torch.full((1, 50), -3000.0))
    assert equal.effective_sample_size.item() == pytest.approx(50)
    assert equal.standard_error.item() == pytest.approx(0, abs=1e-6)
    single = torch.full((1, 50), -3000.0)
    single[0, 0] = 0.0
    one = log_mean_weight(single)
    assert one.effective_sample_size.item() == pytest.approx(1)
    assert one.value.item() == pytest.approx(-math.log(50))


def test_importance_weights_of_the_exact_posterior_are_constant(
    linear: LinearGaussian, rng: torch.Generator
) -> None:
    model = LinearGaussian(1, 6)
    x = model.sample(4, rng)
    mean, precision = model.posterior(x)
    family = FullyFactorisedGaussian(1)
    parameters = {"mean": mean, "log_variance": -precision.log().expand(4, 1)}

    def sample(n: int) -> tuple[torch.Tensor, torch.Tensor]:
        z, log_q = family.rsample_with_log_prob(parameters, n, rng)
        return model.log_joint(x, z), log_q

    log_w = log_weights(sample, 100, 30)
    assert log_w.shape == (4, 100)
    torch.testing.assert_close(log_w, model.log_marginal(x).unsqueeze(1).expand(4, 100))


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


def state_at(potential, u: torch.Tensor) -> ChainState:  # type: ignore[no-untyped-def]
    value, gradient = potential(u, True)
    return ChainState(u, value, gradient)


def test_hmc_leaves_the_annealed_density_invariant(linear: LinearGaussian, rng: torch.Generator) -> None:
    """Exact samples of f_beta stay exact: their moments do not move, with a step that rejects often."""
    x = linear.sample(1, rng)
    beta, chains = 0.4, 20000
    precision = torch.eye(3) + beta * linear.weight.mT @ linear.weight / linear.sigma**2
    pull = beta * (x - linear.offset) @ linear.weight / linear.sigma**2
    mean = torch.linalg.solve(precision, pull.mT).mT
    root = torch.linalg.cholesky(torch.linalg.inv(precision))
    u = (mean + torch.randn(chains, 3, generator=rng) @ root.mT).unsqueeze(0)
    potential = whitened_potential(linear, x, torch.zeros(1, 3), torch.ones(1, 3))
    step = torch.full((1, 1), 0.35)
    moved = transition(state_at(potential, u), potential, beta, step, 3, rng)
    assert 0.3 < moved.acceptance.mean() < 0.9
    whitened = torch.linalg.solve(root, (moved.state.u[0] - mean).mT).mT
    standard_error = chains**-0.5
    assert (whitened.mean(0).abs() < 4 * standard_error).all()
    assert ((whitened.mT @ whitened / chains - torch.eye(3)).abs() < 4 * 2**0.5 * standard_error).all()
    torch.testing.assert_close(moved.state.potential, potential(moved.state.u, True)[0])
    torch.testing.assert_close(moved.state.gradient, potential(moved.state.u, True)[1])


def test_energy_error_falls_with_the_square_of_the_step(linear: LinearGaussian, rng: torch.Generator) -> None:
    x = linear.sample(1, rng)
    potential = whitened_potential(linear, x, torch.zeros(1, 3), torch.ones(1, 3))
    state = state_at(potential, torch.randn(1, 500, 3, generator=rng))
    logs = []
    for halvings in range(3):
        step, count = 0.04 / 2**halvings, 4 * 2**halvings
        noise = torch.Generator().manual_seed(7)
        moved = transition(state, potential, 1.0, torch.full((1, 1), step), count, noise)
        logs.append(math.log((1 - moved.acceptance).mean()))
    slopes = [(logs[i] - logs[i + 1]) / math.log(2) for i in range(2)]
    assert all(1.6 < slope < 2.4 for slope in slopes)


def test_a_proposal_that_is_not_finite_leaves_no_trace(rng: torch.Generator) -> None:
    def potential(u: torch.Tensor, with_value: bool) -> tuple[torch.Tensor | None, torch.Tensor]:
        bad = torch.full_like(u, math.nan)
        return torch.full(u.shape[:2], math.nan), bad

    u = torch.randn(1, 5, 2, generator=rng)
    state = ChainState(u, torch.zeros(1, 5), torch.zeros(1, 5, 2))
    moved = transition(state, potential, 1.0, torch.full((1, 1), 0.1), 2, rng)
    assert torch.equal(moved.state.u, u)
    assert torch.equal(moved.state.gradient, state.gradient)
    assert not moved.acceptance.any()
    assert moved.diverged.all()


def test_local_gaussian_reaches_its_known_optimum(linear: LinearGaussian, rng: torch.Generator) -> None:
    """log p(x) - L[q] of any Gaussian q is a closed formula here; at q* it is the known gap, to 0.01 nats."""
    x = linear.sample(4, rng)
    start = {"mean": torch.zeros(4, 3), "log_variance": torch.zeros(4, 3)}
    spec = LocalSpec(points=4, steps=400, learning_rate=0.05, samples=16, tolerance=0.001)
    optimum = optimise(linear, FullyFactorisedGaussian(3), x, start, spec, rng, lambda cycle, bound: None)
    assert optimum.converged
    assert optimum.bound == sorted(optimum.bound)
    mean, precision = linear.posterior(x)
    error, log_variance = optimum.parameters["mean"] - mean, optimum.parameters["log_variance"]
    distance = torch.einsum("bi,ij,bj->b", error, precision, error)
    trace = (log_variance.exp() * precision.diagonal()).sum(1)
    gap = 0.5 * (trace + distance - 3 - log_variance.sum(1) - torch.logdet(precision))
    assert (gap > linear.gaussian_gap() - 1e-9).all()
    assert (gap < linear.gaussian_gap() + 0.01).all()


def test_local_flow_closes_part_of_the_gaussian_gap(rng: torch.Generator) -> None:
    """The exact approximation gap of the best Gaussian is known; a flow that starts there must do better."""
    linear = LinearGaussian(2, 2, sigma=0.4)
    linear.weight = torch.tensor([[1.0, 0.8], [0.4, 0.9]])
    gap = linear.gaussian_gap()
    assert gap > 0.2
    x = linear.sample(3, rng)
    mean, precision = linear.posterior(x)
    flow = AuxiliaryFlow.local(2, steps=2, hidden=16)
    start = flow_from_gaussian(flow, mean, -precision.diagonal().log().expand(3, 2), rng)
    spec = LocalSpec(family="af", points=3, steps=500, learning_rate=0.01, samples=16, max_cycles=2)
    optimum = optimise(linear, flow, x, start, spec, rng, lambda cycle, bound: None)

    def bound_of(parameters: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        z, log_q = flow.rsample_with_log_prob(parameters, 4000, rng)
        terms = linear.log_joint(x, z) - log_q
        return terms.mean(1), terms.std(1) / 4000**0.5

    value, error = bound_of(start)
    torch.testing.assert_close(linear.log_marginal(x) - value, torch.full((3,), gap), atol=0.1, rtol=0)
    flow_gap = linear.log_marginal(x) - bound_of(optimum.parameters)[0]
    assert (flow_gap < 0.5 * gap).all()
    assert (flow_gap > -4 * error).all()


def test_each_point_is_optimised_as_if_alone(linear: LinearGaussian) -> None:
    """Another data point beside it must not change where a point ends (up to its Monte-Carlo noise)."""
    x = linear.sample(2, torch.Generator().manual_seed(1))
    spec = LocalSpec(points=2, steps=300, learning_rate=0.05, samples=16, max_cycles=2)

    def run(images: torch.Tensor) -> torch.Tensor:
        start = {"mean": torch.zeros(len(images), 3), "log_variance": torch.zeros(len(images), 3)}
        family = FullyFactorisedGaussian(3)
        noise = torch.Generator().manual_seed(4)
        return optimise(linear, family, images, start, spec, noise, lambda c, b: None).parameters["mean"]

    torch.testing.assert_close(run(x)[:1], run(x[:1]), atol=0.02, rtol=0)
