"""p(x|z) of columns of several kinds, or as a function."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from inference_gaps.errors import UserError, counted
from inference_gaps.foreign.likelihoods.interface import Likelihood
from inference_gaps.foreign.likelihoods.parameters import kind_of

__all__ = ["Product", "likelihood_of"]


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
                f"Product has {counted(sum(sizes), 'column')} in all, but x has the shape {tuple(x.shape)}; "
                f"give x as a table with as many columns."
            )
        return list(x.split(sizes, dim=1))

    def _decoded(self, decoded: Any) -> Sequence[Any]:
        if not isinstance(decoded, tuple | list) or len(decoded) != len(self.parts):
            raise UserError(
                f"Product has {len(self.parts)} parts, but decode returned {kind_of(decoded)}; let it return a "
                f"tuple with what each part needs."
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
                f"The likelihood returned {kind_of(value)} for {counted(len(x), 'data point')}; let it return one "
                f"number for each, log p(x|z) summed over all elements of a data point (no mean over pixels, no "
                "mean over the batch)."
            )
        return value


def likelihood_of(value: Any) -> Likelihood:
    """Return ``value`` as a likelihood: one of this folder, or a function (x, decoded) -> [N].

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
