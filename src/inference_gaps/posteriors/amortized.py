"""Parameters of a posterior family from a recognition network: the amortized q(z|x)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from inference_gaps.numerics.low_precision import Linear
from inference_gaps.posteriors.family import PosteriorFamily, Sampler, Score
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.posteriors.networks import initial_weights

__all__ = ["AmortizedPosterior"]

_MOMENT_SAMPLES = 256


class AmortizedPosterior(nn.Module):
    """A recognition network with the heads that a family needs, and the family's own networks, shared.

    Args:
        features: maps images [B, D] to features [B, F].
        feature_dim: F.
        family: the family whose parameters are predicted.
    """

    def __init__(self, features: nn.Module, feature_dim: int, family: PosteriorFamily) -> None:
        super().__init__()
        self.family = family
        self.features = features
        self.moments = Linear(feature_dim, 2 * family.latent_dim)
        self.context = Linear(feature_dim, family.context_dim) if family.context_dim else None
        weights = initial_weights(family.network_shapes())
        # Names of module parameters may not contain a dot.
        self._names = {name: name.replace(".", "_") for name in weights}
        self.networks = nn.ParameterDict({self._names[name]: weight for name, weight in weights.items()})

    def parameters_for(self, x: Tensor) -> dict[str, Tensor]:
        """Return the parameters of q(z|x) for images ``x`` [B, D]."""
        features = self.features(x)
        mean, log_variance = self.moments(features).chunk(2, dim=-1)
        parameters = {"mean": mean, "log_variance": log_variance}
        if self.context is not None:
            parameters["context"] = functional.elu(self.context(features))
        parameters.update({name: self.networks[key] for name, key in self._names.items()})
        return parameters

    def sampler(self, x: Tensor, rows: slice, score: Score) -> Sampler:
        """See :class:`~inference_gaps.posteriors.family.Posterior`."""
        return self.family.given(score).sampler(self.parameters_for(x))

    @torch.no_grad()
    def gaussian_moments(self, x: Tensor, score: Score, rng: torch.Generator) -> dict[str, Tensor]:
        """See :class:`~inference_gaps.posteriors.family.Recognition`; those of 256 samples where q is no FFG."""
        if isinstance(self.family, FullyFactorisedGaussian):
            return self.parameters_for(x)
        # The base of a flow says little of where its samples go.
        z, _ = self.sampler(x, slice(None), score)(_MOMENT_SAMPLES, rng)
        return {"mean": z.mean(1), "log_variance": z.var(1).log()}
