"""Densities and probabilities have all their constants: over all x, or all z, they add up to one."""

import math

import pytest
import torch

from inference_gaps.foreign.adapted import ForeignGenerator
from inference_gaps.foreign.likelihoods.continuous import Gaussian
from inference_gaps.foreign.likelihoods.discrete import (
    Bernoulli,
    Categorical,
    DiscretisedLogistic,
    NegativeBinomial,
)
from inference_gaps.foreign.likelihoods.interface import Likelihood
from inference_gaps.foreign.priors import GaussianMixture, StandardNormal
from tests.foreign.models import Linear

LINE = torch.linspace(-20, 20, 4001, dtype=torch.float64).unsqueeze(1)
COUNTS = torch.arange(400, dtype=torch.float64).unsqueeze(1)
ONE = torch.ones(1, 1, dtype=torch.float64)

# What x may be, how much of it each value stands for, and what the decoder gives.
MASSES: dict[str, tuple[Likelihood, torch.Tensor, float, object]] = {
    "gaussian": (Gaussian(sigma=0.7), LINE, 0.01, 0.4 * ONE),
    "predicted": (Gaussian(predicted="log_variance"), LINE, 0.01, (0.4 * ONE, 0.3 * ONE)),
    "bernoulli": (Bernoulli(), COUNTS[:2], 1.0, 0.4 * ONE),
    "categorical": (Categorical(), COUNTS[:3], 1.0, torch.tensor([[[0.1, 0.5, -1.0]]])),
    "logistic": (DiscretisedLogistic(-1.5, levels=16), COUNTS[:16] / 15, 1.0, 0.3 * ONE),
    "negative-binomial": (NegativeBinomial(2.0), COUNTS, 1.0, 3.0 * ONE),
}


@pytest.mark.parametrize("name", MASSES)
def test_a_likelihood_adds_up_to_one_over_all_data(name: str) -> None:
    likelihood, x, width, decoded = MASSES[name]

    def expanded(given: object) -> object:
        if isinstance(given, tuple):
            return tuple(expanded(each) for each in given)
        assert isinstance(given, torch.Tensor)
        return given.expand(len(x), *given.shape[1:])

    mass = (likelihood.log_prob(x, expanded(decoded)).exp() * width).sum().item()
    assert mass == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["standard", "mixture"])
def test_a_prior_adds_up_to_one_and_has_the_moments_of_what_it_draws(name: str) -> None:
    prior = StandardNormal(1)
    if name == "mixture":
        mean, log_variance = torch.tensor([[-2.0], [3.0]]), torch.tensor([[0.0], [-1.0]])
        prior = GaussianMixture(mean, log_variance, torch.tensor([3.0, 1.0]))  # type: ignore[assignment]
    mass = prior.log_prob(LINE).exp() * 0.01
    assert mass.sum().item() == pytest.approx(1, abs=1e-4)
    drawn = prior.sample(40000, LINE, torch.Generator().manual_seed(0))
    expected = (mass * LINE[:, 0]).sum().item()
    spread = drawn.std().item() / 200
    assert abs(drawn.mean().item() - expected) < 4 * spread


@pytest.mark.parametrize("rows", [1, 5, 100])
def test_rows_go_through_the_decoder_with_the_data_that_they_belong_to(rows: int) -> None:
    """log p(x, z) and its gradient of a linear model, for three points and four z each, in chunks of any size."""
    model = Linear().double()
    x, z = model.data(3), torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(1)).double()
    generator = ForeignGenerator(model.vae(), x.dtype, rows)
    weight, bias = model.decoder.weight.detach(), model.decoder.bias.detach()
    error = x.unsqueeze(1) - z @ weight.mT - bias
    expected = -0.5 * (error.square().sum(-1) / model.sigma**2 + z.square().sum(-1))
    expected -= 0.5 * 16 * math.log(2 * math.pi) + 12 * math.log(model.sigma)
    slope = error @ weight / model.sigma**2 - z
    value, gradient = generator.log_joint_gradient(x, z)
    assert value is not None
    assert torch.allclose(value, expected)
    assert torch.allclose(generator.log_joint(x, z), expected)
    assert torch.allclose(gradient, slope)
