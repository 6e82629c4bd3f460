"""Targets with exact samples, for transitions and annealing."""

import math

import torch
from torch import Tensor

from inference_gaps.bounds.ais import whitened_potential
from inference_gaps.bounds.hmc import ChainState, Potential
from inference_gaps.models.mlp import MlpGenerator
from tests.linear_gaussian import LinearGaussian


def state_at(potential: Potential, u: Tensor) -> ChainState:
    """Return the state of chains at ``u`` [B, C, d], everything evaluated there."""
    value, gradient = potential(u, True)
    assert value is not None
    return ChainState(u, value, gradient)


def ring(u: Tensor, with_value: bool) -> tuple[Tensor | None, Tensor]:
    """An uneven ring in two dimensions, -(|u|^2 - 2)^2 / 2 + sin(2 u_1 + u_2), at most 1."""
    excess = u.square().sum(-1) - 2
    angle = 2 * u[..., 0] + u[..., 1]
    slope = torch.stack([2 * angle.cos(), angle.cos()], dim=-1)
    gradient = -2 * excess.unsqueeze(-1) * u + slope
    return (-0.5 * excess.square() + angle.sin()) if with_value else None, gradient


def ring_samples(count: int, beta: float, rng: torch.Generator) -> Tensor:
    """Return exact samples [1, count, 2] of N(0, I) exp(beta ring): draws of the prior, some refused."""
    kept = torch.empty(0, 2)
    while len(kept) < count:
        u = torch.randn(4 * count, 2, generator=rng)
        value, _ = ring(u, True)
        assert value is not None
        taken = torch.rand(len(u), generator=rng) < (beta * (value - 1)).exp()
        kept = torch.cat([kept, u[taken]])
    return kept[:count].unsqueeze(0)


def network_potential(points: int = 2) -> Potential:
    """Return the potential of a curved decoder with two latent dimensions, started from Gaussians."""
    rng = torch.Generator().manual_seed(11)
    generator = MlpGenerator(2, [6], 8, "tanh").requires_grad_(False)
    for parameter in generator.parameters():
        parameter.copy_(1.5 * torch.randn(parameter.shape, generator=rng))
    x = torch.rand(points, 8, generator=rng).round()
    location = torch.randn(points, 2, generator=rng)
    scale = 0.5 + torch.rand(points, 2, generator=rng)
    return whitened_potential(generator, x, location, scale)


def several_optima() -> tuple[MlpGenerator, Tensor]:
    """Return a folded decoder and points [B, D]: L[q] has maxima over one mode and over two modes at once."""
    rng = torch.Generator().manual_seed(0)
    generator = MlpGenerator(2, [8], 60, "tanh", folded=True).requires_grad_(False)
    for parameter, scale in zip(generator.parameters(), (1.5, 1.5, 0.6, 1.5)):
        parameter.copy_(scale * torch.randn(parameter.shape, generator=rng))
    return generator, generator.simulate(torch.randn(4, 2, generator=rng), rng)


def posterior_samples(model: LinearGaussian, x: Tensor, rng: torch.Generator) -> Tensor:
    """Return one exact sample of p(z|x) for each row of ``x``: [B, D] -> [B, d]."""
    mean, precision = model.posterior(x)
    noise = torch.randn(mean.shape, generator=rng)
    # With precision = L L', L'^-1 noise has the covariance precision^-1.
    factor = torch.linalg.cholesky(precision)
    return mean + torch.linalg.solve_triangular(factor.mT, noise.mT, upper=True).mT


def wide_start(model: LinearGaussian, x: Tensor, offset: float = 2.0) -> tuple[Tensor, Tensor]:
    """Return location and scale [B, d] of a start wider than the posterior of ``x``, off by ``offset`` scales."""
    mean, precision = model.posterior(x)
    scale = 1.5 * precision.diagonal().rsqrt().expand_as(mean)
    return mean + offset * scale, scale


def weighted_slope(x: list[float], y: list[float], errors: list[float]) -> tuple[float, float]:
    """Return the slope of the weighted least-squares line of y on x, and its standard error."""
    weights = [error**-2 for error in errors]
    total = sum(weights)
    centre = sum(w * a for w, a in zip(weights, x)) / total
    spread = sum(w * (a - centre) ** 2 for w, a in zip(weights, x))
    return sum(w * (a - centre) * b for w, a, b in zip(weights, x, y)) / spread, 1 / math.sqrt(spread)
