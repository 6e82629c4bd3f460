"""Small models as somebody else would have them, with answers that are known."""

import math

import torch
from torch import Tensor, nn

from inference_gaps.foreign.likelihoods.continuous import Gaussian
from inference_gaps.foreign.likelihoods.discrete import Bernoulli
from inference_gaps.foreign.vae import Vae

QUICK = {"samples": 500, "steps": 60, "chains": 8, "distributions": 10, "leapfrog_steps": 3, "simulated": 4}
"""Amount of work for tests that do not look at how good the numbers are."""


class Linear(nn.Module):
    """x = W z + b + sigma * noise, and a recognition network that is off by a little."""

    def __init__(self, latent_dim: int = 4, dimension: int = 12, sigma: float = 0.5, seed: int = 0) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        self.sigma, self.latent_dim = sigma, latent_dim
        self.decoder = nn.Linear(latent_dim, dimension)
        self.encoder = nn.Linear(dimension, 2 * latent_dim)
        with torch.no_grad():
            weight = torch.randn(dimension, latent_dim, generator=rng)
            bias = torch.randn(dimension, generator=rng)
            self.decoder.weight.copy_(weight)
            self.decoder.bias.copy_(bias)
            pull = torch.linalg.solve(self.precision, weight.mT / sigma**2)
            variance = -self.precision.diagonal().log() + 0.2
            self.encoder.weight.copy_(torch.cat([pull, torch.zeros_like(pull)]))
            self.encoder.bias.copy_(torch.cat([0.05 - pull @ bias, variance]))
        self.eval()

    @property
    def precision(self) -> Tensor:
        weight = self.decoder.weight.detach()
        return torch.eye(weight.shape[1], dtype=weight.dtype) + weight.mT @ weight / self.sigma**2

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return mean, log_variance

    def vae(self, **changes: object) -> Vae:
        description: dict[str, object] = {
            "encode": self.encode,
            "decode": self.decoder,
            "latent_dim": self.latent_dim,
            "likelihood": Gaussian(sigma=self.sigma),
        }
        return Vae(**{**description, **changes})  # type: ignore[arg-type]

    @torch.no_grad()
    def data(self, points: int, seed: int = 1) -> Tensor:
        rng = torch.Generator().manual_seed(seed)
        weight = self.decoder.weight
        z = torch.randn(points, self.latent_dim, generator=rng, dtype=weight.dtype)
        noise = torch.randn(points, len(weight), generator=rng, dtype=weight.dtype)
        return self.decoder(z) + self.sigma * noise

    def log_marginal(self, x: Tensor) -> Tensor:
        weight, bias = self.decoder.weight.detach().double(), self.decoder.bias.detach().double()
        covariance = weight @ weight.mT + self.sigma**2 * torch.eye(len(weight), dtype=torch.float64)
        return torch.distributions.MultivariateNormal(bias, covariance).log_prob(x.double())

    def approximation_gap(self) -> float:
        precision = self.precision.double()
        return 0.5 * (precision.diagonal().log().sum() - torch.logdet(precision)).item()

    @torch.no_grad()
    def elbo(self, x: Tensor) -> Tensor:
        """L[q] [B], by its formula."""
        mean, log_variance = (each.double() for each in self.encode(x))
        weight = self.decoder.weight.double()
        error = x.double() - mean @ weight.mT - self.decoder.bias.double()
        dimension = x.shape[1]
        spread = (log_variance.exp() * weight.square().sum(0)).sum(1)
        likelihood = -0.5 * (error.square().sum(1) + spread) / self.sigma**2
        likelihood -= 0.5 * dimension * math.log(2 * math.pi * self.sigma**2)
        return likelihood - 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)


class Digits(nn.Module):
    """A perceptron of Bernoulli pixels that was not trained, with dropout and batch normalisation."""

    def __init__(self, latent_dim: int = 2, dimension: int = 20, dropout: float = 0.3) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.latent_dim = latent_dim
        self.encoder = nn.Sequential(
            nn.Linear(dimension, 16),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(16, 2 * latent_dim),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, 16),
            nn.BatchNorm1d(16),
            nn.Tanh(),
            nn.Dropout(dropout),
            nn.Linear(16, dimension),
        )

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return mean, log_variance

    def vae(self, **changes: object) -> Vae:
        description: dict[str, object] = {
            "encode": self.encode,
            "decode": self.decoder,
            "latent_dim": self.latent_dim,
            "likelihood": Bernoulli(),
        }
        return Vae(**{**description, **changes})  # type: ignore[arg-type]

    @staticmethod
    def data(points: int, dimension: int = 20) -> Tensor:
        return torch.rand(points, dimension, generator=torch.Generator().manual_seed(4)).round()
