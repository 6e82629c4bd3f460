"""What each latent unit of a model says about images.

Reference: Burda et al., *Importance Weighted Autoencoders*, 2015, section 5.2: the activity of a unit u is the
variance over images of its mean in q(z|x), A_u = Var_x(E[u | x]).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from inference_gaps.models.vae import VAE
from inference_gaps.numerics.device import random_generator
from inference_gaps.posteriors.family import Parameters, PosteriorFamily
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian

__all__ = ["UnitActivity", "unit_activity"]

_BATCH = 100


@dataclass(frozen=True)
class UnitActivity:
    """Of each latent unit, [d] in double precision.

    Attributes:
        activity: A_u; may come out slightly below 0 where it is estimated.
        kl: mean over images of KL(q(u|x) || p(u)) in nats; NaN unless q(z|x) is a factorised Gaussian.
    """

    activity: Tensor
    kl: Tensor


@torch.no_grad()
def unit_activity(model: VAE, images: Tensor, samples: int, seed: int) -> UnitActivity:
    """Measure the activity of each latent unit.

    Where the mean of q(z|x) has no formula, that of samples stands for it. The variance over images of these
    means is too large by the mean of their own variances, which is estimated from the same samples and subtracted,
    so that the estimate is unbiased.

    Args:
        model: in evaluation mode.
        images: [N, D], N at least 2.
        samples: samples for each image, at least 2.
        seed: of the samples.
    """
    rng = random_generator(seed, images.device)
    means, variances, divergences = [], [], []
    for x in images.split(_BATCH):
        family, parameters = model.family_at(x), model.posterior.parameters_for(x)
        mean, variance = _mean(family, parameters, samples, rng)
        means.append(mean)
        variances.append(variance)
        divergences.append(_divergence(family, parameters))
    activity = torch.cat(means).var(0) - torch.cat(variances).mean(0)
    return UnitActivity(activity, torch.cat(divergences).mean(0))


def _mean(
    family: PosteriorFamily, parameters: Parameters, samples: int, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return E[z | x] [B, d], and the Monte-Carlo variance of what is returned."""
    exact = family.mean(parameters)
    if exact is not None:
        return exact.double(), torch.zeros_like(exact).double()
    z = family.rsample_with_log_prob(parameters, samples, rng)[0].double()
    return z.mean(1), z.var(1) / samples


def _divergence(family: PosteriorFamily, parameters: Parameters) -> Tensor:
    """Return KL(q(u|x) || N(0, 1)) [B, d], NaN where it has no formula."""
    mean, log_variance = parameters["mean"].double(), parameters["log_variance"].double()
    if not isinstance(family, FullyFactorisedGaussian):
        return torch.full_like(mean, float("nan"))
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
