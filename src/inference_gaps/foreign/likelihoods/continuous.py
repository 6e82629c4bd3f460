"""p(x|z) of real numbers."""

import math
from typing import Any, Literal

import torch
from torch import Tensor

from inference_gaps.errors import UserError
from inference_gaps.foreign.likelihoods.interface import Likelihood
from inference_gaps.foreign.likelihoods.parameters import (
    alike,
    broadcast,
    pair_of,
    positive,
    summed,
    tensor_of,
)

__all__ = ["Gaussian"]

_LOG_2PI = math.log(2 * math.pi)

Predicted = Literal["log_variance", "variance", "log_sigma", "sigma"]


class Gaussian(Likelihood):
    """Each element of x is normal around what the decoder returns.

    Args:
        sigma: the standard deviation: one number, or a tensor with one for each element of a data point.
        predicted: what the second of the two tensors is that the decoder returns; instead of ``sigma``.
    """

    continuous = True

    def __init__(self, sigma: float | Tensor | None = None, predicted: Predicted | None = None) -> None:
        if (sigma is None) == (predicted is None):
            raise UserError(
                "Gaussian needs either sigma, the standard deviation of x given z, or predicted='log_variance' "
                "(or 'variance', 'log_sigma', 'sigma') for a decoder that returns (mean, that); a loss of squared "
                "errors /2 means sigma=1."
            )
        if predicted not in (None, "log_variance", "variance", "log_sigma", "sigma"):
            raise UserError(
                f"predicted is {predicted!r}; write 'log_variance', 'variance', 'log_sigma' or 'sigma'."
            )
        self.sigma = None if sigma is None else positive(sigma, "sigma")
        self.predicted = predicted

    def _moments(self, x: Tensor | None, decoded: Any) -> tuple[Tensor, Tensor]:
        """Return mean and log sigma, which may still have to be broadcast."""
        if self.sigma is not None:
            mean = tensor_of(decoded, "a mean", "one tensor, the mean of x")
            mean = mean if x is None else alike(x, mean, "a mean")
            return mean, broadcast(self.sigma, mean, "sigma").log()
        mean, spread = pair_of(decoded, "mean", str(self.predicted))
        if x is not None:
            mean = alike(x, mean, "a mean")
        spread = spread.reshape(mean.shape) if spread.numel() == mean.numel() else spread
        try:
            spread = spread.expand_as(mean)
        except RuntimeError as error:
            raise UserError(
                f"decode gives {self.predicted} of shape {tuple(spread.shape)} beside means of shape "
                f"{tuple(mean.shape)}; give as many."
            ) from error
        if self.predicted == "log_variance":
            return mean, 0.5 * spread
        if self.predicted == "log_sigma":
            return mean, spread
        return mean, spread.log() * (0.5 if self.predicted == "variance" else 1.0)

    def log_prob(self, x: Tensor, decoded: Any) -> Tensor:
        """See :meth:`Likelihood.log_prob`."""
        mean, log_sigma = self._moments(x, decoded)
        error = (x - mean) * (-log_sigma).exp()
        return summed(-0.5 * (error.square() + _LOG_2PI) - log_sigma)

    def simulate(self, decoded: Any, rng: torch.Generator) -> Tensor:
        """See :meth:`Likelihood.simulate`."""
        mean, log_sigma = self._moments(None, decoded)
        noise = torch.randn(mean.shape, generator=rng, device=mean.device, dtype=mean.dtype)
        return mean + log_sigma.exp() * noise

    def suspicion(self, decoded: Any) -> str | None:
        """See :meth:`Likelihood.suspicion`."""
        if self.predicted in ("variance", "sigma") and bool((decoded[1] <= 0).any()):
            return (
                f"decode returns a {self.predicted} that is not positive everywhere; is it a logarithm? Write "
                f"predicted='log_{self.predicted}'."
            )
        return None

    def residuals(self, x: Tensor, decoded: Any) -> Tensor | None:
        """See :meth:`Likelihood.residuals`."""
        mean, log_sigma = self._moments(x, decoded)
        return ((x - mean) * (-log_sigma).exp()).flatten(1)
