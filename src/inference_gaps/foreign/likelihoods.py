"""Likelihoods p(x|z), from data x and whatever a decoder returns for z.

Each is a density (or a probability, where x is discrete) with all of its constants, summed over everything
that a data point consists of. Means over pixels or over a batch, and losses that drop constants, give bounds
on something else.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from inference_gaps.errors import UserError

__all__ = [
    "Bernoulli",
    "Categorical",
    "DiscretisedLogistic",
    "Gaussian",
    "Likelihood",
    "NegativeBinomial",
    "Product",
    "likelihood_of",
]

_LOG_2PI = math.log(2 * math.pi)
_GRID_TOLERANCE = 1.0e-3

Predicted = Literal["log_variance", "variance", "log_sigma", "sigma"]


class Likelihood(ABC):
    """p(x|z).

    Attributes:
        continuous: whether it is a density, whose nats depend on the scale of x.
    """

    continuous: bool = False

    @abstractmethod
    def log_prob(self, x: Tensor, decoded: Any) -> Tensor:
        """Return log p(x|z) [N] in nats, for x [N, ...] and what the decoder returns for z [N, d].

        Raises:
            UserError: the two do not fit each other.
        """

    def simulate(self, decoded: Any, rng: torch.Generator) -> Tensor:
        """Draw x [N, ...] given what the decoder returns.

        Raises:
            NotImplementedError: this likelihood is only known as a function.
        """
        raise NotImplementedError

    @property
    def can_simulate(self) -> bool:
        """Whether :meth:`simulate` is there."""
        return type(self).simulate is not Likelihood.simulate

    def outside(self, x: Tensor) -> str | None:
        """Return a sentence if values of x [B, ...] are none that this likelihood can give."""
        return None

    def suspicion(self, decoded: Any) -> str | None:
        """Return a sentence if what the decoder returned looks like something else than is needed."""
        return None

    def residuals(self, x: Tensor, decoded: Any) -> Tensor | None:
        """Return (x - mean) / standard deviation [N, D], for likelihoods that have both."""
        return None


def _tensor(value: Any, what: str, example: str) -> Tensor:
    if not isinstance(value, Tensor):
        raise UserError(
            f"The likelihood needs {what} from decode, which returned {_kind(value)}; let decode return {example}."
        )
    return value


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"an object of type {type(value).__name__}"


def _pair(decoded: Any, first: str, second: str) -> tuple[Tensor, Tensor]:
    if not isinstance(decoded, tuple | list) or len(decoded) != 2:
        raise UserError(
            f"The likelihood needs the pair ({first}, {second}) from decode, which returned {_kind(decoded)}; let "
            f"decode return such a pair, or give the likelihood a fixed value."
        )
    return _tensor(decoded[0], first, first), _tensor(decoded[1], second, second)


def _alike(x: Tensor, value: Tensor, what: str) -> Tensor:
    """Return ``value`` in the shape of x; one of both may be flat, anything else would be a guess."""
    if value.shape == x.shape:
        return value
    flat = x.dim() == 2 or value.dim() == 2
    if len(value) == len(x) and value.numel() == x.numel() and flat:
        return value.reshape(x.shape)
    raise UserError(
        f"decode gives {what} of shape {tuple(value.shape[1:])} per data point, but a data point of x has shape "
        f"{tuple(x.shape[1:])}; bring both to the same shape, in decode or in x."
    )


def _summed(terms: Tensor) -> Tensor:
    """Sum over all but the first dimension; long sums lose digits in single precision."""
    flat = terms.reshape(len(terms), -1)
    return flat.sum(1, dtype=torch.float64).to(terms.dtype)


def _positive(value: float | Tensor, name: str) -> Tensor:
    try:
        tensor = torch.as_tensor(value).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{name} is {value!r}; write a positive number, or a tensor of them.") from error
    if tensor.numel() == 0 or not bool((torch.isfinite(tensor) & (tensor > 0)).all()):
        raise UserError(
            f"{name} is not a positive number everywhere; a learned log sigma has to be given as log_sigma.exp()."
        )
    return tensor


def _broadcast(value: Tensor, x: Tensor, name: str) -> Tensor:
    """Return a fixed parameter, a number or one for each element of a data point, ready for x [N, ...]."""
    value = value.to(x)
    if value.numel() == 1:
        return value.reshape(())
    shape = x.shape[1:]
    if value.numel() == math.prod(shape) and (value.dim() == 1 or len(shape) == 1 or value.shape == shape):
        return value.reshape(shape)
    try:
        if torch.broadcast_shapes(value.shape, shape) == shape and value.dim() == len(shape):
            return value.expand(shape)
    except RuntimeError:
        pass
    raise UserError(
        f"{name} has the shape {tuple(value.shape)}, but a data point of x has the shape {tuple(shape)}; give one "
        f"number, or one for each element of a data point."
    )


class Bernoulli(Likelihood):
    """Each element of x is 0 or 1; grey levels in between give minus the cross-entropy, which is no density.

    Args:
        probabilities: whether the decoder returns probabilities (after a sigmoid) instead of logits.
    """

    def __init__(self, probabilities: bool = False) -> None:
        self.probabilities = probabilities

    def log_prob(self, x: Tensor, decoded: Any) -> Tensor:
        """See :meth:`Likelihood.log_prob`."""
        values = _alike(x, self._values(decoded), self._what)
        if self.probabilities:
            return _summed(torch.xlogy(x, values) + torch.special.xlog1py(1 - x, -values))
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
        return _tensor(decoded, self._what, f"one tensor of {self._what}")


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
        self.sigma = None if sigma is None else _positive(sigma, "sigma")
        self.predicted = predicted

    def _moments(self, x: Tensor | None, decoded: Any) -> tuple[Tensor, Tensor]:
        """Return mean and log sigma, which may still have to be broadcast."""
        if self.sigma is not None:
            mean = _tensor(decoded, "a mean", "one tensor, the mean of x")
            mean = mean if x is None else _alike(x, mean, "a mean")
            return mean, _broadcast(self.sigma, mean, "sigma").log()
        mean, spread = _pair(decoded, "mean", str(self.predicted))
        if x is not None:
            mean = _alike(x, mean, "a mean")
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
        return _summed(-0.5 * (error.square() + _LOG_2PI) - log_sigma)

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


class Categorical(Likelihood):
    """Each element of x is one of K classes, 0 to K - 1.

    Args:
        dim: the dimension of the logits that holds the classes, counted in what the decoder returns: -1 for
            [N, ..., K], 1 for [N, K, H, W].
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def _logits(self, decoded: Any) -> Tensor:
        logits = _tensor(decoded, "logits", "one tensor of logits")
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
                f"decode gives logits for {logits.shape[1]} elements of {logits.shape[2]} classes, but a data "
                f"point of x has {classes.shape[1]} elements; x holds the number of a class for each, not one-hot "
                f"vectors."
            )
        chosen = classes.long()
        if bool((chosen >= logits.shape[-1]).any()):
            raise UserError(
                f"x names class {int(chosen.max())}, but decode gives logits of {logits.shape[-1]} classes, which "
                f"are counted from 0; correct one of them."
            )
        return _summed(logits.log_softmax(-1).gather(-1, chosen.unsqueeze(-1)).squeeze(-1))

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
            mean, log_scale = _pair(decoded, "mean", "log_scale")
        else:
            mean = _tensor(decoded, "a mean", "one tensor, the mean of x")
            log_scale = _broadcast(self.log_scale, mean, "log_scale")
        if x is not None:
            mean = _alike(x, mean, "a mean")
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
        return _summed(torch.where(lowest | highest, tails, inner))

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
            None if inverse_dispersion is None else _positive(inverse_dispersion, "inverse_dispersion")
        )

    def _parameters(self, x: Tensor | None, decoded: Any) -> tuple[Tensor, Tensor]:
        if self.theta is None:
            mean, theta = _pair(decoded, "mean", "inverse dispersion")
        else:
            mean = _tensor(decoded, "a mean", "one tensor, the mean of x")
            theta = _broadcast(self.theta, mean, "inverse_dispersion")
        if x is not None:
            mean = _alike(x, mean, "a mean")
        if theta.numel() == mean.numel():
            theta = theta.reshape(mean.shape)
        return mean, theta.expand_as(mean)

    def log_prob(self, x: Tensor, decoded: Any) -> Tensor:
        """See :meth:`Likelihood.log_prob`."""
        mean, theta = self._parameters(x, decoded)
        x = x.to(mean.dtype)
        total = theta + mean
        return _summed(
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


class Product(Likelihood):
    """Columns of a table with likelihoods of their own, independent given z.

    Args:
        parts: (likelihood, number of columns) in the order of the columns of x [N, D]. The decoder returns a tuple
            with what each of them needs.
    """

    def __init__(self, *parts: tuple[Likelihood, int]) -> None:
        for part in parts:
            if not (isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], Likelihood)):
                raise UserError(
                    "Product takes pairs of a likelihood and the number of its columns, such as "
                    "Product((Gaussian(sigma=1.0), 5), (Categorical(), 1))."
                )
        self.parts = parts
        self.continuous = any(likelihood.continuous for likelihood, _ in parts)

    def _split(self, x: Tensor) -> list[Tensor]:
        sizes = [size for _, size in self.parts]
        if x.dim() != 2 or x.shape[1] != sum(sizes):
            raise UserError(
                f"Product has {sum(sizes)} columns in all, but x has the shape {tuple(x.shape)}; give x as a table "
                f"with as many columns."
            )
        return list(x.split(sizes, dim=1))

    def _decoded(self, decoded: Any) -> Sequence[Any]:
        if not isinstance(decoded, tuple | list) or len(decoded) != len(self.parts):
            raise UserError(
                f"Product has {len(self.parts)} parts, but decode returned {_kind(decoded)}; let it return a tuple "
                f"with what each part needs."
            )
        return decoded

    def log_prob(self, x: Tensor, decoded: Any) -> Tensor:
        """See :meth:`Likelihood.log_prob`."""
        parts = zip(self.parts, self._split(x), self._decoded(decoded), strict=True)
        return torch.stack([likelihood.log_prob(some, each) for (likelihood, _), some, each in parts]).sum(0)

    def simulate(self, decoded: Any, rng: torch.Generator) -> Tensor:
        """See :meth:`Likelihood.simulate`."""
        parts = zip(self.parts, self._decoded(decoded), strict=True)
        drawn = [likelihood.simulate(each, rng) for (likelihood, _), each in parts]
        return torch.cat([some.reshape(len(some), -1) for some in drawn], dim=1)

    @property
    def can_simulate(self) -> bool:
        """Whether all parts can be simulated."""
        return all(likelihood.can_simulate for likelihood, _ in self.parts)

    def outside(self, x: Tensor) -> str | None:
        """See :meth:`Likelihood.outside`."""
        found = (part[0].outside(some) for part, some in zip(self.parts, self._split(x), strict=True))
        return next((sentence for sentence in found if sentence), None)

    def suspicion(self, decoded: Any) -> str | None:
        """See :meth:`Likelihood.suspicion`."""
        found = (
            part[0].suspicion(each) for part, each in zip(self.parts, self._decoded(decoded), strict=True)
        )
        return next((sentence for sentence in found if sentence), None)


class _Function(Likelihood):
    """A function (x [N, ...], decoded) -> log p(x|z) [N]."""

    continuous = True

    def __init__(self, function: Callable[[Tensor, Any], Tensor]) -> None:
        self._function = function

    def log_prob(self, x: Tensor, decoded: Any) -> Tensor:
        """See :meth:`Likelihood.log_prob`."""
        value = self._function(x, decoded)
        if not isinstance(value, Tensor) or value.shape != (len(x),):
            raise UserError(
                f"The likelihood returned {_kind(value)} for {len(x)} data points; let it return one number "
                f"for each, log p(x|z) summed over all elements of a data point (no mean over pixels, no "
                "mean over the batch)."
            )
        return value


def likelihood_of(value: Any) -> Likelihood:
    """Return ``value`` as a likelihood: one of this module, or a function (x, decoded) -> [N].

    Raises:
        UserError: it is neither.
    """
    if isinstance(value, Likelihood):
        return value
    if isinstance(value, type) and issubclass(value, Likelihood):
        raise UserError(f"likelihood is the class {value.__name__}; write {value.__name__}(...).")
    if callable(value):
        return _Function(value)
    raise UserError(
        f"likelihood is {value!r}; write gaps.Bernoulli(), gaps.Gaussian(sigma=...), gaps.Categorical(), "
        f"gaps.DiscretisedLogistic(), gaps.NegativeBinomial(), gaps.Product(...), or a function (x, decoded) -> "
        f"log p(x|z) [N]."
    )
