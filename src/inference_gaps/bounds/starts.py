"""Where the optimisation of q* starts."""

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor

from inference_gaps.bounds.by_points import by_points
from inference_gaps.errors import UserError
from inference_gaps.models.generator import Generator
from inference_gaps.numerics.device import random_generator
from inference_gaps.posteriors.amortized import AmortizedPosterior
from inference_gaps.posteriors.at_points import parameters_at_points
from inference_gaps.posteriors.family import Parameters, PosteriorFamily, Recognition
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.posteriors.registry import amortized_family
from inference_gaps.specs.bounds import LocalSpec
from inference_gaps.specs.families import FAMILIES

__all__ = ["high_density_starts", "local_starts"]

_DRAWS = 256
_NARROW = 0.2


@torch.no_grad()
def local_starts(
    generator: Generator,
    q: Recognition,
    family: PosteriorFamily,
    x: Tensor,
    spec: LocalSpec,
    rng: torch.Generator,
    gaussian: Parameters | None = None,
) -> list[dict[str, Tensor]]:
    """Return the starts of an optimisation of q*: ``spec.start`` and, for a factorised Gaussian, its restarts.

    Args:
        generator: weights frozen.
        q: the amortized q(z|x).
        family: that q* is sought in.
        x: [B, D].
        spec: start, restarts, seed of weights that are drawn.
        rng: on the device of ``x``.
        gaussian: parameters of a q*_FFG of the same points, for ``start: local-ffg``.

    Raises:
        UserError: ``start: trained``, and q is not of this family.
    """
    weights = random_generator(spec.seed, stream=1)
    if spec.start == "zeros":
        start = family.from_zeros(len(x), weights)
    elif spec.start == "trained":
        start = parameters_at_points(_trained_with(q, spec).parameters_for(x))
    else:
        moments = gaussian or q.gaussian_moments(x, generator.score(x), rng)
        start = family.from_gaussian(moments["mean"].cpu(), moments["log_variance"].cpu(), weights)
    starts = [{name: tensor.to(x) for name, tensor in start.items()}]
    if isinstance(family, FullyFactorisedGaussian):
        starts += high_density_starts(generator, x, spec.restarts, rng)
    return starts


def _trained_with(q: Recognition, spec: LocalSpec) -> AmortizedPosterior:
    entry = FAMILIES[spec.family]
    if isinstance(q, AmortizedPosterior) and entry.conditional:
        size = (q.family.latent_dim, spec.flow_steps, spec.flow_hidden)
        if q.family == amortized_family(spec.family, *size):
            return q
    raise UserError(
        f"start is trained, but the model was not trained with the {entry.words} of {spec.flow_steps} steps and "
        f"{spec.flow_hidden} hidden units; write start: local-ffg, or the numbers of its training."
    )


@torch.no_grad()
def high_density_starts(
    generator: Generator, x: Tensor, restarts: int, rng: torch.Generator
) -> list[dict[str, Tensor]]:
    """Return starts of a Gaussian: the prior, then narrow Gaussians where log p(x, z) is large.

    Each of the latter sits at the best of 256 draws of z from the prior.
    """
    shape = (x.shape[0], generator.latent_dim)
    kind: dict[str, Any] = {"device": x.device, "dtype": x.dtype}
    starts = []
    for index in range(restarts):
        mean, log_variance = torch.zeros(shape, **kind), torch.zeros(shape, **kind)
        if index:
            z = torch.randn(x.shape[0], _DRAWS, generator.latent_dim, generator=rng, **kind)
            best = by_points(partial(_densest, generator, x, z), len(x), _DRAWS, x.device)
            mean = z[torch.arange(len(z), device=x.device), best]
            log_variance = log_variance + 2 * math.log(_NARROW)
        starts.append({"mean": mean, "log_variance": log_variance})
    return starts


def _densest(generator: Generator, x: Tensor, z: Tensor, rows: slice) -> Tensor:
    """Return which of the z [P, n, d] has the largest log p(x, z), at some of the points [B]."""
    return generator.log_joint(x[rows], z[rows]).argmax(1)
