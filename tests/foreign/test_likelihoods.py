"""Likelihoods against other ways to write them, and against what they draw."""

import pytest
import torch
from torch import distributions

from inference_gaps.foreign.likelihoods.composed import Product
from inference_gaps.foreign.likelihoods.continuous import Gaussian
from inference_gaps.foreign.likelihoods.discrete import (
    Bernoulli,
    Categorical,
    DiscretisedLogistic,
    NegativeBinomial,
)
from inference_gaps.foreign.likelihoods.interface import Likelihood

N, D = 5, 7
RNG = torch.Generator().manual_seed(0)
A, B = torch.randn(N, D, generator=RNG), torch.randn(N, D, generator=RNG)
BITS = torch.rand(N, D, generator=RNG).round()
COUNTS = torch.poisson(3 * torch.ones(N, D), generator=RNG)
CLASSES = torch.randint(3, (N, D), generator=RNG)
LOGITS = torch.randn(N, D, 3, generator=RNG)
MEAN, THETA = B.exp(), A.exp()


@pytest.mark.parametrize(
    ("likelihood", "x", "decoded", "expected"),
    [
        (Bernoulli(), BITS, A, distributions.Bernoulli(logits=A).log_prob(BITS)),
        (Bernoulli(probabilities=True), BITS, A.sigmoid(), distributions.Bernoulli(logits=A).log_prob(BITS)),
        (Gaussian(sigma=0.3), B, A, distributions.Normal(A, 0.3).log_prob(B)),
        (Gaussian(sigma=THETA[0]), B, A, distributions.Normal(A, THETA[0]).log_prob(B)),
        (Gaussian(predicted="log_variance"), B, (A, MEAN), distributions.Normal(A, (MEAN / 2).exp()).log_prob(B)),
        (Gaussian(predicted="variance"), B, (A, MEAN), distributions.Normal(A, MEAN.sqrt()).log_prob(B)),
        (Gaussian(predicted="log_sigma"), B, (A, A), distributions.Normal(A, A.exp()).log_prob(B)),
        (Gaussian(predicted="sigma"), B, (A, MEAN[:, :1]), distributions.Normal(A, MEAN[:, :1]).log_prob(B)),
        (Categorical(), CLASSES, LOGITS, distributions.Categorical(logits=LOGITS).log_prob(CLASSES)),
        (Categorical(dim=1), CLASSES, LOGITS.mT, distributions.Categorical(logits=LOGITS).log_prob(CLASSES)),
        (
            NegativeBinomial(), COUNTS, (MEAN, THETA),
            distributions.NegativeBinomial(THETA, logits=(MEAN / THETA).log()).log_prob(COUNTS),
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Likelihood) else "",
)  # fmt: skip
def test_log_probabilities_are_those_of_torch(
    likelihood: Likelihood, x: torch.Tensor, decoded: object, expected: torch.Tensor
) -> None:
    torch.testing.assert_close(likelihood.log_prob(x, decoded), expected.sum(1))


@pytest.mark.parametrize("mean", [-0.3, 0.2, 0.999, 1.4])
def test_the_levels_of_a_discretised_logistic_have_probability_one(mean: float) -> None:
    likelihood = DiscretisedLogistic(log_scale=-2.5, levels=16)
    levels = torch.linspace(0, 1, 16, dtype=torch.float64).unsqueeze(1)
    assert likelihood.outside(levels) is None
    masses = likelihood.log_prob(levels, torch.full_like(levels, mean)).exp()
    assert masses.sum().item() == pytest.approx(1)
    rng = torch.Generator().manual_seed(1)
    drawn = likelihood.simulate(torch.full((20000, 1), mean, dtype=torch.float64), rng)
    shares = torch.bincount((drawn * 15).round().long().squeeze(1), minlength=16) / 20000
    torch.testing.assert_close(shares.double(), masses, atol=0.02, rtol=0)


@pytest.mark.parametrize(
    ("likelihood", "decoded", "mean", "variance"),
    [
        (Bernoulli(), torch.tensor([[0.5]]), 0.6225, 0.235),
        (Gaussian(sigma=0.3), torch.tensor([[0.5]]), 0.5, 0.09),
        (NegativeBinomial(2.0), torch.tensor([[3.0]]), 3.0, 7.5),
        (Categorical(), torch.tensor([[[0.0, 0.0, 0.0]]]), 1.0, 2 / 3),
    ],
)
def test_what_is_drawn_has_the_moments(
    likelihood: Likelihood, decoded: torch.Tensor, mean: float, variance: float
) -> None:
    rng = torch.Generator().manual_seed(2)
    drawn = likelihood.simulate(decoded.expand(40000, *decoded.shape[1:]), rng).double()
    assert drawn.mean().item() == pytest.approx(mean, abs=0.06)
    assert drawn.var().item() == pytest.approx(variance, rel=0.06)


def test_a_product_is_the_sum_over_its_columns() -> None:
    product = Product((Gaussian(sigma=0.3), 4), (Bernoulli(), 3))
    x = torch.cat([B[:, :4], BITS[:, :3]], 1)
    expected = Gaussian(sigma=0.3).log_prob(x[:, :4], A[:, :4]) + Bernoulli().log_prob(x[:, 4:], A[:, 4:])
    torch.testing.assert_close(product.log_prob(x, (A[:, :4], A[:, 4:])), expected)
    assert product.simulate((A[:, :4], A[:, 4:]), RNG).shape == (N, D)
    assert product.outside(torch.cat([B[:, :4], 2 + BITS[:, :3]], 1)) is not None


def test_images_and_rows_of_the_same_pixels_are_the_same() -> None:
    images = BITS[:, :6].reshape(N, 1, 2, 3)
    rows = Bernoulli().log_prob(BITS[:, :6], A[:, :6])
    torch.testing.assert_close(Bernoulli().log_prob(images, A[:, :6]), rows)
    torch.testing.assert_close(Bernoulli().log_prob(BITS[:, :6], A[:, :6].reshape(N, 1, 2, 3)), rows)
