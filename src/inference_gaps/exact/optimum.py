"""The best factorised Gaussian for a posterior over one or two latent dimensions, without Monte-Carlo noise.

L[q] = E_q[log p(x, z)] + H[q] has several maxima where the posterior has several modes. The expectation is a
sum over a grid of values of log p(x, z) that are computed once, with weights that are a product over axes, so
that a climb costs next to nothing and many starts can be tried: narrow and wide in either dimension, at the peak
of the posterior, at its mean, at exact samples of it and at zero. The best end is then refined, on the grid and
on Gauss-Hermite nodes, which stay exact where q is narrower than the grid's spacing.
"""

import itertools
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from inference_gaps.exact.quadrature import PosteriorGrid, gaussian_bound, log_joint_at
from inference_gaps.models.generator import BernoulliGenerator

__all__ = ["best_gaussian"]

_HALF_WIDTH = 7.0
_NODES = 225
_WIDTHS = (0.15, 0.5, 1.2)
_SAMPLED_STARTS = 6
_SEARCH_STEPS = 200
_RATE = 0.05
_HERMITE_NODES = 24
_REFINEMENTS = 100

_Objective = Callable[[Tensor], Tensor]
"""Maps parameters [B, S, 2d] (means, log variances) to L[q] [B, S]."""


def _with_entropy(expected: Tensor, log_variance: Tensor) -> Tensor:
    d = log_variance.shape[-1]
    return expected + 0.5 * (log_variance.sum(-1) + d * (1 + math.log(2 * math.pi)))


def _on_grid(generator: BernoulliGenerator, x: Tensor) -> _Objective:
    """L[q] by the trapezoidal rule, whose error is exp(-2 (pi s / h)^2) for deviations s and spacing h."""
    d = generator.latent_dim
    axis = torch.linspace(-_HALF_WIDTH, _HALF_WIDTH, _NODES, dtype=torch.float64)
    table = log_joint_at(generator, x, torch.cartesian_prod(*[axis] * d).reshape(-1, d))
    table = table.unflatten(1, (_NODES, -1))

    def bound(parameters: Tensor) -> Tensor:
        mean, log_variance = parameters.chunk(2, dim=-1)
        squared = (axis - mean.unsqueeze(-1)).square() * torch.exp(-log_variance).unsqueeze(-1)
        weights = torch.softmax(-0.5 * squared, dim=-1)
        partial = weights[:, :, 0] @ table
        expected = partial.squeeze(-1) if d == 1 else (partial * weights[:, :, 1]).sum(-1)
        return _with_entropy(expected, log_variance)

    return bound


def _on_hermite_nodes(generator: BernoulliGenerator, x: Tensor) -> _Objective:
    """L[q] by a Gauss-Hermite rule, which moves and stretches with q."""
    d = generator.latent_dim
    axis, mass = np.polynomial.hermite_e.hermegauss(_HERMITE_NODES)
    nodes = torch.cartesian_prod(*[torch.from_numpy(axis)] * d).reshape(-1, d)
    weights = torch.cartesian_prod(*[torch.from_numpy(mass / mass.sum())] * d).reshape(-1, d).prod(1)

    def bound(parameters: Tensor) -> Tensor:
        mean, log_variance = parameters.chunk(2, dim=-1)
        z = mean.unsqueeze(2) + torch.exp(0.5 * log_variance).unsqueeze(2) * nodes
        values = generator.frozen_log_joint(x, z.flatten(1, 2)).unflatten(1, z.shape[1:3])
        return _with_entropy(values @ weights, log_variance)

    return bound


def _starts(grid: PosteriorGrid) -> Tensor:
    """Parameters to climb from [B, S, 2d]."""
    mean, variance = grid.moments()
    d = mean.shape[1]
    starts = [torch.cat([mean, variance.log()], dim=1)]
    for centre in (torch.zeros_like(mean), mean, grid.mode(), *grid.samples(_SAMPLED_STARTS)):
        for widths in itertools.product(_WIDTHS, repeat=d):
            log_variance = 2 * torch.tensor(widths, dtype=torch.float64).log()
            starts.append(torch.cat([centre, log_variance.expand_as(centre)], dim=1))
    return torch.stack(starts, dim=1)


def _climb(objective: _Objective, start: Tensor) -> Tensor:
    """Go up from ``start`` by Adam with a falling rate; no narrower than the grid's spacing."""
    narrowest = 2 * math.log(2 * _HALF_WIDTH / (_NODES - 1))
    parameters = start.clone().requires_grad_()
    d = start.shape[-1] // 2
    optimiser = torch.optim.Adam([parameters], lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _SEARCH_STEPS)
    for _ in range(_SEARCH_STEPS):
        optimiser.zero_grad()
        (-objective(parameters).sum()).backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            parameters[..., d:].clamp_(min=narrowest)
    return parameters.detach()


def _refine(objective: _Objective, start: Tensor) -> Tensor:
    """Go from ``start`` [B, 1, 2d] to the nearest maximum by L-BFGS."""
    parameters = start.clone().requires_grad_()
    optimiser = torch.optim.LBFGS(
        [parameters], max_iter=_REFINEMENTS, line_search_fn="strong_wolfe", tolerance_change=1e-12
    )

    def step() -> Tensor:
        optimiser.zero_grad()
        loss = -objective(parameters).sum()
        loss.backward()
        return loss

    optimiser.step(step)  # type: ignore[arg-type]
    return parameters.detach()


def best_gaussian(generator: BernoulliGenerator, x: Tensor, grid: PosteriorGrid) -> tuple[Tensor, Tensor]:
    """Return mean and log variance of q*_FFG, both [B, d].

    Args:
        generator: weights frozen, in float64.
        x: [B, D] in float64.
        grid: of the same points, for the starts.
    """
    on_grid = _on_grid(generator, x)
    ends = _climb(on_grid, _starts(grid))
    with torch.no_grad():
        best = on_grid(ends).argmax(1)
    points = torch.arange(len(x))
    chosen = ends[points, best].unsqueeze(1)
    refined = torch.cat([_refine(on_grid, chosen), _refine(_on_hermite_nodes(generator, x), chosen)], dim=1)
    values = [gaussian_bound(generator, x, *refined[:, i].chunk(2, dim=1))[0] for i in range(2)]
    mean, log_variance = refined[points, torch.stack(values).argmax(0)].chunk(2, dim=1)
    return mean, log_variance
