"""AF: Real NVP steps over (z, v), with an auxiliary variable v.

Reference: paper section 3.2; authors' Table-2 code for the exact networks.

With a conditioning feature c (empty for a local posterior), and the base variable being z (amortized) or v
(local), for instance with base z:

    z_0 ~ N(mean, exp log_variance)           v_0 ~ q(v | z_0, c) = N(MLP([z_0; c]))
    for t = 1..T:   v_t = v_{t-1} * sigmoid(s) + m        with (m, s) from a net of [z_{t-1}; c]
                    z_t = z_{t-1} * sigmoid(s') + m'      with (m', s') from a net of [v_t; c]
    log q(z_T, v_T) = log q(z_0) + log q(v_0 | z_0) - sum of log sigmoid(s) and log sigmoid(s')

and the bound uses log q(z_T, v_T) - log r(v_T | z_T, c), where r is another MLP Gaussian.
"""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from inference_gaps.posteriors.coupling import (
    START_LOGIT,
    constant_step,
    half_step,
    log_contraction,
    with_context,
)
from inference_gaps.posteriors.family import Parameters, PosteriorFamily
from inference_gaps.posteriors.gaussian import normal_log_prob, reparameterise
from inference_gaps.posteriors.networks import layer_shapes, mlp

__all__ = ["AuxiliaryFlow"]


@dataclass(frozen=True)
class AuxiliaryFlow(PosteriorFamily):
    """The auxiliary flow, in the two forms that the authors' code has.

    Attributes:
        latent_dim: d, of z and of v.
        hidden: width of all hidden layers.
        steps: number of flow steps T; each transforms v, then z.
        context_dim: width of the conditioning feature c; 0 without.
        base: which of the two variables is drawn first.
        step_activation: hidden activation of the nets of the flow steps.
        negative_elu_shift: whether the shift of v is -ELU(m) instead of m.
    """

    latent_dim: int
    hidden: int = 200
    steps: int = 2
    context_dim: int = 0
    base: str = "v"
    step_activation: str = "tanh"
    negative_elu_shift: bool = False

    @classmethod
    def amortized(cls, latent_dim: int, steps: int, hidden: int) -> Self:
        """The recognition network's flow: base z, everything conditioned on a feature of x."""
        return cls(latent_dim, hidden, steps, latent_dim, "z", "elu", negative_elu_shift=True)

    @classmethod
    def local(cls, latent_dim: int, steps: int, hidden: int) -> Self:
        """The flow of one data point: base v, no conditioning feature."""
        return cls(latent_dim, hidden, steps)

    @property
    def noise_dim(self) -> int:  # type: ignore[override]
        """Noise of z and of v."""
        return 2 * self.latent_dim

    def network_shapes(self) -> dict[str, tuple[int, ...]]:
        """See :meth:`PosteriorFamily.network_shapes`."""
        inputs = self.latent_dim + self.context_dim
        gaussian = [inputs, self.hidden, self.hidden, 2 * self.latent_dim]
        step = [inputs, self.hidden, 2 * self.latent_dim]
        shapes = layer_shapes("second", gaussian) | layer_shapes("reverse", gaussian)
        for index in range(self.steps):
            shapes |= layer_shapes(f"step{index}.v", step) | layer_shapes(f"step{index}.z", step)
        return shapes

    def transform(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`PosteriorFamily.transform`."""
        z, v, log_q = self.push(parameters, noise)
        return z, log_q - self._log_reverse(parameters, z, v)

    def path_transform(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`PosteriorFamily.path_transform`."""
        z, v, _ = self.push(parameters, noise)
        fixed = {name: tensor.detach() for name, tensor in parameters.items()}
        return z, self.joint_log_prob(fixed, z, v) - self._log_reverse(parameters, z, v)

    def push(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map noise [B, n, 2d] to z [B, n, d], v [B, n, d] and log q(z, v) [B, n]."""
        d = self.latent_dim
        first, log_first = reparameterise(
            noise[..., :d], parameters["mean"].unsqueeze(1), parameters["log_variance"].unsqueeze(1)
        )
        moments = mlp(with_context(first, parameters), parameters, "second", "elu")
        second, log_second = reparameterise(noise[..., d:], moments[..., :d], moments[..., d:])
        z, v = (first, second) if self.base == "z" else (second, first)
        log_q = log_first + log_second
        for index in range(self.steps):
            shift, log_scale = self._half_step(z, parameters, f"step{index}.v")
            v = v * log_scale.exp() + shift
            log_q = log_q - log_scale.sum(-1)
            shift, log_scale = self._half_step(v, parameters, f"step{index}.z")
            z = z * log_scale.exp() + shift
            log_q = log_q - log_scale.sum(-1)
        return z, v, log_q

    def joint_log_prob(self, parameters: Parameters, z: Tensor, v: Tensor) -> Tensor:
        """Return log q(z, v) [B, n] at given z and v [B, n, d], by the inverse of the flow steps."""
        d = self.latent_dim
        log_q = torch.zeros(z.shape[:-1], dtype=z.dtype, device=z.device)
        for index in reversed(range(self.steps)):
            shift, log_scale = self._half_step(v, parameters, f"step{index}.z")
            z = (z - shift) * torch.exp(-log_scale)
            log_q = log_q - log_scale.sum(-1)
            shift, log_scale = self._half_step(z, parameters, f"step{index}.v")
            v = (v - shift) * torch.exp(-log_scale)
            log_q = log_q - log_scale.sum(-1)
        first, second = (z, v) if self.base == "z" else (v, z)
        moments = mlp(with_context(first, parameters), parameters, "second", "elu")
        log_first = normal_log_prob(
            first, parameters["mean"].unsqueeze(1), parameters["log_variance"].unsqueeze(1)
        )
        return log_q + log_first + normal_log_prob(second, moments[..., :d], moments[..., d:])

    def reverse(self, parameters: Parameters, z: Tensor) -> tuple[Tensor, Tensor] | None:
        """See :meth:`PosteriorFamily.reverse`."""
        mean, log_variance = mlp(with_context(z, parameters), parameters, "reverse", "elu").chunk(2, dim=-1)
        return mean, log_variance

    def from_gaussian(
        self, mean: Tensor, log_variance: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """See :meth:`PosteriorFamily.from_gaussian`; for a local flow (base v).

        The output layers get zero weights, so that z does not depend on v and r(v|z) is the exact density of v;
        their biases undo the contraction of the flow steps. Hidden layers are random, so every weight can move.
        """
        points, d = mean.shape
        parameters = self.from_zeros(points, generator)
        contraction = log_contraction(self.steps)
        for prefix in ("second", "reverse"):
            parameters[f"{prefix}.2.weight"].zero_()
        parameters["second.2.bias"] = torch.cat(
            [mean / math.exp(contraction), log_variance - 2 * contraction], dim=-1
        )
        parameters["reverse.2.bias"] = torch.cat(
            [torch.zeros(points, d), torch.full((points, d), 2 * contraction)], dim=-1
        )
        for index in range(self.steps):
            for variable in ("v", "z"):
                constant_step(parameters, f"step{index}.{variable}", START_LOGIT)
        return parameters

    def _log_reverse(self, parameters: Parameters, z: Tensor, v: Tensor) -> Tensor:
        """log r(v | z, c) [B, n]."""
        moments = mlp(with_context(z, parameters), parameters, "reverse", "elu")
        return normal_log_prob(v, moments[..., : self.latent_dim], moments[..., self.latent_dim :])

    def _half_step(self, condition: Tensor, parameters: Parameters, prefix: str) -> tuple[Tensor, Tensor]:
        """Shift and log scale [B, n, d] that ``condition`` gives to the other variable."""
        shift, log_scale = half_step(condition, parameters, prefix, self.step_activation)
        if self.negative_elu_shift and prefix.endswith(".v"):
            shift = -functional.elu(shift)
        return shift, log_scale
