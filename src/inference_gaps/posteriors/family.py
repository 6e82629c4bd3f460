"""The interface of a posterior family."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Protocol, Self

import torch
from torch import Tensor

from inference_gaps.posteriors.networks import initial_weights

__all__ = ["Parameters", "Posterior", "PosteriorFamily", "Recognition", "Sampler", "Score"]

Parameters = Mapping[str, Tensor]

# The gradient of log p(x, z) with respect to z, [B, n, d] to [B, n, d], at fixed data points x.
Score = Callable[[Tensor], Tensor]

# Draws n samples for each of some data points: z [B, n, d], and log q(z) [B, n] in nats.
Sampler = Callable[[int, torch.Generator], tuple[Tensor, Tensor]]


class Posterior(Protocol):
    """q at data points, whether a recognition network or a table gives its parameters."""

    def sampler(self, x: Tensor, rows: slice, score: Score) -> Sampler:
        """Return what draws from q at some of the points.

        Args:
            x: those points [B, D].
            rows: their place among all points.
            score: the gradient of log p(x, z) there, for families that look at it.
        """


class Recognition(Posterior, Protocol):
    """q(z|x) of a recognition network."""

    def gaussian_moments(self, x: Tensor, score: Score, rng: torch.Generator) -> dict[str, Tensor]:
        """Return ``mean`` and ``log_variance`` of z under q(z|x), element by element [B, d].

        Args:
            x: [B, D].
            score: the gradient of log p(x, z) there.
            rng: on the device of ``x``, for a q whose moments have no formula.
        """


class PosteriorFamily(ABC):
    """A reparameterised density over z in R^d, given named parameters.

    Parameters with one row per data point are ``mean`` and ``log_variance`` [B, d] and, where
    ``context_dim`` is positive, ``context`` [B, context_dim]. A family with networks of its own also takes
    their weights, as :meth:`network_shapes` names them: either shared by all data points, or with a leading
    dimension B. Nothing here knows whether the parameters came from a recognition network or from a table.

    A family has two forms, with the same density: ``amortized``, with a context where that helps, and ``local``.
    To be known to specifications, commands, tables and the workflow, it needs an entry in
    :data:`inference_gaps.specs.families.FAMILIES`.
    """

    latent_dim: int
    noise_dim: int
    context_dim: int = 0

    @classmethod
    @abstractmethod
    def amortized(cls, latent_dim: int, steps: int, hidden: int) -> Self:
        """Return the form whose parameters a recognition network gives.

        Args:
            latent_dim: d.
            steps: number of flow steps, for a family that has them.
            hidden: width of hidden layers, for a family that has networks.
        """

    @classmethod
    @abstractmethod
    def local(cls, latent_dim: int, steps: int, hidden: int) -> Self:
        """Return the form with one set of parameters per data point and no context; as :meth:`amortized`."""

    def given(self, score: Score) -> "PosteriorFamily":
        """Return the family at the data points whose ``score`` this is; most families do not look at it."""
        return self

    @abstractmethod
    def from_gaussian(
        self, mean: Tensor, log_variance: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Return parameters at which a local family equals N(mean, diag exp(log_variance)), both [B, d].

        A family that is optimised from here starts at the Gaussian's bound.

        Args:
            mean: [B, d].
            log_variance: [B, d].
            generator: for weights that do not matter yet, on the CPU.
        """

    def mean(self, parameters: Parameters) -> Tensor | None:
        """Return the mean of z [B, d], for a family that has a formula for it."""
        return None

    def log_prob(self, parameters: Parameters, z: Tensor) -> Tensor | None:
        """Return log q(z) [B, n] at given z [B, n, d], for a family that has a formula for it."""
        return None

    def joint_log_prob(self, parameters: Parameters, z: Tensor, v: Tensor) -> Tensor:
        """Return log q(z, v) [B, n] at given z and v [B, n, d], for a family with a :meth:`reverse`."""
        raise NotImplementedError

    def reverse(self, parameters: Parameters, z: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return mean and log variance of r(v|z) [B, n, d], for a family whose z comes with an auxiliary v.

        It is ``None``, too, where the density of (z, v) is not known at given places.
        """
        return None

    def from_zeros(self, points: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the authors' start of a local family: moments zero, networks as PyTorch initialises them."""
        zeros = torch.zeros(points, self.latent_dim)
        weights = initial_weights(self.network_shapes(), generator, points)
        return {"mean": zeros, "log_variance": zeros.clone(), **weights}

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

    def sampler(self, parameters: Parameters) -> Sampler:
        """Return what draws from the member of the family with these parameters."""
        return lambda n, generator: self.rsample_with_log_prob(parameters, n, generator)
