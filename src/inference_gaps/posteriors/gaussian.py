"""Diagonal Gaussians, and FFG: the fully-factorised Gaussian posterior."""

import math
from typing import Self

import torch
from torch import Tensor

from inference_gaps.posteriors.family import Parameters, PosteriorFamily

__all__ = ["FullyFactorisedGaussian", "normal_log_prob", "reparameterise", "standard_normal_log_prob"]

_LOG_2PI = math.log(2 * math.pi)


def standard_normal_log_prob(z: Tensor) -> Tensor:
    """Log density of N(0, I): [..., d] -> [...], in nats."""
    return -0.5 * (z.square().sum(-1) + z.shape[-1] * _LOG_2PI)


def normal_log_prob(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Log density of N(mean, diag exp(log_variance)): [..., d] -> [...], in nats."""
    squared = (z - mean).square() * torch.exp(-log_variance)
    return -0.5 * ((squared + log_variance).sum(-1) + z.shape[-1] * _LOG_2PI)


def reparameterise(noise: Tensor, mean: Tensor, log_variance: Tensor) -> tuple[Tensor, Tensor]:
    """Map standard normal ``noise`` to a sample of N(mean, diag exp(log_variance)) and its log density.

    The density is written in terms of the noise, which spares the division by the standard deviation.
    """
    sample = mean + torch.exp(0.5 * log_variance) * noise
    return sample, standard_normal_log_prob(noise) - 0.5 * log_variance.sum(-1)


class FullyFactorisedGaussian(PosteriorFamily):
    """q(z) = N(z; mean, diag exp(log_variance)) (paper section 2)."""

    def __init__(self, latent_dim: int) -> None:
        self.latent_dim = self.noise_dim = latent_dim

    @classmethod
    def amortized(cls, latent_dim: int, steps: int, hidden: int) -> Self:
        """See :meth:`PosteriorFamily.amortized`."""
        return cls(latent_dim)

    @classmethod
    def local(cls, latent_dim: int, steps: int, hidden: int) -> Self:
        """See :meth:`PosteriorFamily.local`."""
        return cls(latent_dim)

    def from_gaussian(
        self, mean: Tensor, log_variance: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """See :meth:`PosteriorFamily.from_gaussian`."""
        return {"mean": mean, "log_variance": log_variance}

    def mean(self, parameters: Parameters) -> Tensor:
        """See :meth:`PosteriorFamily.mean`."""
        return parameters["mean"]

    def log_prob(self, parameters: Parameters, z: Tensor) -> Tensor:
        """See :meth:`PosteriorFamily.log_prob`."""
        return normal_log_prob(z, parameters["mean"].unsqueeze(1), parameters["log_variance"].unsqueeze(1))

    def transform(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`PosteriorFamily.transform`."""
        return reparameterise(noise, parameters["mean"].unsqueeze(1), parameters["log_variance"].unsqueeze(1))

    def path_transform(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`PosteriorFamily.path_transform`."""
        mean, log_variance = parameters["mean"].unsqueeze(1), parameters["log_variance"].unsqueeze(1)
        z, _ = reparameterise(noise, mean, log_variance)
        return z, normal_log_prob(z, mean.detach(), log_variance.detach())
