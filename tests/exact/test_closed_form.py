"""The formulas of the linear-Gaussian model against independent routes to the same numbers."""

import math

import pytest
import torch
from torch import Tensor

from inference_gaps.exact.closed_form import LinearGaussianAnswers
from inference_gaps.models.linear_gaussian import LinearGaussianGenerator

D, POINTS = 12, 3


def linear(latent_dim: int) -> LinearGaussianGenerator:
    """Return a generator of ``latent_dim`` dimensions with correlated posteriors."""
    torch.manual_seed(latent_dim)
    return LinearGaussianGenerator(latent_dim, D, noise=0.3, precision=(1.5, 20.0))


def images(latent_dim: int) -> Tensor:
    """Return points that are not simulated from the model [B, D]."""
    return torch.rand(POINTS, D, generator=torch.Generator().manual_seed(latent_dim))


def test_log_marginal_is_the_density_of_the_marginal_gaussian() -> None:
    for latent_dim in (1, 2, 10):
        model, x = linear(latent_dim), images(latent_dim)
        covariance = model.weight @ model.weight.mT + model.noise**2 * torch.eye(D)
        marginal = torch.distributions.MultivariateNormal(torch.zeros(D), covariance)
        torch.testing.assert_close(LinearGaussianAnswers(model, x).log_marginal, marginal.log_prob(x))


def test_the_posterior_is_proportional_to_the_joint() -> None:
    """log p(x, z) - log p(z|x) is log p(x) wherever z is."""
    model, x = linear(4), images(4)
    answers = LinearGaussianAnswers(model, x)
    z = torch.randn(POINTS, 5, 4, generator=torch.Generator().manual_seed(1))
    posterior = torch.distributions.MultivariateNormal(
        answers.mean.unsqueeze(1), precision_matrix=answers.precision
    )
    ratio = model.log_joint(x, z) - posterior.log_prob(z)
    torch.testing.assert_close(ratio, answers.log_marginal.unsqueeze(1).expand_as(ratio))


def test_the_bound_of_a_gaussian_is_its_divergence_from_the_posterior() -> None:
    model, x = linear(4), images(4)
    rng = torch.Generator().manual_seed(2)
    mean, log_variance = torch.randn(POINTS, 4, generator=rng), torch.randn(POINTS, 4, generator=rng)
    answers = LinearGaussianAnswers(model, x)
    q = torch.distributions.MultivariateNormal(mean, torch.diag_embed(log_variance.exp()))
    posterior = torch.distributions.MultivariateNormal(answers.mean, precision_matrix=answers.precision)
    expected = answers.log_marginal - torch.distributions.kl_divergence(q, posterior)
    torch.testing.assert_close(answers.gaussian_bound(mean, log_variance), expected)


def test_no_gaussian_beats_the_best_one() -> None:
    """At 1 / M_ii the bound is the one claimed, its gradient is zero, and a step away loses."""
    model, x = linear(4), images(4)
    answers = LinearGaussianAnswers(model, x)
    best = answers.best_gaussian_bound()
    mean = answers.mean.clone().requires_grad_()
    log_variance = (-answers.precision.diagonal().log()).expand(POINTS, 4).clone().requires_grad_()
    value = answers.gaussian_bound(mean, log_variance)
    torch.testing.assert_close(value, best)
    gradients = torch.autograd.grad(value.sum(), [mean, log_variance])
    assert max(gradient.abs().max().item() for gradient in gradients) < 1e-9
    rng = torch.Generator().manual_seed(3)
    for scale in (0.01, 1.0):
        away = [
            leaf.detach() + scale * torch.randn(POINTS, 4, generator=rng) for leaf in (mean, log_variance)
        ]
        assert (answers.gaussian_bound(away[0], away[1]) < best).all()


@pytest.mark.parametrize("latent_dim", [2, 10])
def test_the_posterior_has_the_precision_asked_for_and_is_correlated(latent_dim: int) -> None:
    """Correlated enough for the approximation gap to be tenths of nats or more."""
    model = linear(latent_dim)
    answers = LinearGaussianAnswers(model, images(latent_dim))
    eigenvalues = torch.linalg.eigvalsh(answers.precision)
    assert eigenvalues[0].item() == pytest.approx(1.5)
    assert eigenvalues[-1].item() == pytest.approx(20.0)
    ratios = eigenvalues[1:] / eigenvalues[:-1]
    torch.testing.assert_close(ratios, ratios[:1].expand_as(ratios))
    assert (answers.log_marginal - answers.best_gaussian_bound()).min() > 0.1


def test_the_written_gradient_and_the_simulation_are_of_this_model() -> None:
    model, x = linear(3), images(3)
    z = torch.randn(POINTS, 2, 3, generator=torch.Generator().manual_seed(4))
    leaf = z.clone().requires_grad_()
    (expected,) = torch.autograd.grad(model.log_joint(x, leaf).sum(), leaf)
    value, gradient = model.log_joint_gradient(x, z)
    torch.testing.assert_close(gradient, expected)
    assert value is not None
    torch.testing.assert_close(value, model.log_joint(x, z))
    rng = torch.Generator().manual_seed(5)
    drawn = model.simulate(torch.randn(20_000, 3, generator=rng), rng)
    covariance = model.weight @ model.weight.mT + model.noise**2 * torch.eye(D)
    # A sample covariance has standard errors of sqrt((c_ij^2 + c_ii c_jj) / n).
    error = ((covariance.square() + covariance.diagonal().outer(covariance.diagonal())) / len(drawn)).sqrt()
    assert ((drawn.mT.cov() - covariance).abs() < 5 * error).all()
    assert (drawn.mean(0).abs() < 5 * (covariance.diagonal() / len(drawn)).sqrt()).all()


def test_values_are_absolute() -> None:
    """One latent dimension and one pixel, by hand: x = w z + noise has variance w^2 + noise^2."""
    torch.manual_seed(0)
    model = LinearGaussianGenerator(1, 1, noise=0.5, precision=(5.0, 5.0))
    assert model.weight.abs().item() == pytest.approx(0.5 * math.sqrt(5.0 - 1.0))
    x = torch.tensor([[0.7]])
    variance = model.weight.item() ** 2 + 0.25
    by_hand = -0.5 * (math.log(2 * math.pi * variance) + 0.49 / variance)
    answers = LinearGaussianAnswers(model, x)
    assert answers.log_marginal.item() == pytest.approx(by_hand)
    # With one dimension the posterior is a factorised Gaussian: nothing is lost.
    assert answers.best_gaussian_bound().item() == pytest.approx(by_hand)
