"""What a likelihood p(x|z) is asked."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

__all__ = ["Likelihood"]


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
