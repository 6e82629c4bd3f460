"""ELBO and IWAE bounds from importance weights w_i = p(x, z_i) / q(z_i), z_i ~ q.

    ELBO = E[log w]                      (paper equation 2)
    IWAE_k = E[log (1/k) sum_i w_i]      (Burda et al. 2015; paper section 2.3)

Both are lower bounds on log p(x); for a posterior with auxiliary variables log q stands for
log q(z, v) - log r(v|z), and both stay lower bounds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from inference_gaps.models.generator import Generator
from inference_gaps.posteriors.family import Sampler

__all__ = ["Bound", "WeightTerms", "elbo", "log_mean_weight", "log_weights", "weight_terms"]

WeightTerms = Callable[[int], tuple[Tensor, Tensor]]
"""Returns log p(x, z) and log q(z), both [B, n] in nats, at n samples z of q."""


@dataclass(frozen=True)
class Bound:
    """A bound per data point, all tensors [B] in float64.

    Attributes:
        value: nats.
        standard_error: Monte-Carlo standard error of ``value``, nats.
        effective_sample_size: (sum w)^2 / sum w^2, between 1 and the number of weights.
    """

    value: Tensor
    standard_error: Tensor
    effective_sample_size: Tensor

    def negated(self) -> "Bound":
        """Return the bound of the other sign, with the same error."""
        return Bound(-self.value, self.standard_error, self.effective_sample_size)


def weight_terms(generator: Generator, x: Tensor, draw: Sampler, rng: torch.Generator) -> WeightTerms:
    """Return what :func:`log_weights` asks for.

    Args:
        generator: p(x, z).
        x: [B, D].
        draw: from q at these points.
        rng: on the device of ``x``.
    """

    def terms(n: int) -> tuple[Tensor, Tensor]:
        z, log_q = draw(n, rng)
        return generator.log_joint(x, z), log_q

    return terms


def log_weights(sample: WeightTerms, samples: int, chunk: int) -> Tensor:
    """Collect log w [B, samples], ``chunk`` samples at a time."""
    parts = []
    for start in range(0, samples, chunk):
        log_joint, log_q = sample(min(chunk, samples - start))
        parts.append((log_joint - log_q).double())
    return torch.cat(parts, dim=1)


def _effective_sample_size(log_w: Tensor) -> Tensor:
    return torch.exp(2 * torch.logsumexp(log_w, 1) - torch.logsumexp(2 * log_w, 1))


def elbo(log_w: Tensor) -> Bound:
    """Return the mean of log w [B, k] and its standard error."""
    k = log_w.shape[1]
    return Bound(log_w.mean(1), log_w.std(1) / math.sqrt(k), _effective_sample_size(log_w))


def log_mean_weight(log_w: Tensor) -> Bound:
    """Return log (1/k) sum w for log w [B, k], the estimate that IWAE and AIS share.

    Its standard error is that of the mean weight, relative to it (delta method):
    sqrt((k / ESS - 1) / (k - 1)).
    """
    k = log_w.shape[1]
    size = _effective_sample_size(log_w)
    relative_variance = (k / size - 1).clamp(min=0) / (k - 1)
    return Bound(torch.logsumexp(log_w, 1) - math.log(k), relative_variance.sqrt(), size)
