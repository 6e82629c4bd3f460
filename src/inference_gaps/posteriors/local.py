"""Parameters of a posterior family from a table with one row per data point: q*."""

from dataclasses import dataclass

from torch import Tensor

from inference_gaps.posteriors.at_points import family_at_points
from inference_gaps.posteriors.family import PosteriorFamily, Sampler, Score
from inference_gaps.posteriors.registry import local_family
from inference_gaps.specs.bounds import LocalSpec

__all__ = ["LocalPosterior", "family_of"]


@dataclass(frozen=True)
class LocalPosterior:
    """q* of data points: a local family, and parameters with a leading dimension of points."""

    family: PosteriorFamily
    parameters: dict[str, Tensor]

    def rows(self, rows: slice) -> dict[str, Tensor]:
        """Return the parameters of some of the points."""
        return {name: tensor[rows] for name, tensor in self.parameters.items()}

    def sampler(self, x: Tensor, rows: slice, score: Score) -> Sampler:
        """See :class:`~inference_gaps.posteriors.family.Posterior`."""
        return self.family.given(score).sampler(self.rows(rows))


def family_of(spec: LocalSpec, latent_dim: int) -> PosteriorFamily:
    """Return the family that q* of ``spec`` is sought in.

    Raises:
        UserError: the latent dimensions are too few for it.
    """
    make = family_at_points if spec.start == "trained" else local_family
    return make(spec.family, latent_dim, spec.flow_steps, spec.flow_hidden)
