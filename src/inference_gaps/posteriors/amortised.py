"""Parameters of a posterior family from a recognition network: the amortised q(z|x)."""

from torch import Tensor, nn
from torch.nn import functional

from inference_gaps.numerics.low_precision import Linear
from inference_gaps.posteriors.family import PosteriorFamily
from inference_gaps.posteriors.networks import initial_weights

__all__ = ["AmortisedPosterior"]


class AmortisedPosterior(nn.Module):
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
