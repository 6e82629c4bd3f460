"""CF: Real NVP steps on the two halves of z, without an auxiliary variable.

Reference: Dinh et al., *Density estimation using Real NVP*, 2017; the flow that the authors' code calls Flow1.

With z = (a, b), a the first half, and a conditioning feature c (empty for a local posterior):

    z_0 ~ N(mean, exp log_variance)
    for t = 1..T:   b_t = b_{t-1} * sigmoid(s) + m        with (m, s) from a net of [a_{t-1}; c]
                    a_t = a_{t-1} * sigmoid(s') + m'      with (m', s') from a net of [b_t; c]
    log q(z_T) = log q(z_0) - sum of log sigmoid(s) and log sigmoid(s')

The authors' nets do not read c: x acts through mean and log_variance alone.
"""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from inference_gaps.posteriors.coupling import START_LOGIT, constant_step, half_step, log_contraction
from inference_gaps.posteriors.family import Parameters, PosteriorFamily
from inference_gaps.posteriors.gaussian import normal_log_prob, reparameterise
from inference_gaps.posteriors.networks import layer_shapes

__all__ = ["CouplingFlow"]

_ACTIVATION = "tanh"


@dataclass(frozen=True)
class CouplingFlow(PosteriorFamily):
    """The coupling flow. Its density has a closed form, so its bound needs no reverse model.

    Attributes:
        latent_dim: d, at least 2; if it is odd, the second half is the larger one.
        hidden: width of the hidden layer of each net.
        steps: number of flow steps T; each transforms the second half, then the first.
        context_dim: width of the conditioning feature c; 0 without.
    """

    latent_dim: int
    hidden: int = 50
    steps: int = 2
    context_dim: int = 0

    @classmethod
    def amortized(cls, latent_dim: int, steps: int, hidden: int) -> Self:
        """See :meth:`PosteriorFamily.amortized`."""
        return cls(latent_dim, hidden, steps, latent_dim)

    @classmethod
    def local(cls, latent_dim: int, steps: int, hidden: int) -> Self:
        """See :meth:`PosteriorFamily.local`."""
        return cls(latent_dim, hidden, steps)

    @property
    def noise_dim(self) -> int:  # type: ignore[override]
        """Noise of z."""
        return self.latent_dim

    @property
    def _halves(self) -> tuple[int, int]:
        first = self.latent_dim // 2
        return first, self.latent_dim - first

    def network_shapes(self) -> dict[str, tuple[int, ...]]:
        """See :meth:`PosteriorFamily.network_shapes`."""
        first, second = self._halves
        shapes: dict[str, tuple[int, ...]] = {}
        for index in range(self.steps):
            for name, inputs, outputs in (("second", first, second), ("first", second, first)):
                widths = [inputs + self.context_dim, self.hidden, 2 * outputs]
                shapes |= layer_shapes(f"step{index}.{name}", widths)
        return shapes

    def transform(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`PosteriorFamily.transform`."""
        z, log_q = reparameterise(
            noise, parameters["mean"].unsqueeze(1), parameters["log_variance"].unsqueeze(1)
        )
        first, second = z.split(self._halves, dim=-1)
        for index in range(self.steps):
            shift, log_scale = half_step(first, parameters, f"step{index}.second", _ACTIVATION)
            second = second * log_scale.exp() + shift
            log_q = log_q - log_scale.sum(-1)
            shift, log_scale = half_step(second, parameters, f"step{index}.first", _ACTIVATION)
            first = first * log_scale.exp() + shift
            log_q = log_q - log_scale.sum(-1)
        return torch.cat([first, second], dim=-1), log_q

    def path_transform(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`PosteriorFamily.path_transform`."""
        z, _ = self.transform(parameters, noise)
        return z, self.log_prob({name: tensor.detach() for name, tensor in parameters.items()}, z)

    def log_prob(self, parameters: Parameters, z: Tensor) -> Tensor:
        """Return log q(z) [B, n] at given z [B, n, d], by the inverse of the flow steps."""
        first, second = z.split(self._halves, dim=-1)
        log_q = torch.zeros(z.shape[:-1], dtype=z.dtype, device=z.device)
        for index in reversed(range(self.steps)):
            shift, log_scale = half_step(second, parameters, f"step{index}.first", _ACTIVATION)
            first = (first - shift) * torch.exp(-log_scale)
            log_q = log_q - log_scale.sum(-1)
            shift, log_scale = half_step(first, parameters, f"step{index}.second", _ACTIVATION)
            second = (second - shift) * torch.exp(-log_scale)
            log_q = log_q - log_scale.sum(-1)
        base = torch.cat([first, second], dim=-1)
        return log_q + normal_log_prob(
            base, parameters["mean"].unsqueeze(1), parameters["log_variance"].unsqueeze(1)
        )

    def from_gaussian(
        self, mean: Tensor, log_variance: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """See :meth:`PosteriorFamily.from_gaussian`.

        Output layers with zero weights make every step the same contraction. The base compensates for it.
        """
        parameters = self.from_zeros(len(mean), generator)
        contraction = log_contraction(self.steps)
        parameters["mean"] = mean / math.exp(contraction)
        parameters["log_variance"] = log_variance - 2 * contraction
        for index in range(self.steps):
            for half in ("first", "second"):
                constant_step(parameters, f"step{index}.{half}", START_LOGIT)
        return parameters
