"""A linear-Gaussian model, x = W z + sigma * noise, whose every bound is a closed formula.

Reference: Tipping and Bishop, *Probabilistic principal component analysis*, 1999. The posterior is Gaussian with
precision I + W'W / sigma^2. W is constructed so that this matrix has given eigenvalues and is far from diagonal.
It is not trained: training with a factorised posterior would make the matrix nearly diagonal.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from inference_gaps.models.generator import Generator
from inference_gaps.posteriors.gaussian import standard_normal_log_prob

__all__ = ["LinearGaussianGenerator"]


def _mixing(d: int) -> Tensor:
    """Return the discrete Hartley transform, an orthogonal matrix whose rows spread over all axes [d, d]."""
    angle = torch.arange(d, dtype=torch.float64).outer(torch.arange(d, dtype=torch.float64)) * (
        2 * math.pi / d
    )
    return (angle.cos() + angle.sin()) / math.sqrt(d)


class LinearGaussianGenerator(Generator):
    """d -> D, with W = sigma U diag(sqrt(precision - 1)) H: U random with orthonormal columns, H mixes the axes.

    Args:
        latent_dim: d.
        dimension: D, at least d.
        noise: sigma.
        precision: smallest and largest eigenvalue of the posterior's precision; the others lie between them with
            equal ratios.
    """

    weight: Tensor

    def __init__(self, latent_dim: int, dimension: int, noise: float, precision: Sequence[float]) -> None:
        super().__init__()
        self.latent_dim, self.noise = latent_dim, noise
        columns = torch.linalg.qr(torch.randn(dimension, latent_dim, dtype=torch.float64))[0]
        low, high = (math.log(value) for value in precision)
        eigenvalues = torch.linspace(low, high, latent_dim, dtype=torch.float64).exp()
        weight = noise * columns * (eigenvalues - 1).sqrt() @ _mixing(latent_dim)
        self.register_buffer("weight", weight.to(torch.get_default_dtype()))

    def mean(self, z: Tensor) -> Tensor:
        """See :meth:`Generator.mean`."""
        return z @ self.weight.mT

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """See :meth:`Generator.log_likelihood`."""
        error = (x.unsqueeze(1) - self.mean(z)) / self.noise
        return standard_normal_log_prob(error) - x.shape[1] * math.log(self.noise)

    def simulate(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """See :meth:`Generator.simulate`."""
        mean = self.mean(z)
        return mean + self.noise * torch.randn(mean.shape, generator=rng, device=z.device, dtype=z.dtype)

    @torch.no_grad()
    def log_joint_gradient(
        self, x: Tensor, z: Tensor, with_value: bool = True
    ) -> tuple[Tensor | None, Tensor]:
        """See :meth:`Generator.log_joint_gradient`; written out, without a graph."""
        value = self.log_joint(x, z) if with_value else None
        error = x.unsqueeze(1) - self.mean(z)
        return value, error @ self.weight / self.noise**2 - z
