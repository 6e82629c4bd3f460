"""q* of many data points, optimised in batches."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from inference_gaps.bounds.local import optimise
from inference_gaps.bounds.starts import local_starts
from inference_gaps.models.generator import Generator
from inference_gaps.numerics.checkpoint import NO_CHECKPOINT, Checkpoint, Results, numbered
from inference_gaps.numerics.device import random_generator
from inference_gaps.numerics.progress import Report, unheard
from inference_gaps.posteriors.family import Recognition
from inference_gaps.posteriors.local import LocalPosterior, family_of
from inference_gaps.specs.bounds import LocalSpec

__all__ = ["LocalOptima", "optimise_local"]

# Points of a flow that are optimised together: their networks, gradients and Adam's moments fit 2 GB.
_NETWORKS_AT_ONCE = 250


@dataclass(frozen=True)
class LocalOptima:
    """q* of all points, which were optimised in batches.

    Attributes:
        posterior: q*.
        residual: what the last cycle gained for each point, in nats [P].
        bounds: of each batch, the mean bound after each cycle, the start first, in nats.
        converged: whether each batch did.
    """

    posterior: LocalPosterior
    residual: Tensor
    bounds: list[list[float]]
    converged: bool

    def summary(self) -> dict[str, Any]:
        """Return how far the optimisation went: cycles and bounds by batch, converged, mean residual in nats."""
        return {
            "cycles": [len(bound) - 1 for bound in self.bounds],
            "bound": self.bounds,
            "converged": self.converged,
            "mean_residual": self.residual.mean().item(),
        }


def optimise_local(
    generator: Generator,
    q: Recognition,
    x: Tensor,
    spec: LocalSpec,
    gaussian: LocalPosterior | None = None,
    report: Report = unheard,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> LocalOptima:
    """Find q* of every row of ``x``.

    Args:
        generator: weights frozen.
        q: the amortized q(z|x).
        x: [P, D].
        spec: family, start, samples per step, steps per cycle, rate, tolerance, seed.
        gaussian: q*_FFG of the same points, for ``start: local-ffg``.
        report: hears after each cycle how many there were, out of all that there may be.
        checkpoint: where an earlier process may have left this work.

    Raises:
        UserError: the family does not suit the model.
    """
    family = family_of(spec, generator.latent_dim)
    rng = random_generator(spec.seed, x.device)
    together = _NETWORKS_AT_ONCE if family.network_shapes() else len(x)
    batches = [slice(first, first + together) for first in range(0, len(x), together)]
    optima = Results()

    def reached(cycle: int, bound: float) -> None:
        done = len(optima) * spec.max_cycles + cycle
        report(done, len(batches) * spec.max_cycles, f"bound {bound:.3f}")

    for index in checkpoint.loop(optima, len(batches), rng, where=numbered("batch")):
        rows = batches[index]
        start = gaussian.rows(rows) if gaussian else None
        starts = local_starts(generator, q, family, x[rows], spec, rng, start)
        optima.append(
            dict(vars(optimise(generator, family, x[rows], starts, spec, rng, reached, checkpoint)))
        )
    return LocalOptima(
        LocalPosterior(family, optima.joined("parameters")),
        optima.joined("residual"),
        [optimum["bound"] for optimum in optima],
        all(optimum["converged"] for optimum in optima),
    )
