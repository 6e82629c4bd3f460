"""A model whose log p(x), posterior and best factorised Gaussian are known exactly."""

import math

import torch
from torch import Tensor

from inference_gaps.models.generator import Generator
from inference_gaps.posteriors.gaussian import standard_normal_log_prob


class LinearGaussian(Generator):
    """x = W z + b + noise of standard deviation ``sigma``, z ~ N(0, I)."""

    def __init__(self, latent_dim: int, dimension: int, sigma: float = 0.5, seed: int = 0) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        self.latent_dim = latent_dim
        self.weight = torch.randn(dimension, latent_dim, generator=rng)
        self.offset = torch.randn(dimension, generator=rng)
        self.sigma = sigma

    def logits(self, z: Tensor) -> Tensor:
        return z @ self.weight.mT + self.offset

    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        error = (x.unsqueeze(1) - self.logits(z)) / self.sigma
        constant = x.shape[1] * math.log(self.sigma)
        return standard_normal_log_prob(error) - constant + standard_normal_log_prob(z)

    def sample(self, points: int, rng: torch.Generator) -> Tensor:
        z = torch.randn(points, self.latent_dim, generator=rng)
        noise = torch.randn(points, self.weight.shape[0], generator=rng)
        return self.logits(z) + self.sigma * noise

    def log_marginal(self, x: Tensor) -> Tensor:
        covariance = self.weight @ self.weight.mT + self.sigma**2 * torch.eye(x.shape[1])
        return torch.distributions.MultivariateNormal(self.offset, covariance).log_prob(x)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean [B, d] and precision [d, d] of p(z|x)."""
        precision = torch.eye(self.latent_dim) + self.weight.mT @ self.weight / self.sigma**2
        mean = torch.linalg.solve(precision, ((x - self.offset) @ self.weight / self.sigma**2).mT).mT
        return mean, precision

    def gaussian_gap(self) -> float:
        """log p(x) - L[q*] of the best factorised Gaussian, whose variances are 1 / precision_ii."""
        _, precision = self.posterior(self.offset.unsqueeze(0))
        return 0.5 * (precision.diagonal().log().sum() - torch.logdet(precision)).item()
