"""Local optimisation written plainly: one data point at a time, 100 samples a step, the authors' stopping rule."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["SAMPLES", "PlainFlow", "PlainGaussian", "bound", "optimise_point"]

SAMPLES = 100
_WINDOW, _PATIENCE, _LEARNING_RATE = 100, 10, 1e-3


def _log_normal(value: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    scale = torch.exp(0.5 * log_variance)
    return torch.distributions.Normal(mean, scale).log_prob(value).sum(-1)


class PlainGaussian(nn.Module):
    """q(z) = N(mean, diag exp(log_variance)) of one data point."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.noise_dim = latent_dim
        self.mean = nn.Parameter(torch.zeros(latent_dim))
        self.log_variance = nn.Parameter(torch.zeros(latent_dim))

    def forward(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Map noise [n, d] to z [n, d] and log q(z) [n]."""
        z = self.mean + torch.exp(0.5 * self.log_variance) * noise
        return z, _log_normal(z, self.mean, self.log_variance)


class PlainFlow(nn.Module):
    """The auxiliary flow of one data point, with two steps.

    With ``copies``, sample i takes the i-th mean and log variance of v; the networks are those of all samples.
    """

    def __init__(self, latent_dim: int, hidden: int = 200, steps: int = 2, copies: int = 1) -> None:
        super().__init__()
        d = self.latent_dim = latent_dim
        self.noise_dim = 2 * d
        self.mean = nn.Parameter(torch.zeros(copies, d))
        self.log_variance = nn.Parameter(torch.zeros(copies, d))

        def gaussian() -> nn.Sequential:
            return nn.Sequential(
                nn.Linear(d, hidden), nn.ELU(), nn.Linear(hidden, hidden), nn.ELU(), nn.Linear(hidden, 2 * d)
            )

        def step() -> nn.Sequential:
            return nn.Sequential(nn.Linear(d, hidden), nn.Tanh(), nn.Linear(hidden, 2 * d))

        self.second, self.reverse = gaussian(), gaussian()
        self.steps = nn.ModuleList(nn.ModuleList([step(), step()]) for _ in range(steps))

    def forward(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Map noise [n, 2d] to z [n, d] and log q(z, v) - log r(v|z) [n]."""
        d = self.latent_dim
        v = self.mean + torch.exp(0.5 * self.log_variance) * noise[:, :d]
        mean, log_variance = self.second(v).chunk(2, -1)
        z = mean + torch.exp(0.5 * log_variance) * noise[:, d:]
        log_q = _log_normal(v, self.mean, self.log_variance) + _log_normal(z, mean, log_variance)
        for of_v, of_z in self.steps:
            shift, logit = of_v(z).chunk(2, -1)
            v = v * torch.sigmoid(logit) + shift
            log_q = log_q - functional.logsigmoid(logit).sum(-1)
            shift, logit = of_z(v).chunk(2, -1)
            z = z * torch.sigmoid(logit) + shift
            log_q = log_q - functional.logsigmoid(logit).sum(-1)
        mean, log_variance = self.reverse(z).chunk(2, -1)
        return z, log_q - _log_normal(v, mean, log_variance)


def bound(decoder: nn.Module, x: Tensor, posterior: nn.Module, noise: Tensor) -> Tensor:
    """Return the mean of log p(x, z) - log q(z) in nats over samples made of ``noise``, for one image."""
    z, log_q = posterior(noise)
    logits = decoder(z)
    images = x.expand_as(logits)
    likelihood = -functional.binary_cross_entropy_with_logits(logits, images, reduction="none").sum(-1)
    log_prior = -0.5 * (z**2).sum(-1) - 0.5 * z.shape[-1] * math.log(2 * math.pi)
    return (likelihood + log_prior - log_q).mean()


def optimise_point(decoder: nn.Module, x: Tensor, posterior: nn.Module) -> Iterator[None]:
    """Optimise ``posterior`` for one image; hand back control after each window of 100 steps.

    Ends when the loss of a window has not fallen below the lowest so far in 11 windows in a row.
    """
    optimiser = torch.optim.Adam(posterior.parameters(), lr=_LEARNING_RATE)
    lowest, windows_without = math.inf, 0
    while windows_without <= _PATIENCE:
        total = 0.0
        for _ in range(_WINDOW):
            loss = -bound(decoder, x, posterior, torch.randn(SAMPLES, posterior.noise_dim))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
        yield
        windows_without = 0 if total < lowest else windows_without + 1
        lowest = min(lowest, total)
