"""Parameters of a posterior family from a table with one row per data point: the local q*."""

import math

import torch
from torch import Tensor

from inference_gaps.posteriors.auxiliary_flow import AuxiliaryFlow
from inference_gaps.posteriors.family import PosteriorFamily
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.posteriors.networks import initial_weights

__all__ = ["flow_from_gaussian", "flow_from_zeros", "local_family"]


def local_family(name: str, latent_dim: int, flow_steps: int, flow_hidden: int) -> PosteriorFamily:
    """Return the family ``name`` (``ffg`` or ``af``) in its local form."""
    if name == "ffg":
        return FullyFactorisedGaussian(latent_dim)
    return AuxiliaryFlow.local(latent_dim, flow_steps, flow_hidden)


def flow_from_zeros(flow: AuxiliaryFlow, points: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Return the authors' start: base moments zero, networks at PyTorch's default initialisation."""
    zeros = torch.zeros(points, flow.latent_dim)
    weights = initial_weights(flow.network_shapes(), generator, points)
    return {"mean": zeros, "log_variance": zeros.clone(), **weights}


def flow_from_gaussian(
    flow: AuxiliaryFlow, mean: Tensor, log_variance: Tensor, generator: torch.Generator
) -> dict[str, Tensor]:
    """Return a flow that equals N(mean, diag exp(log_variance)) to the last digit, for each data point.

    The output layers get zero weights, so that z does not depend on v and r(v|z) is the exact density of v;
    their biases undo the contraction of the flow steps. Hidden layers are random, so every weight can move.
    A flow optimised from here starts at the Gaussian's bound.

    Args:
        flow: a local flow (base v).
        mean: [B, d].
        log_variance: [B, d].
        generator: for the hidden layers.
    """
    points, d = mean.shape
    parameters = flow_from_zeros(flow, points, generator)
    scale_logit = 3.0
    log_contraction = flow.steps * -math.log1p(math.exp(-scale_logit))
    for prefix in ("second", "reverse"):
        parameters[f"{prefix}.2.weight"].zero_()
    parameters["second.2.bias"] = torch.cat(
        [mean / math.exp(log_contraction), log_variance - 2 * log_contraction], dim=-1
    )
    parameters["reverse.2.bias"] = torch.cat(
        [torch.zeros(points, d), torch.full((points, d), 2 * log_contraction)], dim=-1
    )
    for index in range(flow.steps):
        for variable in ("v", "z"):
            prefix = f"step{index}.{variable}.1"
            parameters[f"{prefix}.weight"].zero_()
            parameters[f"{prefix}.bias"] = torch.cat(
                [torch.zeros(points, d), torch.full((points, d), scale_logit)], dim=-1
            )
    return parameters
