"""FCG: the Gaussian with a full covariance.

    z = mean + exp(log_variance / 2) * (I + N) e,   e ~ N(0, I),   N strictly lower triangular
    log q(z) = log N(e; 0, I) - sum of log_variance / 2

N = 0 is the fully-factorised Gaussian. The family contains the posterior of a linear-Gaussian model, where its
approximation gap is zero.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from inference_gaps.posteriors.family import Parameters, PosteriorFamily
from inference_gaps.posteriors.gaussian import standard_normal_log_prob
from inference_gaps.posteriors.networks import layer_shapes, linear

__all__ = ["FullGaussian"]


@dataclass(frozen=True)
class FullGaussian(PosteriorFamily):
    """q(z) = N(z; mean, L L'), L = diag exp(log_variance / 2) (I + N).

    The elements of N below the diagonal, row after row, are ``lower.0.bias``, plus ``lower.0.weight`` times the
    context where there is one.

    Attributes:
        latent_dim: d.
        context_dim: width of the conditioning feature; 0 without.
    """

    latent_dim: int
    context_dim: int = 0

    @classmethod
    def amortized(cls, latent_dim: int, steps: int, hidden: int) -> Self:
        """See :meth:`PosteriorFamily.amortized`."""
        return cls(latent_dim, latent_dim if latent_dim > 1 else 0)

    @classmethod
    def local(cls, latent_dim: int, steps: int, hidden: int) -> Self:
        """See :meth:`PosteriorFamily.local`."""
        return cls(latent_dim)

    @property
    def noise_dim(self) -> int:  # type: ignore[override]
        """Noise of z."""
        return self.latent_dim

    def network_shapes(self) -> dict[str, tuple[int, ...]]:
        """See :meth:`PosteriorFamily.network_shapes`."""
        below = self.latent_dim * (self.latent_dim - 1) // 2
        if not below:
            return {}
        return (
            layer_shapes("lower", [self.context_dim, below])
            if self.context_dim
            else {"lower.0.bias": (below,)}
        )

    def mean(self, parameters: Parameters) -> Tensor:
        """See :meth:`PosteriorFamily.mean`."""
        return parameters["mean"]

    def transform(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`PosteriorFamily.transform`."""
        mean, log_variance = parameters["mean"].unsqueeze(1), parameters["log_variance"].unsqueeze(1)
        z = mean + torch.exp(0.5 * log_variance) * (noise @ self._unit_factor(parameters).mT)
        return z, standard_normal_log_prob(noise) - 0.5 * log_variance.sum(-1)

    def path_transform(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`PosteriorFamily.path_transform`."""
        z, _ = self.transform(parameters, noise)
        return z, self.log_prob({name: tensor.detach() for name, tensor in parameters.items()}, z)

    def log_prob(self, parameters: Parameters, z: Tensor) -> Tensor:
        """Return log q(z) [B, n] at given z [B, n, d]."""
        mean, log_variance = parameters["mean"].unsqueeze(1), parameters["log_variance"].unsqueeze(1)
        scaled = (z - mean) * torch.exp(-0.5 * log_variance)
        noise = torch.linalg.solve_triangular(
            self._unit_factor(parameters), scaled.mT, upper=False, unitriangular=True
        ).mT
        return standard_normal_log_prob(noise) - 0.5 * log_variance.sum(-1)

    def from_gaussian(
        self, mean: Tensor, log_variance: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """See :meth:`PosteriorFamily.from_gaussian`."""
        return {**self.from_zeros(len(mean), generator), "mean": mean, "log_variance": log_variance}

    def from_zeros(self, points: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Return N(0, I) for each data point."""
        start = super().from_zeros(points, generator)
        return {name: torch.zeros_like(tensor) for name, tensor in start.items()}

    def _unit_factor(self, parameters: Parameters) -> Tensor:
        """I + N [B, d, d]."""
        points, d = parameters["mean"].shape
        factor = torch.eye(d, dtype=parameters["mean"].dtype, device=parameters["mean"].device)
        factor = factor.repeat(points, 1, 1)
        if d == 1:
            return factor
        elements = parameters["lower.0.bias"]
        if self.context_dim:
            context = parameters["context"].unsqueeze(1)
            elements = linear(context, parameters["lower.0.weight"], elements).squeeze(1)
        rows, columns = torch.tril_indices(d, d, -1, device=factor.device)
        factor[:, rows, columns] = elements.expand(points, -1)
        return factor
