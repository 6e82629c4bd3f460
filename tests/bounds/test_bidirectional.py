"""Forward and reverse chains on data simulated from a model whose log p(x) is known."""

import torch
from torch import Tensor

from inference_gaps.bounds.ais import AisResult, bidirectional_monte_carlo
from inference_gaps.specs.bounds import AisSpec
from tests.bounds.targets import posterior_samples, wide_start
from tests.linear_gaussian import LinearGaussian

POINTS = 150


def _sandwich(distributions: int, adaptation: str = "preliminary") -> tuple[AisResult, AisResult, Tensor]:
    model, rng = LinearGaussian(2, 4, sigma=1.0), torch.Generator().manual_seed(1)
    x = model.sample(POINTS, rng)
    z = posterior_samples(model, x, rng)
    spec = AisSpec(
        points=POINTS,
        chains=5,
        distributions=distributions,
        leapfrog_steps=2,
        initial_step_size=0.3,
        adaptation=adaptation,
    )
    forward, reverse = bidirectional_monte_carlo(model, x, z, *wide_start(model, x), spec, rng)
    return forward, reverse, model.log_marginal(x)


def _mean_and_error(values: Tensor) -> tuple[float, float]:
    return values.mean().item(), (values.std() / len(values) ** 0.5).item()


def _gap(distributions: int) -> Tensor:
    """Gap of the bounds [POINTS] with single chains, whose noise is far below it."""
    forward, reverse, _ = _sandwich(distributions)
    return reverse.single_chain.value - forward.single_chain.value


def test_forward_and_reverse_chains_enclose_log_p() -> None:
    """The mean over points lies on its side of the exact value, clearly; one chain is looser than five."""
    for adaptation in ("preliminary", "cumulative"):
        forward, reverse, exact = _sandwich(12, adaptation)
        for below in (
            exact - forward.bound.value,
            reverse.bound.value - exact,
            exact - forward.single_chain.value,
            reverse.single_chain.value - exact,
            forward.bound.value - forward.single_chain.value,
            reverse.single_chain.value - reverse.bound.value,
        ):
            mean, error = _mean_and_error(below)
            assert mean > 4 * error
        assert (reverse.bound.standard_error > 0).all()


def test_the_gap_closes_with_more_distributions() -> None:
    """Eight times as many distributions; the gap at each point is its bound on both errors."""
    few, many = (_gap(distributions) for distributions in (9, 65))
    mean, error = _mean_and_error(few - many)
    assert mean > 4 * error
    left, _ = _mean_and_error(many)
    assert 0 < left < 0.25 * few.mean().item()


def test_reverse_weights_are_unbiased() -> None:
    """E[w] = 1 / p(x) over exact posterior samples, with few distributions: each sample has a row of its own."""
    model, rng = LinearGaussian(2, 4, sigma=1.0), torch.Generator().manual_seed(2)
    rows = 3000
    for x in model.sample(3, rng):
        same = x.expand(rows, 4)
        z = posterior_samples(model, same, rng)
        spec = AisSpec(points=1, chains=2, distributions=8, leapfrog_steps=2, initial_step_size=0.6)
        _, reverse = bidirectional_monte_carlo(
            model, same, z, *wide_start(model, same, offset=0.5), spec, rng
        )
        # exp(-bound) is the mean weight of a row's two chains.
        mean, error = _mean_and_error((model.log_marginal(same) - reverse.bound.value).exp())
        assert error < 0.02
        assert abs(mean - 1) < 4 * error
