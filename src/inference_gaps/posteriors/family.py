"""The interface of a posterior family."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["Parameters", "PosteriorFamily"]

Parameters = Mapping[str, Tensor]


class PosteriorFamily(ABC):
    """A reparameterised density over z in R^d, given named parameters.

    Parameters with one row per data point are ``mean`` and ``log_variance`` [B, d] and, where
    ``context_dim`` is positive, ``context`` [B, context_dim]. A family with networks of its own also takes
    their weights, as :meth:`network_shapes` names them: either shared by all data points, or with a leading
    dimension B. Nothing here knows whether the parameters came from a recognition network or from a table.
    """

    latent_dim: int
    noise_dim: int
    context_dim: int = 0

    def network_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each weight of the family's own networks, without a leading dimension B."""
        return {}

    @abstractmethod
    def transform(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Map standard normal noise to samples and their log density.

        Args:
            parameters: see the class.
            noise: [B, n, noise_dim].

        Returns:
            z: [B, n, d].
            log_q: [B, n] in nats, all constants kept. For a family with auxiliary variables it is
                log q(z, v) - log r(v|z), whose negative has expectation at most that of -log q(z).
        """

    @abstractmethod
    def path_transform(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`transform`, with the gradient of log_q by way of the sample alone.

        The values are the same up to rounding. The part of the gradient that is left out, the score of q, has
        expectation zero but most of the variance where q is nearly optimal (Roeder et al., *Sticking the
        landing*, 2017), so stochastic optimisation of a bound needs far fewer samples. Requires parameters
        with gradients; networks that only bound the density of auxiliary variables keep theirs.
        """

    def rsample_with_log_prob(
        self, parameters: Parameters, n: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draw ``n`` samples for each data point; differentiable with respect to the parameters.

        Returns:
            z [B, n, d] and log_q [B, n], as :meth:`transform`.
        """
        mean = parameters["mean"]
        noise = torch.randn(
            mean.shape[0], n, self.noise_dim, generator=generator, device=mean.device, dtype=mean.dtype
        )
        return self.transform(parameters, noise)
