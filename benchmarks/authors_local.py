"""The authors' local optimisation of a factorised Gaussian, written plainly, and instruments that count its cost.

Cost is counted in passes through the decoder: one for each sample whose log p(x, z) is evaluated, two for each
whose gradient with respect to z is. Such a count does not depend on the machine.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from inference_gaps.models.generator import Generator
from inference_gaps.posteriors.family import Parameters
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian, normal_log_prob

__all__ = [
    "SAMPLES",
    "WINDOW",
    "CountedGenerator",
    "Trace",
    "Watch",
    "WatchedGaussian",
    "authors_local_optimisation",
    "bound_terms",
]

SAMPLES = 100
WINDOW = 100
_PATIENCE = 10
_LEARNING_RATE = 1e-3

Watch = Callable[[Parameters], None]


def authors_local_optimisation(
    generator: Generator,
    x: Tensor,
    rng: torch.Generator,
    watch: Watch,
    samples: int = SAMPLES,
    per_copy: bool = True,
) -> dict[str, Tensor]:
    """Optimise q*_FFG of all rows of ``x`` at once, by the procedure of the authors' Table-2 code.

    Means and log variances start at zero; Adam at a constant rate of 10^-3; all points share one stopping rule: the
    average loss of a window of 100 iterations has not fallen below the lowest so far in 11 windows in a row.

    Args:
        generator: weights frozen.
        x: [B, D].
        rng: for the noise of every iteration.
        watch: called with the parameters after each window.
        samples: n, per point and iteration.
        per_copy: whether each of the n samples has a mean and a log variance of its own, as in their Table-2 code,
            or all samples of a point share theirs, as other reproductions have it.

    Returns:
        ``mean`` and ``log_variance``, [B, n, d] or [B, 1, d].
    """
    shape = (len(x), samples if per_copy else 1, generator.latent_dim)
    mean, log_variance = torch.zeros(shape, requires_grad=True), torch.zeros(shape, requires_grad=True)
    optimiser = torch.optim.Adam([mean, log_variance], lr=_LEARNING_RATE)
    lowest, windows_without = math.inf, 0
    while windows_without <= _PATIENCE:
        total = 0.0
        for _ in range(WINDOW):
            noise = torch.randn(len(x), samples, generator.latent_dim, generator=rng)
            z = mean + torch.exp(0.5 * log_variance) * noise
            log_q = normal_log_prob(z, mean, log_variance)
            loss = -(generator.frozen_log_joint(x, z) - log_q).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
        watch({"mean": mean.detach(), "log_variance": log_variance.detach()})
        windows_without = 0 if total < lowest else windows_without + 1
        lowest = min(lowest, total)
    return {"mean": mean.detach(), "log_variance": log_variance.detach()}


@torch.no_grad()
def bound_terms(generator: Generator, x: Tensor, parameters: Parameters, noise: Tensor) -> Tensor:
    """Return log p(x, z) - log q(z) [B, n] of factorised Gaussians, in nats, for ``noise`` [B, n, d].

    Parameters are [B, d], or [B, c, d] for c copies that take turns.
    """
    mean, log_variance = (
        tensor.reshape(len(x), -1, tensor.shape[-1]).repeat(1, noise.shape[1] // _copies(tensor), 1)
        for tensor in (parameters["mean"], parameters["log_variance"])
    )
    z = mean + torch.exp(0.5 * log_variance) * noise
    terms = []
    # A decoder's activations for all samples of all points at once would need gigabytes.
    for rows in range(len(x)):
        one = slice(rows, rows + 1)
        log_q = normal_log_prob(z[one], mean[one], log_variance[one])
        terms.append(generator.log_joint(x[one], z[one]) - log_q)
    return torch.cat(terms)


def _copies(tensor: Tensor) -> int:
    return tensor.shape[1] if tensor.dim() == 3 else 1


class CountedGenerator(Generator):
    """A generator that counts its own passes."""

    def __init__(self, inner: Generator) -> None:
        super().__init__()
        self.inner = inner
        self.latent_dim = inner.latent_dim
        self.passes = 0

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """See :meth:`Generator.log_likelihood`."""
        self.passes += z.shape[:2].numel()
        return self.inner.log_likelihood(x, z)

    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """See :meth:`Generator.log_joint`."""
        self.passes += z.shape[:2].numel()
        return self.inner.log_joint(x, z)

    def log_joint_gradient(
        self, x: Tensor, z: Tensor, with_value: bool = True
    ) -> tuple[Tensor | None, Tensor]:
        """See :meth:`Generator.log_joint_gradient`."""
        self.passes += 2 * z.shape[:2].numel()
        return self.inner.log_joint_gradient(x, z, with_value)

    def mean(self, z: Tensor) -> Tensor:
        """See :meth:`Generator.mean`."""
        return self.inner.mean(z)

    def simulate(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """See :meth:`Generator.simulate`."""
        return self.inner.simulate(z, rng)


class WatchedGaussian(FullyFactorisedGaussian):
    """FFG that shows what it is measured at, some points at a time: the start, and what each cycle ends with."""

    def __init__(self, latent_dim: int, watch: Watch) -> None:
        super().__init__(latent_dim)
        self._watch = watch

    def transform(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`PosteriorFamily.transform`."""
        self._watch(parameters)
        return super().transform(parameters, noise)


@dataclass
class Trace:
    """What a procedure had reached after how many passes.

    Attributes:
        generator: counts the passes of the procedure.
        shortfall: maps parameters to the mean over points of L[q*] - L[q], in nats.
        reached: passes and shortfall, each time the procedure was watched.
    """

    generator: CountedGenerator
    shortfall: Callable[[Parameters], float]
    reached: list[tuple[int, float]] = field(default_factory=list)

    def watch(self, parameters: Parameters) -> None:
        """Note what ``parameters`` have reached."""
        self.reached.append((self.generator.passes, self.shortfall(parameters)))

    def passes_until(self, shortfall: float) -> int | None:
        """Return the passes after which less than ``shortfall`` was left for the first time; None if never."""
        return next((passes for passes, left in self.reached if left < shortfall), None)
