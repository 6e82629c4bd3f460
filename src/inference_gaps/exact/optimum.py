"""The best factorised Gaussian for a posterior over one or two latent dimensions, without Monte-Carlo noise.

L[q] is an integral against a Gaussian, which Gauss-Hermite nodes give without noise. Where the posterior has
several modes, L[q] has several maxima, so the search starts at many places: narrow at the highest peak of the
posterior and at exact samples of it, wide over its moments, over the prior and over mirror images of the peak.
A few nodes are enough for the search; many rank the ends and refine the best.
"""

import itertools
import math

import numpy as np
import torch
from torch import Tensor

from inference_gaps.exact.quadrature import PosteriorGrid
from inference_gaps.models.generator import BernoulliGenerator

__all__ = ["best_gaussian"]

_NODES_OF_SEARCH = 8
_NODES = 24
_SEARCH_STEPS = 200
_RATE = 0.05
_REFINEMENTS = 100
_NARROW = 0.2
_SAMPLED_STARTS = 6


def _hermite(count: int, d: int) -> tuple[Tensor, Tensor]:
    """Nodes [count^d, d] and weights [count^d] of the mean under N(0, I)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    axis, mass = torch.from_numpy(nodes), torch.from_numpy(weights / math.sqrt(2 * math.pi))
    return (
        torch.cartesian_prod(*[axis] * d).reshape(-1, d),
        torch.cartesian_prod(*[mass] * d).reshape(-1, d).prod(1),
    )


def _bound(generator: BernoulliGenerator, x: Tensor, parameters: Tensor, count: int) -> Tensor:
    """L[q] [B] for parameters [B, 2d] (means, log variances)."""
    d = generator.latent_dim
    nodes, mass = _hermite(count, d)
    mean, log_variance = parameters[:, :d].unsqueeze(1), parameters[:, d:].unsqueeze(1)
    z = mean + torch.exp(0.5 * log_variance) * nodes
    entropy = 0.5 * (log_variance.sum((1, 2)) + d * (1 + math.log(2 * math.pi)))
    return generator.frozen_log_joint(x, z) @ mass + entropy


def _search(generator: BernoulliGenerator, x: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """Climb from ``start`` [B, 2d] by Adam with a falling rate; return where it ended and the bound [B]."""
    parameters = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([parameters], lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _SEARCH_STEPS)
    for _ in range(_SEARCH_STEPS):
        optimiser.zero_grad()
        (-_bound(generator, x, parameters, _NODES_OF_SEARCH).sum()).backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return parameters.detach(), _bound(generator, x, parameters, _NODES)


def _refine(generator: BernoulliGenerator, x: Tensor, start: Tensor) -> Tensor:
    """Go from ``start`` [B, 2d] to the nearest maximum by L-BFGS."""
    parameters = start.clone().requires_grad_()
    optimiser = torch.optim.LBFGS(
        [parameters], max_iter=_REFINEMENTS, line_search_fn="strong_wolfe", tolerance_change=1e-12
    )

    def step() -> Tensor:
        optimiser.zero_grad()
        loss = -_bound(generator, x, parameters, _NODES).sum()
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
    mean, variance = grid.moments()
    peak, narrow = grid.mode(), torch.full_like(mean, 2 * math.log(_NARROW))
    starts = [torch.cat([mean, variance.log()], dim=1), torch.zeros_like(mean).repeat(1, 2)]
    starts += [torch.cat([centre, narrow], dim=1) for centre in (peak, *grid.samples(_SAMPLED_STARTS))]
    for mirrored in itertools.product((False, True), repeat=mean.shape[1]):
        if any(mirrored):
            across = torch.tensor(mirrored)
            centre = peak.masked_fill(across, 0.0)
            starts.append(torch.cat([centre, torch.where(across, 2 * peak.abs().log(), narrow)], dim=1))
    images = x.repeat(len(starts), 1)
    ends, bounds = _search(generator, images, torch.cat(starts))
    best = bounds.view(len(starts), -1).argmax(0)
    chosen = ends.view(len(starts), len(x), -1)[best, torch.arange(len(x))]
    refined = _refine(generator, x, chosen)
    return refined[:, : mean.shape[1]], refined[:, mean.shape[1] :]
