"""Priors p(z), from what the owner of a model has."""

import math
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from inference_gaps.errors import UserError, counted
from inference_gaps.posteriors.gaussian import standard_normal_log_prob

__all__ = ["GaussianMixture", "Prior", "StandardNormal", "prior_of"]


class Prior(ABC):
    """p(z) over flat z [N, d]."""

    @abstractmethod
    def log_prob(self, z: Tensor) -> Tensor:
        """Return log p(z) [N] in nats."""

    @abstractmethod
    def sample(self, count: int, like: Tensor, rng: torch.Generator) -> Tensor:
        """Draw z [count, d], with type and device of ``like``."""


class StandardNormal(Prior):
    """N(0, I)."""

    def __init__(self, latent_dim: int) -> None:
        self._dim = latent_dim

    def log_prob(self, z: Tensor) -> Tensor:
        """See :meth:`Prior.log_prob`."""
        return standard_normal_log_prob(z)

    def sample(self, count: int, like: Tensor, rng: torch.Generator) -> Tensor:
        """See :meth:`Prior.sample`."""
        return torch.randn(count, self._dim, generator=rng, device=like.device, dtype=like.dtype)


class GaussianMixture(Prior):
    """A mixture of factorised Gaussians; with the encoder's output at pseudo-inputs it is a VampPrior.

    ``GaussianMixture(*net.encoder(net.pseudo_inputs()))`` (Tomczak and Welling, *VAE with a VampPrior*, 2018).

    Args:
        mean: [K, d].
        log_variance: [K, d].
        weights: of the components [K], which are scaled to sum to one; equal where not given.
    """

    def __init__(self, mean: Tensor, log_variance: Tensor, weights: Tensor | None = None) -> None:
        if mean.dim() != 2 or mean.shape != log_variance.shape:
            raise UserError(
                f"GaussianMixture has means of shape {tuple(mean.shape)} and log variances of shape "
                f"{tuple(log_variance.shape)}; both are [components, latent dimensions]."
            )
        self.mean, self.log_variance = mean.detach(), log_variance.detach()
        weights = torch.ones_like(self.mean[:, 0]) if weights is None else weights.detach()
        if weights.shape != self.mean.shape[:1] or not bool((weights >= 0).all()):
            raise UserError(
                f"GaussianMixture has {len(self.mean)} components and weights of shape "
                f"{tuple(weights.shape)}; give one for each, none negative."
            )
        self.weights = weights / weights.sum()

    def log_prob(self, z: Tensor) -> Tensor:
        """See :meth:`Prior.log_prob`."""
        mean, log_variance = self.mean.to(z), self.log_variance.to(z)
        squared = (z.unsqueeze(1) - mean).square() * (-log_variance).exp()
        each = -0.5 * (squared + log_variance + math.log(2 * math.pi)).sum(-1)
        return torch.logsumexp(each + self.weights.to(z).log(), dim=1)

    def sample(self, count: int, like: Tensor, rng: torch.Generator) -> Tensor:
        """See :meth:`Prior.sample`."""
        chosen = torch.multinomial(self.weights.to(like), count, replacement=True, generator=rng)
        mean, log_variance = self.mean.to(like)[chosen], self.log_variance.to(like)[chosen]
        noise = torch.randn(mean.shape, generator=rng, device=like.device, dtype=like.dtype)
        return mean + (0.5 * log_variance).exp() * noise


class _Object(Prior):
    """Anything with ``log_prob`` and ``sample``."""

    def __init__(self, prior: Any, latent_shape: tuple[int, ...]) -> None:
        self._prior, self._shape = prior, latent_shape

    def log_prob(self, z: Tensor) -> Tensor:
        """See :meth:`Prior.log_prob`."""
        value = self._prior.log_prob(z.reshape(-1, *self._shape))
        if not isinstance(value, Tensor) or value.shape != (len(z),):
            shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise UserError(
                f"prior.log_prob gives {shape} for {counted(len(z), 'value')} of z; it has to give one "
                f"number for each, summed over latent dimensions "
                f"(torch.distributions.Independent(prior, 1) does so)."
            )
        return value

    def sample(self, count: int, like: Tensor, rng: torch.Generator) -> Tensor:
        """See :meth:`Prior.sample`."""
        seed = int(torch.randint(2**31, (1,), generator=rng, device=rng.device))
        devices = [like.device] if like.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(seed)
            shape: Any = count
            if isinstance(self._prior, torch.distributions.Distribution):
                shape = torch.Size((count,))
            with torch.no_grad():
                z = self._prior.sample(shape)
        if not isinstance(z, Tensor) or z.numel() != count * math.prod(self._shape) or len(z) != count:
            found = tuple(z.shape) if isinstance(z, Tensor) else type(z).__name__
            raise UserError(
                f"prior.sample({count}) gives {found}; it has to give z of shape {(count, *self._shape)}."
            )
        return z.reshape(count, -1).to(like)


def prior_of(value: Any, latent_shape: tuple[int, ...]) -> Prior:
    """Return ``value`` as a prior: None for N(0, I), one of this module, or an object with log_prob and sample.

    Raises:
        UserError: it is none of these.
    """
    if value is None:
        return StandardNormal(math.prod(latent_shape))
    if isinstance(value, Prior):
        return value
    if callable(getattr(value, "log_prob", None)) and callable(getattr(value, "sample", None)):
        return _Object(value, latent_shape)
    raise UserError(
        f"prior is {type(value).__name__}, which lacks log_prob(z) -> [N] or sample(n) -> z [n, d]; give an object "
        f"with both, such as a torch.distributions object, or None for N(0, I)."
    )
