"""Local optimisation against optima that are known."""

import pytest
import torch

from inference_gaps.bounds import batches
from inference_gaps.bounds.local import LocalOptimum, optimise
from inference_gaps.bounds.starts import high_density_starts
from inference_gaps.exact.optimum import best_gaussian
from inference_gaps.exact.quadrature import PosteriorGrid, gaussian_bound
from inference_gaps.posteriors.auxiliary_flow import AuxiliaryFlow
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.specs.bounds import LocalSpec
from tests.bounds.targets import several_optima
from tests.linear_gaussian import LinearGaussian


def test_local_gaussian_reaches_its_known_optimum(linear: LinearGaussian, rng: torch.Generator) -> None:
    """log p(x) - L[q] of any Gaussian q is a closed formula here; at q* it is the known gap, to 0.01 nats."""
    x = linear.sample(4, rng)
    start = {"mean": torch.zeros(4, 3), "log_variance": torch.zeros(4, 3)}
    spec = LocalSpec(points=4, steps=400, learning_rate=0.05, samples=16, tolerance=0.001)
    optimum = optimise(linear, FullyFactorisedGaussian(3), x, [start], spec, rng, lambda cycle, bound: None)
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
    start = flow.from_gaussian(mean, -precision.diagonal().log().expand(3, 2), rng)
    spec = LocalSpec(family="af", points=3, steps=500, learning_rate=0.01, samples=16, max_cycles=2)
    optimum = optimise(linear, flow, x, [start], spec, rng, lambda cycle, bound: None)

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
        return optimise(linear, family, images, [start], spec, noise, lambda c, b: None).parameters["mean"]

    torch.testing.assert_close(run(x)[:1], run(x[:1]), atol=0.02, rtol=0)


def test_a_cycle_that_makes_a_point_worse_is_not_kept(linear: LinearGaussian) -> None:
    """Steps far too large, from the optimum: every point stays where it was, and nothing was gained."""
    x = linear.sample(3, torch.Generator().manual_seed(1))
    mean, precision = linear.posterior(x)
    start = {"mean": mean, "log_variance": -precision.diagonal().log().repeat(3, 1)}
    spec = LocalSpec(points=3, steps=2, learning_rate=1.0, samples=16, max_cycles=3)
    noise = torch.Generator().manual_seed(4)
    optimum = optimise(linear, FullyFactorisedGaussian(3), x, [start], spec, noise, lambda cycle, bound: None)
    torch.testing.assert_close(optimum.parameters, start, rtol=0, atol=0)
    assert not optimum.residual.any()
    assert len(set(optimum.bound)) == 1
    assert optimum.converged


def test_further_starts_find_the_better_of_several_optima() -> None:
    """One start ends at the nearest maximum, a tenth of a nat too low at two points; nine starts at the best."""
    generator, x = several_optima()
    best, _ = gaussian_bound(generator, x, *best_gaussian(generator, x, PosteriorGrid(generator, x)))

    def shortfall(restarts: int) -> torch.Tensor:
        noise = torch.Generator().manual_seed(2)
        narrow = {"mean": torch.full((4, 2), 1.5), "log_variance": torch.full((4, 2), -3.0)}
        starts = [narrow, *high_density_starts(generator, x, restarts, noise)]
        spec = LocalSpec(points=4, steps=150, learning_rate=0.05, samples=16, max_cycles=3)
        end = optimise(generator, FullyFactorisedGaussian(2), x, starts, spec, noise, lambda c, b: None)
        value, _ = gaussian_bound(generator, x, end.parameters["mean"], end.parameters["log_variance"])
        return best - value

    assert (shortfall(0)[:2] > 0.05).all()
    assert (shortfall(8) < 0.02).all()
    assert (shortfall(8) > -1e-6).all()


def test_bounds_are_measured_a_few_points_at_a_time(
    rng: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many points, no more rows go through the generator together than of a few; the values are the same."""
    generator = LinearGaussian(3, 6)
    x = generator.sample(12, rng)
    start = {"mean": torch.randn(12, 3, generator=rng), "log_variance": torch.zeros(12, 3)}
    spec = LocalSpec(points=12, steps=1, samples=2, max_cycles=2)
    seen, measured = [], generator.frozen_log_joint

    def watched(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        seen.append(z.shape[0] * z.shape[1])
        return measured(x, z)

    monkeypatch.setattr(generator, "frozen_log_joint", watched)

    def run(rows: int) -> LocalOptimum:
        monkeypatch.setattr(batches, "_CPU_ROWS", rows)
        noise = torch.Generator().manual_seed(4)
        return optimise(
            generator, FullyFactorisedGaussian(3), x, [start], spec, noise, lambda cycle, bound: None
        )

    whole, largest = run(12 * 256), max(seen)
    seen.clear()
    parts = run(512)
    assert largest == 12 * 256
    assert max(seen) == 512
    torch.testing.assert_close(parts.residual, whole.residual, rtol=1e-5, atol=1e-6)
