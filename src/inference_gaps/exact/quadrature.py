"""Integrals over one or two latent dimensions: Gauss-Legendre rules on cells, halved until they converge."""

import itertools
import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from inference_gaps.errors import UserError
from inference_gaps.models.generator import BernoulliGenerator

__all__ = ["PosteriorGrid", "gaussian_bound", "log_joint_at"]

_NODES = 5
_CELL_WIDTH = 0.3
# Half of the cells along one side: of the square that nearly all posteriors lie in, and of the larger ones.
_HALF_CELLS = (20, 30, 40, 50, 60)
_STANDARD_HALF_WIDTH = 7.0
_STANDARD_CELLS = 6
_LEVELS = 5
_TOLERANCE = 1.0e-5
_NEGLIGIBLE = -25.0
_NODES_AT_ONCE = 4096
_LOG_2PI = math.log(2 * math.pi)


def _rule(d: int) -> tuple[Tensor, Tensor]:
    """Nodes [n, d] in [0, 1]^d and weights [n] of the product rule."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    axis, mass = torch.from_numpy((nodes + 1) / 2), torch.from_numpy(weights / 2)
    return (
        torch.cartesian_prod(*[axis] * d).reshape(-1, d),
        torch.cartesian_prod(*[mass] * d).reshape(-1, d).prod(1),
    )


def _cells(half_width: float, count: int, d: int) -> Tensor:
    """Lower corners [count^d, d] of the cells that cover [-half_width, half_width]^d."""
    axis = -half_width + 2 * half_width / count * torch.arange(count, dtype=torch.float64)
    return torch.cartesian_prod(*[axis] * d).reshape(-1, d)


def _halves(corners: Tensor, width: float) -> Tensor:
    """Corners of the 2^d cells of half the width that each cell consists of."""
    d = corners.shape[1]
    shifts = torch.tensor(list(itertools.product((0.0, width / 2), repeat=d)), dtype=torch.float64)
    return (corners.unsqueeze(1) + shifts).reshape(-1, d)


def _log_prior(z: Tensor) -> Tensor:
    return -0.5 * (z.square().sum(-1) + z.shape[-1] * _LOG_2PI)


@torch.no_grad()
def log_joint_at(generator: BernoulliGenerator, x: Tensor, z: Tensor) -> Tensor:
    """log p(x, z) [B, n] at the same nodes z [n, d] for all points; the decoder sees each node once."""
    parts = []
    for some in z.split(_NODES_AT_ONCE):
        logits = generator.logits(some)
        parts.append(x @ logits.mT - functional.softplus(logits).sum(1) + _log_prior(some))
    return torch.cat(parts, dim=1)


class PosteriorGrid:
    """log p(x, z) on a grid over z, whose cells are halved until log p(x) of no point changes.

    The grid covers [-6, 6]^d, and is widened, at most to [-18, 18]^d, until its outermost cells hold a share below
    exp(-25) of every point's mass. Cells that hold as little are not refined.

    Args:
        generator: one or two latent dimensions, in float64.
        x: [B, D] in float64.

    Attributes:
        log_marginal: log p(x) [B] in nats.
        change: how much the last halving changed it [B].

    Raises:
        UserError: a posterior lies farther out.
    """

    def __init__(self, generator: BernoulliGenerator, x: Tensor) -> None:
        corners, per_cell = self._wide_enough(generator, x)
        width = _CELL_WIDTH
        for _ in range(1, _LEVELS):
            previous = self.log_marginal
            share = per_cell - previous.unsqueeze(1)
            corners, width = _halves(corners[(share > _NEGLIGIBLE).any(0)], width), width / 2
            per_cell = self._evaluate(generator, x, corners, width)
            self.change = (self.log_marginal - previous).abs()
            if self.change.max() < _TOLERANCE:
                break

    def _evaluate(self, generator: BernoulliGenerator, x: Tensor, corners: Tensor, width: float) -> Tensor:
        """Put the nodes into these cells; return the log of the mass of each [B, cells]."""
        d = generator.latent_dim
        rule, mass = _rule(d)
        self._nodes = (corners.unsqueeze(1) + width * rule).reshape(-1, d)
        log_weights = (mass.log() + d * math.log(width)).repeat(len(corners))
        self._log_mass = log_joint_at(generator, x, self._nodes) + log_weights
        per_cell = torch.logsumexp(self._log_mass.unflatten(1, (len(corners), -1)), dim=2)
        self.log_marginal = torch.logsumexp(per_cell, dim=1)
        return per_cell

    def _wide_enough(self, generator: BernoulliGenerator, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cells of the smallest square whose edge holds next to nothing, and the log of their mass."""
        d = generator.latent_dim
        for half in _HALF_CELLS:
            half_width = half * _CELL_WIDTH
            corners = _cells(half_width, 2 * half, d)
            per_cell = self._evaluate(generator, x, corners, _CELL_WIDTH)
            centres = corners + _CELL_WIDTH / 2
            outermost = (centres.abs() > half_width - _CELL_WIDTH).any(1)
            at_the_edge = torch.logsumexp(per_cell[:, outermost], 1) - self.log_marginal
            if at_the_edge.max() < _NEGLIGIBLE:
                return corners, per_cell
        raise UserError(
            f"The posterior of a data point reaches beyond {half_width:g} in a latent dimension, where the prior "
            f"has nothing; this model did not train well, so look at its training curve."
        )

    def mode(self) -> Tensor:
        """Return the node that carries most of p(z|x) [B, d]."""
        return self._nodes[self._log_mass.argmax(1)]

    def samples(self, count: int) -> Tensor:
        """Return ``count`` samples of p(z|x) [count, B, d], drawn from the nodes."""
        rng = torch.Generator().manual_seed(0)
        drawn = torch.multinomial(
            torch.softmax(self._log_mass, dim=1), count, replacement=True, generator=rng
        )
        return self._nodes[drawn.mT]

    def moments(self) -> tuple[Tensor, Tensor]:
        """Return mean and variance of p(z|x), both [B, d]."""
        share = torch.softmax(self._log_mass, dim=1)
        mean = share @ self._nodes
        return mean, share @ self._nodes.square() - mean.square()


@torch.no_grad()
def gaussian_bound(
    generator: BernoulliGenerator, x: Tensor, mean: Tensor, log_variance: Tensor
) -> tuple[Tensor, Tensor]:
    """Integrate L[q] of q = N(mean, diag exp(log_variance)) over seven standard deviations of q.

    Args:
        generator: one or two latent dimensions, in float64.
        x: [B, D] in float64.
        mean: [B, d] in float64.
        log_variance: [B, d] in float64.

    Returns:
        The bound [B] in nats, and how much the last halving of the cells changed it.
    """
    d = mean.shape[1]
    rule, mass = _rule(d)
    scale = torch.exp(0.5 * log_variance)
    entropy = 0.5 * (log_variance.sum(1) + d * (1 + _LOG_2PI))
    value = torch.full((len(x),), -math.inf, dtype=torch.float64)
    change = torch.full_like(value, math.inf)
    for level in range(_LEVELS):
        count = _STANDARD_CELLS * 2**level
        width = 2 * _STANDARD_HALF_WIDTH / count
        corners = _cells(_STANDARD_HALF_WIDTH, count, d)
        u = (corners.unsqueeze(1) + width * rule).reshape(-1, d)
        weights = (width**d * mass).repeat(len(corners)) * _log_prior(u).exp()
        expected = [
            weights @ log_joint_at(generator, x[i : i + 1], mean[i] + scale[i] * u)[0] for i in range(len(x))
        ]
        refined = torch.stack(expected) + entropy
        change, value = (refined - value).abs(), refined
        if change.max() < _TOLERANCE:
            break
    return value, change
