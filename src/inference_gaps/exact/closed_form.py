"""Closed formulas of a linear-Gaussian model.

With x = W z + sigma * noise and z ~ N(0, I), and M = I + W'W / sigma^2:

    p(z|x)  = N(m, M^-1),  m = M^-1 W'x / sigma^2
    log p(x) = -1/2 [D log(2 pi sigma^2) + log det M + (|x|^2 - m'W'x) / sigma^2]
    L[q]    = log p(x) - KL(q || p(z|x))                      for any Gaussian q
    q*_FFG  = N(m, diag 1 / M_ii),  log p(x) - L[q*_FFG] = 1/2 (sum_i log M_ii - log det M)

References: Tipping and Bishop, 1999; Bishop, *Pattern Recognition and Machine Learning*, 2006, section 10.1.2.
"""

import math

import torch
from torch import Tensor

from inference_gaps.models.linear_gaussian import LinearGaussianGenerator

__all__ = ["LinearGaussianAnswers"]


class LinearGaussianAnswers:
    """Answers at data points ``x`` [B, D], in float64 and nats."""

    def __init__(self, generator: LinearGaussianGenerator, x: Tensor) -> None:
        weight, x = generator.weight.double().cpu(), x.double().cpu()
        variance = generator.noise**2
        self._d, dimension = weight.shape[1], weight.shape[0]
        self.precision = torch.eye(self._d, dtype=torch.float64) + weight.mT @ weight / variance
        pull = x @ weight
        self.mean = torch.linalg.solve(self.precision, pull.mT / variance).mT
        self._log_det = torch.logdet(self.precision)
        quadratic = (x.square().sum(1) - (self.mean * pull).sum(1)) / variance
        constant = dimension * math.log(2 * math.pi * variance)
        self.log_marginal = -0.5 * (constant + self._log_det + quadratic)

    def gaussian_bound(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Return L[q] [B] of q = N(mean, diag exp(log_variance)), both [B, d]."""
        mean, log_variance = mean.double().cpu(), log_variance.double().cpu()
        error = mean - self.mean
        distance = ((error @ self.precision) * error).sum(1)
        trace = (log_variance.exp() * self.precision.diagonal()).sum(1)
        divergence = 0.5 * (trace + distance - self._d - log_variance.sum(1) - self._log_det)
        return self.log_marginal - divergence

    def best_gaussian_bound(self) -> Tensor:
        """Return L[q*_FFG] [B]."""
        return self.log_marginal - 0.5 * (self.precision.diagonal().log().sum() - self._log_det)
