"""p(x|z) of bits, classes, grey values and counts."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from inference_gaps.errors import UserError, counted
from inference_gaps.foreign.likelihoods.interface import Likelihood
from inference_gaps.foreign.likelihoods.parameters import (
    alike,
    broadcast,
    pair_of,
    positive,
    summed,
    tensor_of,
)

__all__ = ["Bernoulli", "Categorical", "DiscretisedLogistic", "NegativeBinomial"]

_GRID_TOLERANCE = 1.0e-3


class Bernoulli(Likelihood):
    """Each element of x is 0 or 1; grey levels in between give minus the cross-entropy, which is no density.

    Args:
        probabilities: whether the decoder returns probabilities (after a sigmoid) instead of logits.
    """

    def __init__(self, probabilities: bool = False) -> None:
        self.probabilities = probabilities

    def log_prob(self, x: Tensor, decoded: Any) -> Tensor:
        """See :meth:`Likelihood.log_prob`."""
        values = alike(x, self._values(decoded), self._what)
        if self.probabilities:
            return summed(torch.xlogy(x, values) + torch.special.xlog1py(1 - x, -values))
        x, values = x.flatten(1), values.flatten(1)
        # One pass fewer over the elements than a cross-entropy of each.
        return torch.linalg.vecdot(x, values) - functional.softplus(values).sum(1)

    def simulate(self, decoded: Any, rng: torch.Generator) -> Tensor:
        """See :meth:`Likelihood.simulate`."""
        values = self._values(decoded)
        return torch.bernoulli(values if self.probabilities else values.sigmoid(), generator=rng)

    def outside(self, x: Tensor) -> str | None:
        """See :meth:`Likelihood.outside`."""
        low, high = float(x.min()), float(x.max())
        if low >= 0 and high <= 1:
            return None
        advice = (
            "divide x by 255"
            if low >= 0 and high > 2
            else "map x to [0, 1], as (x + 1) / 2 does from [-1, 1]"
        )
        return (
            f"x has values from {low:g} to {high:g}, but Bernoulli takes values from 0 to 1; {advice}, or name "
            f"another likelihood."
        )

    def suspicion(self, decoded: Any) -> str | None:
        """See :meth:`Likelihood.suspicion`."""
        values = self._values(decoded)
        inside = bool(((values >= 0) & (values <= 1)).all())
        if self.probabilities and not inside:
            return (
                f"decode returns values from {float(values.min()):g} to {float(values.max()):g}, which are no "
                f"probabilities; write Bernoulli() for logits."
            )
        if not self.probabilities and inside and values.numel() > 1:
            return (
                "All that decode returns lies in [0, 1], as after a sigmoid, but Bernoulli() reads logits; write "
                "Bernoulli(probabilities=True), or let decode return what goes into the sigmoid."
            )
        return None

    @property
    def _what(self) -> str:
        return "probabilities" if self.probabilities else "logits"

    def _values(self, decoded: Any) -> Tensor:
        return tensor_of(decoded, self._what, f"one tensor of {self._what}")


class Categorical(Likelihood):
    """Each element of x is one of K classes, 0 to K - 1.

    Args:
        dim: the dimension of the logits that holds the classes, counted in what the decoder returns: -1 for
            [N, ..., K], 1 for [N, K, H, W].
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def _logits(self, decoded: Any) -> Tensor:
        logits = tensor_of(decoded, "logits", "one tensor of logits")
        if not -logits.dim() <= self.dim < logits.dim() or logits.dim() < 2:
            raise UserError(
                f"decode gives logits of shape {tuple(logits.shape)}, which have no dimension {self.dim} for the "
                f"classes; write Categorical(dim=...) with the dimension that has."
            )
        return logits.movedim(self.dim, -1)

    def log_prob(self, x: Tensor, decoded: Any) -> Tensor:
        """See :meth:`Likelihood.log_prob`."""
        logits = self._logits(decoded)
        classes = x.reshape(len(x), -1)
        logits = logits.reshape(len(logits), -1, logits.shape[-1])
        if logits.shape[:2] != classes.shape:
            raise UserError(
                f"decode gives logits for {counted(logits.shape[1], 'element')} of "
                f"{counted(logits.shape[2], 'class')}, but a data point of x has "
                f"{counted(classes.shape[1], 'element')}; x holds the number of a class for each, not one-hot "
                f"vectors."
            )
        chosen = classes.long()
        if bool((chosen >= logits.shape[-1]).any()):
            raise UserError(
                f"x names class {int(chosen.max())}, but decode gives logits of "
                f"{counted(logits.shape[-1], 'class')}, counted from 0; correct one of them."
            )
        return summed(logits.log_softmax(-1).gather(-1, chosen.unsqueeze(-1)).squeeze(-1))

    def simulate(self, decoded: Any, rng: torch.Generator) -> Tensor:
        """See :meth:`Likelihood.simulate`."""
        logits = self._logits(decoded)
        chances = logits.softmax(-1).reshape(-1, logits.shape[-1])
        return torch.multinomial(chances, 1, generator=rng).reshape(logits.shape[:-1]).to(logits.dtype)

    def outside(self, x: Tensor) -> str | None:
        """See :meth:`Likelihood.outside`."""
        if bool(((x >= 0) & (x == x.round())).all()):
            return None
        return (
            f"x has values from {float(x.min()):g} to {float(x.max()):g}, but Categorical takes numbers of "
            f"classes, 0, 1, 2, ...; encode x so."
        )


class DiscretisedLogistic(Likelihood):
    """Each element of x is one of evenly spaced levels; a level has the mass of a logistic density around it.

    The lowest and the highest level have the tails (Kingma et al., *Improving variational inference with inverse
    autoregressive flow*, 2016).

    Args:
        log_scale: of the logistic density: a number, or one for each element of a data point. Without it the
            decoder returns (mean, log_scale).
        levels: how many.
        low: the lowest level.
        high: the highest level.
    """

    def __init__(
        self,
        log_scale: float | Tensor | None = None,
        levels: int = 256,
        low: float = 0.0,
        high: float = 1.0,
    ) -> None:
        if levels < 2 or not low < high:
            raise UserError(
                f"DiscretisedLogistic has {levels} levels from {low} to {high}; write at least 2, and low < high."
            )
        self.log_scale = None if log_scale is None else torch.as_tensor(log_scale).detach()
        self.levels, self.low, self.high = levels, low, high
        self.step = (high - low) / (levels - 1)

    def _parameters(self, x: Tensor | None, decoded: Any) -> tuple[Tensor, Tensor]:
        if self.log_scale is None:
            mean, log_scale = pair_of(decoded, "mean", "log_scale")
        else:
            mean = tensor_of(decoded, "a mean", "one tensor, the mean of x")
            log_scale = broadcast(self.log_scale, mean, "log_scale")
        if x is not None:
            mean = alike(x, mean, "a mean")
        if log_scale.numel() == mean.numel():
            log_scale = log_scale.reshape(mean.shape)
        return mean, log_scale.expand_as(mean)

    def log_prob(self, x: Tensor, decoded: Any) -> Tensor:
        """See :meth:`Likelihood.log_prob`."""
        mean, log_scale = self._parameters(x, decoded)
        inverse = (-log_scale).exp()
        upper = (x + 0.5 * self.step - mean) * inverse
        lower = (x - 0.5 * self.step - mean) * inverse
        # log(sigmoid(u) - sigmoid(l)) = -softplus(-u) - softplus(l) + log(1 - exp(l - u)), without a difference of
        # numbers that are nearly alike.
        inner = (
            -functional.softplus(-upper) - functional.softplus(lower) + torch.log(-torch.expm1(lower - upper))
        )
        lowest = x < self.low + 0.5 * self.step
        highest = x > self.high - 0.5 * self.step
        tails = torch.where(lowest, -functional.softplus(-upper), -functional.softplus(lower))
        return summed(torch.where(lowest | highest, tails, inner))

    def simulate(self, decoded: Any, rng: torch.Generator) -> Tensor:
        """See :meth:`Likelihood.simulate`."""
        mean, log_scale = self._parameters(None, decoded)
        uniform = torch.rand(mean.shape, generator=rng, device=mean.device, dtype=mean.dtype)
        value = mean + log_scale.exp() * torch.logit(uniform, eps=1e-7)
        level = ((value - self.low) / self.step).round().clamp(0, self.levels - 1)
        return self.low + self.step * level

    def outside(self, x: Tensor) -> str | None:
        """See :meth:`Likelihood.outside`."""
        level = (x - self.low) / self.step
        on_grid = bool(((level - level.round()).abs() < _GRID_TOLERANCE * self.levels).all())
        if on_grid and bool(((level > -0.5) & (level < self.levels - 0.5)).all()):
            return None
        return (
            f"x has values from {float(x.min()):g} to {float(x.max()):g} that are not all on the "
            f"{self.levels} levels from {self.low:g} to {self.high:g}; scale x, or write other levels, low "
            "and high."
        )


class NegativeBinomial(Likelihood):
    """Each element of x is a count with mean mu and variance mu + mu^2 / theta.

    Args:
        inverse_dispersion: theta: a number, or one for each element of a data point. Without it the decoder returns
            (mu, theta).
    """

    def __init__(self, inverse_dispersion: float | Tensor | None = None) -> None:
        self.theta = (
            None if inverse_dispersion is None else positive(inverse_dispersion, "inverse_dispersion")
        )

    def _parameters(self, x: Tensor | None, decoded: Any) -> tuple[Tensor, Tensor]:
        if self.theta is None:
            mean, theta = pair_of(decoded, "mean", "inverse dispersion")
        else:
            mean = tensor_of(decoded, "a mean", "one tensor, the mean of x")
            theta = broadcast(self.theta, mean, "inverse_dispersion")
        if x is not None:
            mean = alike(x, mean, "a mean")
        if theta.numel() == mean.numel():
            theta = theta.reshape(mean.shape)
        return mean, theta.expand_as(mean)

    def log_prob(self, x: Tensor, decoded: Any) -> Tensor:
        """See :meth:`Likelihood.log_prob`."""
        mean, theta = self._parameters(x, decoded)
        x = x.to(mean.dtype)
        total = theta + mean
        return summed(
            torch.lgamma(x + theta)
            - torch.lgamma(theta)
            - torch.lgamma(x + 1)
            + theta * (theta / total).log()
            + torch.xlogy(x, mean / total)
        )

    def simulate(self, decoded: Any, rng: torch.Generator) -> Tensor:
        """See :meth:`Likelihood.simulate`."""
        mean, theta = self._parameters(None, decoded)
        rate = torch._standard_gamma(theta.contiguous(), generator=rng) * mean / theta
        return torch.poisson(rate, generator=rng)

    def outside(self, x: Tensor) -> str | None:
        """See :meth:`Likelihood.outside`."""
        if bool(((x >= 0) & (x == x.round())).all()):
            return None
        return (
            f"x has values from {float(x.min()):g} to {float(x.max()):g}, but NegativeBinomial takes counts, "
            f"0, 1, 2, ...; give the counts themselves, not logarithms or rates."
        )

    def suspicion(self, decoded: Any) -> str | None:
        """See :meth:`Likelihood.suspicion`."""
        mean, theta = self._parameters(None, decoded)
        if bool((mean < 0).any()) or bool((theta <= 0).any()):
            return "decode returns a mean or an inverse dispersion that is not positive; take exp of it in decode."
        return None
