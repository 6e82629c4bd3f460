"""An amortized flow as a local family: q(z|x) itself, with one copy of its networks for each data point.

The first layer of the networks of an amortized flow reads a feature of x, which adds a constant. With this
constant moved into the bias, a copy of the networks for each data point gives the same density without the
feature. So q(z|x) is a member of a local family, and q* can start from it: up to noise, its bound is never worse
than that of q(z|x).
"""

import dataclasses

from torch import Tensor

from inference_gaps.posteriors.family import Parameters, PosteriorFamily
from inference_gaps.posteriors.registry import amortized_family

__all__ = ["family_at_points", "parameters_at_points"]

_WEIGHT, _BIAS = ".0.weight", ".0.bias"


def family_at_points(name: str, latent_dim: int, steps: int, hidden: int) -> PosteriorFamily:
    """Return the family ``name`` in its amortized form, without the feature of x.

    Raises:
        UserError: the latent dimensions are too few for it.
    """
    amortized = amortized_family(name, latent_dim, steps, hidden)
    return dataclasses.replace(amortized, context_dim=0)  # type: ignore[type-var]


def parameters_at_points(parameters: Parameters) -> dict[str, Tensor]:
    """Return the parameters of :func:`family_at_points` that give the same densities.

    Args:
        parameters: of the amortized form, for B data points; networks are shared, ``context`` is [B, C].

    Returns:
        Each with a leading dimension B.
    """
    context = parameters["context"]
    points, width = context.shape
    found = {name: parameters[name] for name in ("mean", "log_variance")}
    for name in (name for name in parameters if name not in ("mean", "log_variance", "context")):
        tensor = parameters[name]
        shared = tensor.expand(points, *tensor.shape)
        if name.endswith(_WEIGHT):
            shared = shared[:, :-width]
        elif name.endswith(_BIAS):
            shared = shared + context @ parameters[name.removesuffix(_BIAS) + _WEIGHT][-width:]
        found[name] = shared.contiguous()
    return found
