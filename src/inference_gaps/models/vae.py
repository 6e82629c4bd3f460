"""A variational autoencoder: a generator and an amortized posterior, built from its specification."""

import math
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from inference_gaps.errors import UserError
from inference_gaps.models.conv import IMAGE_SHAPE, ConvFeatures, ConvGenerator
from inference_gaps.models.generator import Generator
from inference_gaps.models.linear_gaussian import LinearGaussianGenerator
from inference_gaps.models.mlp import MlpFeatures, MlpGenerator
from inference_gaps.posteriors.amortized import AmortizedPosterior
from inference_gaps.posteriors.family import PosteriorFamily
from inference_gaps.posteriors.registry import amortized_family
from inference_gaps.specs.train import (
    ArchitectureSpec,
    LinearGaussianArchitectureSpec,
    MlpArchitectureSpec,
    PosteriorSpec,
)

__all__ = ["VAE", "build_vae"]


class VAE(nn.Module):
    """p(x, z) = ``generator`` and q(z|x) = ``posterior``."""

    def __init__(self, generator: Generator, posterior: AmortizedPosterior) -> None:
        super().__init__()
        self.generator = generator
        self.posterior = posterior
        self._generator_is_frozen = False

    def freeze_generator(self, trained: Generator) -> None:
        """Copy the weights of ``trained`` and freeze them: they get no gradients.

        The generator then stays in evaluation mode, also while the posterior is trained, so that the statistics of
        its batch normalisation do not change.
        """
        self.generator.load_state_dict(trained.state_dict())
        self.generator.requires_grad_(False).eval()
        self._generator_is_frozen = True

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation mode; a frozen generator stays in evaluation mode."""
        super().train(mode)
        if self._generator_is_frozen:
            self.generator.eval()
        return self

    @property
    def latent_dim(self) -> int:
        """Dimension d of z."""
        return self.generator.latent_dim

    def family_at(self, x: Tensor) -> PosteriorFamily:
        """Return the family of q(z|x) at images ``x`` [B, D], ready for their parameters."""
        return self.posterior.family.given(self.generator.score(x))

    def bound_terms(self, x: Tensor, n: int = 1, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Return log p(x, z) and log q(z|x), each [B, n] in nats, at ``n`` samples of q(z|x).

        The mean of their difference is the ELBO.
        """
        return self.sample_terms(x, n, rng)[1:]

    def sample_terms(
        self, x: Tensor, n: int = 1, rng: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return ``n`` samples z of q(z|x) [B, n, d], and what :meth:`bound_terms` returns at them."""
        z, log_q = self.family_at(x).rsample_with_log_prob(self.posterior.parameters_for(x), n, rng)
        return z, self.generator.log_joint(x, z), log_q


def build_vae(architecture: ArchitectureSpec, posterior: PosteriorSpec, shape: Sequence[int]) -> VAE:
    """Build an untrained model for images of ``shape`` (C, H, W), from PyTorch's global random state.

    Raises:
        UserError: the architecture does not take images of this shape, or the family needs more latent dimensions.
    """
    dimension = math.prod(shape)
    features: MlpFeatures | ConvFeatures
    generator: Generator
    latent_dim = architecture.latent_dim
    if isinstance(architecture, MlpArchitectureSpec):
        features = MlpFeatures(dimension, architecture.encoder_hidden, architecture.activation)
        generator = MlpGenerator(
            latent_dim,
            architecture.decoder_hidden,
            dimension,
            architecture.activation,
            folded=architecture.folded,
        )
    elif isinstance(architecture, LinearGaussianArchitectureSpec):
        if latent_dim > dimension:
            raise UserError(
                f"architecture.latent_dim is {latent_dim}, but the images have {dimension} pixels; a "
                f"linear-gaussian model takes at most as many latent dimensions as pixels."
            )
        features = MlpFeatures(dimension, [], "elu")
        generator = LinearGaussianGenerator(latent_dim, dimension, architecture.noise, architecture.precision)
    else:
        if tuple(shape) != IMAGE_SHAPE:
            raise UserError(
                f"The architecture 'conv' takes images of shape {IMAGE_SHAPE}, these have shape "
                f"{tuple(shape)}; write architecture.kind: mlp, or choose another data set."
            )
        features = ConvFeatures(architecture.encoder_channels)
        generator = ConvGenerator(latent_dim, architecture.decoder_channels)
    family = amortized_family(posterior.family, latent_dim, posterior.flow_steps, posterior.flow_hidden)
    return VAE(generator, AmortizedPosterior(features, features.feature_dim, family))
