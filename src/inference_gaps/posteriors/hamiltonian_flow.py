"""HF: the auxiliary flow with a step of Hamiltonian dynamics in place of the shift of v.

Reference: Neal, *MCMC using Hamiltonian dynamics*, 2011, for the dynamics; the authors' code for a flow that uses
them. With the notation of ``auxiliary_flow``, and g(z) the gradient of log p(x, z) with respect to z:

    v_t = v_{t-1} * sigmoid(s) + (k m)^2 * g(z_{t-1})     with (m, s) from a net of [z_{t-1}; c]
    z_t = z_{t-1} * sigmoid(s') + m'                      with (m', s') from a net of [v_t; c]

*Sign and norm.* A momentum moves along the gradient of the log density, v <- v + step * g(z), with a positive step
and the gradient's own norm: (k m)^2 is that step, element by element, k a constant, and nothing else scales g. The
authors' codes have ELU(m) g / sqrt(norm of g) and m |g|: the first moves against g where ELU(m) is negative, the
second has lost the sign.

*The log-determinant* of the step of v is the sum of log sigmoid(s): the shift depends on z and x alone, which the
step leaves as they are. It is exact for every g, also for one that is not a gradient of anything.

*The gradient of the bound* passes through g, which takes products with the Hessian of log p(x, z). With g detached
the density would be as exact, but what is followed would not be the gradient of the bound.
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from inference_gaps.posteriors.auxiliary_flow import AuxiliaryFlow
from inference_gaps.posteriors.family import Parameters, Score

__all__ = ["HamiltonianFlow"]

# A net at its initial weights says about 0.3, and gradients at images have norms of hundreds.
_AMORTIZED_SCALE = 0.1
# The step that this gives, 1e-16, changes no digit; its derivative, unlike that of 0, leads away from it.
_NO_STEP = 1e-8


@dataclass(frozen=True)
class HamiltonianFlow(AuxiliaryFlow):
    """The Hamiltonian flow; it has a density only once it is :meth:`given` the score of its data points.

    Attributes:
        scale: k.
        score: g, of the data points that the parameters belong to.
    """

    scale: float = 1.0
    score: Score | None = None

    @classmethod
    def amortized(cls, latent_dim: int, steps: int, hidden: int) -> Self:
        """See :meth:`PosteriorFamily.amortized`."""
        return cls(latent_dim, hidden, steps, latent_dim, "z", "elu", scale=_AMORTIZED_SCALE)

    def given(self, score: Score) -> "HamiltonianFlow":
        """See :meth:`PosteriorFamily.given`."""
        return replace(self, score=score)

    def reverse(self, parameters: Parameters, z: Tensor) -> None:
        """Say that the density of z would need an integral over gradients."""
        return

    def from_gaussian(
        self, mean: Tensor, log_variance: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """See :meth:`PosteriorFamily.from_gaussian`."""
        parameters = super().from_gaussian(mean, log_variance, generator)
        for index in range(self.steps):
            parameters[f"step{index}.v.1.bias"][:, : self.latent_dim] = _NO_STEP
        return parameters

    def _half_step(self, condition: Tensor, parameters: Parameters, prefix: str) -> tuple[Tensor, Tensor]:
        shift, log_scale = super()._half_step(condition, parameters, prefix)
        return self._kick(shift, condition) if prefix.endswith(".v") else shift, log_scale

    def _kick(self, root: Tensor, z: Tensor) -> Tensor:
        """The shift of v [B, n, d]: a step along g at z, of the square of ``root``."""
        if self.score is None:
            raise ValueError("A Hamiltonian flow follows log p(x, z); call given(score) first.")
        return (self.scale * root).square() * self.score(z)
