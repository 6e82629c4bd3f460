"""The mean of importance weights on a logarithmic scale, its error, and its extremes."""

import math

import pytest
import torch

from inference_gaps.bounds.importance import elbo, log_mean_weight, log_weights
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from tests.linear_gaussian import LinearGaussian


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


def test_log_mean_weight_is_the_logarithm_of_the_mean(rng: torch.Generator) -> None:
    """Where exp does not overflow, by the plain formulas."""
    w = torch.rand(3, 7, generator=rng) + 0.1
    bound = log_mean_weight(w.log())
    torch.testing.assert_close(bound.value, w.mean(1).log())
    torch.testing.assert_close(bound.standard_error, w.std(1) / math.sqrt(7) / w.mean(1))
    torch.testing.assert_close(bound.effective_sample_size, w.sum(1).square() / w.square().sum(1))


def test_effective_sample_size_at_its_extremes() -> None:
    equal = log_mean_weight(torch.full((1, 50), -3000.0))
    assert equal.effective_sample_size.item() == pytest.approx(50)
    assert equal.standard_error.item() == pytest.approx(0, abs=1e-6)
    single = torch.full((1, 50), -3000.0)
    single[0, 0] = 0.0
    one = log_mean_weight(single)
    assert one.effective_sample_size.item() == pytest.approx(1)
    assert one.value.item() == pytest.approx(-math.log(50))


@pytest.mark.parametrize("offset", [-1e5, -700.0, 700.0, 1e5])
def test_a_common_factor_of_the_weights_only_shifts_the_value(offset: float, rng: torch.Generator) -> None:
    log_w = 2 * torch.randn(4, 30, generator=rng)
    here, there = log_mean_weight(log_w), log_mean_weight(log_w + offset)
    torch.testing.assert_close(there.value - offset, here.value, rtol=0, atol=1e-10)
    # The logarithm of the effective sample size is a difference of numbers of the offset's size.
    torch.testing.assert_close(there.standard_error, here.standard_error, rtol=1e-8, atol=0)
    torch.testing.assert_close(there.effective_sample_size, here.effective_sample_size, rtol=1e-8, atol=0)


def test_weights_that_are_not_finite_never_look_like_a_number() -> None:
    ordinary = torch.tensor([-1.0, -2.0, -3.0])
    for bad in (math.nan, math.inf):
        log_w = torch.cat([ordinary, torch.tensor([bad])]).unsqueeze(0)
        for bound in (log_mean_weight(log_w), elbo(log_w)):
            assert not torch.isfinite(bound.value).any()
            assert not torch.isfinite(bound.standard_error).any()
    nothing = torch.full((1, 5), -math.inf)
    assert log_mean_weight(nothing).value.item() == -math.inf
    assert not torch.isfinite(log_mean_weight(nothing).standard_error).any()
    assert elbo(nothing).value.item() == -math.inf


def test_a_point_that_is_not_finite_leaves_the_others_alone() -> None:
    log_w = torch.tensor([[-1.0, -2.0, -4.0], [-1.0, math.nan, -4.0]])
    alone = log_mean_weight(log_w[:1])
    assert log_mean_weight(log_w).value[0] == alone.value[0]
    assert log_mean_weight(log_w).standard_error[0] == alone.standard_error[0]


def test_a_weight_of_zero_counts_in_the_mean() -> None:
    """Three weights of 1 and one of 0: the mean is 3/4, and the mean of the logarithms is minus infinity."""
    log_w = torch.tensor([[0.0, 0.0, 0.0, -math.inf]])
    bound = log_mean_weight(log_w)
    assert bound.value.item() == pytest.approx(math.log(0.75))
    # Standard deviation 1/2 of the four, over sqrt(4) and the mean.
    assert bound.standard_error.item() == pytest.approx(0.5 / 2 / 0.75)
    assert elbo(log_w).value.item() == -math.inf


@pytest.mark.filterwarnings("ignore:std\\(\\):UserWarning")
def test_one_weight_has_a_value_and_no_error() -> None:
    log_w = torch.tensor([[-12.5]])
    for bound in (log_mean_weight(log_w), elbo(log_w)):
        assert bound.value.item() == pytest.approx(-12.5)
        assert math.isnan(bound.standard_error.item())


def test_importance_weights_of_the_exact_posterior_are_constant(rng: torch.Generator) -> None:
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
